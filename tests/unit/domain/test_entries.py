import json
from dataclasses import replace

import rfc8785
from hypothesis import given

from ledger.domain.acts import Kind, Mark
from ledger.domain.entries import Entry
from ledger.domain.values import Act
from tests.unit.domain.examples import acts
from tests.unit.domain.world import peopled


@given(acts())
def test_entry_bytes_are_canonical(act: Act) -> None:
    entry = Entry(7, "0x" + "ee" * 20, act, "aa" * 32, (b"\x01", bytes(65)), "city", Mark.NONE, 2**48 - 1, "bb" * 32)
    body = entry.entry_bytes()
    read = json.loads(body)
    assert rfc8785.dumps(read) == body
    assert sorted(read) == ["act", "head", "index", "kind", "module", "signatures", "signer", "time"]
    assert read["index"] == "7" and read["time"] == 2**48 - 1 and read["kind"] == act.type.entry
    for field in act.type.fields:
        value = read["act"][field.typed_name]
        assert isinstance(value, str) if field.kind is Kind.U64 else value == act[field.name]


def test_place_on_the_chain_is_no_part_of_the_bytes() -> None:
    world = peopled()
    for entry in world.entries:
        elsewhere = replace(entry, block_number=9, block_hash="11" * 32, transaction="22" * 32, department="x")
        assert elsewhere.entry_bytes() == entry.entry_bytes()
    assert json.loads(world.entries[0].entry_bytes())["signer"] is None
    assert json.loads(world.entries[0].entry_bytes())["signatures"] == []
    assert len(json.loads(next(e for e in world.entries if e.kind == "KeyEnrolled").entry_bytes())["signatures"]) == 2
