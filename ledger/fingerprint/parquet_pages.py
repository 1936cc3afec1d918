"""What the pages of a Parquet file say of themselves before they are decoded: their headers are read, not their bodies.

Apache Parquet's format: a column chunk is its pages, one after the other, each after its own header.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint import page_header as plain
from ledger.fingerprint.delta_pages import DELTA_LENGTHS, DELTA_TEXTS, check_delta, inflated
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.page_header import DATA, DATA_V2, DICTIONARY, INDEX, PageHeader

PAGE_BYTES: Final = 1 << 26
"""Of one page: more than a record may have."""
_HEADER_BYTES: Final = (256, 1 << 12, 1 << 16)  # tried one after the other
_PADDING: Final = 100  # files of long ago leave the dictionary's header out of a chunk's size
_FROM_DICTIONARY: Final = (2, 8)
_CELL: Final = 3  # bytes of any cell, a level and its validity
_VIEW: Final = 24  # and of a byte array what leads to it; in a dictionary too
_LEAST: Final = {"BYTE_ARRAY": 4, "BOOLEAN": 1}  # bytes of a value in a dictionary
SMALLER_PAGES: Final = "Write the file with smaller pages, or with fewer rows in a row group."


class Dictionary(NamedTuple):
    """Where a dictionary's body is, what is said of it, and for how long a value there is room in it."""

    offset: int
    header: PageHeader
    codec: str
    room: int


class ColumnPages:
    """What decoding one column of consecutive row groups may take: all numbers are bytes, and of rows."""

    def __init__(self, number: int, kinds: Any, field: pa.Field) -> None:
        """`kinds` is the column of the file's own schema, `field` what Arrow makes of it."""
        self.name: str = field.name
        self.number = number
        self.optional = bool(kinds.max_definition_level)
        self._physical: str = kinds.physical_type
        self._varies = self._physical == "BYTE_ARRAY"
        self._fixed = self._physical == "FIXED_LEN_BYTE_ARRAY"
        self._width = _CELL + (_VIEW if self._varies else kinds.length * self._fixed + _width(field.type))
        self._least = max(1, kinds.length) if self._fixed else _LEAST.get(self._physical, 4)
        self._gathers = pa.types.is_dictionary(field.type)
        self.compressed = 0  # of the largest page as it lies in the file: held while it is inflated
        self._body = self._kept = self._delta = self._gathered = 0
        self._rows = 0
        self._starts, self._sizes = array("q"), array("q")
        self._dictionaries: list[Dictionary] = []
        self._longest: int | None = None

    @property
    def held(self) -> int:
        """Bytes that stay while its rows are decoded: the largest page and dictionary."""
        return self._body + self._kept + self._gathered

    @property
    def each(self) -> int:
        """The most that a row takes which does not lie in a page as it is: it may come from a dictionary."""
        longest = max((each.room for each in self._dictionaries), default=0) if self._longest is None else self._longest
        return self._width + (longest if self._varies else 0) + self._delta + self._delta // 2

    def within(self, rows: int) -> int:
        """The most bytes of the pages that as many consecutive rows lie in, wherever they begin."""
        if not self._sizes:
            return 0
        starts = np.frombuffer(self._starts, np.int64)
        sums = np.concatenate([[0], np.cumsum(np.frombuffer(self._sizes, np.int64))])
        ends = np.append(starts[1:], self._rows)
        return int((sums[np.searchsorted(starts, ends + (rows - 1))] - sums[:-1]).max())

    def add(self, header: PageHeader, offset: int, codec: str) -> None:
        """One more page, whose body is at `offset`. Raises ValueError: its numbers do not add up."""
        body = max(header.uncompressed, header.compressed)  # a page may be left as it is in a file that is compressed
        self.compressed = max(self.compressed, header.compressed)
        if header.kind == DICTIONARY:
            if self._least * header.values > header.uncompressed:
                raise ValueError("a dictionary of more values than it has room for")
            room = body - 4 * header.values if header.values else 0
            self._dictionaries.append(Dictionary(offset, header, codec, room))
            kept = body + (_VIEW * header.values if self._varies or self._fixed else 0)
            self._kept = max(self._kept, kept)
            self._gathered += 3 * kept if self._gathers else 0
        elif header.encoding in (DELTA_LENGTHS, DELTA_TEXTS):
            body += 8 * header.values
        self._body = max(self._body, body)
        if header.kind in (DICTIONARY, INDEX):
            return
        if header.encoding == DELTA_TEXTS:
            self._delta = max(self._delta, body if self._varies else self._width)
        if self._varies and header.encoding not in _FROM_DICTIONARY:
            self._starts.append(self._rows)
            self._sizes.append(body)
            self._gathered += 3 * body if self._gathers else 0
        self._rows += header.values

    def look_up(self, stream: Any) -> None:
        """Look into the dictionaries how long their values are. Raises ValueError, OSError, pa.ArrowException."""
        if self._longest is not None or not self._varies:
            return
        self._longest = 0
        for dictionary in self._dictionaries:
            if dictionary.room > self._longest:
                self._longest = max(self._longest, _longest(stream, dictionary))


def _width(kind: pa.DataType) -> int:
    """The bytes of a value of a type of fixed width; of others, of what leads to it."""
    try:
        return max(8, int(kind.bit_width) // 8)
    except ValueError:
        return _VIEW


def walk(stream: Any, size: int, chunk: Any, rows: int, column: ColumnPages, file: str) -> None:
    """Add the pages of a column chunk to its column. `size` is the file's.

    Costs a read of 256 bytes a page, and of the whole page where it is delta encoded. Raises InvalidTable: what the
    headers say does not add up; TooLarge: a page of more than 2^26 bytes; OSError, pa.ArrowException.
    """
    try:
        for header, offset in _pages(stream, size, chunk, rows):
            if max(header.uncompressed, header.compressed) > PAGE_BYTES:
                raise TooLarge(
                    f"{file}, column {column.name!r}: a page has more than {PAGE_BYTES} bytes.",
                    remedy=SMALLER_PAGES,
                    file=file,
                    column=column.name,
                )
            column.add(header, offset, chunk.compression)
            if header.kind in (DATA, DATA_V2) and header.encoding in (DELTA_LENGTHS, DELTA_TEXTS):
                check_delta(stream, offset, header, chunk.compression, column.optional)
    except ValueError:
        raise InvalidTable(
            f"{file}, column {column.name!r}: its pages are damaged.", file=file, column=column.name
        ) from None


def _pages(stream: Any, size: int, chunk: Any, rows: int) -> Iterator[tuple[PageHeader, int]]:
    """The pages that a reader of the chunk comes to, and where their bodies begin. Raises ValueError."""
    at, dictionary = chunk.data_page_offset, chunk.dictionary_page_offset
    if dictionary is not None and 0 < dictionary < at:
        at = dictionary
    end = at + chunk.total_compressed_size
    if at < 0 or not at <= end <= size or chunk.num_values != rows:
        raise ValueError("not a chunk of this file")
    end = min(end + _PADDING, size)
    read = _reader()
    seen = number = 0
    while seen < rows:
        header = _header(stream, at, end, read)
        at += header.size
        if at + header.compressed > end or (header.kind == DICTIONARY and number):
            raise ValueError("not a page of this chunk")
        yield header, at
        at += header.compressed
        number += 1
        seen += 0 if header.kind == DICTIONARY else header.values
    if seen > rows:
        raise ValueError("more values than rows")


def _header(stream: Any, at: int, end: int, read: Callable[[bytes], PageHeader]) -> PageHeader:
    for size in _HEADER_BYTES:
        stream.seek(at)
        try:
            return read(stream.read(min(size, end - at)))
        except IndexError:
            continue
    raise ValueError("a header that does not end")


def _reader() -> Callable[[bytes], PageHeader]:
    if not engine().compiled:
        return plain.page_header
    from ledger.fingerprint import compiled_pages

    return compiled_pages.page_header


def _longest(stream: Any, dictionary: Dictionary) -> int:
    """The longest value of a dictionary; what there is room for if it is compressed in a way not known here."""
    header = dictionary.header
    stream.seek(dictionary.offset)
    content = inflated(stream.read(header.compressed), header.uncompressed, dictionary.codec)
    if content is None:
        return dictionary.room
    if not engine().compiled:
        return plain.longest_value(content, header.values)
    from ledger.fingerprint import compiled_pages

    return compiled_pages.longest_value(content, header.values)
