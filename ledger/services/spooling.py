"""Payload bytes on their way through: a file without a name in a private folder, so a crash leaves nothing to read.

Fingerprints need to read a payload more than once and from the start; a network stream can be read once.
"""

import asyncio
import io
import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ledger.errors import InvalidInput, TooLarge, Unavailable
from ledger.fingerprint import Origin

PIECE = 1 << 20


class Spool:
    """`size` bytes; `origin()` opens them anew, as often as needed, from any thread, until the spool is closed."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.size = file, size

    def origin(self) -> BinaryIO:
        return io.BufferedReader(_Reading(self._file.fileno()), PIECE)

    async def chunks(self) -> AsyncIterator[bytes]:
        """From the start, in pieces."""
        async for piece in file_chunks(self.origin()):
            yield piece


class _Reading(io.RawIOBase):
    """A position of its own in a file that others read too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._at = os.dup(descriptor), 0  # a thread may still read when the spool is closed

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = max(0, (os.fstat(self._descriptor).st_size if base is None else base) + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        found = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


@asynccontextmanager
async def spooled(source: AsyncIterable[bytes], scratch: Path, limit: int) -> AsyncIterator[Spool]:
    """All of `source` in a nameless file of mode 0600, gone when this ends however it ends.

    Raises TooLarge past `limit` bytes, Unavailable if the disk is full; what `source` raises passes through.
    """
    file = await asyncio.to_thread(_nameless, scratch)
    try:
        size = 0
        async for piece in source:
            size += len(piece)
            if size > limit:
                raise TooLarge(f"the payload has more than {limit} bytes", limit=limit)
            await asyncio.to_thread(_write, file, piece)
        await asyncio.to_thread(_write, file, None)
        yield Spool(file, size)
    finally:
        await asyncio.to_thread(file.close)


def _nameless(scratch: Path) -> BinaryIO:
    try:
        return cast(BinaryIO, tempfile.TemporaryFile(dir=scratch, buffering=PIECE))
    except OSError as error:
        raise Unavailable(f"no file can be made in the scratch folder: {error.strerror}") from error


def _write(file: BinaryIO, piece: bytes | None) -> None:
    """Append; None: hand over what is still buffered."""
    try:
        if piece is None:
            file.flush()
        else:
            file.write(piece)
    except OSError as error:
        raise Unavailable(
            f"the payload cannot be kept while it is worked on: {error.strerror}",
            remedy="Free disk space where the scratch folder is.",
        ) from error


@asynccontextmanager
async def at_hand(source: AsyncIterable[bytes] | Path, scratch: Path, limit: int) -> AsyncIterator[tuple[Origin, int]]:
    """(origin, size in bytes) of a stream, spooled, or of a file where it lies. Raises as `spooled`, InvalidInput."""
    if not isinstance(source, Path):
        async with spooled(source, scratch, limit) as spool:
            yield spool.origin, spool.size
        return
    size = await asyncio.to_thread(_file_size, source)
    if size > limit:
        raise TooLarge(f"the payload has more than {limit} bytes", limit=limit)
    yield source, size


def _file_size(path: Path) -> int:
    try:
        if not path.is_file():
            raise InvalidInput(f"{path.name} is not a file")
        return path.stat().st_size
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {error.strerror}") from error


async def file_chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    """An open file in pieces; closes it at the end."""
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()
