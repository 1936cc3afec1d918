"""Which keys a new version may inherit from the one before.

Whoever holds a salt of the old version could test guesses about any new record under the same salt. So a chunk in
which a record changed, moved or vanished gets a fresh key; one that is unchanged or only grew keeps its key, since the
salts of the new records were never given out.
"""

from ledger.errors import InvalidInput
from ledger.fingerprint.fingerprint import RECORD
from ledger.fingerprint.leaves import LeafRule, encoded
from ledger.fingerprint.manifest import CHUNK_TILES, TILE_RECORDS, Manifest
from ledger.fingerprint.merkle import sha256, tree_root
from ledger.fingerprint.salts import CHUNK_RECORDS, Segment, SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source


def inherit_keys(
    source: Source, schema: Schema, keys: SegmentKeys, manifest: Manifest, *, format: str = RECORD
) -> SegmentKeys:
    """The keys for a new version read from `source`, given the keys and the manifest of the version before.

    Reads the source once. Raises what a fingerprint raises; InvalidInput if the table before had shredded segments.
    """
    if keys.gone:
        raise InvalidInput("A version with shredded segments cannot pass its keys on; start with fresh keys.")
    touched = _touched_chunks(source, schema, LeafRule(format, keys), manifest)
    segments: list[Segment] = []
    begun = -(-manifest.records // CHUNK_RECORDS)
    for chunk in range(max(begun, 1)):
        first = chunk * CHUNK_RECORDS
        if chunk in touched:
            # Neighbours that changed together share one new key.
            if chunk - 1 not in touched:
                segments.append(Segment.fresh(first))
        elif not segments or segments[-1].key != keys.key(first):
            segments.append(Segment(first, keys.key(first)))
    # Segments past the old end hold the place of records that vanished earlier, whose salts were given out.
    past = max(begun, 1) * CHUNK_RECORDS
    return SegmentKeys([*segments, *(segment for segment in keys.segments if segment.first_record >= past)])


def _touched_chunks(source: Source, schema: Schema, rule: LeafRule, manifest: Manifest) -> set[int]:
    """Chunks of the old table that are not, record by record, the beginning of the same chunk of the new one."""
    touched: set[int] = set()
    tiles = manifest.tiles
    number = 0
    pending: list[bytes] = []
    for first, batch in encoded(source, schema):
        if number >= len(tiles):
            break
        pending += rule.hashes(batch, first, sha256)[0]
        while number < len(tiles) and len(pending) >= len(manifest.tile_range(number)):
            length = len(manifest.tile_range(number))
            if tree_root(pending[:length]) != tiles[number]:
                touched.add(number // CHUNK_TILES)
            del pending[:TILE_RECORDS]
            number += 1
    touched.update(tile // CHUNK_TILES for tile in range(number, len(tiles)))
    return touched
