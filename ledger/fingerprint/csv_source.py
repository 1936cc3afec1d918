"""Delimited text (RFC 4180) as a source, read strictly: what is not plainly a table of the schema is refused."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from ledger.errors import InvalidTable
from ledger.fingerprint.canonical import RecordEncoder, Row
from ledger.fingerprint.gb18030 import corrected
from ledger.fingerprint.read_options import ReadOptions
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import (
    MAX_LINE_CHARACTERS,
    Meter,
    Origin,
    batch_rows,
    in_batches,
    label,
    lines,
    opened_text,
)


class CsvSource:
    """A CSV file, or a callable that opens one as a binary stream.

    With a header, columns are matched to the schema by name, in any order; a missing, extra or doubled one is refused.
    Without, they are taken in schema order. A blank line is one empty cell if there is one column, else refused.
    """

    def __init__(self, origin: Origin, options: ReadOptions | None = None, *, name: str | None = None) -> None:
        """Raises InvalidTable if the options are not for CSV."""
        self.options = options or ReadOptions()
        if self.options.form != "csv":
            raise InvalidTable("These read options are not for CSV.", option="form")
        self.name = label(origin, name)
        self._origin = origin

    def encoder(self, schema: Schema) -> RecordEncoder:
        options = self.options
        first_row = 2 if options.header else 1
        return RecordEncoder(schema, "text", zone=options.zone, null=options.null, name=self.name, first_row=first_row)

    def header(self) -> tuple[str, ...]:
        """The column names of the first row. Raises InvalidTable if there is none or it is not valid text."""
        with opened_text(self._origin, self.name, *self._codec()) as text:
            return self._header(self._reader(text, Meter()))

    def batches(self, schema: Schema, first: int = 0) -> Iterator[Sequence[Row]]:
        meter = Meter()
        with opened_text(self._origin, self.name, *self._codec()) as text:
            reader = self._reader(text, meter)
            pick = _order(self._header(reader), schema, self.name) if self.options.header else None
            start = 0
            for batch in in_batches(self._rows(reader), batch_rows(schema), meter):
                stop = start + len(batch)
                yield from self._wanted(batch, start, first, len(schema.columns), pick)
                start = stop

    def _codec(self) -> tuple[str, str]:
        return ("utf-8" if self.options.encoding == "utf-8" else "gb18030"), ""

    def _reader(self, text: Any, meter: Meter) -> Iterator[list[str]]:
        # The limit is one setting for the whole interpreter; it is only ever raised, to what a line may have anyway.
        if csv.field_size_limit() < MAX_LINE_CHARACTERS:
            csv.field_size_limit(MAX_LINE_CHARACTERS)
        source: Iterable[str] = lines(text, self.name, meter.add)
        if self.options.encoding != "utf-8":
            source = corrected(source)
        return csv.reader(source, delimiter=self.options.delimiter, doublequote=True, strict=True)

    def _rows(self, reader: Iterator[list[str]]) -> Iterator[list[str]]:
        """The reader's rows as they are; its errors become ours, with the row they happened in."""
        read = 0
        try:
            for row in reader:
                read += 1
                yield row
        except csv.Error as error:
            row_number = read + (2 if self.options.header else 1)
            raise InvalidTable(
                f"{self.name}, row {row_number}: not valid CSV ({error}).", file=self.name, row=row_number, record=read
            ) from None

    def _header(self, reader: Iterator[list[str]]) -> tuple[str, ...]:
        try:
            names = next(reader, None)
        except csv.Error as error:
            raise InvalidTable(f"{self.name}, row 1: not valid CSV ({error}).", file=self.name, row=1) from None
        if not names:
            raise InvalidTable(f"{self.name} has no header row.", file=self.name, row=1)
        if any("\ud800" <= character <= "\udfff" for name in names for character in name):
            raise InvalidTable(f"{self.name}: the header is not valid text in its encoding.", file=self.name, row=1)
        return tuple(names)

    def _wanted(
        self,
        batch: list[Row],
        start: int,
        first: int,
        width: int,
        pick: Callable[[Row], tuple[str, ...]] | None,
    ) -> Iterator[list[Row]]:
        """The rows of a batch from record `first` on, checked for their number of cells, in schema order."""
        fault: InvalidTable | None = None
        if set(map(len, batch)) != {width}:
            batch, fault = self._square(batch, start, width)
        rows = batch[max(0, first - start) :]
        if rows:
            yield list(map(pick, rows)) if pick else rows
        if fault:
            raise fault  # only after the rows before it, so that the first fault of the file is the one reported

    def _square(self, batch: list[Row], start: int, width: int) -> tuple[list[Row], InvalidTable | None]:
        good: list[Row] = []
        for at, row in enumerate(batch):
            if not row and width == 1:
                row = [""]
            if len(row) != width:
                number = start + at + (2 if self.options.header else 1)
                found = f"{len(row)} cells for {width} columns" if row else "a blank line"
                return good, InvalidTable(
                    f"{self.name}, row {number}: {found}.", file=self.name, row=number, record=start + at
                )
            good.append(row)
        return good, None


def _order(header: tuple[str, ...], schema: Schema, name: str) -> Callable[[Row], tuple[str, ...]] | None:
    """What puts a row into schema order; None if it is in order already. Raises InvalidTable naming the columns."""
    wanted = schema.names
    known = set(wanted)
    found = Counter(header)
    doubled = [column for column, times in found.items() if times > 1]
    missing = [column for column in wanted if column not in found]
    extra = [column for column in found if column not in known]
    if len(missing) == len(wanted):
        # Most likely a file without a header: its first row is a record, and no message repeats a record.
        raise InvalidTable(
            f"{name}: the first row names no column of the schema; is there a header?",
            remedy="Give the schema's names in the first row, or set the read option header to false.",
            file=name,
            row=1,
            missing=missing[:20],
        )
    if doubled or missing or extra:
        parts = [
            f"{word} {', '.join(map(repr, columns[:20]))}"
            for word, columns in (("doubled", doubled), ("missing", missing), ("extra", extra))
            if columns
        ]
        raise InvalidTable(
            f"{name}: the header does not match the schema: {'; '.join(parts)}.",
            file=name,
            row=1,
            doubled=doubled[:20],
            missing=missing[:20],
            extra=extra[:20],
        )
    if header == wanted:
        return None
    return itemgetter(*map(header.index, wanted))
