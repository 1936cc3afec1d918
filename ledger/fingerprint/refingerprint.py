"""The fingerprint of a table that changed, from that of the table before: only chunks that changed are hashed again.

A chunk in which a record changed, moved or vanished gets a fresh key and is hashed under it; the tiles of all others
are taken over. What is taken over is believed of whoever says which chunks changed, but for this, which is checked:

1 the tile in which the old table ended is always read, and what follows it: unless told, it has only grown;
2 a chunk that was told still has as many records as before, so that nothing behind it has moved;
3 as many tiles of other chunks as are asked for, drawn at random, are those of the old table.

A wrong word about a chunk that is not read may pass all that. `version verify` of the table finds it, and so does
naming no chunks: then the whole table is read, and what changed is found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import SystemRandom

import numpy as np

from ledger.errors import InvalidInput
from ledger.fingerprint.digests import Digests
from ledger.fingerprint.fingerprint import RECORD, Fingerprint
from ledger.fingerprint.inherit import check_whole, renewed_keys, touched_chunks
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.levels import top
from ledger.fingerprint.manifest import CHUNK_TILES, TILE_RECORDS, Manifest
from ledger.fingerprint.salts import CHUNK_RECORDS, SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.selected import Rooted, rooted_spans
from ledger.fingerprint.sources import Source
from ledger.fingerprint.table import Progress, fingerprint_table

_ENDLESS = 1 << 62


@dataclass(frozen=True, slots=True)
class Refingerprint:
    """The new table's fingerprint, manifest and keys (None: open), and the chunks in which records changed."""

    fingerprint: Fingerprint
    manifest: Manifest
    keys: SegmentKeys | None
    touched: tuple[int, ...]


def refingerprint(
    before: Manifest,
    source: Source,
    schema: Schema,
    keys: SegmentKeys | None,
    changed: Iterable[int] | None = None,
    *,
    format: str = RECORD,
    spot_checks: int = 0,
    progress: Progress | None = None,
) -> Refingerprint:
    """The fingerprint of the table in `source`, whose version before had this manifest and these keys.

    `changed` names the chunks of the old table (by number, from 0) in which a record changed; None finds them out by
    reading all of it, and `progress` is called with the number of records done. There is no twin root: a manifest holds
    SHA-256 only.

    Raises:
        InvalidInput: a chunk that does not exist; a table that cannot be the old one changed in those chunks; shredded
            segments.
        InvalidTable, TooLarge: as for a fingerprint, in the chunks that are read.
    """
    if keys is not None:
        check_whole(keys)
    if changed is not None:
        return _told(before, source, schema, keys, sorted(set(changed)), format, spot_checks)
    taken, found = fingerprint_table(source, schema, keys, format=format, progress=progress)
    touched = sorted(touched_chunks(source, schema, keys, before, found, format=format))
    if not touched or keys is None:
        return Refingerprint(taken, found, keys, tuple(touched))
    fresh = renewed_keys(keys, before.records, touched)
    again = [chunk for chunk in touched if chunk * CHUNK_RECORDS < found.records]
    tiles = _replaced(found, rooted_spans(source, schema, LeafRule(format, fresh), map(_chunk, again)))
    # Past the old end a segment goes on under the key that the last chunk has now.
    if _last(before) in touched:
        rest = range((_last(before) + 1) * CHUNK_RECORDS, _ENDLESS)
        grown = [span for span in [rest] if span.start < found.records]
        tiles = _replaced(Manifest(found.records, tiles), rooted_spans(source, schema, LeafRule(format, fresh), grown))
    manifest = Manifest(found.records, tiles)
    return Refingerprint(replace(taken, root=manifest.root), manifest, fresh, tuple(touched))


def _told(
    before: Manifest,
    source: Source,
    schema: Schema,
    keys: SegmentKeys | None,
    told: Sequence[int],
    format: str,
    spot_checks: int,
) -> Refingerprint:
    last = _last(before)
    if any(not 0 <= chunk <= last for chunk in told):
        raise InvalidInput(f"The table before has the chunks 0 to {last}.", chunks=list(told))
    fresh = None if keys is None else renewed_keys(keys, before.records, told)
    rule = LeafRule(format, fresh)
    chunks = [_chunk(chunk) for chunk in told if chunk < last]
    spots = _spots(before, [chunk for chunk in range(last) if chunk not in set(told)], spot_checks)
    end = [range(last * CHUNK_RECORDS, _ENDLESS)] if last in told else _end(before)
    found = list(rooted_spans(source, schema, rule, sorted([*chunks, *spots, *end], key=lambda span: span.start)))
    by_start = {rooted.span.start: rooted for rooted in found}
    if any(by_start[span.start].count != CHUNK_RECORDS for span in chunks):  # 2
        raise _shrank(before)
    for span in spots:  # 3
        _same(before, by_start[span.start])
    if last in told:
        if last and not by_start[end[0].start].count:
            raise _shrank(before)
    else:
        _only_grew(before, [by_start[span.start] for span in end])  # 1
    records = end[0].start + sum(by_start[span.start].count for span in end)
    kept = Digests.of(before.tiles)[: end[0].start // TILE_RECORDS].array()
    tail = [by_start[span.start].tiles for span in end]
    whole = Manifest(records, Digests.of(np.concatenate([kept, *tail])))
    manifest = Manifest(records, _replaced(whole, [by_start[span.start] for span in chunks]))
    fingerprint = Fingerprint(format, keys is not None, schema.digest(), manifest.root, records)
    return Refingerprint(fingerprint, manifest, fresh, tuple(told))


def _replaced(manifest: Manifest, found: Iterable[Rooted]) -> Digests:
    tiles = Digests.of(manifest.tiles).array().copy()
    for rooted in found:
        first = rooted.span.start // TILE_RECORDS
        tiles[first : first + len(rooted.tiles)] = rooted.tiles
    return Digests.of(tiles)


def _last(manifest: Manifest) -> int:
    """The chunk in which the table ends."""
    return max(manifest.records - 1, 0) // CHUNK_RECORDS


def _chunk(number: int) -> range:
    return range(number * CHUNK_RECORDS, (number + 1) * CHUNK_RECORDS)


def _end(before: Manifest) -> list[range]:
    """The tile the old table ended in, and what follows it."""
    start = max(before.records - 1, 0) // TILE_RECORDS * TILE_RECORDS
    held = [range(start, start + TILE_RECORDS)] if before.records else []
    return [*held, range(start + TILE_RECORDS if held else 0, _ENDLESS)]


def _spots(before: Manifest, chunks: Sequence[int], most: int) -> list[range]:
    random = SystemRandom()
    drawn = random.sample(chunks, min(most, len(chunks)))
    return [before.tile_range(chunk * CHUNK_TILES + random.randrange(CHUNK_TILES)) for chunk in drawn]


def _only_grew(before: Manifest, end: Sequence[Rooted]) -> None:
    for rooted in end[:-1]:
        held = min(rooted.span.stop, before.records) - rooted.span.start
        if rooted.count < held:
            raise _shrank(before)
        if held < TILE_RECORDS:
            rooted = replace(rooted, tiles=np.frombuffer(top(rooted.head[:held]), np.uint8).reshape(1, -1))
        _same(before, rooted)


def _same(before: Manifest, rooted: Rooted) -> None:
    first = rooted.span.start // TILE_RECORDS
    kept = Digests.of(before.tiles)[first : first + len(rooted.tiles)].array()
    differing = (kept != rooted.tiles).any(axis=1).nonzero()[0] if len(kept) == len(rooted.tiles) else [0]
    if len(differing) or not len(kept):
        chunk = (first + int(differing[0] if len(differing) else 0)) // CHUNK_TILES
        raise InvalidInput(
            f"Records of chunk {chunk} changed too.",
            remedy="Name all chunks that changed, or none to have them found.",
            chunk=chunk,
        )


def _shrank(before: Manifest) -> InvalidInput:
    return InvalidInput(
        f"The table has lost records: it had {before.records}.", remedy="Name no chunks: the whole table is to be read."
    )
