"""Keys and typed data for the contract tests, written from EIP-712 and not from the product."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import coincurve
from eth_abi import encode
from eth_hash.auto import keccak

from ledger.domain.acts import ACTS, ActType
from tests.contracts.chain import CHAIN_ID

DOMAIN_TYPE = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Hand:
    """A private key that follows from its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = coincurve.PrivateKey(hashlib.sha256(name.encode()).digest())
        self.address = "0x" + keccak(self._key.public_key.format(compressed=False)[1:])[12:].hex()

    def sign(self, digest: bytes) -> bytes:
        made = self._key.sign_recoverable(digest, hasher=None)
        return made[:64] + bytes([made[64] + 27])


def code(text: str) -> bytes:
    return text.encode("ascii").ljust(32, b"\0")


def digest_of(text: str) -> bytes:
    """A digest to stand for a document and the like."""
    return hashlib.sha256(text.encode()).digest()


def domain(module: str, chain_id: int = CHAIN_ID) -> bytes:
    words = (DOMAIN_TYPE, keccak(b"ShareLedger"), keccak(b"1"), chain_id, module)
    return keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], words))


def typed_digest(act: ActType, values: Mapping[str, Any], module: str, chain_id: int = CHAIN_ID) -> bytes:
    types = [field.kind.solidity for field in act.fields]
    words = [values[field.name] for field in act.fields]
    struct_hash = keccak(encode(["bytes32", *types], [keccak(act.encoded_type.encode()), *words]))
    return keccak(b"\x19\x01" + domain(module, chain_id) + struct_hash)


def tuple_type(act: ActType) -> str:
    return "(" + ",".join(field.kind.solidity for field in act.fields) + ")"


@dataclass(frozen=True)
class SignedAct:
    act: ActType
    values: dict[str, Any]
    module: str
    digest: bytes
    signatures: tuple[bytes, ...]

    @property
    def calldata(self) -> bytes:
        name = self.act.name[0].lower() + self.act.name[1:]
        types = [tuple_type(self.act), "bytes[]"]
        words = [self.values[field.name] for field in self.act.fields]
        return keccak(f"{name}({','.join(types)})".encode())[:4] + encode(types, [words, self.signatures])

    def with_signatures(self, *signatures: bytes) -> "SignedAct":
        return SignedAct(self.act, self.values, self.module, self.digest, signatures)


def sign(
    name: str, values: dict[str, Any], module: str, hands: tuple[Hand, ...], chain_id: int = CHAIN_ID
) -> SignedAct:
    act = ACTS[name]
    digest = typed_digest(act, values, module, chain_id)
    return SignedAct(act, values, module, digest, tuple(hand.sign(digest) for hand in hands))
