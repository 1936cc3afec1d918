"""The keys of a new version: those of the version before, where nothing they protect has changed.

A chunk that is unchanged or only grew keeps its key, one in which a record changed, moved or vanished gets a fresh one
(`ledger.fingerprint.inherit`). So the next version's tiles are the same as far as its records are, and that a table
only grew can be proven. Where the version before is not held here with all its keys, the next one gets fresh ones; and
where there would be too many segments for a document to list a part of the table for each.
"""

from dataclasses import dataclass
from typing import Final

from ledger.domain.state import VersionNumber
from ledger.errors import ShareLedgerError
from ledger.fingerprint import FILE, Fingerprint, Manifest, Origin, SegmentKeys, open_source, refingerprint
from ledger.ports import Ports
from ledger.services.fingerprinting import PrepareOptions, Progress, fingerprint_source
from ledger.services.versions import held, segment_keys

MOST_SEGMENTS: Final = 2000


@dataclass(frozen=True, slots=True)
class Before:
    """What the next version goes on from."""

    manifest: Manifest
    keys: SegmentKeys


async def version_before(ports: Ports, dataset: str, number: int, options: PrepareOptions) -> Before | None:
    """What is held of the version before that number, if a version with these options may go on from it."""
    if options.fresh_keys or not options.salted or options.schema is None or options.format == FILE:
        return None
    async with ports.store.read() as work:
        state = await work.load([(VersionNumber, (dataset, number - 1))])
        line = state.get(VersionNumber, dataset, number - 1)
        if line is None:
            return None
        found = await held(work, line.version)
    same = (found.version.format, found.version.schema, found.version.salted) == (
        options.format,
        options.schema.digest().hex(),
        True,
    )
    if not same or found.row is None or found.version.shredded:
        return None
    try:
        keys = segment_keys(ports.vault, found.row)
        manifest = Manifest.from_bytes(found.row.manifest)
    except ShareLedgerError:  # shredded or damaged: nothing of it is needed
        return None
    anchored = manifest.records == found.version.records and manifest.root.hex() == found.version.root
    return Before(manifest, keys) if keys is not None and not keys.gone and anchored else None


def fingerprint_next(
    origin: Origin, options: PrepareOptions, before: Before | None, progress: Progress | None = None
) -> tuple[Fingerprint, Manifest, SegmentKeys | None]:
    """Fingerprint, manifest and keys (None: open) of the file at `origin`. Raises as `fingerprint_source`."""
    if before is None or options.schema is None:
        keys = SegmentKeys.fresh() if options.salted else None
        taken, manifest = fingerprint_source(origin, options, keys, progress)
        return taken, manifest, keys
    source = open_source(origin, options.read, name=options.name)
    made = refingerprint(before.manifest, source, options.schema, before.keys, format=options.format, progress=progress)
    if made.keys is None or len(made.keys.segments) > MOST_SEGMENTS:
        return fingerprint_next(origin, options, None, progress)
    if options.twin:  # a manifest holds SHA-256 only: the SM3 root is taken of the whole table
        return *fingerprint_source(origin, options, made.keys, progress), made.keys
    return made.fingerprint, made.manifest, made.keys
