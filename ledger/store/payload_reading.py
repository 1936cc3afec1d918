"""A stored object as a file that can be sought in: each read is a range asked of the store."""

import io
import os
from collections.abc import Callable
from typing import Final

from ledger.errors import Corrupt

FETCH: Final = 4 << 20  # bytes asked for at once, at most


class StoredFile(io.RawIOBase):
    """Synchronous, read-only, lazy; not for the event loop. One position: share it between threads under a lock.

    Nothing is verified here but lengths: an object's bytes are what its digest or its own encryption says.
    """

    def __init__(self, digest: str, size: int, fetch: Callable[[int, int], bytes]) -> None:
        """`fetch(start, end)` gives the object's bytes in that range; what it raises passes through."""
        super().__init__()
        self.name = digest
        self._size = size
        self._fetch = fetch
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._checked()
        return self._at

    def size(self) -> int:
        """In bytes, of the stored object."""
        return self._size

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """The new position, which may lie past the end; ValueError for one before the start."""
        self._checked()
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at < 0:
            raise ValueError(f"position {at} is before the start")
        self._at = at
        return at

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, fewer only at the end. Raises Corrupt if the store gives another number, and its errors."""
        self._checked()
        wanted = max(0, self._size - self._at)
        if size is not None and size >= 0:
            wanted = min(size, wanted)
        if wanted <= FETCH:  # almost always: no second copy
            return self._next(wanted)
        parts = [self._next(min(FETCH, wanted - done)) for done in range(0, wanted, FETCH)]
        return b"".join(parts)

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _next(self, count: int) -> bytes:
        if count == 0:
            return b""
        start, end = self._at, self._at + count
        found = self._fetch(start, end)
        if len(found) != count:
            raise Corrupt(
                f"payload {self.name}, bytes {start} to {end}: the store gives {len(found)} of {count} bytes",
                object=self.name,
                part=f"bytes {start} to {end}",
            )
        self._at = end
        return found

    def _checked(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")
