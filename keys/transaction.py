"""Signing EIP-1559 transactions (type 2, EIP-2718) with any signer."""

import re
from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak

from keys.errors import InvalidTransaction
from keys.signer import Signer

TYPE = b"\x02"
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """The fields of an EIP-1559 transaction; fees in wei per gas, `value` in wei. `to` is None for a deployment.

    Fees may be zero (a chain with free gas). There is no access list: nothing here needs one.
    """

    chain_id: int
    nonce: int
    gas: int
    to: str | None
    max_fee: int = 0
    max_priority_fee: int = 0
    value: int = 0
    payload: bytes = b""

    def check(self) -> None:
        """Raises InvalidTransaction for a field out of its range (EIP-1559; nonce below 2^64 − 1 by EIP-2681)."""
        bounds = {"chain_id": 2**256, "nonce": 2**64 - 1, "gas": 2**64, "value": 2**256}
        bounds |= {"max_fee": 2**256, "max_priority_fee": 2**256}
        for name, bound in bounds.items():
            number = getattr(self, name)
            if type(number) is not int or not 0 <= number < bound:
                raise InvalidTransaction(f"{name} must be a whole number from 0 to {bound - 1}", field=name)
        if self.max_priority_fee > self.max_fee:
            raise InvalidTransaction("max_priority_fee is more than max_fee", field="max_priority_fee")
        if self.to is not None and not ADDRESS.fullmatch(self.to):
            raise InvalidTransaction("to must be 0x and 40 hex digits, or None", field="to")


def sign_transaction(signer: Signer, transaction: Transaction) -> tuple[bytes, bytes]:
    """The raw bytes to send and their 32-byte transaction hash.

    The same transaction signed again by a `LocalSigner` gives the same bytes (RFC 6979). Raises InvalidTransaction.
    """
    transaction.check()
    fields = _fields(transaction)
    signature = signer.sign(keccak(TYPE + rlp.encode(fields)))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    raw = TYPE + rlp.encode([*fields, signature[64] - 27, r, s])  # type 2 carries the parity, not v
    return raw, keccak(raw)


def _fields(transaction: Transaction) -> list[object]:
    return [
        transaction.chain_id,
        transaction.nonce,
        transaction.max_priority_fee,
        transaction.max_fee,
        transaction.gas,
        b"" if transaction.to is None else bytes.fromhex(transaction.to[2:]),
        transaction.value,
        transaction.payload,
        [],
    ]
