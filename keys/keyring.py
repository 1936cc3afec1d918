"""A keystore that is open, and a PKCS#11 token beside it if there is one: what this process can sign with.

Keys of the keystore are decrypted when first asked for and stay in memory. The passphrase is asked for once, when the
first key is needed, and serves the whole folder. Opening is serialised, because each derivation at full cost takes
256 MiB; a key already open is answered at once. The `async` forms do the same in a thread (the derivation releases the
GIL), so a server goes on answering. Keys of the token stay in it; with a token, new keys are made there.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from keys.errors import NoSuchKey, TokenUnavailable
from keys.keystore import Keystore
from keys.note_keys import open_note_key
from keys.notes import NoteSigner
from keys.passphrases import Passphrase, PassphraseSource
from keys.pkcs11 import Token
from keys.signer import Signer

TOKEN_SECONDS: Final = 30  # until a token that does not answer is given up; whatever it is doing cannot be stopped
Made = TypeVar("Made")


class Keyring:
    """The keys this process may use, by address or by name. Safe to share between threads and tasks."""

    def __init__(self, keystore: Keystore, source: PassphraseSource, token: Token | None = None) -> None:
        """Reads nothing yet: neither the passphrase nor a key. Open the token first, for `holds` asks what it knows."""
        self._keystore = keystore
        self._source = source
        self._token = token
        # the token's one thread: calls to it would queue anyway, and a device that hangs must not take up the others
        self._beside = ThreadPoolExecutor(1, "token")
        self._passphrase: Passphrase | None = None
        self._signers: dict[str, Signer] = {}
        self._secrets: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def holds(self, address: str) -> bool:
        """Whether this keyring could sign for the address (any letter case); asks for no passphrase."""
        if address.lower() in self._signers or self._keystore.holds(address):
            return True
        return self._token is not None and self._token.holds(address)

    def addresses(self) -> list[str]:
        """All addresses this keyring could sign for, lower case, sorted; asks for no passphrase."""
        return sorted({*self._signers, *self._keystore.addresses(), *(self._token.addresses() if self._token else ())})

    def signer(self, address: str) -> Signer:
        """The signer of an address; blocks for the key's derivation the first time.

        Raises NoSuchKey (before any passphrase is asked for), NoPassphrase, WrongPassphrase, InvalidKeyFile,
        UnsafePermissions.
        """
        name = address.lower()
        found = self._signers.get(name)
        if found is not None:
            return found
        if not self._keystore.holds(name):
            if self._token is not None and self._token.holds(name):
                return self._signers.setdefault(name, self._token.signer(name))
            raise NoSuchKey(f"the keystore holds no key of {name}", address=name)
        with self._lock:
            if name not in self._signers:
                self._signers[name] = self._keystore.unlock(name, self._open())
            return self._signers[name]

    async def unlock(self, address: str) -> Signer:
        """As `signer`, without blocking the event loop."""
        found = self._signers.get(address.lower())
        return found if found is not None else await asyncio.to_thread(self.signer, address)

    async def sign(self, address: str, digests: Sequence[bytes]) -> list[bytes]:
        """r ‖ s ‖ v over each 32-byte digest, without blocking the event loop. Raises as `signer` and its `sign` do."""
        signer = await self.unlock(address)
        return await self.beside(signer, lambda: [signer.sign(digest) for digest in digests])

    async def beside(self, signer: Signer, work: Callable[[], Made]) -> Made:
        """`work`, which signs with `signer`: at once, or in the token's own thread if it waits for one.

        Raises TokenUnavailable if the token does not answer in half a minute.
        """
        return await self._in_token_thread(work) if signer.waits else work()

    async def _in_token_thread(self, work: Callable[[], Made]) -> Made:
        try:
            async with asyncio.timeout(TOKEN_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._beside, work)
        except TimeoutError:
            raise TokenUnavailable(f"the token did not answer in {TOKEN_SECONDS} seconds") from None

    def create(self) -> Signer:
        """A new random account key, in the token if there is one, else in the keystore and open at once.

        Blocks for the key's derivation or for the token. Raises WeakPassphrase, TokenUnavailable, UnfitToken.
        """
        if self._token is not None:
            return self._token.signer(self._token.create().address)
        with self._lock:
            address = self._keystore.create(self._open())
            self._signers[address] = self._keystore.unlock(address, self._open())  # from disk: it is readable there
            return self._signers[address]

    async def create_key(self) -> Signer:
        """As `create`, without blocking the event loop."""
        if self._token is not None:
            return await self._in_token_thread(self.create)
        return await asyncio.to_thread(self.create)

    def secret(self, name: str) -> bytes:
        """The 32 bytes of another secret, e.g. `vault`. Raises as `signer` does."""
        with self._lock:
            if name not in self._secrets:
                self._secrets[name] = self._keystore.secret(name, self._open())
            return self._secrets[name]

    def note_signer(self, name: str) -> NoteSigner:
        """The note key kept for this key name. Raises as `signer` does."""
        with self._lock:
            return open_note_key(self._keystore, name, self._open())

    def forget(self) -> None:
        """Drops every open key and the passphrase, and logs out of the token; the next use asks for them again."""
        if self._token is not None:
            self._token.close()
        with self._lock:
            self._signers.clear()
            self._secrets.clear()
            self._passphrase = None

    def __repr__(self) -> str:
        return f"Keyring({self._keystore.folder}, {len(self._signers)} open)"

    def _open(self) -> Passphrase:
        if self._passphrase is None:
            self._passphrase = self._source()
        return self._passphrase
