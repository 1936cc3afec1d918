"""A keystore that is open: keys are decrypted when first asked for and stay in memory.

The passphrase is asked for once, when the first key is needed, and serves the whole folder. Opening is serialised,
because each derivation at full cost takes 256 MiB; a key already open is answered at once. The `async` forms do the
same in a thread (the derivation releases the GIL), so a server goes on answering.
"""

import asyncio
import threading

from keys.errors import NoSuchKey
from keys.keystore import Keystore
from keys.note_keys import open_note_key
from keys.notes import NoteSigner
from keys.passphrases import Passphrase, PassphraseSource
from keys.signer import Signer


class Keyring:
    """The keys this process may use, by address or by name. Safe to share between threads and tasks."""

    def __init__(self, keystore: Keystore, source: PassphraseSource) -> None:
        """Reads nothing yet: neither the passphrase nor a key."""
        self._keystore = keystore
        self._source = source
        self._passphrase: Passphrase | None = None
        self._signers: dict[str, Signer] = {}
        self._secrets: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def holds(self, address: str) -> bool:
        """Whether this keyring could sign for the address (any letter case); asks for no passphrase."""
        return address.lower() in self._signers or self._keystore.holds(address)

    def addresses(self) -> list[str]:
        """All addresses this keyring could sign for, lower case, sorted; asks for no passphrase."""
        return sorted({*self._signers, *self._keystore.addresses()})

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
            raise NoSuchKey(f"the keystore holds no key of {name}", address=name)
        with self._lock:
            if name not in self._signers:
                self._signers[name] = self._keystore.unlock(name, self._open())
            return self._signers[name]

    async def unlock(self, address: str) -> Signer:
        """As `signer`, without blocking the event loop."""
        found = self._signers.get(address.lower())
        return found if found is not None else await asyncio.to_thread(self.signer, address)

    def create(self) -> Signer:
        """Adds a random account key to the keystore, open at once; blocks for its derivation. Raises WeakPassphrase."""
        with self._lock:
            address = self._keystore.create(self._open())
            self._signers[address] = self._keystore.unlock(address, self._open())  # from disk: it is readable there
            return self._signers[address]

    async def create_key(self) -> Signer:
        """As `create`, without blocking the event loop."""
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
        """Drops every open key and the passphrase; the next use asks for it again."""
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
