"""A version as this product holds it: its state, entry and document, and what is kept of its payload and keys."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ledger.domain.entries import Entry
from ledger.domain.identifiers import parse_digest
from ledger.domain.state import Dataset, Version
from ledger.errors import Corrupt, NotFound, PayloadElsewhere, Shredded, TooLarge
from ledger.fingerprint import Manifest, Origin, Segment, SegmentKeys
from ledger.fingerprint.sources import open_binary
from ledger.ports import PayloadRow, Ports, UnitOfWork, Vault
from ledger.services.material import Material, VersionDocument
from ledger.services.spooling import spooled

KEYS_HERE, KEYS_PROVIDER, KEYS_NONE = "here", "provider", "none"


@dataclass(frozen=True, slots=True)
class Held:
    version: Version
    provider: str
    entry: Entry
    document: bytes | None
    row: PayloadRow | None

    def read_document(self) -> VersionDocument:
        """Raises NotFound if its document is not held here."""
        if self.document is None:
            raise NotFound(f"the document of version {self.version.id} is not held here")
        return VersionDocument.parse(self.document)


async def held(work: UnitOfWork, version: str) -> Held:
    """Raises NotFound for a version the ledger does not have.

    Digests are on the chain for all to see, and the contracts know no documents: a version may name a document of
    another department, and with it that department's payload and keys. It gets what its own provider prepared for that
    very dataset, and nothing else.
    """
    state = await work.load([(Version, (parse_digest(version),))])
    found = state.get(Version, version)
    entry = await work.entry(version)
    dataset = state.get(Dataset, found.dataset) if found else None
    if found is None or entry is None or dataset is None:
        raise NotFound(f"no version {version}")
    document, row = await work.document(found.document), await work.payload(found.document)
    own = document is not None and (document.open or dataset.provider in document.readers)
    return Held(
        found,
        dataset.provider,
        entry,
        document.body if document is not None and own else None,
        row if row is not None and own and row.dataset == found.dataset else None,
    )


def data_key_context(document: str) -> str:
    """What a payload's wrapped key is bound to: in another row it opens nothing."""
    return f"payload/{document}"


def part_key_context(document: str, first_record: int) -> str:
    """Of the part of the kept table that begins with that record."""
    return f"part/{document}/{first_record}"


def segment_key_context(document: str, first_record: int) -> str:
    return f"segment/{document}/{first_record}"


def segment_keys(vault: Vault, row: PayloadRow) -> SegmentKeys | None:
    """The unwrapped segment keys; None if none were ever deposited here. Raises Corrupt, Shredded if all are gone."""
    if not row.segment_keys:
        return None
    gone = [first for first, wrapped in row.segment_keys if wrapped is None]
    if len(gone) == len(row.segment_keys):
        raise Shredded("the segment keys of this version were deleted on purpose")
    return SegmentKeys(
        [
            Segment(first, vault.unwrap(wrapped, segment_key_context(row.document, first)))
            for first, wrapped in row.segment_keys
            if wrapped is not None
        ],
        gone=gone,
    )


def material_of(vault: Vault, found: Held) -> Material:
    """With keys and manifest as far as they are kept here. Raises Corrupt, Shredded."""
    if found.version.shredded:
        raise Shredded(f"version {found.version.number} of {found.version.dataset} was shredded")
    row = found.row
    if row is None:
        return Material(found.entry, found.document, None, None)
    keys = segment_keys(vault, row) if found.version.salted else None
    return Material(found.entry, found.document, Manifest.from_bytes(row.manifest), keys)


def data_key(vault: Vault, found: Held) -> tuple[str, bytes]:
    """(object, key) of the kept payload. Raises PayloadElsewhere, Shredded, Corrupt."""
    row = found.row
    if row is None or row.object is None:
        raise PayloadElsewhere(f"no payload of version {found.version.number} of {found.version.dataset} is kept here")
    if found.version.shredded:
        raise Shredded(f"version {found.version.number} of {found.version.dataset} was shredded")
    if row.wrapped_key is None:
        raise Shredded(
            f"version {found.version.number} of {found.version.dataset} was shredded in part, and the file with it",
            remedy="The file held the shredded records too. Ask for the records that are left.",
        )
    return row.object, vault.unwrap(row.wrapped_key, data_key_context(row.document))


async def open_plain(ports: Ports, found: Held, start: int = 0) -> AsyncIterator[bytes]:
    """The payload's bytes from `start`, decrypted as read. Raises as `data_key`; NotFound if the object is lost."""
    digest, key = data_key(ports.vault, found)
    return await ports.payloads.open(digest, key, start=start)


@asynccontextmanager
async def payload_at_hand(ports: Ports, found: Held) -> AsyncIterator[Origin]:
    """The decrypted payload, to be read any number of times. Raises as `open_plain`; Corrupt if its size is wrong."""
    size, chunks = found.version.size, await open_plain(ports, found)
    try:
        async with spooled(chunks, ports.scratch, size) as spool:
            if spool.size != size:
                raise Corrupt(f"the kept payload has {spool.size} bytes; {size} were anchored")
            yield spool.origin
    except TooLarge as error:
        raise Corrupt(f"the kept payload has more than the {size} bytes that were anchored") from error


async def sha256_of(origin: Origin) -> str:
    """Of the plain bytes, 64 hex digits."""

    def whole() -> str:
        hash_ = hashlib.sha256()
        with open_binary(origin) as file:
            while piece := file.read(1 << 20):
                hash_.update(piece)
        return hash_.hexdigest()

    return await asyncio.to_thread(whole)
