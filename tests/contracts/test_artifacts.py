"""The committed artefacts are what is deployed."""

import hashlib
from typing import Any

import pytest

from tests.contracts.chain import ROOT as CHECKOUT
from tests.contracts.signing import domain
from tests.contracts.solidity import MODULES, artefact
from tests.contracts.world import ROOT, World

SIZE_LIMIT = 24_576  # EIP-170


@pytest.mark.parametrize("name", MODULES)
def test_artefact_is_whole_and_small(name: str) -> None:
    found = artefact(name)
    assert found["name"] == name and found["solc"].startswith("0.8.37+")
    assert found["settings"]["evmVersion"] == "cancun"
    assert 0 < len(found["deployedBytecode"]) // 2 - 1 < SIZE_LIMIT
    assert set(found) == {
        "name", "solc", "settings", "sources", "abi", "bytecode", "deployedBytecode", "immutableReferences",
        "storageLayout",
    }  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_sources_are_those_of_this_checkout(name: str) -> None:
    for unit, digest in artefact(name)["sources"].items():
        if unit.startswith("@"):
            continue
        text = (CHECKOUT / "contracts" / unit).read_text(encoding="utf-8")
        assert hashlib.sha256(text.encode()).hexdigest() == digest, f"{unit}: run scripts/compile_contracts"


@pytest.mark.parametrize("name", MODULES)
def test_deployed_code_is_the_artefact_with_its_immutables(world: World, name: str) -> None:
    """Each immutable is known by name, and filling them all in gives the very bytes on the chain."""
    found = artefact(name)
    deployed = bytearray.fromhex(found["deployedBytecode"][2:])
    known: dict[str, Any] = {
        **{module.upper(): bytes(12) + bytes.fromhex(address[2:]) for module, address in world.modules.items()},
        "DOMAIN": domain(world.modules[name]),
        "OPENING": world.opening_digest,
        "ROOT": ROOT,
    }
    for variable, places in found["immutableReferences"].items():
        for place in places:
            assert place["length"] == 32
            deployed[place["start"] : place["start"] + 32] = known[variable]
    assert world.chain("eth_getCode", world.modules[name], "latest") == "0x" + deployed.hex()


def test_sizes_in_the_readme() -> None:
    text = (CHECKOUT / "contracts" / "README.md").read_text(encoding="utf-8")
    for name in MODULES:
        size = len(artefact(name)["deployedBytecode"]) // 2 - 1
        assert f"| {name} | {size:,} |" in text
