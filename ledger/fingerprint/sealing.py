"""How a table that is kept is encrypted: Parquet modular encryption, every key inside the object it opens.

A kept table is one or more *sealed parts*, each a Parquet file whose footer and columns are encrypted under AES_GCM_V1
(Parquet's Encryption.md) with a random 256-bit data key. The data key lies in the file's own key material, wrapped
under the part's key:

    wrapped = base64(nonce (12 random bytes) ‖ AES-256-GCM(part's key, nonce, data key, purpose ‖ u64(first record)))
    purpose = "shareledger/sealed-part/1" ‖ 0

A part's key is 32 random bytes of that part alone, so whoever deletes it shreds the part and nothing else. Parquet
binds each page to its file, row group, column and place; the first record binds the data key to the part's place in
the table. What Parquet leaves open (how the footer is encrypted, the key material, the footer's length) is in *the
tail*, everything from there to the end of the file, whose SHA-256 is kept beside the object's own.
"""

import base64
import binascii
import secrets
import struct
from datetime import timedelta
from typing import Any, Final

import pyarrow.parquet.encryption as pe
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PART_KEY_BYTES: Final = 32
MAGIC: Final = b"PARE"  # a Parquet file with an encrypted footer begins and ends so
PURPOSE: Final = b"shareledger/sealed-part/1\x00"
SCHEMA_NAME: Final = "shareledger.schema"  # of the footer's metadata: names and types of the columns
_NONCE: Final = 12
_NAME: Final = "part"  # Parquet wants a name for every key
_UNCACHED: Final = timedelta(0)


class OtherKey(ValueError):
    """A part's data key does not open under this key, at this place."""


class _Wrapping(pe.KmsClient):  # type: ignore[misc]
    """Wraps the data key of one part. Holds the part's key for as long as Parquet works on it."""

    def __init__(self, key: bytes, first_record: int) -> None:
        super().__init__()
        if len(key) != PART_KEY_BYTES:
            raise ValueError(f"a part's key has {PART_KEY_BYTES} bytes, this has {len(key)}")
        self._cipher = AESGCM(key)
        self._context = PURPOSE + struct.pack(">Q", first_record)

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        nonce = secrets.token_bytes(_NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, key_bytes, self._context)).decode()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        try:
            wrapped = base64.b64decode(wrapped_key, validate=True)
            return self._cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], self._context)
        except (InvalidTag, ValueError, binascii.Error):
            raise OtherKey("the key is not this part's, or the part is not of this place") from None


def encryption(key: bytes, first_record: int) -> Any:
    """Properties for pyarrow's Parquet writer. `key`: 32 bytes, of this part alone."""
    configuration = pe.EncryptionConfiguration(
        footer_key=_NAME,
        uniform_encryption=True,
        encryption_algorithm="AES_GCM_V1",
        data_key_length_bits=256,
        plaintext_footer=False,
        double_wrapping=False,
        internal_key_material=True,
        cache_lifetime=_UNCACHED,
    )
    return _factory(key, first_record).file_encryption_properties(pe.KmsConnectionConfig(), configuration)


def decryption(key: bytes, first_record: int) -> Any:
    """Properties for pyarrow's Parquet reader. Reading raises OtherKey, or what Arrow makes of it, for a wrong key."""
    configuration = pe.DecryptionConfiguration(cache_lifetime=_UNCACHED)
    return _factory(key, first_record).file_decryption_properties(pe.KmsConnectionConfig(), configuration)


def _factory(key: bytes, first_record: int) -> Any:
    client = _Wrapping(key, first_record)
    return pe.CryptoFactory(lambda _: client)
