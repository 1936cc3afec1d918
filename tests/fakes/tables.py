"""A kept table in memory: `ledger.services.kept_tables.KeptTable`'s reading, and what of it was read."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from ledger.errors import Shredded
from ledger.fingerprint import Schema
from ledger.fingerprint.canonical import RecordEncoder

Cells = Sequence[bytes | None]


class FakeTable:
    """Rows of canonical cells. Reading a record of `gone` raises Shredded, as a part whose key was deleted does."""

    name = "the kept table"
    group = 1 << 16

    def __init__(self, schema: Schema, rows: Sequence[Cells], gone: range = range(0)) -> None:
        self.schema, self.records, self.gone = schema, len(rows), gone
        self.reads: list[tuple[int, int, tuple[str, ...]]] = []
        self._rows = rows

    def read(self, first: int, count: int, columns: Sequence[str]) -> pa.RecordBatch:
        self.reads.append((first, count, tuple(columns)))
        if set(range(first, first + count)) & set(self.gone):
            raise Shredded("the records were shredded")
        places = [self.schema.names.index(column) for column in columns]
        rows = self._rows[first : first + count]
        arrays = [pa.array([row[place] for row in rows], pa.binary()) for place in places]
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def pieces(self, first: int, count: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """By row groups of `group` records."""
        stop = min(first + count, self.records)
        while first < stop:
            upto = min(stop, (first // self.group + 1) * self.group)
            yield self.read(first, upto - first, columns)
            first = upto

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "canonical", name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        while first < self.records:
            yield self.read(first, 1 << 16, schema.names)
            first += 1 << 16

    def close(self) -> None:
        return None
