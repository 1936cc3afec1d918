"""Raw transactions: what is read, and with which words the rest is refused."""

from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]

from ledger.chain.local.transaction import MAX_BYTES, decode
from ledger.chain.rpc import Rpc, RpcError, hexed, unhexed
from tests.integration.local_chain.world import ANYBODY, CHAIN_ID, Sender, hash_of, mine

SLOT = {"address": ANYBODY, "storageKeys": ["0x" + "00" * 32]}
LEGACY = {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 0}


@pytest.mark.parametrize("changes", [{}, {"accessList": [SLOT]}, LEGACY, LEGACY | {"accessList": [SLOT], "type": 1}])
async def test_the_three_kinds_are_read_and_mined(rpc: Rpc, changes: dict[str, Any]) -> None:
    sender = Sender()
    raw = sender.sign(data=b"\x00\x01", **changes)
    read = decode(raw, chain_id=CHAIN_ID, gas_limit=10**7)
    assert (hexed(read.hash), hexed(read.sender)) == (hash_of(raw), sender.address.lower())
    assert (read.nonce, read.gas, read.data, hexed(read.to)) == (0, 100_000, b"\x00\x01", ANYBODY)
    mined = await mine(rpc, raw)
    assert (mined["status"], mined["transactionHash"]) == ("0x1", hash_of(raw))


@pytest.mark.parametrize("changes", [{"data": b"\x00" * 7 + b"\x01" * 9}, {"accessList": [SLOT]}])
async def test_the_least_gas_is_what_anvil_charges(rpc: Rpc, changes: dict[str, Any]) -> None:
    sender = Sender()
    mined = await mine(rpc, sender.sign(**changes))
    needed = int(mined["gasUsed"], 16)
    decode(sender.sign(gas=needed, **changes), chain_id=CHAIN_ID, gas_limit=10**7)
    with pytest.raises(RpcError, match=f"intrinsic gas too low: gas {needed - 1}, minimum needed {needed}"):
        decode(sender.sign(gas=needed - 1, **changes), chain_id=CHAIN_ID, gas_limit=10**7)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chainId": 1}, "invalid chain id for signer: have 1 want 20250801"),
        (LEGACY | {"chainId": 1}, "invalid chain id for signer: have 1 want 20250801"),
        (LEGACY | {"chainId": None}, "only replay-protected"),
        ({"gas": 60_000_001}, "exceeds block gas limit"),
        ({"gas": 20_999}, "intrinsic gas too low"),
        ({"value": 1}, "insufficient funds"),
        ({"maxFeePerGas": 1}, "insufficient funds"),
        ({"maxPriorityFeePerGas": 1}, "max priority fee per gas higher than max fee per gas"),
        ({"to": None, "data": b"\x00" * 49_153, "gas": 10**7}, "max initcode size exceeded"),
        ({"data": b"\x01" * MAX_BYTES, "gas": 10**7}, "oversized data"),
    ],
)
async def test_refused_with_geths_words(rpc: Rpc, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RpcError, match=words) as refused:
        await rpc.call("eth_sendRawTransaction", Sender().sign(**changes))
    assert refused.value.rpc_code == -32000


def altered(position: int, value: object) -> str:
    items = rlp.decode(unhexed(Sender().sign())[1:])
    items[position] = value
    return hexed(b"\x02" + rlp.encode(items))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("0x", "type not supported"),
        ("0x03c0", "type not supported"),
        ("0x04c0", "type not supported"),
        ("0x7fc0", "type not supported"),
        ("0x02c0", "12 fields"),
        ("0x02", "rlp"),
        ("0xc0", "9 fields"),
        ("0xff", "rlp"),
        ("02c0", "not 0x and hex"),
        ("0xzz", "not 0x and hex"),
        (7, "not hex"),
        (None, "not hex"),
        ("0x" + "00" * (MAX_BYTES + 1), "oversized data"),
        (altered(1, b"\x00"), "nonce is not a canonical integer"),
        (altered(1, [b""]), "nonce is a list"),
        (altered(1, b"\xff" * 8), "nonce has max value"),
        (altered(4, b"\xff" * 9), "gas uint64 overflow"),
        (altered(5, b"\x01" * 19), "to is neither"),
        (altered(8, [[b"\x01"]]), "access list"),
        (altered(9, b"\x02"), "invalid transaction v, r, s"),
        (altered(10, b""), "invalid transaction v, r, s"),
        (altered(10, b"\xff" * 32), "invalid sender"),
        (altered(11, b"\xff" * 32), "invalid transaction v, r, s"),
    ],
)
def test_bytes_that_are_no_transaction(raw: object, words: str) -> None:
    with pytest.raises(RpcError, match=words):
        decode(raw, chain_id=CHAIN_ID, gas_limit=10**7)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(RpcError, match="rlp"):
        decode(Sender().sign() + "00", chain_id=CHAIN_ID, gas_limit=10**7)
