"""Fakes of the small ports: a clock that stands still, keys in the open, keys that are only labelled, no waiting."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from keys.signer import LocalSigner, recover
from ledger.errors import Corrupt, NotPermitted


class FakeClock:
    """Stands still until it is moved. `ledger.ports.Clock`."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        return self.time


class FakeSignatures:
    """Every key ever made here, by address. `ledger.ports.Signatures`."""

    def __init__(self, signers: Mapping[str, LocalSigner] = MappingProxyType({})) -> None:
        self.signers = dict(signers)

    def key(self, name: str) -> LocalSigner:
        """Always the same key for a name."""
        signer = LocalSigner(hashlib.sha256(name.encode()).digest())
        self.signers[signer.address] = signer
        return signer

    def holds(self, address: str) -> bool:
        return address in self.signers

    async def sign(self, address: str, digests: Sequence[bytes]) -> list[bytes]:
        if address not in self.signers:
            raise NotPermitted(f"the key {address} is not kept here")
        return [self.signers[address].sign(digest) for digest in digests]

    def recovers(self, address: str, digest: bytes, signature: bytes) -> bool:
        return len(signature) == 65 and recover(digest, signature) == address

    async def right(self, asked: Sequence[tuple[str, str, bytes]]) -> frozenset[tuple[str, str, bytes]]:
        return frozenset(one for one in asked if self.recovers(one[0], bytes.fromhex(one[1]), one[2]))


class FakeVault:
    """A wrapped key is its context's digest and the key itself. `ledger.ports.Vault`."""

    def wrap(self, key: bytes, context: str) -> bytes:
        return hashlib.sha256(context.encode()).digest() + key

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        if wrapped[:32] != hashlib.sha256(context.encode()).digest():
            raise Corrupt(f"the wrapped key of {context} was changed or moved", object=context)
        return wrapped[32:]


class FakeSignal:
    """Nobody waits. `ledger.ports.Signal`."""

    turn = 0

    async def wait(self, seconds: float, turn: int | None = None) -> None:
        return None
