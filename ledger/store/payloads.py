"""Payloads: encrypted objects named by the SHA-256 of their stored bytes (their bytes: `payload_format`).

    objects/<64 hex digits>      a payload, whole and re-read; never overwritten
    incoming/<32 hex digits>     one on its way in; what a crash leaves here is removed by `sweep`

Any obstore store will do: a local folder or an S3 bucket. A name is given only after the object was read back and its
hash agreed. Naming must not overwrite: on S3 set `copy_if_not_exists`, and a lifecycle rule that ends abandoned
uploads.
"""

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError
from obstore.store import LocalStore, ObjectStore

from ledger.errors import Corrupt, InvalidDigest, InvalidInput, NotFound, NotReady, Unavailable
from ledger.ports import StoredPayload
from ledger.store.local_folder import Leftover, LocalFolder
from ledger.store.payload_format import CHUNK, HEADER, Opener, Sealer
from ledger.store.payload_writing import Writing

OBJECTS = "objects"
INCOMING = "incoming"
PART = 16 << 20  # bytes sent at once: S3 takes 10,000 parts, so objects up to 160 GB
READ = 4 << 20  # bytes asked for at once when reading back
DIGEST = re.compile(r"[0-9a-f]{64}")


class Payloads:
    """The payloads of one store. Calls may run at once; hashing and encryption run in threads."""

    def __init__(self, store: ObjectStore, *, chunk_size: int = CHUNK) -> None:
        """`chunk_size`: plain bytes in a chunk of new objects; the reader goes by each object's header."""
        self._store = store
        self._folder = LocalFolder.behind(store)
        self._chunk_size = chunk_size
        self._under_way: set[str] = set()

    @classmethod
    def local(cls, path: Path) -> "Payloads":
        """The payloads in a local folder, made with mode 0700 if it is not there. Raises Unavailable."""
        with _answering():
            LocalFolder(path.parent).create(path.name)
            folder = LocalFolder(path)
            folder.create(OBJECTS)
            folder.create(INCOMING)
        return cls(LocalStore(path))

    async def put(self, chunks: AsyncIterator[bytes], key: bytes) -> StoredPayload:
        """Stores a payload under a 32-byte key of its own; on return it is durable and was read back.

        Pieces may have any size. An exception of `chunks` itself, or cancellation, passes through and leaves nothing.
        Raises Unavailable if the store fails (full, unreachable), Corrupt if what it gives back differs.
        """
        name = f"{INCOMING}/{secrets.token_hex(16)}"
        writing = Writing(chunks, Sealer(key, chunk_size=self._chunk_size))
        self._under_way.add(name)
        try:
            stored = await self._write(name, writing)
            # Stopping here leaves a temporary object that `sweep` removes; no name points to it.
            if await self._hash(name) != stored.digest:
                raise Corrupt(f"payload {stored.digest}: the store gives back other bytes", object=stored.digest)
            await self._give_name(name, stored.digest)
            # Stopping here leaves a whole payload that no row names; `stored` lists it.
            return stored
        except BaseException:
            with contextlib.suppress(Unavailable):
                await self._remove(name)
            raise
        finally:
            self._under_way.discard(name)

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

    async def check(self, digest: str) -> None:
        """Re-hashes the stored bytes; needs no key. Raises Corrupt or NotFound naming the object, Unavailable."""
        if await self._hash(_object(digest), digest) != digest:
            raise Corrupt(f"payload {digest}: the stored bytes have another hash", object=digest)

    async def delete(self, digest: str) -> None:
        """Removes a payload, durably; one that is not there is no error."""
        await self._remove(_object(digest))
        if self._folder is not None:
            with _answering():
                await asyncio.to_thread(self._folder.sync_folder, OBJECTS)

    async def stored(self) -> AsyncIterator[tuple[str, int]]:
        """Digest and stored size of every payload here, in no order, e.g. to find those that no row names."""
        with _answering():
            async for batch in obstore.list(self._store, prefix=OBJECTS):
                for found in batch:
                    name = found["path"].rpartition("/")[2]
                    if DIGEST.fullmatch(name):
                        yield name, found["size"]

    async def stored_size(self, digest: str) -> int:
        """Of the stored bytes. Raises NotFound, Unavailable."""
        with _answering(digest):
            return int((await obstore.head_async(self._store, _object(digest)))["size"])

    async def stored_bytes(self, digest: str) -> AsyncIterator[bytes]:
        """The stored, encrypted bytes from first to last, e.g. for a backup. Raises NotFound, Unavailable."""
        with _answering(digest):
            fetched = await obstore.get_async(self._store, _object(digest))
        pieces = aiter(fetched.stream(min_chunk_size=READ))
        while True:
            with _answering(digest):
                piece = await anext(pieces, None)
            if piece is None:
                return
            yield bytes(piece)

    async def take_back(self, digest: str, pieces: AsyncIterator[bytes]) -> None:
        """Stores what `stored_bytes` gave, durably and read back. Raises Corrupt if it is not what the digest says."""
        name = f"{INCOMING}/{secrets.token_hex(16)}"
        self._under_way.add(name)
        try:
            with _answering():
                await obstore.put_async(self._store, name, pieces, chunk_size=PART, max_concurrency=2)
                if self._folder is not None:
                    await asyncio.to_thread(self._folder.sync, name)
            if await self._hash(name) != digest:
                raise Corrupt(f"payload {digest}: these bytes have another hash", object=digest)
            await self._give_name(name, digest)
        except BaseException:
            with contextlib.suppress(Unavailable):
                await self._remove(name)
            raise
        finally:
            self._under_way.discard(name)

    async def sweep(self, *, older_than: timedelta = timedelta(hours=1)) -> int:
        """Removes what crashes left half written, if nothing was added to it for so long; how many were removed.

        Writes of this object under way are spared whatever their age; those of another process only by it.
        """
        before = datetime.now(UTC) - older_than
        removed = 0
        for leftover in await self._leftovers():
            if leftover.written <= before and leftover.name.partition("#")[0] not in self._under_way:
                await self._remove(leftover.name)
                removed += 1
        return removed

    async def _write(self, name: str, writing: Writing) -> StoredPayload:
        try:
            with _answering():
                if self._folder is not None:
                    await asyncio.to_thread(self._folder.create, INCOMING)
                await obstore.put_async(self._store, name, writing.sealed(), chunk_size=PART, max_concurrency=2)
                if self._folder is not None:
                    await asyncio.to_thread(self._folder.sync, name)
        except (Unavailable, NotReady):
            if writing.failure is not None:  # the caller's own error, which may be an OSError like the store's
                raise writing.failure from None
            raise
        return StoredPayload(writing.hash.hexdigest(), writing.size, writing.stored_size)

    async def _give_name(self, name: str, digest: str) -> None:
        with _answering():
            if self._folder is not None:
                await asyncio.to_thread(self._folder.create, OBJECTS)
            try:
                await obstore.rename_async(self._store, name, _object(digest), overwrite=False)
            except AlreadyExistsError:
                await self.check(digest)  # the same bytes, so the same payload, provided they are still whole
                await self._remove(name)
            if self._folder is not None:
                await asyncio.to_thread(self._folder.sync_folder, OBJECTS)

    async def _opener(self, digest: str, key: bytes) -> tuple[Opener, bytes]:
        name = _object(digest)
        with _answering(digest):
            found = await obstore.head_async(self._store, name)
            if found["size"] < HEADER:
                raise Corrupt(f"payload {digest}, header: the object ends inside it", object=digest, part="header")
            header = bytes(await obstore.get_range_async(self._store, name, start=0, end=HEADER))
        return Opener(key, header, found["size"], name=digest), header

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
        limits = (layout.offset(first), layout.offset(final) + layout.sealed_size(final))
        waiting = bytearray()
        index = first
        with _answering(digest):
            fetched = await obstore.get_async(self._store, _object(digest), options={"range": limits})
        pieces = aiter(fetched.stream(min_chunk_size=layout.chunk_size))
        while True:
            with _answering(digest):
                piece = await anext(pieces, None)
            if piece is None:
                break
            waiting += piece
            while index <= final and len(waiting) >= (length := layout.sealed_size(index)):
                yield bytes(waiting[:length])
                del waiting[:length]
                index += 1
        if waiting and index <= final:
            yield bytes(waiting)

    async def _hash(self, name: str, digest: str | None = None) -> str:
        hash_ = hashlib.sha256()
        with _answering(digest):
            fetched = await obstore.get_async(self._store, name)
            async for piece in fetched.stream(min_chunk_size=READ):
                await asyncio.to_thread(hash_.update, piece)
        return hash_.hexdigest()

    async def _leftovers(self) -> list[Leftover]:
        with _answering():
            if self._folder is not None:
                await asyncio.to_thread(self._folder.create, INCOMING)
                return await asyncio.to_thread(self._folder.leftovers, INCOMING)
            listed = await obstore.list(self._store, prefix=INCOMING).collect_async()
            return [Leftover(found["path"], found["last_modified"]) for found in listed]

    async def _remove(self, name: str) -> None:
        with _answering():
            if self._folder is not None:  # an object store's own name cannot say `name#1`
                await asyncio.to_thread(self._folder.remove, name)
                return
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, name)


def _open(opener: Opener, index: int, sealed: bytes, hash_: "hashlib._Hash | None") -> bytes:
    if hash_ is not None:
        hash_.update(sealed)
    return opener.open(index, sealed)


def _object(digest: str) -> str:
    if not DIGEST.fullmatch(digest):
        raise InvalidDigest("a payload's name is 64 lower-case hex digits")
    return f"{OBJECTS}/{digest}"


@contextlib.contextmanager
def _answering(digest: str | None = None) -> Iterator[None]:
    """Turns a store's errors into ours; a missing object is NotFound only where one was asked for by its digest."""
    try:
        yield
    except NotSupportedError as cause:
        raise NotReady(
            "the payload store cannot name an object without overwriting",
            remedy="Configure the store's copy_if_not_exists.",
        ) from cause
    except (BaseError, OSError) as cause:
        if isinstance(cause, FileNotFoundError) and digest is not None:
            raise NotFound(f"there is no payload {digest}", object=digest) from cause
        reason = str(cause).partition("\n")[0]
        raise Unavailable(f"the payload store failed: {reason}") from cause
