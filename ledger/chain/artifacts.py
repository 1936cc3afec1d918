"""The compiled contracts that this program deploys and expects to find. Made by scripts/compile_contracts."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ledger.domain.keccak import keccak256

CONTRACTS = (  # in the order of deployment
    "Journal",
    "Departments",
    "Datasets",
    "Authorisations",
    "Attestations",
    "Rulebook",
    "Checkpoints",
    "Courier",
)


@cache
def artifact(name: str) -> dict[str, Any]:
    """abi, bytecode, deployedBytecode, immutableReferences (by variable name) and the digests of the sources."""
    found = json.loads((files("ledger.chain") / "artifacts" / f"{name}.json").read_text())
    assert isinstance(found, dict)
    return found


def runtime_code(name: str, immutables: Mapping[str, bytes]) -> bytes:
    """The code that the chain must hold: immutables filled in, not masked. Raises KeyError for one without value."""
    made = artifact(name)
    code = bytearray.fromhex(made["deployedBytecode"][2:])
    for variable, places in made["immutableReferences"].items():
        for place in places:
            code[place["start"] : place["start"] + place["length"]] = immutables[variable]
    return bytes(code)


def code_digest(code: bytes) -> str:
    return "0x" + keccak256(code).hex()
