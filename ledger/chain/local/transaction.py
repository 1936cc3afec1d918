"""Decode a raw transaction and check all that can be checked without the chain's state.

Source: EIP-155 (legacy, replay protected), EIP-2930 (type 1), EIP-1559 (type 2), EIP-2 (low s), EIP-2028 and EIP-3860
(intrinsic gas). The messages are those of go-ethereum, since clients compare them.
"""

from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError as BadScalar

from ledger.chain.rpc import INVALID_PARAMS, SERVER, RpcError, hexed, quantity, unhexed

MAX_BYTES = 128 * 1024
_MAX_INIT_CODE = 2 * 24_576
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_NAMES = {
    0: ("nonce", "gas_price", "gas", "to", "value", "data", "v", "r", "s"),
    1: ("chain_id", "nonce", "gas_price", "gas", "to", "value", "data", "access_list", "v", "r", "s"),
    2: ("chain_id", "nonce", "tip", "gas_price", "gas", "to", "value", "data", "access_list", "v", "r", "s"),
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed transaction whose signature is right. `hash` 32 bytes, `sender` 20 bytes, `to` 20 bytes or empty."""

    raw: bytes
    hash: bytes
    kind: int
    sender: bytes
    nonce: int
    gas: int
    gas_price: int
    tip: int
    to: bytes
    value: int
    data: bytes
    signature: tuple[int, int, int]

    def pending(self, chain_id: int) -> dict[str, Any]:
        """As `eth_getTransactionByHash` shows a transaction that is in no block yet."""
        v, r, s = self.signature
        shown: dict[str, Any] = {
            "type": quantity(self.kind), "hash": hexed(self.hash), "nonce": quantity(self.nonce),
            "from": hexed(self.sender), "to": hexed(self.to) if self.to else None, "value": quantity(self.value),
            "gas": quantity(self.gas), "gasPrice": quantity(self.gas_price), "input": hexed(self.data),
            "chainId": quantity(chain_id), "v": quantity(v), "r": quantity(r), "s": quantity(s),
            "blockHash": None, "blockNumber": None, "transactionIndex": None,
        }  # fmt: skip
        if self.kind == 2:
            shown |= {"maxFeePerGas": quantity(self.gas_price), "maxPriorityFeePerGas": quantity(self.tip)}
        return shown


def decode(text: object, *, chain_id: int, gas_limit: int) -> Transaction:
    """Read the parameter of `eth_sendRawTransaction`. Raises `RpcError` as go-ethereum would answer."""
    if not isinstance(text, str) or len(text) > 2 + 2 * MAX_BYTES:
        raise RpcError(SERVER, "oversized data") if isinstance(text, str) else RpcError(INVALID_PARAMS, "not hex")
    try:
        raw = unhexed(text)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, "the transaction is not 0x and hex") from error
    kind, fields, access_list = _fields(raw)
    signing, parity = _signing(kind, fields, access_list, chain_id)
    transaction = Transaction(
        raw=raw, hash=keccak(raw), kind=kind, sender=_sender(signing, parity, fields["r"], fields["s"]),
        nonce=fields["nonce"], gas=fields["gas"], gas_price=fields["gas_price"],
        tip=fields.get("tip", fields["gas_price"]),
        to=fields["to"], value=fields["value"], data=fields["data"], signature=(fields["v"], fields["r"], fields["s"]),
    )  # fmt: skip
    _check(transaction, access_list, gas_limit)
    return transaction


def _fields(raw: bytes) -> tuple[int, dict[str, Any], list[Any]]:
    kind = 0 if raw[:1] >= b"\xc0" else int.from_bytes(raw[:1])
    if raw[:1] in (b"", b"\x00") or kind not in _NAMES:
        raise RpcError(SERVER, "transaction type not supported")
    try:
        items = rlp.decode(raw if kind == 0 else raw[1:], strict=True)
    except rlp.exceptions.RLPException as error:
        raise RpcError(SERVER, "rlp: the transaction cannot be decoded") from error
    names = _NAMES[kind]
    if not isinstance(items, list) or len(items) != len(names):
        raise RpcError(SERVER, f"rlp: a transaction of type {kind} has {len(names)} fields")
    fields: dict[str, Any] = {}
    for name, item in zip(names, items, strict=True):
        if name == "access_list":
            continue
        if not isinstance(item, bytes):
            raise RpcError(SERVER, f"rlp: {name} is a list")
        if name == "to" and len(item) not in (0, 20):
            raise RpcError(SERVER, "rlp: to is neither empty nor 20 bytes")
        if name in ("to", "data"):
            fields[name] = item
        elif len(item) > 32 or item[:1] == b"\x00":
            raise RpcError(SERVER, f"rlp: {name} is not a canonical integer")
        else:
            fields[name] = int.from_bytes(item)
    if fields["nonce"] >= 2**64 - 1 or fields["gas"] >= 2**64:
        raise RpcError(SERVER, "nonce has max value" if fields["gas"] < 2**64 else "gas uint64 overflow")
    return kind, fields, _access_list(items[-4]) if kind else []


def _access_list(items: Any) -> list[Any]:
    def is_entry(entry: Any) -> bool:
        return (
            isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], bytes) and len(entry[0]) == 20
            and isinstance(entry[1], list) and all(isinstance(key, bytes) and len(key) == 32 for key in entry[1])
        )  # fmt: skip

    if not isinstance(items, list) or not all(is_entry(entry) for entry in items):
        raise RpcError(SERVER, "rlp: the access list is not a list of addresses and slots")
    return items


def _signing(kind: int, fields: dict[str, Any], access_list: list[Any], chain_id: int) -> tuple[bytes, int]:
    """The digest that was signed, and the parity of the signature's point."""
    v = fields["v"]
    if kind == 0:
        if v in (27, 28):
            raise RpcError(SERVER, "only replay-protected (EIP-155) transactions allowed over RPC")
        if v not in (35 + 2 * chain_id, 36 + 2 * chain_id):
            raise RpcError(SERVER, f"invalid chain id for signer: have {(v - 35) // 2} want {chain_id}")
        parity = v - 35 - 2 * chain_id
        unsigned = [fields[name] for name in _NAMES[0][:-3]] + [chain_id, 0, 0]
        return keccak(rlp.encode([_wire(item) for item in unsigned])), parity
    if fields["chain_id"] != chain_id:
        raise RpcError(SERVER, f"invalid chain id for signer: have {fields['chain_id']} want {chain_id}")
    if v not in (0, 1):
        raise RpcError(SERVER, "invalid transaction v, r, s values")
    unsigned = [access_list if name == "access_list" else _wire(fields[name]) for name in _NAMES[kind][:-3]]
    return keccak(bytes([kind]) + rlp.encode(unsigned)), v


def _wire(item: int | bytes) -> bytes:
    return item if isinstance(item, bytes) else item.to_bytes((item.bit_length() + 7) // 8)


def _sender(digest: bytes, parity: int, r: int, s: int) -> bytes:
    if r == 0 or not 0 < s <= _HALF_ORDER:
        raise RpcError(SERVER, "invalid transaction v, r, s values")
    try:
        return Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest).to_canonical_address()
    except (BadSignature, BadScalar) as error:
        raise RpcError(SERVER, "invalid sender") from error


def _check(transaction: Transaction, access_list: list[Any], gas_limit: int) -> None:
    if len(transaction.raw) > MAX_BYTES:
        raise RpcError(SERVER, "oversized data")
    if not transaction.to and len(transaction.data) > _MAX_INIT_CODE:
        raise RpcError(SERVER, "max initcode size exceeded")
    if transaction.gas > gas_limit:
        raise RpcError(SERVER, "exceeds block gas limit")
    if transaction.tip > transaction.gas_price:
        raise RpcError(SERVER, "max priority fee per gas higher than max fee per gas")
    if transaction.gas < (needed := _intrinsic_gas(transaction, access_list)):
        raise RpcError(SERVER, f"intrinsic gas too low: gas {transaction.gas}, minimum needed {needed}")
    # No account has any coin: the genesis gives none and blocks earn none. So what costs anything cannot be paid.
    if transaction.value or transaction.gas_price:
        raise RpcError(SERVER, "insufficient funds for gas * price + value")


def _intrinsic_gas(transaction: Transaction, access_list: list[Any]) -> int:
    zeros = transaction.data.count(0)
    gas = 21_000 + 4 * zeros + 16 * (len(transaction.data) - zeros)
    if not transaction.to:
        gas += 32_000 + 2 * ((len(transaction.data) + 31) // 32)
    return gas + sum(2_400 + 1_900 * len(slots) for _, slots in access_list)
