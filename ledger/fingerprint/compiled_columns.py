"""Arrow buffers handed to compiled code. Imported only where there is some: see `kernel.engine`."""

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ledger.fingerprint.columns import ColumnReader, Markers, is_binary, is_text, unpacked
from ledger.fingerprint.kernel.cache import compiled_code_kept
from ledger.fingerprint.kernel.engine import Octets, Places
from ledger.fingerprint.kernel.memory import blank

with compiled_code_kept():
    from ledger.fingerprint.kernel import floats, moments, numbers, records, splitting, texts

_WORDS = np.frombuffer(b"truefalse", np.uint8)
_NO_NULLS = np.empty(0, np.uint8)
_NO_NULLS.flags.writeable = False
_KEPT_DIGITS, _SHORTEST_DIGITS = 15, 17
_FIRST_KNOWN, _KNOWN_DAYS = -25_567, 73_049  # 1900-01-01 to 2099-12-31
_UNITS = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def read(column: ColumnReader, array: pa.Array, starts: Places, lengths: Markers) -> Any:
    """See `ColumnReader.compiled`."""
    if pa.types.is_dictionary(array.type) and 0 < len(array.dictionary) <= len(array):
        return _of_numbered(column, array, starts, lengths)
    array = unpacked(array)
    arrow = array.type
    if is_text(arrow) or is_binary(arrow):
        return _of_texts(column, array, starts, lengths)
    valid = _valid(array)
    if pa.types.is_integer(arrow) and column.type != "float":
        return _of_integers(column, array, valid, starts, lengths)
    if pa.types.is_decimal(arrow):
        return _of_decimals(column, array, valid, starts, lengths)
    if pa.types.is_floating(arrow):
        values = _numbers(array, {16: np.float16, 32: np.float32, 64: np.float64}[arrow.bit_width], np.float64)
        return _of_floats(values, valid, starts, lengths)
    if pa.types.is_boolean(arrow):
        values = _bits(array.buffers()[1], array.offset, len(array))
        return _taken(numbers.booleans(values, valid, _WORDS, starts, lengths), array, _WORDS)
    if pa.types.is_date(arrow):
        values = _numbers(array, np.int32 if pa.types.is_date32(arrow) else np.int64, np.int64)
        per_day = 1 if pa.types.is_date32(arrow) else 86_400_000
        out = blank(16 * len(array), np.uint8)
        known = _day_texts()
        stopped = moments.dates(values, valid, per_day, _FIRST_KNOWN, known, starts, lengths, out)
        return _taken(stopped, array, out, known)
    if pa.types.is_timestamp(arrow):
        offset = 0 if arrow.tz is not None else column.offset
        if offset is None:
            return None
        out = blank(32 * len(array), np.uint8)
        values = _numbers(array, np.int64, np.int64)
        unit, parts = _UNITS[arrow.unit]
        return _taken(moments.timestamps(values, valid, unit, parts, offset, starts, lengths, out), array, out)
    return None


@cache
def _day_texts() -> Octets:
    known = np.empty(16 * _KNOWN_DAYS, np.uint8)
    moments.day_texts(_FIRST_KNOWN, known)
    return known


def join(starts: Places, lengths: Markers) -> tuple[Octets, Places]:
    """(records one after the other with 128 bytes to spare, where they start) of cells: columns by records."""
    offsets = blank(lengths.shape[1] + 1, np.int64)
    size = records.measure(lengths, offsets)
    content = blank(size + 128, np.uint8)
    records.join(starts, lengths, offsets, content)
    return content, offsets


def fields(content: Octets, offsets: Places, columns: int) -> tuple[Places, Places]:
    """Where the fields of all records start and stop."""
    starts, stops = blank((2, columns * (len(offsets) - 1)), np.int64)
    records.fields(content, offsets, columns, starts, stops)
    return starts, stops


def split(content: Octets, offsets: Places, columns: int) -> list[pa.Array]:
    """The cells of each column, as Arrow's binary arrays over one buffer. `content` has less than 2^31 bytes."""
    count = len(offsets) - 1
    starts, bounds = np.empty((columns, count), np.int64), np.empty((columns, count + 1), np.int32)
    there = np.empty((columns, count), np.uint8)
    splitting.measure(content, offsets, starts, bounds, there)
    ends = np.cumsum(bounds[:, -1], dtype=np.int64)
    out = np.empty(int(ends[-1]) + 16, np.uint8)
    splitting.split(content, starts, bounds, ends - bounds[:, -1], out)
    bits = np.packbits(there, axis=1, bitorder="little")
    nulls = count - there.sum(axis=1, dtype=np.int64)
    found = []
    for at, end in enumerate(ends.tolist()):
        valid = pa.py_buffer(bits[at]) if nulls[at] else None
        cells = pa.py_buffer(out[end - int(bounds[at, -1]) : end])
        buffers = [valid, pa.py_buffer(bounds[at]), cells]
        found.append(pa.Array.from_buffers(pa.binary(), count, buffers, int(nulls[at])))
    return found


def _taken(stopped: int, array: pa.Array, *kept: Any) -> Any:
    """What the addresses lead to, if no row was refused."""
    return kept if stopped == len(array) else None


def _of_numbered(column: ColumnReader, array: pa.DictionaryArray, starts: Places, lengths: Markers) -> Any:
    """Each cell of the dictionary is read once, however often it occurs."""
    known_starts, known_lengths = blank(len(array.dictionary), np.int64), blank(len(array.dictionary), np.uint32)
    kept = read(column, array.dictionary, known_starts, known_lengths)
    if kept is None:
        return None
    arrow = array.type.index_type
    stored = np.dtype(f"{'i' if pa.types.is_signed_integer(arrow) else 'u'}{arrow.bit_width // 8}")
    named = _numbers(array.indices, stored, np.int64)
    valid = _valid(array.indices)
    return _taken(records.look_up(named, valid, known_starts, known_lengths, starts, lengths), array, kept)


def _of_texts(column: ColumnReader, array: pa.Array, starts: Places, lengths: Markers) -> Any:
    content, offsets, valid = _buffers(array)
    if column.null_texts is not None:
        marked = np.ones(len(array), np.uint8) if valid is _NO_NULLS else valid.copy()
        texts.mark_nulls(content, offsets, marked, *column.null_texts)
        valid = _fixed(marked)
    if column.dialect != "text" or column.type in ("text", "binary"):
        # Strings of a text file were checked as a whole when the file was read.
        unsure = column.dialect == "value" or (column.dialect == "text" and is_binary(array.type))
        checked = column.type == "text" and unsure
        return _taken(texts.texts(content, offsets, valid, checked, starts, lengths), array, content)
    cells = (content, offsets, valid)
    if column.scale is not None:
        out = blank(int(offsets[-1] - offsets[0]) + (column.scale + 1) * len(array), np.uint8)
        return _taken(texts.decimals(*cells, column.scale, starts, lengths, out), array, content, out)
    if column.type == "integer":
        return _taken(texts.integers(*cells, starts, lengths), array, content)
    if column.type == "boolean":
        return _taken(texts.booleans(*cells, _WORDS, starts, lengths), array, content)
    if column.type == "date":
        return _taken(texts.dates(*cells, starts, lengths), array, content)
    if column.type == "timestamp":
        zoned, out = column.offset is not None, blank(texts.MOMENT_SLOT * len(array), np.uint8)
        return _taken(texts.timestamps(*cells, zoned, column.offset or 0, starts, lengths, out), array, content, out)
    return _of_float_texts(array, cells, starts, lengths)


def _of_integers(column: ColumnReader, array: pa.Array, valid: Octets, starts: Places, lengths: Markers) -> Any:
    arrow = array.type
    signed = pa.types.is_signed_integer(arrow)
    stored = np.dtype(f"{'i' if signed else 'u'}{arrow.bit_width // 8}")
    wide = np.uint64 if arrow.bit_width == 64 and not signed else np.int64
    values = _numbers(array, stored, wide)
    if column.scale is None:
        out = blank(numbers.INTEGER_SLOT * len(array), np.uint8)
        return _taken(numbers.integers(values, valid, starts, lengths, out), array, out)
    if wide is np.uint64:
        return None
    words = _fixed(values.view(np.uint32).reshape(-1, 2))
    return _put_decimals(words, valid, column.scale, column.scale, array, starts, lengths)


def _of_decimals(column: ColumnReader, array: pa.Array, valid: Octets, starts: Places, lengths: Markers) -> Any:
    arrow = array.type
    scale = column.scale or 0
    if not 0 <= arrow.scale <= scale:
        return None
    count = arrow.bit_width // 32
    words = _numbers(array, np.uint32, np.uint32, count).reshape(-1, count)
    return _put_decimals(words, valid, scale - arrow.scale, scale, array, starts, lengths)


def _put_decimals(
    words: NDArray[np.uint32], valid: Octets, more: int, scale: int, array: pa.Array, starts: Places, lengths: Any
) -> Any:
    room = 10 * words.shape[1] + more + scale + 4
    out = blank(room * len(array), np.uint8)
    return _taken(numbers.decimals(words, valid, more, scale, room, starts, lengths, out), array, out)


def _of_floats(values: NDArray[np.float64], valid: Octets, starts: Places, lengths: Markers) -> Any:
    out = blank(floats.FLOAT_SLOT * len(values), np.uint8)
    left = blank(len(values), np.int64)
    stopped, count = floats.floats(values, valid, starts, lengths, out, left)
    if stopped != len(values):
        return None
    if count:
        # Arrow writes the shortest digits too (double-conversion); only the layout is another.
        rows = _fixed(left[:count])
        written = pa.array(values[rows]).cast(pa.string())
        content, offsets, none = _buffers(written)
        floats.float_texts(content, offsets, none, _SHORTEST_DIGITS, rows, starts, lengths, out, left[count:])
    return (out,)


def _of_float_texts(array: pa.Array, cells: tuple[Octets, Places, Octets], starts: Places, lengths: Markers) -> Any:
    out = blank(floats.FLOAT_SLOT * len(array), np.uint8)
    left = blank(len(array), np.int64)
    rows = _fixed(np.arange(len(array), dtype=np.int64))
    stopped, count = floats.float_texts(*cells, _KEPT_DIGITS, rows, starts, lengths, out, left)
    if stopped != len(array):
        return None
    if not count:
        return (out,)
    try:
        values = array.take(pa.array(left[:count])).cast(pa.string(), safe=False).cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    few_starts, few_lengths = blank(count, np.int64), blank(count, np.uint32)
    kept = _of_floats(_numbers(values, np.float64, np.float64), _NO_NULLS, few_starts, few_lengths)
    if kept is None:
        return None
    starts[left[:count]], lengths[left[:count]] = few_starts, few_lengths
    return (out, kept)


def _fixed(array: Any) -> Any:
    """Not to be written to: compiled code is made once for such arrays, and not again for others."""
    array.flags.writeable = False
    return array


def _valid(array: pa.Array) -> Octets:
    bitmap = array.buffers()[0]
    if bitmap is None or not array.null_count:
        return _NO_NULLS
    return _bits(bitmap, array.offset, len(array))


def _bits(bitmap: Any, offset: int, count: int) -> Octets:
    if not count:
        return _NO_NULLS
    begin, stop = offset // 8, (offset + count + 7) // 8
    octets = np.frombuffer(bitmap, np.uint8)[begin:stop]
    bits: Octets = _fixed(np.unpackbits(octets, bitorder="little")[offset % 8 : offset % 8 + count])
    return bits


def _numbers(array: pa.Array, stored: Any, wanted: Any, each: int = 1) -> Any:
    """The values of a column of fixed width (`each` numbers a value), those of nulls included."""
    if not len(array):
        return _fixed(blank(0, wanted))
    values = np.frombuffer(array.buffers()[1], stored)[each * array.offset : each * (array.offset + len(array))]
    return _fixed(values.astype(wanted, copy=False))


def _buffers(array: pa.Array) -> tuple[Octets, Places, Octets]:
    """(bytes, where cells start and the last one stops, which are valid) of a text or binary column."""
    _, bounds, content = array.buffers()
    wide = pa.types.is_large_binary(array.type) or pa.types.is_large_string(array.type)
    if not len(array) or bounds is None:
        return _NO_NULLS, _fixed(np.zeros(len(array) + 1, np.int64)), _NO_NULLS
    stored = np.frombuffer(bounds, np.int64 if wide else np.int32)[array.offset : array.offset + len(array) + 1]
    octets = _NO_NULLS if content is None or not content.size else _fixed(np.frombuffer(content, np.uint8))
    return octets, _fixed(stored.astype(np.int64, copy=False)), _valid(array)
