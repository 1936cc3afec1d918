"""Which records were added, removed and changed between two tables, and which only moved.

Two records are the same if their canonical bytes are, whatever keys their tables were salted with and wherever they
stand. Both tables are read once, side by side:

1 stretches whose Arrow cells are equal are the same, and are not even encoded;
2 where they differ, records are compared by digest; a run of differing ones is looked for further on in either table,
  up to 2^18 records ahead, so that records put in or taken out do not make all that follow them differ;
3 records that found no partner in line are joined by digest with those of the other table, wherever they stand.

So what is named is exact: a record is called removed or added only if one table has it more often than the other. How
fast it goes depends on the order: more than 2^18 records put in at one place, or a table sorted anew, leave everything
behind them to the third step, which goes through temporary files of 32 bytes a record. Memory does not grow with the
tables. A digest is SHA-256 cut to 128 bits.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ledger.fingerprint.diff_cursor import Cursor
from ledger.fingerprint.diff_join import Leftovers, Marks
from ledger.fingerprint.difference import TableDifference
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source
from ledger.fingerprint.table import Progress

WINDOWS = (1 << 8, 1 << 13, 1 << 18)
_STRETCH = 1 << 16
_MOST_PATIENT = 64

Mask = NDArray[np.bool_]


def compare_tables(
    old: Source,
    new: Source,
    schema: Schema,
    *,
    limit: int = 100_000,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> TableDifference:
    """How the table in `new` differs from the one in `old`, both read under one schema.

    Up to `limit` records of each kind are named, in order; all are counted. Temporary files, if any, are made in
    `folder`. `progress` is called with the number of records of the new table that are done.

    Raises:
        InvalidTable: a row that one of the tables' readers or the schema refuses; cells that are the same in both
            tables are not looked at.
        TooLarge: a line over the limit.
    """
    with ThreadPoolExecutor(2, "compare") as threads, Leftovers(folder) as leftovers:
        comparison = _Comparison(Cursor(old, schema, threads), Cursor(new, schema, threads), leftovers, alike(old, new))
        while comparison.step():
            if progress is not None:
                progress(comparison.new.at)
        return leftovers.joined(comparison.old.at, comparison.new.at, limit)


def alike(old: Source, new: Source) -> bool:
    """Do equal Arrow cells of the two mean equal records? So if they are read by the same options."""
    mine, others = getattr(old, "options", None), getattr(new, "options", None)
    return type(old) is type(new) and mine is not None and mine == others


class _Comparison:
    def __init__(self, old: Cursor, new: Cursor, leftovers: Leftovers, by_cells: bool) -> None:
        self.old, self.new = old, new
        self._leftovers = leftovers
        self._by_cells = by_cells
        self._patience = 2  # how many records in a row differ before they are looked for elsewhere

    def step(self) -> bool:
        """Go on by some records; False if both tables are at their ends."""
        digested = max(self.old.digested, self.new.digested)
        if self._by_cells and not digested:
            mine, others = self.old.rows(), self.new.rows()
            if mine is not None and others is not None:
                count = min(mine.num_rows, others.num_rows)
                self._in_line_by_cells(mine.slice(0, count), others.slice(0, count))
                return True
        stretch = digested if self._by_cells and digested else _STRETCH
        mine_marks, other_marks = self.old.marks(stretch), self.new.marks(stretch)
        count = min(len(mine_marks), len(other_marks))
        if count:
            self._in_line(mine_marks[:count], other_marks[:count])
        else:
            self._leave(len(mine_marks), len(other_marks))
        return bool(len(mine_marks) or len(other_marks))

    def _in_line_by_cells(self, mine: pa.RecordBatch, others: pa.RecordBatch) -> None:
        differing = differing_rows(mine, others)
        stop = self._first_run(differing)
        if stop is None:
            self._pass_by_cells(mine, others, differing)
            return
        self._pass_by_cells(mine.slice(0, stop), others.slice(0, stop), differing[:stop])
        self._look_ahead()

    def _pass_by_cells(self, mine: pa.RecordBatch, others: pa.RecordBatch, differing: Mask) -> None:
        if differing.any():
            pair = (
                self.old.marks_of(mine, self.old.at, differing),
                self.new.marks_of(others, self.new.at, differing),
            )
            self._leave_in_place(*pair, differing.nonzero()[0])
        self._pass(len(differing), len(differing))

    def _in_line(self, mine: Marks, others: Marks) -> None:
        differing = (mine != others).any(axis=1)
        stop = self._first_run(differing)
        count = len(differing) if stop is None else stop
        places = differing[:count].nonzero()[0]
        self._leave_in_place(mine[places], others[places], places)
        self._pass(count, count)
        if stop is not None:
            self._look_ahead()

    def _first_run(self, differing: Mask) -> int | None:
        """Where the first run of differing records that is too long to be passed over begins."""
        edges = np.diff(differing.astype(np.int8), prepend=0, append=0)
        starts, stops = (edges == 1).nonzero()[0], (edges == -1).nonzero()[0]
        long = (stops - starts >= self._patience).nonzero()[0]
        return int(starts[long[0]]) if len(long) else None

    def _look_ahead(self) -> None:
        """From two records that differ to the next two that are the same, or on by a whole window."""
        for window in WINDOWS:
            mine, others = self.old.marks(window), self.new.marks(window)
            found = nearest_pair(mine, others)
            if found is not None:
                # In place after all: many changes stand together here, so be slower to look for others.
                self._patience = min(2 * self._patience, _MOST_PATIENT) if found[0] == found[1] else 2
                self._leave(*found)
                return
            if max(len(mine), len(others)) < window:
                break
        count = min(len(mine), len(others))
        if not count:
            self._leave(len(mine), len(others))
            return
        differing = (mine[:count] != others[:count]).any(axis=1).nonzero()[0]
        self._leave_in_place(mine[differing], others[differing], differing)
        self._pass(count, count)

    # ---- records without a partner in line ---------------------------------------------------------------------------

    def _leave(self, old: int, new: int) -> None:
        """The next records of either table stand between the same neighbours and have no partner there."""
        gap = self.new.at
        for cursor, count, is_new in ((self.old, old, False), (self.new, new, True)):
            marks = cursor.marks(count)
            numbers = np.arange(cursor.at, cursor.at + len(marks))
            self._leftovers.add(marks, numbers, np.full(len(marks), gap), new=is_new)
        self._pass(old, new)

    def _leave_in_place(self, mine: Marks, others: Marks, places: NDArray[np.int64]) -> None:
        """Single records that differ, some of the next ones; each run of them is a gap, known by where it begins."""
        same = (mine == others).all(axis=1)  # cells written differently
        mine, others, places = mine[~same], others[~same], places[~same]
        if not len(places):
            return
        begins = np.ones(len(places), np.bool_)
        begins[1:] = np.diff(places) != 1
        gaps = self.new.at + places[begins.nonzero()[0][np.cumsum(begins) - 1]]
        self._leftovers.add(mine, self.old.at + places, gaps, new=False)
        self._leftovers.add(others, self.new.at + places, gaps, new=True)

    def _pass(self, old: int, new: int) -> None:
        self.old.pass_over(old)
        self.new.pass_over(new)


def differing_rows(mine: pa.RecordBatch, others: pa.RecordBatch) -> Mask:
    """Which rows have a cell that is not equal in both."""
    differing = np.zeros(mine.num_rows, np.bool_)
    if mine.equals(others):
        return differing
    for one, other in zip(mine.columns, others.columns, strict=True):
        if one.type != other.type:
            return np.ones(mine.num_rows, np.bool_)
        if not one.equals(other):
            try:
                unequal = pc.fill_null(pc.not_equal(one, other), False).to_numpy(zero_copy_only=False)
            except pa.ArrowNotImplementedError:  # a type that Arrow does not compare
                return np.ones(mine.num_rows, np.bool_)
            one_null, other_null = (pc.is_null(each).to_numpy(zero_copy_only=False) for each in (one, other))
            differing |= unequal | (one_null != other_null)
    return differing


def nearest_pair(mine: Marks, others: Marks) -> tuple[int, int] | None:
    """Places of two equal marks, each the only one of its kind in its window, with the least to be left before them.

    Equal marks right before them, which others are equal to as well, are taken along.
    """
    place, other_place = _once(mine), _once(others)
    keys = np.concatenate([mine[place], others[other_place]])
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    same = (keys[order[1:]] == keys[order[:-1]]).all(axis=1).nonzero()[0]
    if not len(same):
        return None
    one, other = np.minimum(order[same], order[same + 1]), np.maximum(order[same], order[same + 1]) - len(place)
    olds, news = place[one], other_place[other]
    at = int(np.argmin(olds + news))
    old, new = int(olds[at]), int(news[at])
    while old and new and (mine[old - 1] == others[new - 1]).all():
        old, new = old - 1, new - 1
    return old, new


def _once(marks: Marks) -> NDArray[np.int64]:
    """The places of the marks that occur once."""
    order = np.lexsort((marks[:, 1], marks[:, 0]))
    different = np.ones(len(marks) + 1, np.bool_)
    different[1:-1] = (marks[order[1:]] != marks[order[:-1]]).any(axis=1)
    found: NDArray[np.int64] = np.sort(order[different[1:] & different[:-1]])
    return found
