"""Where a copy differs from what was anchored, down to the record.

The manifest names the tiles that differ; the leaf hashes of one such tile, got from whoever holds the right table,
name the records. Leaf hashes are salted and give nothing away.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ledger.errors import InvalidProof
from ledger.fingerprint.fingerprint import RECORD
from ledger.fingerprint.leaves import LeafRule, leaves
from ledger.fingerprint.manifest import TILE_RECORDS, Manifest
from ledger.fingerprint.merkle import tree_root
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.selected import rooted_spans
from ledger.fingerprint.sources import Source
from ledger.fingerprint.table import fingerprint_table

TileLeaves = Callable[[int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a copy of `found` records differs from the anchored table of `expected`.

    `tiles` are all tiles that differ, in the range both have. `indexes` are the records that differ: with equal counts
    all of them, up to the limit asked for (`complete` says whether that is all); with unequal counts only the first,
    since whatever follows an insertion has moved. `first` is the first differing record, None if nothing differs or
    no leaf hashes could be had.
    """

    expected: int
    found: int
    tiles: tuple[int, ...]
    indexes: tuple[int, ...]
    complete: bool
    first: int | None

    def __bool__(self) -> bool:
        """True if there is a difference."""
        return self.expected != self.found or bool(self.tiles)


def tile_leaves(
    source: Source, schema: Schema, keys: SegmentKeys | None, tile: int, *, format: str = RECORD
) -> list[bytes]:
    """The leaf hashes of one tile of the right table: what its holder answers to `locate`."""
    return list(leaves(source, schema, keys, first=tile * TILE_RECORDS, count=TILE_RECORDS, format=format))


def locate(
    source: Source,
    schema: Schema,
    keys: SegmentKeys | None,
    manifest: Manifest,
    right_leaves: TileLeaves | None,
    *,
    format: str = RECORD,
    limit: int = 1000,
    copied: Manifest | None = None,
) -> Difference:
    """Compare a copy with the manifest of the anchored table.

    `right_leaves(tile)` gives the anchored leaf hashes of a tile; it is asked for as few tiles as the answer needs.
    With None the answer stops at tiles. The caller has checked the manifest against the ledger (`Manifest.matches`).
    `copied` is the copy's own manifest under the same keys, if it was taken already; else the copy is read for it.
    Beyond that only the tiles that are compared are read.

    Raises:
        InvalidProof: leaf hashes that are not the manifest's.
        InvalidTable: the copy breaks the schema, naming row and column.
    """
    if copied is None:
        _, copied = fingerprint_table(source, schema, keys, format=format)
    common = min(len(manifest.tiles), len(copied.tiles))
    tiles = tuple(tile for tile in manifest.differing_tiles(copied) if tile < common)
    equal = manifest.records == copied.records
    if right_leaves is None:
        return Difference(manifest.records, copied.records, tiles, (), equal and not tiles, None)
    # Every tile holds one differing record at least, so no more than `limit` of them can be needed.
    asked = tiles[: max(limit, 1)]
    spans = [range(tile * TILE_RECORDS, (tile + 1) * TILE_RECORDS) for tile in asked]
    mine = (rooted.head for rooted in rooted_spans(source, schema, LeafRule(format, keys), spans))
    each = (
        _compare(manifest, tile, [bytes(leaf) for leaf in head], right_leaves)
        for tile, head in zip(asked, mine, strict=True)
    )
    if not equal:
        # They agree as far as both go where no tile has a differing record: then they differ where one of them ends.
        first = next((found[0] for found in each if found), min(manifest.records, copied.records))
        return Difference(manifest.records, copied.records, tiles, (first,), False, first)
    indexes = _up_to(each, limit)
    complete = len(indexes) <= limit and len(asked) == len(tiles)
    named = tuple(indexes[:limit])
    return Difference(manifest.records, copied.records, tiles, named, complete, named[0] if named else None)


def _up_to(each: Iterator[list[int]], limit: int) -> list[int]:
    indexes: list[int] = []
    for found in each:
        indexes += found
        if len(indexes) > limit:
            break
    return indexes


def _compare(manifest: Manifest, tile: int, copied: Sequence[bytes], right_leaves: TileLeaves) -> list[int]:
    right, span = list(right_leaves(tile)), manifest.tile_range(tile)
    if len(right) != len(span) or tree_root(right) != manifest.tiles[tile]:
        raise InvalidProof(f"The leaf hashes given for tile {tile} are not the manifest's.", tile=tile)
    return [index for index, anchored, copy in zip(span, right, copied, strict=False) if anchored != copy]
