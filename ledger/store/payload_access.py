"""Reading, listing and removing in a payload store; how things are laid out there: `payload_objects`.

Reading asks for ranges of bounded size, so a slow reader holds no connection open and no request grows with the object.
"""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final, cast

import obstore
from obstore.store import ObjectStore

from ledger.errors import Corrupt, InvalidDigest, Unavailable
from ledger.store.local_folder import LocalFolder
from ledger.store.payload_faults import answering
from ledger.store.payload_reading import FETCH, StoredFile

OBJECTS: Final = "objects"
DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`size` in bytes, as stored; `written` by the store's clock."""

    digest: str
    size: int
    written: datetime


class Access:
    """The objects of one store, to be read. Calls may run at once; hashing runs in threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._folder = LocalFolder.behind(store)

    async def check(self, digest: str) -> None:
        """Re-hashes the stored bytes; needs no key. Raises Corrupt or NotFound naming the object, Unavailable."""
        if await self._hash(object_name(digest), digest) != digest:
            raise Corrupt(f"payload {digest}: the stored bytes have another hash", object=digest)

    async def stored_size(self, digest: str) -> int:
        """Of the stored bytes. Raises InvalidDigest, NotFound, Unavailable."""
        return await self._size(object_name(digest), digest)

    async def stored_bytes(self, digest: str) -> AsyncIterator[bytes]:
        """The stored, encrypted bytes from first to last, e.g. for a backup. Raises NotFound, Unavailable."""
        size = await self.stored_size(digest)
        for start in range(0, size, FETCH):
            yield await self.fetch(object_name(digest), start, min(start + FETCH, size), digest)

    async def fetch(self, name: str, start: int, end: int, digest: str | None = None) -> bytes:
        """The bytes start … end of an object; fewer, or none, if it ends before. Raises NotFound, Unavailable."""
        try:
            with answering(digest):
                return bytes(await obstore.get_range_async(self._store, name, start=start, end=end))
        except Unavailable:  # some stores cut the range, others refuse it
            if (size := await self._size(name, digest)) >= end:
                raise
            return b"" if size <= start else await self.fetch(name, start, size, digest)

    def reader(self, digest: str) -> BinaryIO:
        """The stored bytes as a file that can be sought in; each read fetches its own range, in this thread.

        Not for the event loop. Raises InvalidDigest, NotFound, Unavailable; reading raises Unavailable, and Corrupt
        naming the range if the object is shorter than it was.
        """
        name = object_name(digest)
        with answering(digest):
            size = int(obstore.head(self._store, name)["size"])

        def fetch(start: int, end: int) -> bytes:
            try:
                with answering(digest):
                    return bytes(obstore.get_range(self._store, name, start=start, end=end))
            except Unavailable:
                with answering(digest):
                    left = int(obstore.head(self._store, name)["size"])
                if left >= end:
                    raise
                return b"" if left <= start else fetch(start, left)

        return cast(BinaryIO, StoredFile(digest, size, fetch))

    async def stored(self) -> AsyncIterator[StoredObject]:
        """Every object here, in no order."""
        async for found in self._listed(OBJECTS):
            yield found

    async def _hash(self, name: str, digest: str | None = None) -> str:
        hash_, size = hashlib.sha256(), await self._size(name, digest)
        for start in range(0, size, FETCH):
            piece = await self.fetch(name, start, min(start + FETCH, size), digest)
            await asyncio.to_thread(hash_.update, piece)
        return hash_.hexdigest()

    async def _size(self, name: str, digest: str | None) -> int:
        with answering(digest):
            return int((await obstore.head_async(self._store, name))["size"])

    async def _listed(self, folder: str) -> AsyncIterator[StoredObject]:
        with answering():
            async for batch in obstore.list(self._store, prefix=folder):
                for found in batch:
                    name = found["path"].rpartition("/")[2]
                    if DIGEST.fullmatch(name):
                        yield StoredObject(name, found["size"], found["last_modified"])

    async def _remove(self, name: str) -> None:
        with answering():
            if self._folder is not None:  # an object store's own name cannot say `name#1`
                await asyncio.to_thread(self._folder.remove, name)
                return
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, name)


def object_name(digest: str) -> str:
    """Where it lies. Raises InvalidDigest."""
    if not DIGEST.fullmatch(digest):
        raise InvalidDigest("a payload's name is 64 lower-case hex digits")
    return f"{OBJECTS}/{digest}"
