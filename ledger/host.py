"""What this host lends to the services: its keys, its clock, its signal. The glue between `ports` and `keys`."""

import asyncio
import time
from collections.abc import Collection, Sequence

from keys.errors import InvalidSigning, NoSuchKey
from keys.keyring import Keyring
from keys.signer import recover
from keys.transaction import Transaction, sign_transaction
from ledger.errors import NotPermitted


class SystemClock:
    """`ledger.ports.Clock` by the machine's clock."""

    def now(self) -> float:
        return time.time()


class HostSignatures:
    """`ledger.ports.Signatures` over an open keystore; without one, nothing is held here.

    `apart`: addresses whose keys sign no acts although they are kept here: the courier, which speaks for nobody.
    """

    def __init__(self, keyring: Keyring | None, apart: Collection[str] = ()) -> None:
        self._keyring, self._apart = keyring, frozenset(address.lower() for address in apart)

    def holds(self, address: str) -> bool:
        return self._keyring is not None and address.lower() not in self._apart and self._keyring.holds(address)

    async def sign(self, address: str, digests: Sequence[bytes]) -> list[bytes]:
        try:
            if self._keyring is None or address.lower() in self._apart:
                raise NoSuchKey("no such key signs acts here", address=address)
            signer = await self._keyring.unlock(address)
        except NoSuchKey:
            raise NotPermitted(
                f"the key {address} is not kept here",
                remedy="Sign the act where the key is kept and send it signed (POST /v1/acts, or --keystore).",
            ) from None
        return [signer.sign(digest) for digest in digests]

    def recovers(self, address: str, digest: bytes, signature: bytes) -> bool:
        try:
            return recover(digest, signature) == address
        except InvalidSigning:
            return False


class CourierAccount:
    """Signs transactions of one chain with one account of the keyring. Gas is free, so every fee is zero."""

    def __init__(self, keyring: Keyring, address: str, chain_id: int) -> None:
        self.address = address
        self._keyring, self._chain_id = keyring, chain_id

    async def sign(self, nonce: int, gas: int, to: str | None, payload: bytes) -> tuple[bytes, bytes]:
        """(raw transaction, its 32-byte hash)."""
        signer = await self._keyring.unlock(self.address)
        fields = Transaction(chain_id=self._chain_id, nonce=nonce, gas=gas, to=to, payload=payload)
        return sign_transaction(signer, fields)


class FinalSignal:
    """`ledger.ports.Signal` for the waiters of this process."""

    MOST = 0.25  # seconds; another process may follow, so nobody waits for our word alone

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.turn = 0

    def notify(self) -> None:
        self.turn += 1
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float, turn: int | None = None) -> None:
        if turn is not None and turn != self.turn:
            return
        try:
            async with asyncio.timeout(max(0.0, min(seconds, self.MOST))):
                await self._event.wait()
        except TimeoutError:
            return
