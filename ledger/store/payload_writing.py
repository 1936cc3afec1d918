"""A payload on its way into a store: what is sent is hashed and counted as it goes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import BinaryIO, Final

from ledger.store.payload_format import Sealer

READ: Final = 4 << 20  # bytes of a file sent at once


class Outgoing:
    """Bytes on their way to a store.

    `failure` is the exception the source ended with, if any, to tell it from the store's own.
    """

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = aiter(pieces)
        self._hash = hashlib.sha256()
        self.size = 0
        self.failure: Exception | None = None
        self._stopped = False
        self._asking: asyncio.Task[object] | None = None

    async def sent(self) -> AsyncIterator[bytes]:
        """The bytes as they came, in order, once. Raises what the source raises, and Stopped."""
        try:
            while (piece := await self._next()) is not None:
                await asyncio.to_thread(self._hash.update, piece)
                self.size += len(piece)
                yield piece
        except Exception as failure:
            self.failure = failure
            raise

    def stop(self) -> None:
        """Whoever reads `sent` gets Stopped, now or when it next asks."""
        self._stopped = True
        if self._asking is not None:
            self._asking.cancel()

    async def _next(self) -> bytes | None:
        if self._stopped:
            raise Stopped
        self._asking = asyncio.current_task()
        try:
            return await anext(self._pieces, None)
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            raise Stopped from None
        finally:
            self._asking = None

    @property
    def digest(self) -> str:
        """SHA-256 of what was sent so far."""
        return self._hash.hexdigest()


class Stopped(Exception):
    """The upload was given up: raised into it, so that it ends what it began in the store."""


class Sealing:
    """Cuts the caller's pieces into chunks and seals them; `size` counts the plain bytes."""

    def __init__(self, chunks: AsyncIterator[bytes], sealer: Sealer) -> None:
        self._chunks = chunks
        self._sealer = sealer
        self.size = 0

    async def sealed(self) -> AsyncIterator[bytes]:
        """The object's bytes. A chunk is sealed only once more is known to follow, since the last is marked."""
        yield self._sealer.header
        waiting = bytearray()
        limit = self._sealer.chunk_size
        async for piece in self._chunks:
            self.size += len(piece)
            waiting += piece
            while len(waiting) > limit:
                yield await asyncio.to_thread(self._sealer.seal, bytes(waiting[:limit]), last=False)
                del waiting[:limit]
        yield await asyncio.to_thread(self._sealer.seal, bytes(waiting), last=True)


async def file_pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    """An open file from its first byte to its last. Raises OSError."""
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, READ):
        yield piece
