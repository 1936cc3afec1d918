"""Rows of Python values as Arrow columns of canonical bytes: for sources that have no Arrow form of their own."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timezone
from itertools import islice
from typing import Any

import pyarrow as pa

from ledger.errors import InvalidTable, ShareLedgerError
from ledger.fingerprint.cells import Dialect, Reader, reader
from ledger.fingerprint.schema import Column, Schema

Row = Sequence[Any]
BATCH_BYTES = 1 << 23
_STEP = 1024  # rows read into cells at once


class RowEncoder:
    """Reads each cell by its column's type. None is null.

    `dialect` says what the cells are: Python values, or members of JSON objects. `readers` may stand in for the usual
    readers. `name` and `first_row` are for error messages: records are counted from 0, rows from `first_row`.
    """

    def __init__(
        self,
        schema: Schema,
        dialect: Dialect = "value",
        *,
        zone: timezone | None = None,
        name: str = "table",
        first_row: int = 1,
        readers: Sequence[Reader] | None = None,
    ) -> None:
        """Raises InvalidTable if a column's type cannot occur in this dialect."""
        self._schema = schema
        self._name = name
        self._first_row = first_row
        if readers is None:
            readers = [self._reader(column, dialect, zone) for column in schema.columns]
        self._readers = readers

    def _reader(self, column: Column, dialect: Dialect, zone: timezone | None) -> Reader:
        try:
            return reader(column.type, dialect, zone)
        except ValueError as reason:
            raise InvalidTable(
                f"{self._name}: column {column.name!r} {reason}.", file=self._name, column=column.name
            ) from None

    def batches(self, rows: Iterable[Row], first: int, most: int) -> Iterator[pa.RecordBatch]:
        """Batches of at most `most` rows and of some 8 MiB, the first of which is record `first`.

        Raises InvalidTable for the first cell (by row, then by column) that its type refuses, or a row of another
        length; facts file, row, record, column. What the rows raise themselves comes after the rows before it.
        """
        fault: ShareLedgerError | None = None
        rows = iter(rows)
        while fault is None:
            columns: list[list[bytes | None]] = [[] for _ in self._readers]
            count = size = 0
            while fault is None and count < most and size < BATCH_BYTES:
                step, fault = _taken(rows, min(_STEP, most - count))
                if not step:
                    break
                for column, read in zip(columns, self._columns(step, first + count), strict=True):
                    column += read
                    size += sum(map(len, filter(None, read)))
                count += len(step)
            if not count:
                break
            kind = pa.binary() if size < 1 << 31 else pa.large_binary()
            arrays = [pa.array(column, kind) for column in columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(self._schema.names))
            first += count
        if fault is not None:
            raise fault

    def _columns(self, rows: list[Row], first: int) -> list[list[bytes | None]]:
        try:
            columns = list(zip(*rows, strict=True))
            if len(columns) != len(self._readers):
                raise ValueError
            return [
                [None if cell is None else read(cell) for cell in column]
                for column, read in zip(columns, self._readers, strict=True)
            ]
        except ValueError:
            self._point_out(rows, first)
            raise

    def _point_out(self, rows: list[Row], first: int) -> None:
        for record, row in enumerate(rows, first):
            place: dict[str, Any] = {"file": self._name, "row": self._first_row + record, "record": record}
            where = f"{self._name}, row {place['row']}"
            if len(row) != len(self._readers):
                raise InvalidTable(f"{where}: {len(row)} cells for {len(self._readers)} columns.", **place)
            for read, column, cell in zip(self._readers, self._schema.columns, row, strict=True):
                try:
                    if cell is not None:
                        read(cell)
                except ValueError as reason:
                    raise InvalidTable(
                        f"{where}, column {column.name!r} ({column.type}): the cell {reason}.",
                        column=column.name,
                        **place,
                    ) from None


def _taken(rows: Iterator[Row], most: int) -> tuple[list[Row], ShareLedgerError | None]:
    """Up to `most` rows, fewer of large ones, and what broke off their reading."""
    taken: list[Row] = []
    size = 0
    try:
        for row in islice(rows, most):
            taken.append(row)
            size += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
            if size >= BATCH_BYTES:
                break
    except ShareLedgerError as fault:
        return taken, fault
    return taken, None
