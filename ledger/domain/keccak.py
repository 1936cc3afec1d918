"""Keccak-256, Ethereum's hash (not FIPS 202's SHA3-256: another padding)."""

import threading
from typing import Any, Final

from Crypto.Hash import keccak

# pycryptodome's compiled part: a hash object of its own for each digest takes longer than the hashing
_MODULE: Final[Any] = keccak
_LIBRARY: Final = _MODULE._raw_keccak_lib
_PADDING: Final = 1
_BYTES: Final = 32


class _Sponge(threading.local):
    """One state a thread, emptied before each use."""

    def __init__(self) -> None:
        self._owner: Any = _MODULE.new(digest_bits=8 * _BYTES)  # frees the state with itself
        self.state = self._owner._state.get()
        self.digest = _MODULE.create_string_buffer(_BYTES)


_SPONGE: Final = _Sponge()


def keccak256(payload: bytes) -> bytes:
    """The 32-byte Keccak-256 digest of `payload`."""
    state, digest = _SPONGE.state, _SPONGE.digest
    failed = _LIBRARY.keccak_reset(state) or _LIBRARY.keccak_absorb(state, payload, len(payload))
    if failed or _LIBRARY.keccak_digest(state, digest, _BYTES, _PADDING):
        raise RuntimeError("the Keccak library failed")
    return bytes(_MODULE.get_raw_buffer(digest))
