"""Where records come from. A source is re-readable and streams: nothing here holds more than one batch of records.

A source gives Arrow record batches with the schema's columns in the schema's order, and the encoder that knows what
its cells are: the texts of a text file, Arrow's own values, or canonical bytes already.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import pyarrow as pa

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.read_options import fixed_zone
from ledger.fingerprint.rows import Row, RowEncoder
from ledger.fingerprint.schema import Schema

Origin = str | Path | Callable[[], BinaryIO]
BATCH_ROWS = 1 << 16
BATCH_CELLS = 1 << 20
MAX_ROW_BYTES = 1 << 24
"""Of one record of a text file, in UTF-8."""


class Source(Protocol):
    """A table that can be read as often as needed, giving the same records each time."""

    @property
    def name(self) -> str:
        """What messages call it: a file name without its folder."""
        ...

    def encoder(self, schema: Schema) -> RecordEncoder:
        """The encoder for this source's cells. Raises InvalidTable if a column's type cannot occur here."""
        ...

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        """Records from number `first` on, in batches of 1 to 2^16, columns in schema order.

        Raises InvalidTable naming file, row and, where there is one, column; TooLarge over a stated limit.
        """
        ...


class Bookmark(NamedTuple):
    """Record `record` begins at byte `offset` of the text."""

    record: int
    offset: int


class Bookmarks:
    """Where batches of a text file began, so that a later reading need not begin at the file's start."""

    def __init__(self, begun: Bookmark | None = None) -> None:
        self._kept: list[Bookmark] = [] if begun is None else [begun]

    def note(self, record: int, offset: int) -> None:
        if not self._kept or self._kept[-1].record < record:
            self._kept.append(Bookmark(record, offset))

    def before(self, record: int) -> Bookmark | None:
        """The last one at or before the record."""
        at = bisect_right(self._kept, record, key=lambda mark: mark.record)
        return self._kept[at - 1] if at else None


class RowsSource:
    """Rows of Python values: None, str, int, Decimal, float, bool, date, datetime, bytes.

    `rows` is a sequence, or a callable giving a new iterable each time.
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
        return RecordEncoder(schema, "canonical", name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        rows = islice(self._rows() if callable(self._rows) else self._rows, first, None)
        yield from RowEncoder(schema, "value", zone=self._zone, name=self.name).batches(rows, first, batch_rows(schema))


def batch_rows(schema: Schema) -> int:
    """Rows per batch: fewer when there are many columns, so that a batch of small cells has a bounded size."""
    return max(1, min(BATCH_ROWS, BATCH_CELLS // len(schema.columns)))


def rows_of(source: Source, schema: Schema) -> Iterator[list[tuple[Any, ...]]]:
    """The records of each batch as tuples of what stands in the source: texts of a text file, else Python's values.

    Bytes that are no text have lone surrogates in their place. Raises what `Source.batches` raises.
    """
    for batch in source.batches(schema):
        columns = [
            _cells(column, declared.type) for column, declared in zip(batch.columns, schema.columns, strict=True)
        ]
        yield list(zip(*columns, strict=True))


def _cells(column: pa.Array, type: str) -> list[Any]:
    if type != "binary" and pa.types.is_string(column.type):
        column = column.view(pa.binary())
    if type != "binary" and (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        cells: list[bytes | None] = column.to_pylist()
        return [None if cell is None else cell.decode("utf-8", "surrogateescape") for cell in cells]
    return list(column.to_pylist())


def open_binary(origin: Origin) -> BinaryIO:
    """A new binary stream of the origin, to be closed by the caller. Raises OSError."""
    return origin() if callable(origin) else Path(origin).open("rb")


@contextmanager
def opened(origin: Origin, name: str) -> Iterator[BinaryIO]:
    """The origin as a binary stream. Raises InvalidTable if it cannot be opened or read."""
    try:
        with open_binary(origin) as stream:
            yield stream
    except OSError as error:
        raise InvalidTable(f"{name} cannot be read: {error.strerror or 'input/output error'}.", file=name) from error


def skip(stream: BinaryIO, offset: int) -> None:
    """Go to byte `offset` of a stream that is at its start. Raises OSError."""
    if stream.seekable():
        stream.seek(offset)
        return
    left = offset
    while left and (piece := stream.read(min(left, 1 << 20))):
        left -= len(piece)


def lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Lines with their line feeds. Raises TooLarge for one of 2^24 bytes: memory stays bounded whatever the file is."""
    reader = stream if hasattr(stream, "readline") else BufferedReader(stream)  # type: ignore[type-var]
    while line := reader.readline(MAX_ROW_BYTES):
        if len(line) >= MAX_ROW_BYTES:
            raise TooLarge(f"{name}: a line has {MAX_ROW_BYTES} bytes or more.", file=name)
        yield line


def label(origin: Origin, name: str | None) -> str:
    """The name for messages: given, or the file's own without its folder."""
    if name is not None:
        return name
    return "stream" if callable(origin) else Path(origin).name


def size_of(origin: Origin) -> int | None:
    """The bytes of a file; None for a stream, or where there is none."""
    try:
        return None if callable(origin) else Path(origin).stat().st_size
    except OSError:
        return None


def match_columns(found: Sequence[str], schema: Schema, name: str, row: int | None = None) -> list[int]:
    """For each column of the schema its place among the columns found, which are matched by name.

    Raises InvalidTable naming those doubled, missing and extra.
    """
    wanted = schema.names
    known, given = set(wanted), set(found)
    doubled = (
        list(dict.fromkeys(column for column in found if found.count(column) > 1)) if len(given) < len(found) else []
    )
    missing = [column for column in wanted if column not in given]
    extra = [column for column in dict.fromkeys(found) if column not in known]
    if doubled or missing or extra:
        place: dict[str, Any] = {"file": name} | ({} if row is None else {"row": row})
        parts = [
            f"{word} {', '.join(map(repr, columns[:20]))}"
            for word, columns in (("doubled", doubled), ("missing", missing), ("extra", extra))
            if columns
        ]
        raise InvalidTable(
            f"{name}: the columns do not match the schema: {'; '.join(parts)}.",
            doubled=doubled[:20],
            missing=missing[:20],
            extra=extra[:20],
            **place,
        )
    places = {column: at for at, column in enumerate(found)}
    return [places[column] for column in wanted]
