"""ABI bytes of the calls and events we use, written out by hand: every act is static words, so there is little to do.

web3.py is the tests' oracle for these (equal bytes); its general codec costs milliseconds an act, this microseconds.
Source: Solidity ABI specification.
"""

from collections.abc import Iterable, Sequence
from functools import cache

from ledger.domain.acts import ActType
from ledger.domain.keccak import keccak256
from ledger.domain.values import Act

WORD = 32


def word(value: int) -> bytes:
    return value.to_bytes(WORD, "big")


def address_word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


def _tuple(act: ActType) -> str:
    return "(" + ",".join(field.kind.solidity for field in act.fields) + ")"


@cache
def act_selector(act: ActType) -> bytes:
    name = act.name[0].lower() + act.name[1:]
    return selector(f"{name}({_tuple(act)},bytes[])")


@cache
def event_topic(act: ActType) -> str:
    """topic0 of the act's event, as JSON-RPC writes it."""
    return "0x" + keccak256(f"{act.entry}(bytes32,uint256,bytes32,bytes32,uint8,{_tuple(act)})".encode()).hex()


RECORDED_TOPIC = "0x" + keccak256(b"Recorded(uint256,address,bytes32,bytes32,uint48,bytes[])").hex()
RETURNED_TOPIC = "0x" + keccak256(b"Returned(uint256,address,bytes32,bytes)").hex()
CARRY = selector("carry((address,bytes)[])")


def padded(raw: bytes) -> bytes:
    """A dynamic `bytes` with its length."""
    return word(len(raw)) + raw + bytes(-len(raw) % WORD)


def array_of(parts: Sequence[bytes]) -> bytes:
    """A dynamic array of dynamic elements that are encoded already."""
    offsets, at = [], WORD * len(parts)
    for part in parts:
        offsets.append(word(at))
        at += len(part)
    return word(len(parts)) + b"".join(offsets) + b"".join(parts)


def act_call(act: Act, signatures: Iterable[bytes]) -> bytes:
    """Calldata of the module's function for this act."""
    words = act.words()
    return b"".join(
        (act_selector(act.type), words, word(len(words) + WORD), array_of([padded(raw) for raw in signatures]))
    )


def act_call_size(act: Act, signatures: Sequence[bytes]) -> int:
    """How many bytes `act_call` gives, without making them."""
    texts = sum(2 * WORD + WORD * ((len(raw) + WORD - 1) // WORD) for raw in signatures)  # offset, length, bytes
    return 4 + WORD * (len(act.type.fields) + 2) + texts


def carry_call(calls: Sequence[tuple[str, bytes]]) -> bytes:
    """Calldata of Courier.carry for (module, calldata) pairs."""
    parts = [address_word(module) + word(2 * WORD) + padded(call) for module, call in calls]
    return CARRY + word(WORD) + array_of(parts)


def byte_strings(data: bytes, at: int) -> tuple[bytes, ...]:
    """The `bytes[]` whose offset stands in the word at `at`. Raises ValueError if it points outside."""
    start = int.from_bytes(data[at : at + WORD], "big")
    count = int.from_bytes(_slice(data, start, WORD), "big")
    base = start + WORD
    strings = []
    for number in range(count):
        offset = base + int.from_bytes(_slice(data, base + WORD * number, WORD), "big")
        size = int.from_bytes(_slice(data, offset, WORD), "big")
        strings.append(_slice(data, offset + WORD, size))
    return tuple(strings)


def _slice(data: bytes, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise ValueError("the log's data ends early")
    return data[start : start + size]
