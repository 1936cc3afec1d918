"""The keys a command signs with here: a key file, or a key in a PKCS#11 token. Without either the server signs.

The address is known before any passphrase or PIN is asked for; those are asked for only when something is signed.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ledger.cli.failures import InvalidOption
from ledger.cli.run import Run

if TYPE_CHECKING:
    from keys.pkcs11 import TokenKey

NEW = "new_"
"""Prefix of the options that name a key to be enrolled."""


class KeyAtHand(Protocol):
    @property
    def address(self) -> str:
        """Lower case. Raises InvalidOption, keys.errors.KeysError."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """r ‖ s ‖ v over 32 bytes. Raises keys.errors.KeysError."""
        ...


@dataclass
class FileKey:
    """A key file, opened when it signs."""

    run: Run
    file: Path
    prefix: str

    @cached_property
    def address(self) -> str:
        from keys.keystore import read_key_file

        address = read_key_file(self.file).get("address")
        if address is None:
            remedy = "Add the wallet's address to the key file."
            raise InvalidOption(f"{self.file} does not name its address", remedy=remedy)
        return "0x" + str(address).lower().removeprefix("0x")

    def sign(self, digest: bytes) -> bytes:
        from keys.keystore import open_key_file

        return open_key_file(self.file, self.run.passphrase(prefix=self.prefix)()).sign(digest)


@dataclass
class HeldKey:
    """A key in the token, found by its address or label."""

    run: Run
    name: str

    @cached_property
    def _key(self) -> "TokenKey":
        return self.run.token.find(self.name)

    @property
    def address(self) -> str:
        return self._key.address

    def sign(self, digest: bytes) -> bytes:
        return self.run.token.sign(self._key, digest)


def signs_here(run: Run) -> bool:
    """Whether a key at hand signs at all: the caller's own, or only the one to be enrolled."""
    return any(run.options.get(f"{prefix}{kind}") for prefix in ("", NEW) for kind in ("keystore", "pkcs11_key"))


def key_at_hand(run: Run, prefix: str = "") -> KeyAtHand | None:
    """The key named by --keystore or --pkcs11-key, or by --new-…; None if none is. Raises InvalidOption for both."""
    file, name = run.options.get(f"{prefix}keystore"), run.options.get(f"{prefix}pkcs11_key")
    if file is not None and name is not None:
        flag = "--" + prefix.replace("_", "-")
        raise InvalidOption(f"both {flag}keystore and {flag}pkcs11-key are given", remedy="Give one.")
    if file is not None:
        return FileKey(run, file, prefix)
    return HeldKey(run, name) if name is not None else None
