"""Wrapping the keys of payloads and salts, so that rows in the database hold no key that opens anything by itself.

    wrapped    = 01 ‖ vault id (8) ‖ nonce (12 random bytes) ‖ AES-256-GCM(vault key, nonce, key, purpose ‖ context)
    vault id   = HMAC-SHA-256(vault key, "shareledger vault id")[:8]
    purpose    = "shareledger/wrapped-key/1" ‖ 0

The context names what the key is for; a wrapped key copied to another row does not open there. Deleting every copy of a
wrapped key shreds what it opens. Random nonces are safe for 2^32 wraps under one vault key (NIST SP 800-38D, 8.3).
"""

import hashlib
import hmac
import secrets
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import Corrupt, InvalidSettings, NotReady

VERSION = b"\x01"
PURPOSE = b"shareledger/wrapped-key/1\x00"
KEY = 32
ID = 8
NONCE = 12
WRAPPED = len(VERSION) + ID + NONCE + KEY + 16


class Vault:
    """Holds the one key that wraps the others; it has no representation, copy or pickle that shows it."""

    __slots__ = ("_cipher", "id")

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes, from a keystore. Raises InvalidSettings."""
        if len(key) != KEY:
            raise InvalidSettings(f"a vault key has {KEY} bytes, this has {len(key)}")
        self._cipher = AESGCM(key)
        self.id = hmac.digest(key, b"shareledger vault id", hashlib.sha256)[:ID]

    @staticmethod
    def new_key() -> bytes:
        """A new random key for a payload or a segment: 32 bytes."""
        return secrets.token_bytes(KEY)

    def wrap(self, key: bytes, context: str) -> bytes:
        """69 bytes that only `unwrap` with the same vault and context turns back into `key` (32 bytes)."""
        if len(key) != KEY:
            raise ValueError(f"a wrapped key has {KEY} bytes, this has {len(key)}")
        nonce = secrets.token_bytes(NONCE)
        return VERSION + self.id + nonce + self._cipher.encrypt(nonce, key, PURPOSE + context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """The 32-byte key. Raises NotReady if another vault wrapped it, Corrupt if damaged or of another context."""
        if len(wrapped) != WRAPPED or wrapped[:1] != VERSION:
            raise Corrupt(f"the wrapped key of {context} is not of a known form", object=context)
        if not hmac.compare_digest(wrapped[1 : 1 + ID], self.id):
            raise NotReady(
                f"the key of {context} was wrapped by another vault",
                remedy="Restore the keystore that belongs to this database.",
                vault=wrapped[1 : 1 + ID].hex(),
            )
        body = wrapped[1 + ID :]
        try:
            return self._cipher.decrypt(body[:NONCE], body[NONCE:], PURPOSE + context.encode())
        except InvalidTag:
            raise Corrupt(f"the wrapped key of {context} was changed or moved", object=context) from None

    def __repr__(self) -> str:
        return f"Vault({self.id.hex()})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a vault is neither copied nor pickled: it holds a key")
