"""Canonical bytes of a batch of records: what stands between Arrow's columns and the hashes.

What follows (salts, hashes, the tree) sees only bytes. Compiled code reads Arrow's buffers where there is some; the
plain readers of `cells` do it where there is none, and for whatever cell compiled code refuses.
"""

from collections.abc import Sequence
from datetime import timezone
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from ledger.errors import InvalidTable
from ledger.fingerprint.columns import (
    MAX_CELL_BYTES,
    NULL,
    Cell,
    ColumnReader,
    Dialect,
    Markers,
    Refused,
    fits,
    unpacked,
    value_type,
)
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.kernel.engine import SLACK, Octets, Places
from ledger.fingerprint.kernel.memory import blank
from ledger.fingerprint.schema import Column, Schema

NULL_FRAME = b"\xff\xff\xff\xff"


def frame(cell: Cell) -> bytes:
    """u32(length) || bytes of one cell, FFFFFFFF for null. Raises ValueError for 2^32 - 1 bytes or more."""
    if cell is None:
        return NULL_FRAME
    if len(cell) > MAX_CELL_BYTES:
        raise ValueError("has 2^32 - 1 bytes or more")
    return len(cell).to_bytes(4, "big") + cell


class EncodedBatch:
    """`count` records of `width` cells, one after the other: record i is `content[offsets[i]:offsets[i + 1]]`.

    record(i): for each column in schema order u32(length) || bytes. A null has the marker FFFFFFFF and no bytes. The
    content has 128 bytes to spare at its end.
    """

    __slots__ = ("content", "offsets", "width")

    def __init__(self, content: Octets, offsets: Places, width: int) -> None:
        self.content = content
        self.offsets = offsets
        self.width = width

    @property
    def count(self) -> int:
        return len(self.offsets) - 1

    def record(self, at: int) -> bytes:
        """The bytes of record `at` of this batch."""
        return self.content[self.offsets[at] : self.offsets[at + 1]].tobytes()

    def records(self) -> list[bytes]:
        """All of them, as bytes of their own."""
        whole = self.content.tobytes()
        bounds = self.offsets.tolist()
        return [whole[start:stop] for start, stop in pairwise(bounds)]

    def cells(self, at: int) -> tuple[Cell, ...]:
        """The canonical cells of record `at` of this batch; None is null."""
        return tuple(None if field[:4] == NULL_FRAME else field[4:] for field in self.framed(at))

    def framed(self, at: int) -> list[bytes]:
        """The cells of record `at`, each with its marker."""
        record = self.record(at)
        found: list[bytes] = []
        place = 0
        for _ in range(self.width):
            size = int.from_bytes(record[place : place + 4], "big")
            end = place + 4 + (0 if size == NULL else size)
            found.append(record[place:end])
            place = end
        return found

    def columns(self) -> list[pa.Array]:
        """The canonical cells of each column, binary; Arrow's nulls are nulls. Raises ValueError from 2^31 bytes on."""
        if len(self.content) >= 1 << 31:
            raise ValueError("a batch of 2^31 bytes or more has no binary columns")
        if engine().compiled:
            from ledger.fingerprint import compiled_columns

            return compiled_columns.split(self.content, self.offsets, self.width)
        records = [self.cells(at) for at in range(self.count)]
        return [pa.array([cells[column] for cells in records], pa.binary()) for column in range(self.width)]

    def fields(self) -> tuple[Places, Places]:
        """Where each cell with its marker starts and stops, record by record."""
        if engine().compiled:
            from ledger.fingerprint import compiled_columns

            return compiled_columns.fields(self.content, self.offsets, self.width)
        sizes = [len(each) for at in range(self.count) for each in self.framed(at)]
        bounds = np.cumsum([0, *sizes], dtype=np.int64)
        return bounds[:-1], bounds[1:]


class RecordEncoder:
    """Arrow record batches of one source to canonical bytes, under one schema.

    `dialect` says what the cells are: "text", those of a text file (strings, which are valid UTF-8 as Arrow wants them,
    or binary, which is checked); "value", of Arrow's own types; "canonical", canonical bytes already. `null` applies to
    the columns of a text file whose schema does not list its own. `name` and `first_row` are for error messages: rows
    are counted from 1 as a spreadsheet shows them, header included; records from 0.
    """

    def __init__(
        self,
        schema: Schema,
        dialect: Dialect = "value",
        *,
        zone: timezone | None = None,
        null: Sequence[str] = (),
        name: str = "table",
        first_row: int = 1,
    ) -> None:
        """Raises InvalidTable if a column's type cannot occur in this dialect."""
        self.schema = schema
        self._name = name
        self._first_row = first_row
        self._dialect = dialect
        self._readers = [self._reader(column, zone, null) for column in schema.columns]

    def _reader(self, column: Column, zone: timezone | None, null: Sequence[str]) -> ColumnReader:
        nulls = null if column.null is None else column.null
        try:
            return ColumnReader(column.type, self._dialect, zone, frozenset(nulls))
        except ValueError as reason:
            raise self._bad_column(column, str(reason)) from None

    def _bad_column(self, column: Column, reason: str) -> InvalidTable:
        return InvalidTable(f"{self._name}: column {column.name!r} {reason}.", file=self._name, column=column.name)

    def encode(self, batch: pa.RecordBatch, first: int) -> EncodedBatch:
        """The canonical form of records first .. first + batch.num_rows - 1, columns in the schema's order.

        Arrow's own rules are taken for granted: whoever has the batch from elsewhere validates it fully before.

        Raises:
            InvalidTable: the first cell (by row, then by column) that its type refuses, with the facts file, row,
                record, column; a column of an Arrow type that is not for its declared type; another number of columns.
        """
        arrays = self._arrays(batch)
        if engine().compiled:
            return self._compiled(arrays, batch.num_rows, first)
        return self._plain(arrays, batch.num_rows, first)

    def _arrays(self, batch: pa.RecordBatch) -> list[pa.Array]:
        columns = self.schema.columns
        if batch.num_columns != len(columns):
            raise InvalidTable(f"{self._name}: {batch.num_columns} columns for {len(columns)}.", file=self._name)
        for array, column in zip(batch.columns, columns, strict=True):
            if not fits(column.type, value_type(array.type), self._dialect):
                raise self._bad_column(column, f"({column.type}) cannot be read from Arrow's {array.type}")
        return list(batch.columns)

    def _compiled(self, arrays: list[pa.Array], count: int, first: int) -> EncodedBatch:
        from ledger.fingerprint import compiled_columns

        starts = blank((len(arrays), count), np.int64)
        lengths = blank((len(arrays), count), np.uint32)
        kept: list[Any] = []
        refused: list[tuple[int, int, str]] = []
        for at, (column, array) in enumerate(zip(self._readers, arrays, strict=True)):
            held = column.compiled(array, starts[at], lengths[at])
            if held is None:
                try:
                    held = _addressed(column.plain(unpacked(array)), starts[at], lengths[at])
                except Refused as cell:
                    refused.append((cell.row, at, str(cell)))
            kept.append(held)
        if refused:
            self._refuse(refused, first)
        content, offsets = compiled_columns.join(starts, lengths)
        del kept  # the addresses led into it until here
        return EncodedBatch(content, offsets, len(arrays))

    def _plain(self, arrays: list[pa.Array], count: int, first: int) -> EncodedBatch:
        columns: list[list[Cell]] = []
        refused: list[tuple[int, int, str]] = []
        for at, (column, array) in enumerate(zip(self._readers, arrays, strict=True)):
            try:
                columns.append(column.plain(unpacked(array)))
            except Refused as cell:
                refused.append((cell.row, at, str(cell)))
        if refused:
            self._refuse(refused, first)
        records = [b"".join(map(frame, cells)) for cells in zip(*columns, strict=True)]
        offsets = np.cumsum([0, *map(len, records)], dtype=np.int64)
        content = np.frombuffer(bytearray(b"".join([*records, bytes(SLACK)])), np.uint8)
        return EncodedBatch(content, offsets, len(arrays))

    def _refuse(self, refused: list[tuple[int, int, str]], first: int) -> NoReturn:
        at, number, reason = min(refused)
        column = self.schema.columns[number]
        row = self._first_row + first + at
        raise InvalidTable(
            f"{self._name}, row {row}, column {column.name!r} ({column.type}): the cell {reason}.",
            file=self._name,
            row=row,
            record=first + at,
            column=column.name,
        )


def _addressed(cells: list[Cell], starts: Places, lengths: Markers) -> Any:
    """Put the cells into memory and fill in where they are. Returns that memory."""
    content = np.frombuffer(b"".join(cell for cell in cells if cell), np.uint8) if any(cells) else np.zeros(1, np.uint8)
    sizes = np.array([0 if cell is None else len(cell) for cell in cells], np.int64)
    starts[:] = content.ctypes.data + np.cumsum(sizes) - sizes
    lengths[:] = sizes
    lengths[[at for at, cell in enumerate(cells) if cell is None]] = NULL
    return content
