"""Payloads in memory: `ledger.ports.PayloadStore`, with the ways a real one can go wrong."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from ledger.errors import Corrupt, NotFound
from ledger.ports import StoredPayload

PIECE = 1000


def _content(file: Path | BinaryIO) -> bytes:
    if isinstance(file, Path):
        return file.read_bytes()
    file.seek(0)
    return file.read()


class FakePayloads:
    """Objects are key ‖ plain bytes. `swap`, if set, is what every later read gives in place of the plain bytes."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.marks: dict[str, datetime] = {}
        self.unfinished = 0
        self.swap: bytes | None = None
        self.opened = 0

    async def put(self, chunks: AsyncIterator[bytes], key: bytes) -> StoredPayload:
        plain = b"".join([piece async for piece in chunks])
        stored = key + plain
        digest = hashlib.sha256(stored).hexdigest()
        self._keep(digest, stored)
        return StoredPayload(digest, len(plain), len(stored))

    async def put_file(self, file: Path | BinaryIO) -> StoredPayload:
        stored = await asyncio.to_thread(_content, file)
        digest = hashlib.sha256(stored).hexdigest()
        self._keep(digest, stored)
        return StoredPayload(digest, len(stored), len(stored))

    def reader(self, digest: str) -> BinaryIO:
        return io.BytesIO(self._stored(digest))

    async def open(self, digest: str, key: bytes, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        stored = self._stored(digest)
        if stored[:32] != key:
            raise Corrupt(f"payload {digest}, header: another key", object=digest)
        self.opened += 1
        plain = stored[32:] if self.swap is None else self.swap
        return self._pieces(digest, plain[start:end])

    async def _pieces(self, digest: str, plain: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(plain), PIECE):
            yield plain[at : at + PIECE]
        if self.swap is None:
            await self.check(digest)

    async def check(self, digest: str) -> None:
        if hashlib.sha256(self._stored(digest)).hexdigest() != digest:
            raise Corrupt(f"payload {digest}: the stored bytes have another hash", object=digest)

    async def delete(self, digest: str) -> None:
        self.objects.pop(digest, None)
        self.marks.pop(digest, None)

    async def sweep(self, *, older_than: timedelta) -> int:
        found, self.unfinished = self.unfinished, 0
        return found

    async def unclaimed(self) -> dict[str, datetime]:
        return dict(self.marks)

    async def unclaimed_since(self, digest: str) -> datetime | None:
        return self.marks.get(digest)

    async def claim(self, digest: str) -> None:
        self.marks.pop(digest, None)

    def _keep(self, digest: str, stored: bytes) -> None:
        self.objects[digest], self.marks[digest] = stored, datetime.now(UTC)

    def mark(self, digest: str, since: float) -> None:
        """Call it stored and not claimed since then, in unix seconds."""
        self.marks[digest] = datetime.fromtimestamp(since, UTC)

    def flip(self, digest: str, at: int = -1) -> None:
        """Change one stored byte."""
        changed = bytearray(self.objects[digest])
        changed[at] ^= 1
        self.objects[digest] = bytes(changed)

    def _stored(self, digest: str) -> bytes:
        if digest not in self.objects:
            raise NotFound(f"there is no payload {digest}", object=digest)
        return self.objects[digest]
