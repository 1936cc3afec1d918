"""Payloads: encrypted objects named by the SHA-256 of their stored bytes (their bytes: `payload_format`).

How they are named, checked and removed, and where: `payload_objects`.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from obstore.store import LocalStore, ObjectStore

from ledger.errors import Corrupt, InvalidInput
from ledger.ports import StoredPayload
from ledger.store.local_folder import LocalFolder
from ledger.store.payload_access import OBJECTS, object_name
from ledger.store.payload_faults import answering
from ledger.store.payload_format import CHUNK, HEADER, Opener, Sealer
from ledger.store.payload_objects import INCOMING, UNCLAIMED, Objects
from ledger.store.payload_reading import FETCH
from ledger.store.payload_writing import Outgoing, Sealing, file_pieces


class Payloads(Objects):
    """The payloads of one store. Calls may run at once; hashing and encryption run in threads."""

    def __init__(self, store: ObjectStore, *, chunk_size: int = CHUNK) -> None:
        """`chunk_size`: plain bytes in a chunk of new objects; the reader goes by each object's header."""
        super().__init__(store)
        self._chunk_size = chunk_size

    @classmethod
    def local(cls, path: Path) -> "Payloads":
        """The payloads in a local folder, made with mode 0700 if it is not there. Raises Unavailable."""
        with answering():
            LocalFolder(path.parent).create(path.name)
            folder = LocalFolder(path)
            for name in (OBJECTS, INCOMING, UNCLAIMED):
                folder.create(name)
        return cls(LocalStore(path))

    async def put(self, chunks: AsyncIterator[bytes], key: bytes) -> StoredPayload:
        """Stores a payload under a 32-byte key of its own; on return it is durable and was read back.

        Pieces may have any size. An exception of `chunks` itself, or cancellation, passes through and leaves nothing.
        Raises Unavailable if the store fails (full, unreachable), Corrupt if what it gives back differs, NotReady.
        """
        sealing = Sealing(chunks, Sealer(key, chunk_size=self._chunk_size))
        outgoing = Outgoing(sealing.sealed())
        digest = await self.keep(outgoing)
        return StoredPayload(digest, sealing.size, outgoing.size)

    async def put_file(self, file: Path | BinaryIO) -> StoredPayload:
        """Stores a file's bytes as they are, under their own SHA-256: for one that is encrypted already.

        An open file is read from its start and stays open. `size` is the file's. Raises as `put` does, and OSError.
        """
        if isinstance(file, Path):
            with await asyncio.to_thread(file.open, "rb") as opened:
                return await self.put_file(opened)
        outgoing = Outgoing(file_pieces(file))
        digest = await self.keep(outgoing)
        return StoredPayload(digest, outgoing.size, outgoing.size)

    async def take_back(self, digest: str, pieces: AsyncIterator[bytes]) -> None:
        """Stores what `stored_bytes` gave, durably and read back. Raises Corrupt if it is not what the digest says."""
        await self.keep(Outgoing(pieces), digest)

    async def open(self, digest: str, key: bytes, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The plain bytes from `start` up to `end` (None or beyond: to the end); each chunk is authenticated.

        The header is read before this returns, so a missing payload or a wrong key shows at once. A read of everything
        also compares the digest, before the last chunk is handed out. Raises InvalidDigest, NotFound, InvalidInput for
        a start past the end, Corrupt naming the chunk, Unavailable.
        """
        opener, header = await self._opener(digest, key)
        size = opener.layout.size
        if start >= size:  # the size follows from the stored length, which a cut would change: prove the end first
            await self._prove_end(digest, opener)
        end = size if end is None else min(end, size)
        if not 0 <= start <= size or end < start:
            raise InvalidInput(f"the range {start} to {end} is not within the payload's {size} bytes", size=size)
        return self._plain(digest, opener, header, start, end)

    async def size(self, digest: str, key: bytes) -> int:
        """The plain size in bytes, for a Content-Length before reading. Raises as `open` does."""
        opener, _ = await self._opener(digest, key)
        return opener.layout.size

    async def _opener(self, digest: str, key: bytes) -> tuple[Opener, bytes]:
        size = await self.stored_size(digest)
        if size < HEADER:
            raise Corrupt(f"payload {digest}, header: the object ends inside it", object=digest, part="header")
        header = await self.fetch(object_name(digest), 0, HEADER, digest)
        return Opener(key, header, size, name=digest), header

    async def _plain(self, digest: str, opener: Opener, header: bytes, start: int, end: int) -> AsyncIterator[bytes]:
        layout = opener.layout
        whole = start == 0 and end == layout.size
        if start == end and not whole:
            return
        first, final = start // layout.chunk_size, max(end - 1, 0) // layout.chunk_size
        hash_ = hashlib.sha256(header)
        index = first
        async for sealed in self._sealed(digest, opener, first, final):
            plain = await asyncio.to_thread(_open, opener, index, sealed, hash_ if whole else None)
            if whole and index == final and hash_.hexdigest() != digest:
                raise Corrupt(f"payload {digest}: every chunk opens, but the object has another hash", object=digest)
            base = index * layout.chunk_size
            if wanted := plain[max(start - base, 0) : end - base]:
                yield wanted
            index += 1
        if index <= final:
            raise Corrupt(
                f"payload {digest}, chunk {index}: the object ends before it", object=digest, part=f"chunk {index}"
            )

    async def _prove_end(self, digest: str, opener: Opener) -> None:
        final = opener.layout.chunks - 1
        async for sealed in self._sealed(digest, opener, final, final):
            await asyncio.to_thread(opener.open, final, sealed)

    async def _sealed(self, digest: str, opener: Opener, first: int, final: int) -> AsyncIterator[bytes]:
        """The stored bytes of chunks first … final, one by one; a last one that is cut short comes as it is."""
        layout = opener.layout
        at_once = max(1, FETCH // layout.sealed_size(first))
        for group in range(first, final + 1, at_once):
            last = min(group + at_once - 1, final)
            start, end = layout.offset(group), layout.offset(last) + layout.sealed_size(last)
            found = memoryview(await self.fetch(object_name(digest), start, end, digest))
            for index in range(group, last + 1):
                at = layout.offset(index) - start
                if sealed := found[at : at + layout.sealed_size(index)]:
                    yield bytes(sealed)
            if len(found) < end - start:
                return


def _open(opener: Opener, index: int, sealed: bytes, hash_: "hashlib._Hash | None") -> bytes:
    if hash_ is not None:
        hash_.update(sealed)
    return opener.open(index, sealed)
