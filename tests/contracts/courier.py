"""Carrying acts through the Courier, for several test files."""

from typing import Any

from eth_abi import decode, encode
from eth_hash.auto import keccak

from tests.contracts.signing import SignedAct
from tests.contracts.world import Refusal, World, decode_error

RETURNED = keccak(b"Returned(uint256,address,bytes32,bytes)")
Batch = list[tuple[str, bytes]]


def call_of(batch: Batch) -> bytes:
    return keccak(b"carry((address,bytes)[])")[:4] + encode(["(address,bytes)[]"], [batch])


def carry(world: World, *acts: SignedAct, gas: int = 16_000_000) -> dict[str, Any]:
    return carry_calls(world, [(act.module, act.calldata) for act in acts], gas)


def carry_calls(world: World, batch: Batch, gas: int = 16_000_000) -> dict[str, Any]:
    return world.chain.send(world.modules["Courier"], call_of(batch), gas)


def reasons(receipt: dict[str, Any]) -> list[tuple[int, str, bytes, bytes]]:
    """Position, module, call hash and raw reason of each act that came back."""
    return [
        (
            int(log["topics"][1], 16),
            "0x" + log["topics"][2][-40:],
            bytes.fromhex(log["topics"][3][2:]),
            decode(["bytes"], bytes.fromhex(log["data"][2:]))[0],
        )
        for log in receipt["logs"]
        if log["topics"][0] == "0x" + RETURNED.hex()
    ]


def returned(receipt: dict[str, Any]) -> list[tuple[int, str, bytes, Refusal]]:
    return [(position, module, call, decode_error(reason)) for position, module, call, reason in reasons(receipt)]
