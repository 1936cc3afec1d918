"""Records of two tables that found no partner in line, joined by their digests, on disk where they are many.

Records of the same digest are the same record. As many of them as both tables have are partners, whatever their places:
they moved. What is left over stands in one table only. A left-over record of either table that stands between the same
two neighbours as one of the other took its place: it changed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ledger.fingerprint.difference import TableDifference

Marks = NDArray[np.uint64]
"""(n, 2): the first 16 bytes of each record's digest."""
Numbers = NDArray[np.int64]

PARTS = 128
IN_MEMORY = 1 << 20  # rows of at most 32 bytes held before they go to disk
Rows = NDArray[np.uint64]
"""(n, k): marks and numbers side by side; a record of the new table by the complement of its number."""


class Leftovers:
    """Takes the records without a partner; a context manager, since some may be on disk."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is where a temporary folder is made, should one be needed."""
        self._temporary = TemporaryDirectory(prefix="shareledger-diff-", dir=folder)
        self._lone = _Parts(lambda rows: rows[:, 0] % PARTS, Path(self._temporary.name) / "lone")

    def __enter__(self) -> "Leftovers":
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def add(self, marks: Marks, numbers: Numbers, gaps: Numbers, *, new: bool) -> None:
        """Records by mark, number and gap: records of either table with one gap stand between the same neighbours."""
        told = (~numbers if new else numbers).astype(np.uint64)
        self._lone.add(np.column_stack([marks, gaps.astype(np.uint64), told]))

    def joined(self, old_records: int, new_records: int, limit: int) -> TableDifference:
        """The difference, naming up to `limit` records of each kind."""
        # Parts of rising gaps, so that names come in order.
        each = new_records // PARTS + 1
        left = _Parts(lambda rows: rows[:, 0] // each, Path(self._temporary.name) / "left")
        moved = 0
        for rows in self._lone.each():
            alone = _without_partner(rows)
            moved += (len(rows) - len(alone)) // 2
            left.add(alone[:, 2:])
        return _named(left, old_records, new_records, moved, limit)


class _Parts:
    """Rows in memory, and from some number of them on in files, in parts that `part_of` tells apart."""

    def __init__(self, part_of: Callable[[Rows], NDArray[np.uint64]], at: Path) -> None:
        self._part_of, self._at = part_of, at
        self._held: list[Rows] = []
        self._count = 0

    def add(self, rows: Rows) -> None:
        if len(rows):
            self._held.append(rows)
        self._count += len(rows)
        if self._count > IN_MEMORY:
            self._spill()

    def each(self) -> Iterator[Rows]:
        """The rows of one part after the other, or all at once if they are few. Each is let go of."""
        if not self._at.exists():
            held, self._held = self._held, []
            if held:
                yield np.concatenate(held)
            return
        self._spill()
        for part in range(PARTS):
            file = self._file(part)
            if file.exists():
                yield np.fromfile(file, np.uint64).reshape(-1, self._width)
                file.unlink()

    def _spill(self) -> None:
        if not self._held:
            return
        self._at.mkdir(exist_ok=True)
        rows = np.concatenate(self._held)
        self._held, self._count, self._width = [], 0, rows.shape[1]
        parts = self._part_of(rows)
        rows = rows[np.argsort(parts, kind="stable")]
        ends = np.cumsum(np.bincount(parts.astype(np.int64), minlength=PARTS))
        for part, some in enumerate(np.split(rows, ends[:-1])):
            if len(some):
                with self._file(part).open("ab") as file:
                    file.write(some.tobytes())

    def _file(self, part: int) -> Path:
        return self._at / f"{part:03d}"


def _without_partner(rows: Rows) -> Rows:
    """Of each mark those that one table has more often than the other, the last of them."""
    numbers, new = _numbers(rows)
    order = np.lexsort((numbers, new, rows[:, 1], rows[:, 0]))
    found: Rows = rows[order][_lone(rows[order, :2], new[order])]
    return found


def _numbers(rows: Rows) -> tuple[Numbers, NDArray[np.bool_]]:
    """The records' numbers, and which of them are the new table's."""
    told = rows[:, -1].astype(np.int64)
    new = told < 0
    return np.where(new, ~told, told), new


def _lone(groups: Rows, new: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows of each group have no k-th of the other side; groups stand together, old rows before new ones."""
    if not len(groups):
        return np.zeros(0, np.bool_)
    begins = np.ones(len(groups), np.bool_)
    begins[1:] = (groups[1:] != groups[:-1]).any(axis=1)
    group = np.cumsum(begins) - 1
    starts = begins.nonzero()[0]
    news = np.bincount(group, weights=new).astype(np.int64)
    olds = np.bincount(group).astype(np.int64) - news
    place = np.arange(len(groups)) - starts[group]
    rank = np.where(new, place - olds[group], place)
    lone: NDArray[np.bool_] = rank >= np.minimum(olds, news)[group]
    return lone


def _named(left: _Parts, old_records: int, new_records: int, moved: int, limit: int) -> TableDifference:
    changed: list[tuple[int, int]] = []
    removed: list[int] = []
    added: list[int] = []
    counts = [0, 0, 0]
    for rows in left.each():
        numbers, new = _numbers(rows)
        order = np.lexsort((numbers, new, rows[:, 0]))
        numbers, new = numbers[order], new[order]
        lone = _lone(rows[order, :1], new)
        # Those with a partner stand old before new in each gap, in order: the k-th of one side goes with the k-th.
        olds, news = numbers[~lone & ~new], numbers[~lone & new]
        gone, come = numbers[lone & ~new], numbers[lone & new]
        counts = [counts[0] + len(olds), counts[1] + len(gone), counts[2] + len(come)]
        room = limit - len(changed)
        changed += zip(olds[:room].tolist(), news[:room].tolist(), strict=True)
        removed += gone[: limit - len(removed)].tolist()
        added += come[: limit - len(added)].tolist()
    names = (tuple(changed), tuple(sorted(removed)), tuple(sorted(added)))
    return TableDifference(old_records, new_records, *names, counts[0], counts[1], counts[2], moved)
