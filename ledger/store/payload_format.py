"""The bytes of a stored payload, format SLPAYLD1: AES-256-GCM chunks in the STREAM construction.

    object  = header ‖ chunk(0) ‖ … ‖ chunk(n − 1)                                                          n ≥ 1
    header  = "SLPAYLD1" ‖ u32(plain bytes per chunk) ‖ prefix (7 random bytes) ‖ check (16 bytes)
    chunk   = AES-256-GCM(key, prefix ‖ u32(index) ‖ last, plain, associated data: header)    plain, then a 16-byte tag
    check   = the tag of AES-256-GCM(key, prefix ‖ FFFFFFFF ‖ 02, nothing, associated data: the header before it)

`last` is 01 on the final chunk and 00 on all others. Every chunk but the last is full; the last is full or shorter,
and empty only in an empty payload. So each position has a nonce of its own, and an object that was cut, extended or
reordered, or in which a byte was changed, fails at a chunk that can be named (Hoang, Reyhanitabar, Rogaway, Vizár:
Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015; NIST SP 800-38D). The check tells a wrong
key or a damaged header before any chunk is read. A key serves one version's payload: 2^32 chunks at most for one
prefix.
"""

import secrets
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import Corrupt, TooLarge

MAGIC = b"SLPAYLD1"
CHUNK = 1 << 20  # plain bytes in a chunk
LEAST_CHUNK, MOST_CHUNK = (
    16,
    1 << 24,
)  # what a reader accepts: a foreign header must not decide how much memory it takes
TAG = 16
PREFIX = 7
HEADER = len(MAGIC) + 4 + PREFIX + TAG
MOST_CHUNKS = 2**32 - 1  # index FFFFFFFF is the header's
DIAGNOSED = 4096  # positions tried to tell a moved chunk from a changed one


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie in an object: plain bytes per chunk, number of chunks, plain bytes in all."""

    chunk_size: int
    chunks: int
    size: int

    def offset(self, index: int) -> int:
        """The first stored byte of a chunk."""
        return HEADER + index * (self.chunk_size + TAG)

    def sealed_size(self, index: int) -> int:
        """The stored bytes of a chunk, its tag included."""
        if index < self.chunks - 1:
            return self.chunk_size + TAG
        return self.size - index * self.chunk_size + TAG


class Sealer:
    """Encrypts one payload, chunk by chunk, in order. Used once."""

    def __init__(self, key: bytes, *, chunk_size: int = CHUNK) -> None:
        """`key`: 32 bytes, of this payload alone."""
        self._cipher = _cipher(key)
        self._prefix = secrets.token_bytes(PREFIX)
        self._next = 0
        self.chunk_size = chunk_size
        start = MAGIC + struct.pack(">I", chunk_size) + self._prefix
        self.header = start + self._cipher.encrypt(_check_nonce(self._prefix), b"", start)

    def seal(self, plain: bytes, *, last: bool) -> bytes:
        """The next chunk's stored bytes. Raises TooLarge past 2^32 − 1 chunks (4 PiB)."""
        if self._next >= MOST_CHUNKS:
            raise TooLarge(f"a payload has at most {MOST_CHUNKS} chunks")
        nonce = _nonce(self._prefix, self._next, last)
        self._next += 1
        return self._cipher.encrypt(nonce, plain, self.header)


class Opener:
    """Decrypts the chunks of one stored object, in any order."""

    def __init__(self, key: bytes, header: bytes, stored_size: int, *, name: str) -> None:
        """`header`: the object's first HEADER bytes; `name` stands in messages. Raises Corrupt."""
        self._name = name
        if len(header) < HEADER or header[: len(MAGIC)] != MAGIC:
            raise self._corrupt("header", "it does not begin as a payload does")
        self._cipher = _cipher(key)
        self._header = header
        self._prefix = header[len(MAGIC) + 4 : -TAG]
        try:
            self._cipher.decrypt(_check_nonce(self._prefix), header[-TAG:], header[:-TAG])
        except InvalidTag:
            raise self._corrupt("header", "it was changed, or the key is not this payload's") from None
        self.layout = self._measure(stored_size)

    def open(self, index: int, sealed: bytes) -> bytes:
        """The plain bytes of a chunk. Raises Corrupt naming the chunk and, as far as it can be told, what happened."""
        last = index == self.layout.chunks - 1
        if len(sealed) < self.layout.sealed_size(index):
            raise self._corrupt(index, "the object ends inside it")
        plain = self._try(index, last, sealed)
        if plain is None:
            raise self._corrupt(index, self._diagnose(index, last, sealed))
        return plain

    def _measure(self, stored_size: int) -> Layout:
        (chunk_size,) = struct.unpack_from(">I", self._header, len(MAGIC))
        if not LEAST_CHUNK <= chunk_size <= MOST_CHUNK:
            raise self._corrupt("header", f"it claims chunks of {chunk_size} bytes")
        body = stored_size - HEADER
        chunks = -(-body // (chunk_size + TAG))
        if chunks < 1:
            raise self._corrupt(0, "the object ends before it")
        rest = body - (chunks - 1) * (chunk_size + TAG)
        if rest < TAG or (rest == TAG and chunks > 1):
            raise self._corrupt(chunks - 1, "the object ends inside it")
        return Layout(chunk_size, chunks, body - chunks * TAG)

    def _diagnose(self, index: int, last: bool, sealed: bytes) -> str:
        if self._try(index, not last, sealed) is not None:
            return "the object was cut after it" if last else "bytes follow it although it is the last"
        for other in range(min(self.layout.chunks, DIAGNOSED)):
            if other != index and any(self._try(other, end, sealed) is not None for end in (False, True)):
                return f"chunk {other} stands in its place"
        return "it was changed"

    def _try(self, index: int, last: bool, sealed: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(_nonce(self._prefix, index, last), sealed, self._header)
        except InvalidTag:
            return None

    def _corrupt(self, part: int | str, problem: str) -> Corrupt:
        where = part if isinstance(part, str) else f"chunk {part}"
        return Corrupt(f"payload {self._name}, {where}: {problem}", object=self._name, part=where, problem=problem)


def _cipher(key: bytes) -> AESGCM:
    if len(key) != 32:  # the library would take 16 or 24 as well
        raise ValueError(f"a payload's key has 32 bytes, this has {len(key)}")
    return AESGCM(key)


def _nonce(prefix: bytes, index: int, last: bool) -> bytes:
    return prefix + struct.pack(">IB", index, last)


def _check_nonce(prefix: bytes) -> bytes:
    return prefix + b"\xff\xff\xff\xff\x02"
