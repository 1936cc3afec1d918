"""What an engine does, and the one that works everywhere: hashlib, a message at a time."""

import hashlib
import hmac
import struct
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ledger.fingerprint.merkle import verify_inclusion

Name = Literal["sha-ni", "vectors", "hashlib"]
Octets = NDArray[np.uint8]
Places = NDArray[np.int64]
DIGEST_BYTES = 32
SALT_BYTES = 16
SLACK = 128
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Engine(Protocol):
    """SHA-256 of many messages. All engines give the same bytes."""

    @property
    def name(self) -> Name: ...

    @property
    def compiled(self) -> bool:
        """Is there compiled code, for reading cells too?"""
        ...

    def leaves(self, prefix: int, content: Octets, starts: Places, stops: Places, salts: Octets | None) -> Octets:
        """(n, 32): SHA-256(prefix || salts[i] || content[starts[i]:stops[i]]); `prefix` is one byte, a salt 16.

        `content` is readable for 128 bytes past the last message.
        """
        ...

    def parents(self, nodes: Octets) -> Octets:
        """(ceil(n / 2), 32): SHA-256(0x01 || left || right) of neighbours; an odd last node is carried up."""
        ...

    def macs(self, key: bytes, first: int, count: int, pairs: int = 0) -> Octets:
        """(count * max(pairs, 1), 32): HMAC-SHA-256(key, u64(i)), or of u64(i) || u32(p) for each p < pairs."""
        ...

    def climbs(self, nodes: Octets, index: int, size: int) -> bool:
        """Do leaf `index` of `size` (at most 2^62) and its siblings lead to the root (RFC 9162 section 2.1.3.2)?

        `nodes` are digests one after the other: the leaf's hash, the root, then the siblings, lowest first.
        """
        ...


class HashlibEngine:
    """OpenSSL by way of the standard library; on any machine."""

    name: Name = "hashlib"
    compiled = False

    def leaves(self, prefix: int, content: Octets, starts: Places, stops: Places, salts: Octets | None) -> Octets:
        begin = hashlib.sha256(bytes([prefix]))
        view = content.data
        digests = []
        for at, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            state = begin.copy()
            if salts is not None:
                state.update(salts[at])
            state.update(view[start:stop])
            digests.append(state.digest())
        return digests_array(digests)

    def parents(self, nodes: Octets) -> Octets:
        pairs = len(nodes) // 2
        view = memoryview(nodes[: 2 * pairs].tobytes())
        digests = [hashlib.sha256(b"\x01" + view[at : at + 64]).digest() for at in range(0, 64 * pairs, 64)]
        if len(nodes) % 2:
            digests.append(nodes[-1].tobytes())
        return digests_array(digests)

    def macs(self, key: bytes, first: int, count: int, pairs: int = 0) -> Octets:
        whole = range(first, first + count)
        if pairs:
            pack = struct.Struct(">QI").pack
            return digests_array([hmac.digest(key, pack(i, pair), "sha256") for i in whole for pair in range(pairs)])
        return digests_array([hmac.digest(key, i.to_bytes(8, "big"), "sha256") for i in whole])

    def climbs(self, nodes: Octets, index: int, size: int) -> bool:
        leaf, root, *path = (nodes[at : at + DIGEST_BYTES].tobytes() for at in range(0, len(nodes), DIGEST_BYTES))
        return verify_inclusion(leaf, index, size, path, root)


def digests_array(digests: list[bytes]) -> Octets:
    """(n, 32) of n digests, to be written to by nobody else."""
    return np.frombuffer(bytearray(b"".join(digests)), np.uint8).reshape(len(digests), DIGEST_BYTES)


def key_blocks(key: bytes) -> tuple[bytes, bytes]:
    """The inner and the outer key block of HMAC-SHA-256 (RFC 2104) for a key of at most 64 bytes."""
    block = key.ljust(64, b"\x00")
    return block.translate(_INNER), block.translate(_OUTER)


def as_array(value: Any) -> Octets:
    """Bytes as an array, without copying."""
    return np.frombuffer(value, np.uint8)
