"""A folder of encrypted key files: account keys, and other 32-byte secrets (a vault's, a note key's).

    <address>.json      an account key, lower case, 0x: Web3 Secret Storage version 3, readable by any wallet
    <name>.json         another secret, a name in lower case; the same format without an address, with a check value

The folder has mode 0700 and each file 0600; anything looser is refused before it is read. A file is never overwritten.
"""

import hashlib
import hmac
import json
import re
import secrets
from pathlib import Path
from typing import Any

from keys.curve import ORDER
from keys.envelope import MAX_FILE, parse, seal, unseal
from keys.errors import InvalidKey, InvalidKeyFile, NoSuchKey
from keys.passphrases import Passphrase
from keys.private_files import check_private_folder, create_private, ensure_private_folder, read_private
from keys.signer import LocalSigner

ADDRESS = re.compile(r"0x[0-9a-f]{40}")
SECRET_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class Keystore:
    """One such folder. Listing needs no passphrase; every other call derives a key from one and blocks meanwhile."""

    def __init__(self, folder: Path, *, cost: int | None = None) -> None:
        """Creates the folder if need be. `cost` is scrypt's n for new files; None chooses by the passphrase.

        Raises UnsafePermissions, OSError.
        """
        ensure_private_folder(folder)
        self.folder = folder
        self._cost = cost

    def addresses(self) -> list[str]:
        """The addresses of all account keys here, sorted; told from the file names alone."""
        check_private_folder(self.folder)
        return sorted(path.stem for path in self.folder.glob("0x*.json") if ADDRESS.fullmatch(path.stem))

    def holds(self, address: str) -> bool:
        """Whether there is a key file for this address, in any letter case."""
        return ADDRESS.fullmatch(address.lower()) is not None and self._path(address.lower()).is_file()

    def create(self, passphrase: Passphrase) -> str:
        """A new random account key; its address. Raises WeakPassphrase, UnsafePermissions, OSError."""
        return self.add(random_secret(), passphrase)

    def add(self, private_key: bytes, passphrase: Passphrase) -> str:
        """Keeps an existing account key; its address. Raises InvalidKey, KeyExists, WeakPassphrase, OSError."""
        address = LocalSigner(private_key).address
        document = seal(private_key, passphrase, cost=self._cost)
        self._write(address, document | {"address": address[2:]})
        return address

    def unlock(self, address: str, passphrase: Passphrase) -> LocalSigner:
        """The signer of an address held here. Raises NoSuchKey, WrongPassphrase, InvalidKeyFile, UnsafePermissions."""
        name = address.lower()
        if not ADDRESS.fullmatch(name):
            raise NoSuchKey(f"{address!r} is not an address", address=address)
        return _open_account(self._read(name), passphrase, name=f"{name}.json", expected=name)

    def create_secret(self, name: str, passphrase: Passphrase, *, public: dict[str, str] | None = None) -> bytes:
        """32 new random bytes kept under `name`; `public` is stored beside them, readable without the passphrase.

        Raises KeyExists, WeakPassphrase, OSError.
        """
        secret = random_secret()
        self.add_secret(name, secret, passphrase, public=public)
        return secret

    def add_secret(
        self, name: str, secret: bytes, passphrase: Passphrase, *, public: dict[str, str] | None = None
    ) -> None:
        """Keeps 32 given bytes under `name`. Raises KeyExists, InvalidKey, WeakPassphrase, NoSuchKey, OSError."""
        self._check_name(name)
        document = seal(secret, passphrase, cost=self._cost)
        del document["address"]  # these bytes are no account's key; publishing one derived from them serves nobody
        self._write(name, document | {"check": _check_value(name, secret), "public": public or {}})

    def secret(self, name: str, passphrase: Passphrase) -> bytes:
        """The 32 bytes kept under `name`. Raises NoSuchKey, WrongPassphrase, InvalidKeyFile, UnsafePermissions."""
        self._check_name(name)
        document = self._read(name)
        secret = unseal(document, passphrase)
        if not hmac.compare_digest(str(document.get("check")).encode(), _check_value(name, secret).encode()):
            raise InvalidKeyFile(f"{name}.json is damaged, or is another secret's file renamed", file=f"{name}.json")
        return secret

    def public_of(self, name: str) -> dict[str, str]:
        """What was stored beside a secret, unauthenticated until it is opened. Raises NoSuchKey, InvalidKeyFile."""
        self._check_name(name)
        public = self._read(name).get("public", {})
        if not isinstance(public, dict) or not all(isinstance(value, str) for value in public.values()):
            raise InvalidKeyFile(f"{name}.json has a public part that is not text", file=f"{name}.json")
        return {str(member): value for member, value in public.items()}

    def secrets(self) -> list[str]:
        """The names of all secrets here that are no account keys, sorted."""
        check_private_folder(self.folder)
        return sorted(path.stem for path in self.folder.glob("*.json") if SECRET_NAME.fullmatch(path.stem))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        check_private_folder(self.folder)
        return read_key_file(self._path(name))

    def _write(self, name: str, document: dict[str, Any]) -> None:
        check_private_folder(self.folder)
        create_private(self._path(name), json.dumps(document, indent=1).encode() + b"\n")

    @staticmethod
    def _check_name(name: str) -> None:
        if not SECRET_NAME.fullmatch(name):
            raise NoSuchKey(f"{name!r} is not the name of a secret", remedy="Use a-z, 0-9 and dashes.")


def read_key_file(path: Path) -> dict[str, Any]:
    """A key file wherever it lies, checked but not opened. Raises NoSuchKey, InvalidKeyFile, UnsafePermissions."""
    try:
        content = read_private(path, MAX_FILE)
    except FileNotFoundError as cause:
        raise NoSuchKey(f"there is no key file {path.name} in {path.parent}", file=path.name) from cause
    except OSError as cause:
        raise InvalidKeyFile(f"{path} cannot be read: {cause.strerror}", file=path.name) from cause
    return parse(content, name=path.name)


def open_key_file(path: Path, passphrase: Passphrase) -> LocalSigner:
    """The signer of one key file outside any keystore, e.g. a department's own, or another wallet's.

    Raises NoSuchKey, WrongPassphrase, InvalidKeyFile, UnsafePermissions.
    """
    document = read_key_file(path)
    address = document.get("address")
    expected = None if address is None else "0x" + str(address).lower().removeprefix("0x")
    return _open_account(document, passphrase, name=path.name, expected=expected)


def _open_account(document: dict[str, Any], passphrase: Passphrase, *, name: str, expected: str | None) -> LocalSigner:
    private_key = unseal(document, passphrase)
    try:
        signer = LocalSigner(private_key)
    except InvalidKey as cause:
        raise InvalidKeyFile(f"{name} holds no private key", file=name) from cause
    if expected is not None and signer.address != expected:  # the format's checksum leaves the initial counter open
        raise InvalidKeyFile(f"{name} holds the key of another address, {signer.address}", file=name)
    return signer


def random_secret() -> bytes:
    """32 random bytes that are also a valid private key, the only ones the file format holds (all but one in 2^127)."""
    return (secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "big")


def _check_value(name: str, secret: bytes) -> str:
    """Binds a secret to its name: 16 hex digits that tell nothing of 256 random bits."""
    return hmac.new(secret, b"keystore secret\n" + name.encode(), hashlib.sha256).hexdigest()[:16]
