"""Canonical bytes of a batch of records: the seam under which a faster engine can be put.

`RecordEncoder.encode` turns rows of cells into framed columns; what follows (salts, hashes, the tree) sees only bytes.
It works column by column, so that the work per cell of a text column stays inside the interpreter's C loops.
"""

from collections.abc import Sequence
from datetime import timezone
from typing import Any

from ledger.errors import InvalidTable
from ledger.fingerprint.cells import Dialect, Reader, reader
from ledger.fingerprint.schema import Column, Schema

Row = Sequence[Any]
NULL_FRAME = b"\xff\xff\xff\xff"
MAX_CELL_BYTES = 2**32 - 2


class _Frames(dict[int, bytes]):
    """length -> u32(length); the usual lengths are kept, longer ones made when asked for."""

    def __missing__(self, length: int) -> bytes:
        if length > MAX_CELL_BYTES:
            raise ValueError("has 2^32 - 1 bytes or more")
        return length.to_bytes(4, "big")


_FRAMES = _Frames({length: length.to_bytes(4, "big") for length in range(4096)})


class EncodedBatch:
    """`count` records as columns of (length markers, cell bytes). A null has the marker FFFFFFFF and no bytes."""

    __slots__ = ("columns", "count")

    def __init__(self, columns: list[tuple[list[bytes], list[bytes]]], count: int) -> None:
        self.columns = columns
        self.count = count

    def records(self) -> list[bytes]:
        """record(i): for each column in schema order u32(length) || bytes."""
        return list(map(b"".join, zip(*(part for column in self.columns for part in column), strict=True)))

    def cells(self, at: int) -> tuple[bytes | None, ...]:
        """The canonical cells of record `at` of this batch; None is null."""
        return tuple(None if frames[at] == NULL_FRAME else bodies[at] for frames, bodies in self.columns)


def frame(cell: bytes | None) -> bytes:
    """u32(length) || bytes of one cell, FFFFFFFF for null. Raises ValueError for 2^32 - 1 bytes or more."""
    return NULL_FRAME if cell is None else _FRAMES[len(cell)] + cell


class _ColumnEncoder:
    __slots__ = ("nulls", "plain", "read")

    def __init__(self, read: Reader, nulls: frozenset[str], plain: bool) -> None:
        self.read = read
        self.nulls = nulls
        self.plain = plain and not nulls

    def one(self, cell: Any) -> bytes | None:
        if cell is None or (self.nulls and cell in self.nulls):
            return None
        return self.read(cell)

    def column(self, cells: Sequence[Any]) -> tuple[list[bytes], list[bytes]]:
        if self.plain:
            try:
                bodies = list(map(str.encode, cells))
                return list(map(_FRAMES.__getitem__, map(len, bodies))), bodies
            except TypeError:
                pass  # not all of them are text: a null, or something the loop below refuses with its reason
        bodies, frames = [], []
        one = self.one
        for cell in cells:
            body = one(cell)
            frames.append(NULL_FRAME if body is None else _FRAMES[len(body)])
            bodies.append(body or b"")
        return frames, bodies


class RecordEncoder:
    """Rows of one source to canonical bytes, under one schema.

    `dialect` says what the cells are: texts of a file, Python values, or members of JSON objects. `null` applies to
    the text columns whose schema does not list its own. `name` and `first_row` are for error messages: rows are
    counted from 1 as a spreadsheet shows them, header included; records from 0.
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
        self._encoders = [self._encoder(column, dialect, zone, null) for column in schema.columns]

    def _encoder(self, column: Column, dialect: Dialect, zone: timezone | None, null: Sequence[str]) -> _ColumnEncoder:
        nulls = null if column.null is None else column.null
        try:
            read = reader(column.type, dialect, zone)
        except ValueError as reason:
            raise InvalidTable(
                f"{self._name}: column {column.name!r} {reason}.", file=self._name, column=column.name
            ) from None
        return _ColumnEncoder(read, frozenset(nulls) if dialect == "text" else frozenset(), column.type == "text")

    def encode(self, rows: Sequence[Row], first: int) -> EncodedBatch:
        """The canonical form of records first .. first + len(rows) - 1.

        Raises:
            InvalidTable: the first cell (by row, then by column) that its type refuses, or a row of another length;
                facts file, row, record, column.
        """
        width = len(self._encoders)
        try:
            columns = list(zip(*rows, strict=True)) if rows else [()] * width
            if len(columns) != width:
                raise ValueError
            return EncodedBatch(
                [encoder.column(cells) for encoder, cells in zip(self._encoders, columns, strict=True)], len(rows)
            )
        except ValueError:
            self._point_out(rows, first)
            raise

    def _point_out(self, rows: Sequence[Row], first: int) -> None:
        for at, row in enumerate(rows):
            place: dict[str, Any] = {"file": self._name, "row": self._first_row + first + at, "record": first + at}
            where = f"{self._name}, row {place['row']}"
            if len(row) != len(self._encoders):
                raise InvalidTable(f"{where}: {len(row)} cells for {len(self._encoders)} columns.", **place)
            for encoder, column, cell in zip(self._encoders, self.schema.columns, row, strict=True):
                try:
                    body = encoder.one(cell)
                    frame(body)
                except ValueError as reason:
                    raise InvalidTable(
                        f"{where}, column {column.name!r} ({column.type}): the cell {reason}.",
                        column=column.name,
                        **place,
                    ) from None
