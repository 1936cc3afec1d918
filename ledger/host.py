"""What this host lends to the services: its keys, its clock, its signal. The glue between `ports` and `keys`."""

import asyncio
import time
from collections.abc import Collection, Sequence

from keys.errors import InvalidSigning, NoSuchKey
from keys.keyring import Keyring
from keys.keystore import Keystore
from keys.passphrases import PassphraseSource
from keys.pkcs11 import Token
from keys.signer import recover
from keys.transaction import Transaction, sign_transaction
from ledger.errors import InvalidSettings, NotPermitted, NotReady
from ledger.settings import Settings


def token_of(settings: Settings, pin: PassphraseSource | None) -> Token | None:
    """The PKCS#11 token the settings name, not opened yet; None if they name none.

    Raises InvalidSettings if only half of it is named, NotReady without a PIN.
    """
    if settings.pkcs11_module is None and not settings.pkcs11_token:
        return None
    if settings.pkcs11_module is None or not settings.pkcs11_token:
        raise InvalidSettings("SHARELEDGER_PKCS11_MODULE and SHARELEDGER_PKCS11_TOKEN go together")
    if pin is None:
        raise NotReady(f"no PIN was given for the token {settings.pkcs11_token}", remedy="Give --pin-file or --pin-fd.")
    return Token(settings.pkcs11_module, settings.pkcs11_token, pin)


def open_keyring(settings: Settings, passphrase: PassphraseSource, pin: PassphraseSource | None = None) -> Keyring:
    """This home's keys: its keystore, not decrypted yet, and its token, logged in to. Blocks for the token.

    Raises as `token_of` and `keys.pkcs11.Token.open` do, and UnsafePermissions.
    """
    token = token_of(settings, pin)
    if token is not None:
        token.open()
    return Keyring(Keystore(settings.keystore), passphrase, token)


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
            return await self._keyring.sign(address, digests)
        except NoSuchKey:
            raise NotPermitted(
                f"the key {address} is not kept here",
                remedy="Sign the act where the key is kept and send it so (--keystore, --pkcs11-key, POST /v1/acts).",
            ) from None

    def recovers(self, address: str, digest: bytes, signature: bytes) -> bool:
        try:
            return recover(digest, signature) == address
        except InvalidSigning:
            return False

    async def right(self, asked: Sequence[tuple[str, str, bytes]]) -> frozenset[tuple[str, str, bytes]]:
        """In a thread: the dearest sum of an act, for which the interpreter is not needed."""

        def found() -> frozenset[tuple[str, str, bytes]]:
            return frozenset(one for one in asked if self.recovers(one[0], bytes.fromhex(one[1]), one[2]))

        return await asyncio.to_thread(found)


class CourierAccount:
    """Signs transactions of one chain with one account of the keyring. Gas is free, so every fee is zero."""

    def __init__(self, keyring: Keyring, address: str, chain_id: int) -> None:
        self.address = address
        self._keyring, self._chain_id = keyring, chain_id

    async def sign(self, nonce: int, gas: int, to: str | None, payload: bytes) -> tuple[bytes, bytes]:
        """(raw transaction, its 32-byte hash)."""
        signer = await self._keyring.unlock(self.address)
        fields = Transaction(chain_id=self._chain_id, nonce=nonce, gas=gas, to=to, payload=payload)
        return await self._keyring.beside(signer, lambda: sign_transaction(signer, fields))


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
