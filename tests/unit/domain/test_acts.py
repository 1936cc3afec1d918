"""The table of acts against the Solidity sources and against itself."""

import re
from pathlib import Path

from ledger.domain.acts import ACTS, BY_ENTRY
from ledger.domain.apply import _CHANGES
from ledger.domain.rules import _RULES
from ledger.domain.touches import _TOUCHES

SOURCES = Path(__file__).parents[3] / "contracts/src"
TYPE = re.compile(r"[A-Z]\w+\((?:[a-z]\w* \w+,?)+\)")
EVENT = re.compile(r"event (\w+)\([^;]*?,\s*(\w+) act\s*\)", re.DOTALL)


def test_type_strings_are_the_contracts() -> None:
    found = set()
    for source in SOURCES.rglob("*.sol"):
        joined = re.sub(r'"\s*\n\s*"', "", source.read_text("utf-8"))
        for literal in re.findall(r'"([^"\n]*)"', joined):
            found.update(TYPE.findall(literal))
    found = {text for text in found if not text.startswith("EIP712Domain(")}
    assert found == {act.encoded_type for act in ACTS.values()}


def test_events_are_named_as_entries() -> None:
    found = {}
    for source in (SOURCES / "interfaces").glob("*.sol"):
        for entry, act in EVENT.findall(source.read_text("utf-8")):
            found[entry] = (act, source.stem)
    assert found == {act.entry: (act.name, f"I{act.module}") for act in ACTS.values()}


def test_every_act_has_its_functions() -> None:
    assert set(_CHANGES) == set(BY_ENTRY)
    assert set(_TOUCHES) == set(ACTS)
    assert set(_RULES) | {"OpenLedger"} == set(ACTS)
