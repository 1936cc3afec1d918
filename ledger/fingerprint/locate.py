"""Where a copy differs from what was anchored, down to the record.

The manifest names the tiles that differ; the leaf hashes of one such tile, got from whoever holds the right table,
name the records. Leaf hashes are salted and give nothing away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.errors import InvalidProof
from ledger.fingerprint.fingerprint import RECORD
from ledger.fingerprint.leaves import LeafRule, encoded, leaves
from ledger.fingerprint.manifest import TILE_RECORDS, Manifest
from ledger.fingerprint.merkle import sha256, tree_root
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source

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
) -> Difference:
    """Compare a copy with the manifest of the anchored table, in one pass over the copy.

    `right_leaves(tile)` gives the anchored leaf hashes of a tile; it is asked for as few tiles as the answer needs.
    With None the answer stops at tiles. The caller has checked the manifest against the ledger (`Manifest.matches`).

    Raises:
        InvalidProof: leaf hashes that are not the manifest's.
        InvalidTable: the copy breaks the schema, naming row and column.
    """
    search = _Search(manifest, right_leaves, limit)
    rule = LeafRule(format, keys)
    pending: list[bytes] = []
    for first, batch in encoded(source, schema):
        pending += rule.hashes(batch, first, sha256)[0]
        while len(pending) >= TILE_RECORDS:
            search.tile(pending[:TILE_RECORDS])
            del pending[:TILE_RECORDS]
    if pending:
        search.tile(pending)
    return search.result()


class _Search:
    def __init__(self, manifest: Manifest, right_leaves: TileLeaves | None, limit: int) -> None:
        self._manifest = manifest
        self._right_leaves = right_leaves
        self._limit = limit
        self._number = 0
        self._found = 0
        self._tiles: list[int] = []
        self._wrong: list[tuple[int, list[bytes]]] = []

    def tile(self, copied: list[bytes]) -> None:
        number = self._number
        self._number += 1
        self._found += len(copied)
        if number >= len(self._manifest.tiles) or tree_root(copied) == self._manifest.tiles[number]:
            return
        self._tiles.append(number)
        # Which tiles are worth asking for depends on the count, known only at the end: every tile held names at
        # least one record, so no more than `limit` of them can be needed.
        if len(self._wrong) < max(self._limit, 1):
            self._wrong.append((number, copied))

    def result(self) -> Difference:
        if self._manifest.records == self._found:
            indexes, complete = self._all_indexes()
        else:
            indexes, complete = self._first_index(), False
        first = indexes[0] if indexes else None
        return Difference(self._manifest.records, self._found, tuple(self._tiles), tuple(indexes), complete, first)

    def _all_indexes(self) -> tuple[list[int], bool]:
        if self._right_leaves is None:
            return [], not self._tiles
        indexes: list[int] = []
        for number, copied in self._wrong:
            indexes += self._compare(number, copied, self._right_leaves)
            if len(indexes) > self._limit:
                break
        return indexes[: self._limit], len(indexes) <= self._limit and len(self._wrong) == len(self._tiles)

    def _first_index(self) -> list[int]:
        if self._right_leaves is None:
            return []
        for number, copied in self._wrong:
            indexes = self._compare(number, copied, self._right_leaves)
            if indexes:
                return indexes[:1]
        # They agree as far as both go, so they differ first where one of them ends.
        return [min(self._manifest.records, self._found)]

    def _compare(self, number: int, copied: list[bytes], right_leaves: TileLeaves) -> list[int]:
        right = list(right_leaves(number))
        span = self._manifest.tile_range(number)
        if len(right) != len(span) or tree_root(right) != self._manifest.tiles[number]:
            raise InvalidProof(f"The leaf hashes given for tile {number} are not the manifest's.", tile=number)
        pairs = zip(span, right, copied, strict=False)
        return [index for index, anchored, copy in pairs if anchored != copy]
