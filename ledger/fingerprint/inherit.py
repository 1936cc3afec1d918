"""Which keys a new version may inherit from the one before.

Whoever holds a salt of the old version could test guesses about any new record under the same salt. So a chunk in
which a record changed, moved or vanished gets a fresh key; one that is unchanged or only grew keeps its key, since the
salts of the new records were never given out.
"""

from collections.abc import Collection

from ledger.errors import InvalidInput
from ledger.fingerprint.digests import Digests
from ledger.fingerprint.fingerprint import RECORD
from ledger.fingerprint.growth import boundary_tile
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.manifest import CHUNK_TILES, Manifest
from ledger.fingerprint.salts import CHUNK_RECORDS, Segment, SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.selected import rooted_spans
from ledger.fingerprint.sources import Source
from ledger.fingerprint.table import fingerprint_table


def inherit_keys(
    source: Source, schema: Schema, keys: SegmentKeys, manifest: Manifest, *, format: str = RECORD
) -> SegmentKeys:
    """The keys for a new version read from `source`, given the keys and the manifest of the version before.

    Reads the source once. Raises what a fingerprint raises; InvalidInput if the table before had shredded segments.
    """
    check_whole(keys)
    _, found = fingerprint_table(source, schema, keys, format=format)
    return renewed_keys(keys, manifest.records, touched_chunks(source, schema, keys, manifest, found, format=format))


def touched_chunks(
    source: Source, schema: Schema, keys: SegmentKeys | None, before: Manifest, found: Manifest, *, format: str
) -> set[int]:
    """Chunks of the old table that are not, record by record, the beginning of the same chunk of the new one.

    `found` is the manifest of the new table in `source` under the old table's keys.
    """
    tiles = {tile for tile in before.differing_tiles(found) if tile < len(before.tiles)}
    boundary = boundary_tile(before.records)
    if boundary is not None and boundary in tiles and found.records > before.records:
        old = before.tile_range(boundary)
        (rooted,) = rooted_spans(source, schema, LeafRule(format, keys), [old])
        if rooted.count == len(old) and bytes(rooted.tiles[0]) == Digests.of(before.tiles)[boundary]:
            tiles.discard(boundary)  # it only grew
    return {tile // CHUNK_TILES for tile in tiles}


def renewed_keys(keys: SegmentKeys, records: int, touched: Collection[int]) -> SegmentKeys:
    """The keys after these chunks of a table of that many records were touched."""
    segments: list[Segment] = []
    begun = max(-(-records // CHUNK_RECORDS), 1)
    for chunk in range(begun):
        first = chunk * CHUNK_RECORDS
        if chunk in touched:
            # Neighbours that changed together share one new key.
            if chunk - 1 not in touched:
                segments.append(Segment.fresh(first))
        elif not segments or segments[-1].key != keys.key(first):
            segments.append(Segment(first, keys.key(first)))
    # Segments past the old end hold the place of records that vanished earlier, whose salts were given out.
    past = begun * CHUNK_RECORDS
    return SegmentKeys([*segments, *(segment for segment in keys.segments if segment.first_record >= past)])


def check_whole(keys: SegmentKeys) -> None:
    """Raises InvalidInput if a segment was shredded."""
    if keys.gone:
        raise InvalidInput("A version with shredded segments cannot pass its keys on; start with fresh keys.")
