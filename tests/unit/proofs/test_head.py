from dataclasses import replace

import eth_abi
import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvalidDigest, InvalidInput
from ledger.proofs.head import first_head, first_unchained, next_head, signatures_hash
from tests.unit.domain.world import CHAIN_ID, MODULES, Module, peopled

WORD = st.binary(min_size=32, max_size=32)
ADDRESS = st.binary(min_size=20, max_size=20)


@given(st.integers(0, 2**256 - 1), ADDRESS)
def test_first_head(chain_id: int, journal: bytes) -> None:
    encoded = eth_abi.encode(["string", "uint256", "address"], ["ShareLedger", chain_id, "0x" + journal.hex()])
    assert first_head(chain_id, "0x" + journal.hex()) == keccak(encoded).hex()


@given(WORD, st.integers(0, 2**64), ADDRESS, WORD, st.lists(st.binary(max_size=200), max_size=4), st.integers(0, 2**48))
def test_next_head(head: bytes, index: int, module: bytes, digest: bytes, signatures: list[bytes], time: int) -> None:
    inner = keccak(eth_abi.encode(["bytes[]"], [signatures]))
    assert signatures_hash(signatures) == inner
    types = ["bytes32", "uint256", "address", "bytes32", "bytes32", "uint256"]
    oracle = keccak(eth_abi.encode(types, [head, index, "0x" + module.hex(), digest, inner, time])).hex()
    assert next_head(head.hex(), index, "0x" + module.hex(), digest.hex(), signatures, time) == oracle


def test_a_chain_of_entries() -> None:
    world = peopled()
    start = first_head(CHAIN_ID, MODULES[Module.JOURNAL])
    assert first_unchained(start, world.entries) is None
    for changed in (
        replace(world.entries[3], time=world.entries[3].time + 1),
        replace(world.entries[3], signatures=(b"other",)),
        replace(world.entries[3], digest="11" * 32),
        replace(world.entries[3], index=4),
        replace(world.entries[3], module=MODULES[Module.JOURNAL]),
    ):
        entries = [*world.entries[:3], changed, *world.entries[4:]]
        assert first_unchained(start, entries) is changed
    dropped = [*world.entries[:3], *world.entries[4:]]
    assert first_unchained(start, dropped) is world.entries[4]
    swapped = [*world.entries[:3], world.entries[4], world.entries[3]]
    assert first_unchained(start, swapped) is world.entries[4]


def test_malformed_parts() -> None:
    with pytest.raises(InvalidDigest):
        next_head("0x" + "11" * 32, 1, "0x" + "11" * 20, "11" * 32, (), 1)
    with pytest.raises(InvalidInput):
        first_head(1, "11" * 20)
