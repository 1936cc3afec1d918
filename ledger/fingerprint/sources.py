"""Where rows come from. A source is re-readable and streams: nothing here holds more than one batch of rows.

A source knows how its cells are to be read; what the columns are is told by the schema it is read with.
"""

import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from ledger.errors import InvalidTable, ShareLedgerError, TooLarge
from ledger.fingerprint.canonical import RecordEncoder, Row
from ledger.fingerprint.read_options import fixed_zone
from ledger.fingerprint.schema import Schema

Origin = str | Path | Callable[[], BinaryIO]
BATCH_ROWS = 4096
BATCH_CELLS = 1 << 18
BATCH_CHARACTERS = 1 << 23
MAX_LINE_CHARACTERS = 1 << 24
_MARK = "shareledger.mark"


class Source(Protocol):
    """A table that can be read as often as needed, giving the same rows each time."""

    @property
    def name(self) -> str:
        """What messages call it: a file name without its folder."""
        ...

    def encoder(self, schema: Schema) -> RecordEncoder:
        """The encoder for this source's cells. Raises InvalidTable if a column's type cannot occur here."""
        ...

    def batches(self, schema: Schema, first: int = 0) -> Iterator[Sequence[Row]]:
        """Rows from record `first` on, cells in schema order, in batches of any size but 0.

        Raises InvalidTable naming file, row and, where there is one, column; TooLarge over a stated limit.
        """
        ...


class RowsSource:
    """Rows of Python values: None, str, int, Decimal, float, bool, date, datetime, bytes.

    `rows` is a sequence, or a callable giving a new iterable each time (a query with a unique order key).
    """

    def __init__(
        self,
        rows: Sequence[Row] | Callable[[], Iterable[Row]],
        *,
        name: str = "rows",
        zone_offset: str | None = None,
    ) -> None:
        self.name = name
        self._rows = rows
        self._zone = fixed_zone(zone_offset)

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "value", zone=self._zone, name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[Sequence[Row]]:
        rows = islice(self._rows() if callable(self._rows) else self._rows, first, None)
        while batch := list(islice(rows, batch_rows(schema))):
            yield batch


def batch_rows(schema: Schema) -> int:
    """Rows per batch: fewer when there are many columns, so that a batch of small cells has a bounded size."""
    return max(1, min(BATCH_ROWS, BATCH_CELLS // len(schema.columns)))


def _mark(error: UnicodeError) -> tuple[str, int]:
    """A lone surrogate for bytes that cannot be decoded: the encoder then refuses that very cell, by row and column."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_MARK, _mark)


def open_binary(origin: Origin) -> BinaryIO:
    """A new binary stream of the origin, to be closed by the caller. Raises OSError."""
    return origin() if callable(origin) else Path(origin).open("rb")


@contextmanager
def opened_text(origin: Origin, name: str, codec: str, newline: str) -> Iterator[TextIOWrapper]:
    """The origin as text, undecodable bytes marked for refusal. Raises InvalidTable if it cannot be opened or read."""
    try:
        with TextIOWrapper(open_binary(origin), encoding=codec, errors=_MARK, newline=newline) as text:
            yield text
    except OSError as error:
        raise InvalidTable(f"{name} cannot be read: {error.strerror or 'input/output error'}.", file=name) from error


def lines(text: TextIOWrapper, name: str, read: Callable[[int], None]) -> Iterator[str]:
    """Lines with their ends, the BOM of the first dropped; `read` is told the length of each.

    Raises TooLarge for a line of 2^24 characters: memory stays bounded whatever the file is.
    """
    readline = text.readline
    line = readline(MAX_LINE_CHARACTERS).removeprefix("\ufeff")
    while line:
        if len(line) >= MAX_LINE_CHARACTERS:
            raise TooLarge(f"{name}: a line has {MAX_LINE_CHARACTERS} characters or more.", file=name)
        read(len(line))
        yield line
        line = readline(MAX_LINE_CHARACTERS)


def label(origin: Origin, name: str | None) -> str:
    """The name for messages: given, or the file's own without its folder."""
    if name is not None:
        return name
    return "stream" if callable(origin) else Path(origin).name


class Meter:
    """Counts the characters read for the present batch, so that a batch of large cells ends early."""

    __slots__ = ("read",)

    def __init__(self) -> None:
        self.read = 0

    def add(self, characters: int) -> None:
        self.read += characters


def in_batches(rows: Iterator[Row], most: int, meter: Meter) -> Iterator[list[Row]]:
    """Group `rows` into lists of at most `most`, sooner once a batch has read 2^23 characters.

    Each step asks for twice as many rows, so that large rows are noticed before many of them are held.
    """
    while True:
        batch: list[Row] = []
        meter.read, step, before = 0, 1, -1
        try:
            while before < len(batch) < most and meter.read < BATCH_CHARACTERS:
                before = len(batch)
                batch.extend(islice(rows, min(step, most - before)))
                step = min(2 * step, 128)
        except ShareLedgerError:
            # The rows before the fault go first: they may hold an earlier one, and the first is the one to report.
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch
