"""How many rows of a Parquet file are decoded at once: as many as fit into memory whatever their pages hold.

Arrow's reader holds a page and a dictionary of each column, the batch that it decodes, and the one before it, of which
the last records are still being hashed. Metadata is not believed: page headers are, since decoding is held to them.
"""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint.arrow_columns import BATCH_BYTES
from ledger.fingerprint.parquet_pages import SMALLER_PAGES, ColumnPages, walk
from ledger.fingerprint.sources import BATCH_ROWS

DECODING_BYTES: Final = 160 << 20
"""Of all that Arrow's reader holds at a time, in a table of up to some 25 columns."""
_COLUMN_BYTES: Final = 6 << 20  # more than a column needs as it is usually written: a dictionary of 1 MiB and its pages
_WIDE_BYTES: Final = 1 << 30


class Stretch:
    """Consecutive row groups that are decoded together, `rows` in all."""

    def __init__(self, stream: Any, columns: list[ColumnPages], name: str) -> None:
        self.groups: list[int] = []
        self.rows = 0
        self._columns = columns
        self._average = 1
        self._stream = stream
        self._name = name

    def add(self, number: int, group: Any, size: int) -> None:
        """One more row group. Raises what `walk` raises."""
        if group.num_rows < 0 or group.num_columns != len(self._columns):
            raise InvalidTable(f"{self._name}: it has other rows or columns than it says.", file=self._name)
        for column in self._columns:
            walk(self._stream, size, group.column(column.number), group.num_rows, column, self._name)
        self.groups.append(number)
        self.rows += group.num_rows
        self._average = max(self._average, group.total_byte_size // max(1, group.num_rows))

    def batch_rows(self, most: int) -> int:
        """The rows of a batch: at most `most`, and of 2^23 bytes on average.

        Raises TooLarge: a single row may take too much; InvalidTable: a damaged dictionary; OSError, pa.ArrowException.
        """
        rows = max(1, min(most, BATCH_BYTES // self._average))
        most_bytes = max(DECODING_BYTES, min(_WIDE_BYTES, _COLUMN_BYTES * len(self._columns)))
        if self._takes(rows) > most_bytes:
            self._look_up()
        while (takes := self._takes(rows)) > most_bytes and rows > 1:
            rows //= 2
        if takes > most_bytes:
            worst = max(
                self._columns, key=lambda column: column.compressed + column.held + column.within(2) + 2 * column.each
            )
            raise TooLarge(
                f"{self._name}: to read a row, pages of {takes} bytes would be held; the limit is {most_bytes}.",
                remedy=SMALLER_PAGES,
                file=self._name,
                column=worst.name,
                row_group=self.groups[0],
            )
        return rows

    def _takes(self, rows: int) -> int:
        inflating = sorted(column.compressed for column in self._columns)[-int(pa.cpu_count()) :]
        return sum(inflating) + sum(
            column.held + 2 * rows * column.each + column.within(2 * rows) for column in self._columns
        )

    def _look_up(self) -> None:
        for column in self._columns:
            try:
                column.look_up(self._stream)
            except ValueError:
                raise InvalidTable(
                    f"{self._name}, column {column.name!r}: its dictionary is damaged.",
                    file=self._name,
                    column=column.name,
                ) from None


def stretches(file: Any, stream: Any, size: int, numbers: range, name: str) -> Iterator[Stretch]:
    """The row groups of these numbers, together where they are small. `file` is an open pq.ParquetFile, of no nesting.

    Raises InvalidTable, TooLarge, OSError, each when it comes to the row group.
    """
    at = numbers.start
    fields: list[pa.Field] = list(file.schema_arrow)
    while at < numbers.stop:
        columns = [ColumnPages(number, file.schema.column(number), field) for number, field in enumerate(fields)]
        stretch = Stretch(stream, columns, name)
        while at < numbers.stop and stretch.rows < BATCH_ROWS:
            _check_metadata(file, at)
            stretch.add(at, file.metadata.row_group(at), size)
            at += 1
        yield stretch


def _check_metadata(file: Any, number: int) -> None:
    """Have Arrow's reader look at the metadata of a row group's columns, reading no page. Raises OSError.

    Asked for one by one, damaged ones would end the process: the C++ exception is not caught there.
    """
    for _ in file.reader.iter_batches(0, row_groups=[number], use_threads=False):
        pass
