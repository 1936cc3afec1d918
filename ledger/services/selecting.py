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

_CELLS_AT_ONCE: Final = 1 << 21
_LARGEST: Final = 60 << 20  # bytes of one record's proof as JSON: what a verifier still reads


class Table(Protocol):
    """What is read: a kept table."""

    @property
    def schema(self) -> Schema: ...
    @property
    def records(self) -> int: ...
    def read(self, first: int, count: int, columns: Sequence[str]) -> pa.RecordBatch:
        """Those records, cut at the table's end, and columns: canonical cells. Raises Corrupt, Shredded."""
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
) -> AnswerProof | None:
    """One proof of these records, in rising order; None unless all are there and meet the conditions.

    Raises as `select`.
    """
    if not indexes or indexes[0] < 0 or indexes[-1] >= table.records:
        return None
    selection = _Selection(table, rule, tree, Wanted(0, len(indexes), conditions, hidden), Bounds(), time.monotonic)
    return selection.proof_of(list(indexes))


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
            numbers = self._numbers(start, upto)
            if len(numbers) > self._wanted.limit - len(self._shown):
                numbers = numbers[: self._wanted.limit - len(self._shown)]
                upto = numbers[-1] + 1
            stop = upto if self._take(numbers) else self._shown[-1].index + 1
            fruitful += bool(numbers)
            full = len(self._shown) == self._wanted.limit or fruitful == self._bounds.chunks or stop < upto
            if full or self._clock() - self._began > self._bounds.seconds:
                break
        else:
            stop = max(end, self._wanted.first)
        answer = answer_of(self._shown, self._tree, self._leaves) if self._shown else None
        return Selected(answer, stop, tuple((one, min(other, stop)) for one, other in gone if one < stop))

    def proof_of(self, numbers: list[int]) -> AnswerProof | None:
        for tile in sorted({number // TILE_RECORDS for number in numbers}):
            first, upto = tile * TILE_RECORDS, min((tile + 1) * TILE_RECORDS, self._table.records)
            wanted = {number for number in numbers if first <= number < upto}
            if self._wanted.conditions and not wanted <= set(self._numbers(first, upto)):
                return None
        cells = self._read(numbers)
        shown = [shown_record(self._rule, number, cells[number], self._wanted.hidden) for number in numbers]
        return answer_of(shown, self._tree, self._leaves)

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

    def _numbers(self, first: int, upto: int) -> list[int]:
        """The records of a stretch that meet the conditions."""
        conditions = self._wanted.conditions
        if not conditions:
            return list(range(first, upto))
        columns = list(dict.fromkeys(one.column for one in conditions))
        mask = matching(conditions, self._table.read(first, upto - first, columns))
        return [first + int(at) for at in np.flatnonzero(mask)]

    def _take(self, numbers: list[int]) -> bool:
        """Show these records of one chunk. False if the page was full before all of them were."""
        hidden = self._wanted.hidden
        cells = self._read(numbers)
        for number in numbers:
            one = shown_record(self._rule, number, cells.pop(number), hidden)
            size = len(orjson.dumps(one.to_json()))
            if size > _LARGEST:
                raise TooLarge(f"record {number} is too large for an answer", record=number, limit=_LARGEST)
            if self._shown and self._size + size > self._bounds.size:
                return False
            self._shown.append(one)
            self._size += size
        return True

    def _read(self, numbers: list[int]) -> dict[int, tuple[Any, ...]]:
        """The cells of these records; the leaf hashes of their tiles are noted.

        A stretch is read once, for what lies between its tiles is decoded with them; only the tiles are hashed.
        """
        wanted, found = set(numbers), dict[int, tuple[Any, ...]]()
        names = self._table.schema.names
        for tiles in _stretches(sorted({number // TILE_RECORDS for number in numbers}), len(names)):
            start = tiles[0] * TILE_RECORDS
            rows = self._table.read(start, self._end(tiles[-1]) - start, names)
            for run in _runs(tiles):
                first, count = run.start * TILE_RECORDS, self._end(run[-1]) - run.start * TILE_RECORDS
                batch = self._encoder.encode(rows.slice(first - start, count), first)
                leaves = list(map(bytes, leaf_array(self._rule, batch, first)))
                for tile in run:
                    at = tile * TILE_RECORDS - first
                    self._leaves[tile] = leaves[at : at + TILE_RECORDS]
                for number in wanted.intersection(range(first, first + batch.count)):
                    found[number] = batch.cells(number - first)
        return found

    def _end(self, tile: int) -> int:
        return min((tile + 1) * TILE_RECORDS, self._table.records)


def _stretches(tiles: list[int], columns: int) -> Iterator[list[int]]:
    """Tiles of one chunk, as many at once as keep memory bounded."""
    most = max(1, _CELLS_AT_ONCE // (columns * TILE_RECORDS))
    start = 0
    for at in range(1, len(tiles) + 1):
        ends = at == len(tiles) or tiles[at] - tiles[start] >= most
        if ends or tiles[at] // CHUNK_TILES != tiles[start] // CHUNK_TILES:
            yield tiles[start:at]
            start = at


def _runs(tiles: list[int]) -> Iterator[range]:
    """Tiles side by side."""
    start = 0
    for at in range(1, len(tiles) + 1):
        if at == len(tiles) or tiles[at] != tiles[at - 1] + 1:
            yield range(tiles[start], tiles[at - 1] + 1)
            start = at
