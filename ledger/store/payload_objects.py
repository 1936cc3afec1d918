"""Objects named by the SHA-256 of their bytes, over any obstore store: a local folder, memory or an S3 bucket.

    objects/<64 hex digits>      an object, whole and re-read; never overwritten
    incoming/<32 hex digits>     one on its way in; what a crash leaves here is removed by `sweep`
    unclaimed/<64 hex digits>    an empty mark, made before the object gets its name: whoever keeps account of the
                                 objects has not yet said that it knows this one

A name is given only after the object was read back and its hash agreed, and never to a second one: a local folder links
it there, and S3 completes the copy only `If-None-Match: *`. An upload that is given up ends what it began; one whose
process was killed leaves parts that only the bucket's own lifecycle rule can end (AbortIncompleteMultipartUpload).
"""

import asyncio
import contextlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore

from ledger.errors import Corrupt, NotFound, NotReady, Unavailable
from ledger.store.local_folder import Leftover
from ledger.store.payload_access import OBJECTS, Access, object_name
from ledger.store.payload_faults import answering
from ledger.store.payload_writing import Outgoing

INCOMING: Final = "incoming"
UNCLAIMED: Final = "unclaimed"
PART: Final = 16 << 20  # bytes sent at once: S3 takes 10,000 parts, so objects up to 160 GB


class Objects(Access):
    """The objects of one store. Calls may run at once; hashing runs in threads."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self._under_way: set[str] = set()

    # ---- in ----------------------------------------------------------------------------------------------------------

    async def keep(self, outgoing: Outgoing, expected: str | None = None) -> str:
        """Stores what comes and names it by its digest, once the store gave back the same bytes. The digest.

        An exception of the source, or cancellation, passes through and leaves nothing. Raises Corrupt if the digest is
        not `expected`, or the store gives back other bytes; Unavailable if it fails (full, unreachable), NotReady.
        """
        name = f"{INCOMING}/{secrets.token_hex(16)}"
        self._under_way.add(name)
        try:
            await self._write(name, outgoing)
            digest = outgoing.digest
            if expected not in (None, digest):
                raise Corrupt(f"payload {expected}: these bytes have another hash", object=expected)
            # Stopping here leaves a temporary object that `sweep` removes; no name points to it.
            if await self._hash(name) != digest:
                raise Corrupt(f"payload {digest}: the store gives back other bytes", object=digest)
            await self._give_name(name, digest, outgoing.size)
            # Stopping here leaves a whole object that nobody knows of; its mark says so.
            return digest
        except BaseException:
            with contextlib.suppress(Unavailable, NotReady):
                await self._remove(name)
            raise
        finally:
            self._under_way.discard(name)

    async def _write(self, name: str, outgoing: Outgoing) -> None:
        try:
            with answering():
                if self._folder is not None:
                    await asyncio.to_thread(self._folder.create, INCOMING)
                await self._send(name, outgoing)
                if self._folder is not None:
                    await asyncio.to_thread(self._folder.sync, name)
        except (Unavailable, NotReady):
            if outgoing.failure is not None:  # the source's own error, which may be an OSError like the store's
                raise outgoing.failure from None
            raise

    async def _send(self, name: str, outgoing: Outgoing) -> None:
        """In a task of its own: a cancelled call would leave the upload's parts in the store, an error ends them."""

        async def send() -> None:
            await obstore.put_async(self._store, name, outgoing.sent(), chunk_size=PART, max_concurrency=2)

        task = asyncio.ensure_future(send())
        task.add_done_callback(lambda task: task.cancelled() or task.exception())  # seen, also when nobody waits
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            outgoing.stop()
            await asyncio.wait([task])
            raise

    async def _give_name(self, name: str, digest: str, size: int) -> None:
        with answering():
            await self._mark(digest)
            if self._folder is not None:
                await asyncio.to_thread(self._folder.create, OBJECTS)
            try:
                if self._folder is not None:
                    await obstore.rename_async(self._store, name, object_name(digest), overwrite=False)
                else:
                    await obstore.copy_async(self._store, name, object_name(digest), overwrite=False)
            except AlreadyExistsError:
                await self.check(digest)  # the same bytes, so the same object, provided they are still whole
            else:
                if self._folder is None and (copied := await self.stored_size(digest)) != size:
                    raise Corrupt(f"payload {digest}: the store copied {copied} of {size} bytes", object=digest)
            await self._remove(name)
            if self._folder is not None:
                await asyncio.to_thread(self._folder.sync_folder, OBJECTS)

    # ---- gone --------------------------------------------------------------------------------------------------------

    async def delete(self, digest: str) -> None:
        """Removes an object and its mark, durably; one that is not there is no error."""
        await self._remove(object_name(digest))
        if self._folder is not None:
            with answering():
                await asyncio.to_thread(self._folder.sync_folder, OBJECTS)
        await self.claim(digest)

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

    async def unclaimed(self) -> dict[str, datetime]:
        """The marks: digests that nobody has claimed, and since when. The object may be gone, or not named yet."""
        return {mark.digest: mark.written async for mark in self._listed(UNCLAIMED)}

    async def unclaimed_since(self, digest: str) -> datetime | None:
        """When the object's mark was made, or made anew; None without one."""
        try:
            with answering(digest):
                return (await obstore.head_async(self._store, mark_name(digest)))["last_modified"]
        except NotFound:
            return None

    async def claim(self, digest: str) -> None:
        """Takes the mark away: the object is accounted for, and no sweep will ever look at it."""
        await self._remove(mark_name(digest))

    async def _mark(self, digest: str) -> None:
        if self._folder is not None:
            await asyncio.to_thread(self._folder.create, UNCLAIMED)
        await obstore.put_async(self._store, mark_name(digest), b"")
        if self._folder is not None:
            await asyncio.to_thread(self._folder.sync_folder, UNCLAIMED)

    async def _leftovers(self) -> list[Leftover]:
        with answering():
            if self._folder is not None:
                await asyncio.to_thread(self._folder.create, INCOMING)
                return await asyncio.to_thread(self._folder.leftovers, INCOMING)
            listed = await obstore.list(self._store, prefix=INCOMING).collect_async()
            return [Leftover(found["path"], found["last_modified"]) for found in listed]


def mark_name(digest: str) -> str:
    """Where its mark lies. Raises InvalidDigest."""
    return f"{UNCLAIMED}/{object_name(digest).rpartition('/')[2]}"
