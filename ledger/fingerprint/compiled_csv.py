"""Delimited text to Arrow columns by compiled code, a block at a time. Imported only where there is some."""

from collections.abc import Iterator
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint.csv_faults import AFTER_QUOTE, BLANK, NOT_CLOSED, fault, no_header, other_width
from ledger.fingerprint.gb18030 import Utf8Stream
from ledger.fingerprint.kernel.cache import compiled_code_kept
from ledger.fingerprint.read_options import ReadOptions
from ledger.fingerprint.schema import MAX_COLUMNS, Schema
from ledger.fingerprint.sources import MAX_ROW_BYTES, Bookmarks, batch_rows

with compiled_code_kept():
    from ledger.fingerprint.kernel import csv_cells

BLOCK_BYTES: Final = 1 << 22
_BOM: Final = b"\xef\xbb\xbf"
_FAULTS: Final = {csv_cells.NOT_CLOSED: NOT_CLOSED, csv_cells.AFTER_QUOTE: AFTER_QUOTE, csv_cells.BLANK: BLANK}


class CompiledReader:
    """Reads one stream once. `done` counts bytes."""

    def __init__(self, stream: BinaryIO, options: ReadOptions, name: str) -> None:
        """Raises OSError."""
        self._text = _Text(stream, options.encoding, name)
        self._delimiter = options.delimiter
        self._first_row = options.first_row
        self._name = name

    @property
    def done(self) -> int:
        return self._text.done

    def header(self) -> tuple[str, ...]:
        """The cells of the first row, which is taken. Raises InvalidTable, TooLarge, OSError."""
        cells = _Cells(self._text, self._delimiter, MAX_COLUMNS, 1, exact=False)
        while self._text.fill(1) and not cells.find() and cells.fault == csv_cells.NO_FAULT:
            pass
        if cells.fault != csv_cells.NO_FAULT:
            raise fault(self._name, _FAULTS[cells.fault], 1)
        if not cells.last_width:
            raise no_header(self._name)
        if cells.last_width > MAX_COLUMNS:
            raise TooLarge(f"{self._name}: the first row has more than {MAX_COLUMNS} cells.", file=self._name, row=1)
        if not cells.valid:
            raise InvalidTable(f"{self._name}: the header is not valid text in its encoding.", file=self._name, row=1)
        return tuple(cells.column(at)[0].as_py() for at in range(cells.last_width))

    def batches(self, schema: Schema, order: list[int], first: int, bookmarks: Bookmarks) -> Iterator[pa.RecordBatch]:
        """Records from `first` on. `order`: the place in the file of each column of the schema.

        Raises InvalidTable, TooLarge, OSError.
        """
        text, record = self._text, 0
        if mark := bookmarks.before(first):
            record = mark.record
            text.go_to(mark.offset)
        cells = _Cells(text, self._delimiter, len(order), batch_rows(schema))
        while text.fill(record + self._first_row):
            bookmarks.note(record, text.offset)
            rows = cells.find()
            if rows and record + rows > first:
                columns = [cells.column(at, max(0, first - record)) for at in order]
                yield pa.RecordBatch.from_arrays(columns, names=list(schema.names))
            record += rows
            if cells.fault != csv_cells.NO_FAULT:  # after the rows before it: the first fault is the one reported
                what = _FAULTS.get(cells.fault) or other_width(cells.last_width, len(order))
                raise fault(self._name, what, record + self._first_row, record)


class _Text:
    """A window on the text, as UTF-8: `held[begin:end]` is read and not yet taken; `offset` says where `begin` is.

    An offset counts bytes of the file, of GB 18030 bytes of what it becomes in UTF-8.
    """

    def __init__(self, stream: BinaryIO, encoding: str, name: str) -> None:
        self._stream = stream
        self._text = Utf8Stream(stream) if encoding != "utf-8" else None
        self._name = name
        self.held = np.zeros(BLOCK_BYTES + csv_cells.PADDING, np.uint8)
        self.begin = self.end = self.offset = 0
        self.final = False
        self._taken = True  # since the last `fill`
        self._read_on()
        if self.held[: len(_BOM)].tobytes() == _BOM:
            self.take(len(_BOM))

    @property
    def done(self) -> int:
        """Bytes of the file that are read, or, where `offset` counts them, taken."""
        return self.offset if self._text is None else self._text.taken

    def take(self, count: int) -> None:
        self.begin += count
        self.offset += count
        self._taken = self._taken or count > 0

    def fill(self, row: int) -> bool:
        """Read on where little is left; False at the end. Raises OSError; TooLarge if `row` has 2^24 bytes or more."""
        room = len(self.held) - csv_cells.PADDING
        if not self._taken and self.begin == 0 and self.end == room:
            if room >= MAX_ROW_BYTES:
                raise TooLarge(
                    f"{self._name}, row {row}: it has {MAX_ROW_BYTES} bytes or more.", file=self._name, row=row
                )
            self.held = np.concatenate((self.held, np.zeros(room, np.uint8)))
        if not self.final and (not self._taken or self.end - self.begin < room // 2):
            self._read_on()
        self._taken = False
        return self.begin < self.end

    def go_to(self, offset: int) -> None:
        """Go forward. Raises OSError."""
        if self._text is None and self._stream.seekable():
            self._stream.seek(offset)
            self.begin, self.end, self.offset, self.final = 0, 0, offset, False
        while self.offset < offset and self.fill(0):
            self.take(min(offset - self.offset, self.end - self.begin))

    def _read_on(self) -> None:
        left = self.end - self.begin
        self.held[:left] = self.held[self.begin : self.end].copy()
        self.begin, self.end = 0, left
        room = self.held.data[: len(self.held) - csv_cells.PADDING]
        while self.end < len(room):
            count = self._read_into(room[self.end :])
            if not count:
                self.final = True
                return
            self.end += count

    def _read_into(self, target: memoryview) -> int:
        if self._text is not None:
            return self._text.readinto(target)
        if hasattr(self._stream, "readinto"):
            return self._stream.readinto(target) or 0
        piece = self._stream.read(len(target))
        target[: len(piece)] = piece
        return len(piece)


class _Cells:
    """The cells of the whole rows found last in a text."""

    def __init__(self, text: _Text, delimiter: str, width: int, most: int, *, exact: bool = True) -> None:
        self.width = width
        self._text = text
        self._delimiter = np.frombuffer(delimiter.encode(), np.uint8)
        self._most, self._exact = most, exact
        self._starts = np.empty(most * width, np.int32)
        self._lengths = np.empty(most * width, np.int32)
        self._report = np.zeros(5, np.int64)
        self._sizes = np.zeros(width, np.int64)
        self.valid = True  # UTF-8, all of what was found

    @property
    def fault(self) -> int:
        return int(self._report[csv_cells.FAULT])

    @property
    def last_width(self) -> int:
        """How many cells the last row looked at has; 0 for a blank line."""
        return int(self._report[csv_cells.CELLS])

    @property
    def _rows(self) -> int:
        return int(self._report[csv_cells.ROWS])

    def find(self) -> int:
        """Take rows from the text; how many."""
        text = self._text
        arguments = (self._delimiter, self.width, self._exact, self._most, self._starts, self._lengths, self._report)
        csv_cells.find_cells(text.held, text.begin, text.end, text.final, *arguments)
        end = text.begin + int(self._report[csv_cells.CONSUMED])
        self.valid = not self._report[csv_cells.HIGH] or csv_cells.is_utf8(text.held, text.begin, end)
        csv_cells.column_bytes(self._lengths, self.width, self._rows, self._sizes)
        text.take(end - text.begin)
        return self._rows

    def column(self, at: int, begin: int = 0) -> pa.Array:
        """One column's cells from row `begin` of those found: text, or binary (some will be refused) if not `valid`."""
        rows = self._rows - begin
        offsets = np.empty(rows + 1, np.int32)
        bodies = np.empty(self._sizes[at] + 8, np.uint8)
        starts, lengths = self._starts[begin * self.width :], self._lengths[begin * self.width :]
        csv_cells.lay_column(self._text.held, starts, lengths, at, self.width, rows, offsets, bodies)
        kind = pa.string() if self.valid else pa.binary()
        return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(offsets), pa.py_buffer(bodies)])
