"""Deleting keys, so that a payload or the link of its records to the ledger is gone for good.

The keys go in the very transaction that makes the act final: never before the ledger says so, never left behind by a
crash. An act on a payload that is not kept here deletes nothing.
"""

from collections.abc import Iterable, Sequence

from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.state import VersionNumber
from ledger.errors import InvalidInput
from ledger.ports import UnitOfWork
from ledger.services.versions import held


async def carry_out(work: UnitOfWork, entries: Iterable[Entry]) -> None:
    """Delete what the final ShredVersion acts among `entries` speak of. For the follower, after `record`."""
    for entry in entries:
        if entry.kind != "VersionShredded":
            continue
        key = (entry.act["dataset"], entry.act["number"])
        place = (await work.load([(VersionNumber, key)])).get(VersionNumber, *key)
        if place is None:
            continue
        found = await held(work, place.version)
        if found.row is not None:  # else there are none here, or they are another department's
            segments = None if entry.act["whole"] else await _named_segments(work, entry)
            await work.shred(found.row.document, segments)


async def _named_segments(work: UnitOfWork, entry: Entry) -> Sequence[int]:
    """The first records that the act's document names; none if it is not here or cannot be read."""
    stored = await work.document(entry.act["document"])
    try:
        return Document.parse(stored.body, "shredding").get("segments") or () if stored else ()
    except InvalidInput:
        return ()
