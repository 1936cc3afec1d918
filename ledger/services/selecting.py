"""A page of records from a kept table: read where the filters look, then only the tiles of what they found.

Pure and synchronous: it runs in a thread. What it may show is decided before (`ledger.services.scoping`).
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import orjson
import pyarrow as pa

from ledger.errors import TooLarge
from ledger.fingerprint import AnswerProof, Disclosure, Manifest, RecordProof, Schema
from ledger.fingerprint.answer_proof import answer_of, shown_record
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.conditions import Condition, matching
from ledger.fingerprint.leaves import LeafRule, leaf_array
from ledger.fingerprint.manifest import CHUNK_TILES, TILE_RECORDS
from ledger.fingerprint.salts import CHUNK_RECORDS

_CELLS_AT_ONCE: Final = 1 << 21  # then the clock is looked at
_LARGEST: Final = 60 << 20  # bytes of a proof's records as JSON: what a verifier still reads
_CELLS_PROVEN: Final = 1 << 25  # hashed for one proof of records that were named, those of their tiles included


class Table(Protocol):
    """What is read: a kept table."""

    @property
    def schema(self) -> Schema: ...
    @property
    def records(self) -> int: ...
    def pieces(self, first: int, count: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Those records, cut at the table's end, and columns: canonical cells, so many at once as memory allows.

        Raises Corrupt, Shredded.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a page ends though there is more: then it is short, or even empty, and says where to go on."""

    looked_at: int = 64 * CHUNK_RECORDS  # records
    chunks: int = 16  # of which records are shown
    size: int = 8 << 20  # bytes of the records as JSON; one record is always shown
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Records from `first` on that meet the conditions, `limit` of them; without the columns `hidden` (numbers)."""

    first: int
    limit: int
    conditions: tuple[Condition, ...]
    hidden: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Selected:
    """`answer` is None if there was nothing to show. Everything before record `stop` was looked at, but `shredded`."""

    answer: AnswerProof | None
    stop: int
    shredded: tuple[tuple[int, int], ...]


def select(
    table: Table,
    rule: LeafRule,
    tree: Manifest,
    wanted: Wanted,
    bounds: Bounds | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Selected:
    """The page and its proof. Raises Corrupt, Shredded (its keys went meanwhile), TooLarge (one record is).

    Raises InvalidProof if the kept table is not the tree's.
    """
    return _Selection(table, rule, tree, wanted, bounds or Bounds(), clock).made()


def prove(
    table: Table,
    rule: LeafRule,
    tree: Manifest,
    indexes: Sequence[int],
    conditions: tuple[Condition, ...] = (),
    hidden: Collection[int] = (),
    bounds: Bounds | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AnswerProof | None:
    """One proof of these records, in rising order; None unless all are there and meet the conditions.

    Raises as `select`; TooLarge also if they are too large together or too far apart.
    """
    if not indexes or indexes[0] < 0 or indexes[-1] >= table.records:
        return None
    wanted, most = Wanted(0, len(indexes), conditions, hidden), bounds or Bounds(size=_LARGEST, seconds=40)
    return _Selection(table, rule, tree, wanted, most, clock).proof_of(list(indexes))


class _Selection:
    def __init__(
        self, table: Table, rule: LeafRule, tree: Manifest, wanted: Wanted, bounds: Bounds, clock: Callable[[], float]
    ) -> None:
        self._table, self._rule, self._tree, self._wanted, self._bounds = table, rule, tree, wanted, bounds
        self._clock, self._began = clock, clock()
        self._encoder = RecordEncoder(table.schema, "canonical", name="the kept table")
        self._shown: list[RecordProof | Disclosure] = []
        self._leaves: dict[int, list[bytes]] = {}
        self._size = 0

    def made(self) -> Selected:
        end = min(self._table.records, self._wanted.first + self._bounds.looked_at)
        gone = self._gone(self._wanted.first, end)
        stop, fruitful = self._wanted.first, 0
        for start, upto in self._stretches(self._wanted.first, end, gone):
            numbers, upto = self._found(start, upto)
            if len(numbers) > self._wanted.limit - len(self._shown):
                numbers = numbers[: self._wanted.limit - len(self._shown)]
                upto = numbers[-1] + 1
            stop = upto if self._take(numbers) else self._shown[-1].index + 1
            fruitful += bool(numbers)
            full = len(self._shown) == self._wanted.limit or fruitful == self._bounds.chunks or stop < upto
            if full or self._late():
                break
        else:
            stop = max(end, self._wanted.first)
        answer = answer_of(self._shown, self._tree, self._leaves) if self._shown else None
        return Selected(answer, stop, tuple((one, min(other, stop)) for one, other in gone if one < stop))

    def proof_of(self, numbers: list[int]) -> AnswerProof | None:
        tiles = sorted({number // TILE_RECORDS for number in numbers})
        most = _CELLS_PROVEN // (TILE_RECORDS * len(self._table.schema.names))
        if len(tiles) > most:
            raise _too_large(f"these records lie in {len(tiles)} tiles of {TILE_RECORDS}, too many for one proof")
        wanted = set(numbers)
        for tile in tiles if self._wanted.conditions else ():
            first = tile * TILE_RECORDS
            met = {number for found, _ in self._matches(first, self._end(tile)) for number in found}
            if not wanted.intersection(range(first, first + TILE_RECORDS)) <= met:
                return None
            self._hurry()
        for stretch in _stretches(tiles, len(self._table.schema.names)):
            for number, cells in self._cells(stretch, wanted):
                one, size = self._shown_as(number, cells)
                if self._size + size > self._bounds.size:
                    raise _too_large("these records are too large for one proof")
                self._add(one, size)
            self._hurry()
        return answer_of(self._shown, self._tree, self._leaves)

    def _gone(self, first: int, end: int) -> list[tuple[int, int]]:
        keys = self._rule.keys
        return [] if keys is None or first >= end else list(keys.shredded(first, end - first))

    def _stretches(self, first: int, end: int, gone: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """What is to be looked at, chunk by chunk, without what was shredded; without filters no more than is shown."""
        most = CHUNK_RECORDS if self._wanted.conditions else max(self._wanted.limit, 1)
        while first < end:
            hidden = next((other for one, other in gone if one <= first < other), None)
            if hidden is not None:
                first = hidden
                continue
            upto = min(end, (first // CHUNK_RECORDS + 1) * CHUNK_RECORDS, first + most)
            upto = min([upto, *(one for one, _ in gone if one > first)])
            yield first, upto
            first = upto

    def _found(self, first: int, upto: int) -> tuple[list[int], int]:
        """The records of a stretch that meet the conditions, and how far it was looked at.

        It is left early only where a tile ends: where a piece ends depends on cells that may not be shown.
        """
        if not self._wanted.conditions:
            return list(range(first, upto)), upto
        found: list[int] = []
        for numbers, end in self._matches(first, upto):
            found += numbers
            whole = end // TILE_RECORDS * TILE_RECORDS
            if len(found) > self._wanted.limit:
                return found, end
            if first < whole and end < upto and self._late():
                return [number for number in found if number < whole], whole
        return found, upto

    def _matches(self, first: int, upto: int) -> Iterator[tuple[list[int], int]]:
        """Piece by piece: the records that meet the conditions, and where the piece ends."""
        conditions = self._wanted.conditions
        columns = list(dict.fromkeys(one.column for one in conditions))
        for rows in self._table.pieces(first, upto - first, columns):
            numbers = [first + int(at) for at in np.flatnonzero(matching(conditions, rows))]
            first += rows.num_rows
            yield numbers, first

    def _take(self, numbers: list[int]) -> bool:
        """Show these records of one chunk. False if the page was full, or time was up, before all of them were."""
        tiles, wanted = sorted({number // TILE_RECORDS for number in numbers}), set(numbers)
        for at, stretch in enumerate(_stretches(tiles, len(self._table.schema.names))):
            if at and self._late():
                return False
            full = False
            for number, cells in self._cells(stretch, wanted):  # to the end: the leaves of a whole tile are needed
                full = full or not self._fits(number, cells)
            if full:
                return False
        return True

    def _fits(self, number: int, cells: tuple[Any, ...]) -> bool:
        one, size = self._shown_as(number, cells)
        if size > _LARGEST:
            raise TooLarge(f"record {number} is too large for an answer", record=number, limit=_LARGEST)
        if self._shown and self._size + size > self._bounds.size:
            return False
        self._add(one, size)
        return True

    def _shown_as(self, number: int, cells: tuple[Any, ...]) -> tuple[RecordProof | Disclosure, int]:
        """What is shown of a record, and its bytes as JSON."""
        one = shown_record(self._rule, number, cells, self._wanted.hidden)
        return one, len(orjson.dumps(one.to_json()))

    def _add(self, one: RecordProof | Disclosure, size: int) -> None:
        self._shown.append(one)
        self._size += size

    def _late(self) -> bool:
        return self._clock() - self._began > self._bounds.seconds

    def _hurry(self) -> None:
        if self._late():
            raise _too_large("these records lie too far apart for one proof")

    def _cells(self, tiles: list[int], wanted: Collection[int]) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """The cells of the records of these tiles that are wanted; at the end the tiles' leaf hashes are noted.

        A stretch is read once, for what lies between its tiles is decoded with them; only the tiles are hashed.
        """
        leaves: dict[int, list[bytes]] = {tile: [] for tile in tiles}
        place, names = tiles[0] * TILE_RECORDS, self._table.schema.names
        for rows in self._table.pieces(place, self._end(tiles[-1]) - place, names):
            for run in _runs(tiles):
                first = max(place, run.start * TILE_RECORDS)
                count = min(place + rows.num_rows, self._end(run[-1])) - first
                if count <= 0:
                    continue
                batch = self._encoder.encode(rows.slice(first - place, count), first)
                for number, leaf in enumerate(map(bytes, leaf_array(self._rule, batch, first)), first):
                    leaves[number // TILE_RECORDS].append(leaf)
                    if number in wanted:
                        yield number, batch.cells(number - first)
            place += rows.num_rows
        self._leaves |= leaves

    def _end(self, tile: int) -> int:
        return min((tile + 1) * TILE_RECORDS, self._table.records)


def _stretches(tiles: list[int], columns: int) -> Iterator[list[int]]:
    """Tiles of one chunk, as many at once as are soon hashed."""
    most = max(1, _CELLS_AT_ONCE // (columns * TILE_RECORDS))
    start = 0
    for at in range(1, len(tiles) + 1):
        ends = at == len(tiles) or tiles[at] - tiles[start] >= most
        if ends or tiles[at] // CHUNK_TILES != tiles[start] // CHUNK_TILES:
            yield tiles[start:at]
            start = at


def _too_large(told: str) -> TooLarge:
    return TooLarge(told, remedy="Ask for fewer records at once.")


def _runs(tiles: list[int]) -> Iterator[range]:
    """Tiles side by side."""
    start = 0
    for at in range(1, len(tiles) + 1):
        if at == len(tiles) or tiles[at] != tiles[at - 1] + 1:
            yield range(tiles[start], tiles[at - 1] + 1)
            start = at
