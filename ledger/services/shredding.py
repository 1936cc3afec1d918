"""Deleting keys, so that a payload or the link of its records to the ledger is gone for good.

The keys go in the very transaction that makes the act final: never before the ledger says so, never left behind by a
crash. An act on a payload that is not kept here deletes nothing.
"""

from collections.abc import Iterable, Sequence

from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.state import VersionNumber
from ledger.domain.values import Act
from ledger.errors import InvalidDocument, InvalidInput
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


async def require_segments(work: UnitOfWork, act: Act, documents: Iterable[Document]) -> None:
    """Raises InvalidDocument if a ShredVersion of a part names no segment, or one that begins nowhere.

    No key would go, and the ledger would say for good that some had. What is not kept here is not judged.
    """
    if act.name != "ShredVersion" or act["whole"]:
        return
    key = (act["dataset"], act["number"])
    place = (await work.load([(VersionNumber, key)])).get(VersionNumber, *key)
    row = None if place is None else (await held(work, place.version)).row
    if row is None:
        return
    named = {first for document in documents for first in document.get("segments") or ()}
    known = {first for first, _ in row.segment_keys} or {0}
    if not named or named - known:
        told = "names no segment" if not named else f"names segments that begin nowhere: {sorted(named - known)[:20]}"
        raise InvalidDocument(
            f"the document {told}; those of this version begin at {sorted(known)[:20]}", segments=sorted(known)[:20]
        )


async def _named_segments(work: UnitOfWork, entry: Entry) -> Sequence[int]:
    """The first records that the act's document names; none if it is not here or cannot be read."""
    stored = await work.document(entry.act["document"])
    try:
        return Document.parse(stored.body, "shredding").get("segments") or () if stored else ()
    except InvalidInput:
        return ()
