"""One of two tables that are read side by side: its next records, as they stand in Arrow or by their digests."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ledger.errors import InvalidTable
from ledger.fingerprint.diff_join import Marks
from ledger.fingerprint.fingerprint import RECORD
from ledger.fingerprint.leaves import LeafRule, leaf_array, pieces
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source

_OPEN = LeafRule(RECORD, None)


class Cursor:
    """`at` is the number of the next record. Records are digested before they are passed, or passed as they are."""

    def __init__(self, source: Source, schema: Schema, threads: ThreadPoolExecutor) -> None:
        self.at = 0
        self._encoder = source.encoder(schema)
        self._batches = source.batches(schema)
        self._threads = threads
        self._next: Future[pa.RecordBatch | None] | None = threads.submit(next, self._batches, None)
        self._waiting: deque[pa.RecordBatch] = deque()
        self._digested = np.empty((0, 2), np.uint64)  # marks of the next records, those of `waiting` following

    @property
    def digested(self) -> int:
        """How many of the next records have marks by now; none: they are still as they stand in Arrow."""
        return len(self._digested)

    def rows(self) -> pa.RecordBatch | None:
        """The next records, as many as there are in one piece; None at the end. Only where none is digested."""
        if not self._waiting:
            self._fetch()
        return self._waiting[0] if self._waiting else None

    def marks(self, count: int) -> Marks:
        """The marks of the next `count` records; fewer at the end."""
        found = [self._digested]
        have = len(self._digested)
        while have < count and (self._waiting or self._fetch()):
            rows = self._waiting.popleft()
            taken = min(count - have, rows.num_rows)
            if taken < rows.num_rows:
                self._waiting.appendleft(rows.slice(taken))
            found.append(self.marks_of(rows.slice(0, taken), self.at + have))
            have += taken
        if len(found) > 1:
            self._digested = np.concatenate(found)
        return self._digested[:count]

    def marks_of(self, rows: pa.RecordBatch, first: int, picked: NDArray[np.bool_] | None = None) -> Marks:
        """The marks of these records, or of those of them that are picked. Raises InvalidTable naming the row."""
        some = rows if picked is None else rows.filter(pa.array(picked))
        try:
            found = [leaf_array(_OPEN, self._encoder.encode(piece, first), first)[:, :16] for piece in pieces(some)]
        except InvalidTable:
            for piece in pieces(rows):  # again, for the number of the row
                self._encoder.encode(piece, first)
                first += piece.num_rows
            raise
        return np.concatenate(found).view(np.uint64)

    def pass_over(self, count: int) -> None:
        """Go on by that many records, all of which were seen."""
        self.at += count
        taken = min(count, len(self._digested))
        self._digested = self._digested[taken:]
        count -= taken
        while count:
            rows = self._waiting.popleft()
            if rows.num_rows > count:
                self._waiting.appendleft(rows.slice(count))
            count -= min(count, rows.num_rows)

    def _fetch(self) -> bool:
        if self._next is None:
            return False
        rows = self._next.result()
        self._next = None if rows is None else self._threads.submit(next, self._batches, None)
        if rows is not None:
            self._waiting.append(rows)
        return rows is not None
