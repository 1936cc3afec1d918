"""Delimited text (RFC 4180) as a source, read strictly: what is not plainly a table of the schema is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from ledger.errors import InvalidTable
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.file_source import TextSource
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.plain_csv import PlainReader
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import match_columns, opened

if TYPE_CHECKING:
    from ledger.fingerprint.compiled_csv import CompiledReader


class CsvSource(TextSource):
    """A CSV file, or a callable that opens one as a binary stream.

    With a header, columns are matched to the schema by name, in any order; a missing, extra or doubled one is refused.
    Without, they are taken in schema order. A blank line is one empty cell if there is one column, else refused.
    """

    form, form_name = "csv", "CSV"

    def encoder(self, schema: Schema) -> RecordEncoder:
        options = self.options
        return RecordEncoder(
            schema, "text", zone=options.zone, null=options.null, name=self.name, first_row=options.first_row
        )

    def header(self) -> tuple[str, ...]:
        """The column names of the first row. Raises InvalidTable if there is none or it is not valid text."""
        with self._reader() as reader:
            return reader.header()

    def schema(self) -> Schema:
        """Text columns by the names of the header. Raises InvalidTable, InvalidSchema: no header, or a doubled name."""
        return Schema.text(self.header())

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        with self._reader() as reader:
            order = list(range(len(schema.columns)))
            if self.options.header:
                order = _order(reader.header(), schema, self.name)
            for batch in reader.batches(schema, order, first, self.bookmarks):
                self.done = reader.done
                yield batch

    @contextmanager
    def _reader(self) -> Iterator["CompiledReader | PlainReader"]:
        with opened(self._origin, self.name) as stream:
            if engine().compiled:
                from ledger.fingerprint.compiled_csv import CompiledReader

                yield CompiledReader(stream, self.options, self.name)
            else:
                yield PlainReader(stream, self.options, self.name)


def _order(header: tuple[str, ...], schema: Schema, name: str) -> list[int]:
    """The place in the file of each column of the schema. Raises InvalidTable naming the columns."""
    if not set(header) & set(schema.names):
        # Most likely a file without a header: its first row is a record, and no message repeats a record.
        raise InvalidTable(
            f"{name}: the first row names no column of the schema; is there a header?",
            remedy="Give the schema's names in the first row, or set the read option header to false.",
            file=name,
            row=1,
            missing=list(schema.names[:20]),
        )
    return match_columns(header, schema, name, row=1)
