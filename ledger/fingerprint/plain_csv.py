"""Delimited text to Arrow columns by Python's own `csv` module: for machines without compiled code.

It reads the same files the same way, in some twenty times the time, and keeps no bookmarks.
"""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from typing import Any, BinaryIO, Final

import pyarrow as pa

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint.csv_faults import AFTER_QUOTE, BLANK, NOT_CLOSED, fault, no_header, other_width
from ledger.fingerprint.gb18030 import Utf8Stream
from ledger.fingerprint.read_options import ReadOptions
from ledger.fingerprint.rows import RowEncoder
from ledger.fingerprint.schema import MAX_COLUMNS, Schema
from ledger.fingerprint.sources import MAX_ROW_BYTES, Bookmarks, batch_rows

_AT_END: Final = "unexpected end of data"


class PlainReader:
    """Reads one stream once. `done` counts characters."""

    def __init__(self, stream: BinaryIO, options: ReadOptions, name: str) -> None:
        """Raises OSError."""
        raw: Any = stream if options.encoding == "utf-8" else Utf8Stream(stream)
        self._text = TextIOWrapper(raw, "utf-8", errors="surrogateescape", newline="")
        self._delimiter = options.delimiter
        self._first_row = options.first_row
        self._name = name
        self._row = 1  # the one being read
        # The limit is one setting for the whole interpreter; it is only ever raised, to what a row may have anyway.
        if csv.field_size_limit() < MAX_ROW_BYTES:
            csv.field_size_limit(MAX_ROW_BYTES)
        self._rows = csv.reader(self._lines(), delimiter=options.delimiter, doublequote=True, strict=True)
        self.done = 0

    def header(self) -> tuple[str, ...]:
        """The cells of the first row, which is taken. Raises InvalidTable, TooLarge, OSError."""
        try:
            names = next(self._rows, None)
        except csv.Error as error:
            raise fault(self._name, _said(error), 1) from None
        self._row = 2
        if not names:
            raise no_header(self._name)
        if len(names) > MAX_COLUMNS:
            raise TooLarge(f"{self._name}: the first row has more than {MAX_COLUMNS} cells.", file=self._name, row=1)
        if any("\ud800" <= character <= "\udfff" for name in names for character in name):
            raise InvalidTable(f"{self._name}: the header is not valid text in its encoding.", file=self._name, row=1)
        return tuple(names)

    def batches(self, schema: Schema, order: list[int], first: int, bookmarks: Bookmarks) -> Iterator[pa.RecordBatch]:
        """Records from `first` on. `order`: the place in the file of each column of the schema.

        Raises InvalidTable, TooLarge, OSError.
        """
        as_they_are = RowEncoder(schema, name=self._name, readers=[_encoded] * len(order))
        yield from as_they_are.batches(self._records(order, first), first, batch_rows(schema))

    def _records(self, order: list[int], first: int) -> Iterator[list[str]]:
        width, record = len(order), 0
        try:
            for row in self._rows:
                if not row and width == 1:
                    row = [""]
                if len(row) != width:
                    what = other_width(len(row), width) if row else BLANK
                    raise fault(self._name, what, record + self._first_row, record)
                if record >= first:
                    yield [row[at] for at in order]
                record += 1
                self._row = record + self._first_row
        except csv.Error as error:
            raise fault(self._name, _said(error), record + self._first_row, record) from None

    def _lines(self) -> Iterator[str]:
        readline = self._text.readline
        line = readline(MAX_ROW_BYTES).removeprefix("\ufeff")
        while line:
            if len(line) >= MAX_ROW_BYTES:
                raise TooLarge(
                    f"{self._name}, row {self._row}: it has {MAX_ROW_BYTES} bytes or more.",
                    file=self._name,
                    row=self._row,
                )
            self.done += len(line)
            yield line
            line = readline(MAX_ROW_BYTES)


def _said(error: csv.Error) -> str:
    return NOT_CLOSED if str(error) == _AT_END else AFTER_QUOTE


def _encoded(cell: str) -> bytes:
    return cell.encode("utf-8", "surrogateescape")
