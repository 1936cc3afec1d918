"""A payload on its way into a store: pieces of any size in, the object's bytes out."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from ledger.store.payload_format import Sealer


class Writing:
    """Cuts the caller's pieces into chunks, seals, hashes and counts them.

    `failure` is the exception the caller's pieces ended with, if any, to tell it from the store's own.
    """

    def __init__(self, chunks: AsyncIterator[bytes], sealer: Sealer) -> None:
        self._chunks = chunks
        self._sealer = sealer
        self.hash = hashlib.sha256()
        self.size = 0
        self.stored_size = 0
        self.failure: Exception | None = None

    async def sealed(self) -> AsyncIterator[bytes]:
        """The object's bytes. A chunk is sealed only once more is known to follow, since the last is marked."""
        yield self._count(self._sealer.header)
        waiting = bytearray()
        limit = self._sealer.chunk_size
        async for piece in self._given():
            self.size += len(piece)
            waiting += piece
            while len(waiting) > limit:
                yield await asyncio.to_thread(self._seal, bytes(waiting[:limit]), False)
                del waiting[:limit]
        yield await asyncio.to_thread(self._seal, bytes(waiting), True)

    async def _given(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._chunks:
                yield piece
        except Exception as failure:
            self.failure = failure
            raise

    def _seal(self, plain: bytes, last: bool) -> bytes:
        return self._count(self._sealer.seal(plain, last=last))

    def _count(self, stored: bytes) -> bytes:
        self.hash.update(stored)
        self.stored_size += len(stored)
        return stored
