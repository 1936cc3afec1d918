"""Many digests in one piece of memory: 32 bytes each and nothing beside them, where a list would take 73."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ledger.fingerprint.fingerprint import DIGEST_BYTES

DigestArray = NDArray[np.uint8]
"""Of shape (n, 32)."""


class Digests(Sequence[bytes]):
    """An immutable sequence of 32-byte digests over a buffer: bytes, or a memory map that is to stay open."""

    __slots__ = ("_view",)

    def __init__(self, content: bytes | memoryview) -> None:
        """Raises ValueError if the content is not a whole number of digests."""
        view = memoryview(content).cast("B")
        if len(view) % DIGEST_BYTES:
            raise ValueError(f"{len(view)} bytes are no whole number of digests")
        self._view = view

    @classmethod
    def of(cls, digests: "Iterable[bytes] | Digests | DigestArray") -> "Digests":
        """From digests one by one, or an array of shape (n, 32). Raises ValueError if one is of another length."""
        if isinstance(digests, Digests):
            return digests
        if isinstance(digests, np.ndarray):
            if digests.dtype != np.uint8 or digests.ndim != 2 or digests.shape[1] != DIGEST_BYTES:
                raise ValueError("an array of digests has the shape (n, 32)")
            return cls(digests.tobytes())
        several = list(digests)
        if any(len(digest) != DIGEST_BYTES for digest in several):
            raise ValueError("a digest has 32 bytes")
        return cls(b"".join(several))

    def __len__(self) -> int:
        return len(self._view) // DIGEST_BYTES

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> "Digests": ...

    def __getitem__(self, at: "int | slice") -> "bytes | Digests":
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if step == 1:
                return Digests(self._view[start * DIGEST_BYTES : max(start, stop) * DIGEST_BYTES])
            return Digests.of(self.array()[at])
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(f"no digest {at} of {len(self)}")
        return bytes(self._view[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES])

    def __iter__(self) -> Iterator[bytes]:
        content = bytes(self._view)
        return (content[at : at + DIGEST_BYTES] for at in range(0, len(content), DIGEST_BYTES))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Digests):
            return self._view == other._view
        return isinstance(other, list | tuple) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(bytes(self._view))

    def __repr__(self) -> str:
        return f"Digests(<{len(self)}>)"

    def array(self) -> DigestArray:
        """The same bytes as an array of shape (n, 32), not to be written to."""
        return np.frombuffer(self._view, np.uint8).reshape(-1, DIGEST_BYTES)

    def __bytes__(self) -> bytes:
        return bytes(self._view)


def no_digests() -> DigestArray:
    """An array of none."""
    return np.empty((0, DIGEST_BYTES), np.uint8)
