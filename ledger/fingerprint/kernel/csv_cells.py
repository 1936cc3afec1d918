"""Finding the cells of delimited text, and laying each column's cells side by side as Arrow wants them.

Compiled, and run without the interpreter's lock. 64 bytes are compared at a time; only where a delimiter, a quote or
a line end stands is anything decided, so the length of the cells hardly matters. The grammar is RFC 4180's, with line
ends CRLF, LF or CR: a quote opens a cell only at its start, is doubled inside, and after the closing one only a
delimiter, a line end or the end of the file may follow. All else is a fault: where readers could differ, none reads.
"""

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

PADDING: Final = 64
"""Bytes that must lie readable behind the last one looked at."""

NO_FAULT, NOT_CLOSED, AFTER_QUOTE, BLANK, OTHER_WIDTH = range(5)
ROWS, CONSUMED, FAULT, CELLS, HIGH = range(5)
"""Places in what `find_cells` reports: whole rows, bytes they take, what is wrong with the next, how many cells the
last row looked at has (a blank line: none), and whether any byte is not ASCII."""

_QUOTE: Final = np.uint8(0x22)
_LF: Final = np.uint8(0x0A)
_CR: Final = np.uint8(0x0D)
_intrinsic: Any = intrinsic
_ONE: Final = np.uint64(1)
_NONE: Final = np.uint64(0)


def _vector(builder: Any, address: Any, width: int) -> Any:
    wide = ir.VectorType(ir.IntType(8), width)
    loaded = builder.load(builder.inttoptr(address, wide.as_pointer()))
    loaded.align = 1
    return loaded


@_intrinsic  # type: ignore[untyped-decorator]
def _specials(_: Any, address: Any, delimiter: Any) -> Any:
    """A bit for each of the 64 bytes at `address` that is a quote, a line end or `delimiter`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8)
        wide = ir.VectorType(byte, 64)
        loaded = _vector(builder, arguments[0], 64)
        lanes = [0] * 64
        spread = builder.insert_element(ir.Constant(wide, ir.Undefined), arguments[1], ir.IntType(32)(0))
        spread = builder.shuffle_vector(spread, spread, ir.Constant(ir.VectorType(ir.IntType(32), 64), lanes))
        found = builder.icmp_unsigned("==", loaded, spread)
        for special in (_QUOTE, _LF, _CR):
            same = builder.icmp_unsigned("==", loaded, ir.Constant(wide, [byte(int(special))] * 64))
            found = builder.or_(found, same)
        return builder.bitcast(found, ir.IntType(64))

    return types.uint64(types.intp, types.uint8), generate


@_intrinsic  # type: ignore[untyped-decorator]
def _not_ascii(_: Any, address: Any) -> Any:
    """A bit for each of the 64 bytes at `address` that is 0x80 or more."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = _vector(builder, arguments[0], 64)
        zero = ir.Constant(ir.VectorType(ir.IntType(8), 64), [ir.IntType(8)(0)] * 64)
        return builder.bitcast(builder.icmp_signed("<", loaded, zero), ir.IntType(64))

    return types.uint64(types.intp), generate


@_intrinsic  # type: ignore[untyped-decorator]
def _lowest(_: Any, bits: Any) -> Any:
    """The number of the lowest bit set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate


@_intrinsic  # type: ignore[untyped-decorator]
def _copy_8(_: Any, target: Any, source: Any) -> Any:
    """Copy eight bytes from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64).as_pointer()
        loaded = builder.load(builder.inttoptr(arguments[1], word))
        loaded.align = 1
        builder.store(loaded, builder.inttoptr(arguments[0], word)).align = 1
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@njit(nogil=True, cache=True)
def _delimits(text: Any, at: int, end: int, final: bool, delimiter: Any) -> int:
    """1: the delimiter stands at `at`; 0: it does not; -1: that cannot be told before more is read."""
    for place in range(delimiter.size):
        if at + place >= end:
            return 0 if final else -1
        if text[at + place] != delimiter[place]:
            return 0
    return 1


@njit(nogil=True, cache=True)
def _put(starts: Any, lengths: Any, place: int, field: int, end: int, closed: int, doubled: int) -> None:
    """The cell text[field:end], whose closing quote, if it has one, stands at `closed`."""
    if closed >= 0:
        starts[place] = field + 1 if doubled == 0 else ~(field + 1)
        lengths[place] = closed - field - 1 - doubled
    else:
        starts[place] = field
        lengths[place] = end - field


@njit(nogil=True, cache=True)
def find_cells(
    text: Any,
    begin: int,
    end: int,
    final: bool,
    delimiter: Any,
    width: int,
    exact: bool,
    most: int,
    starts: Any,
    lengths: Any,
    found: Any,
) -> None:
    """The cells of up to `most` rows of text[begin:end]; `final` says that nothing follows.

    A row has `width` cells, or, if not `exact`, any number, of which the first `width` are kept.

    `starts` and `lengths` (int32, `most` * `width`) take them row by row; a cell that holds doubled quotes has
    ~start for its start, and its length without them. `found` (int64, 5) is the report. A row that is not whole yet
    is left for the next call.
    """
    address = text.ctypes.data
    row, column, field, row_begin, consumed = 0, 0, begin, begin, begin
    closed, doubled, skip, base = -1, 0, begin, begin
    in_quotes = False
    high = _NONE
    fault, cells = NO_FAULT, 0
    stopped = False
    while base < end and not stopped:
        bits = _specials(address + base, delimiter[0])
        high |= _not_ascii(address + base)
        if end - base < 64:
            bits &= (_ONE << np.uint64(end - base)) - _ONE
        while bits != _NONE:
            at = base + _lowest(bits)
            bits &= bits - _ONE
            if at < skip:
                continue
            byte = text[at]
            if in_quotes:
                if byte != _QUOTE:
                    continue
                if at + 1 < end:
                    after = text[at + 1]
                    if after == _QUOTE:
                        doubled += 1
                        skip = at + 2
                        continue
                    if after != _LF and after != _CR:
                        told = _delimits(text, at + 1, end, final, delimiter)
                        if told != 1:
                            if told == 0:
                                fault = AFTER_QUOTE
                            stopped = True
                            break
                elif not final:
                    stopped = True
                    break
                in_quotes = False
                closed = at
                continue
            if byte == _QUOTE:
                if at == field:
                    in_quotes = True
                    closed = -1
                    doubled = 0
                continue
            ends_row = byte in (_LF, _CR)
            after_it = at + 1
            if not ends_row:
                if delimiter.size > 1:
                    told = _delimits(text, at, end, final, delimiter)
                    if told == -1:
                        stopped = True
                        break
                    if told == 0:
                        continue
                    after_it = at + delimiter.size
            elif byte == _CR:
                if at + 1 < end:
                    if text[at + 1] == _LF:
                        after_it = at + 2
                elif not final:
                    stopped = True
                    break
            if column < width:
                _put(starts, lengths, row * width + column, field, at, closed, doubled)
            if not ends_row:
                column += 1
                field = after_it
                closed = -1
                continue
            cells = 0 if at == row_begin else column + 1
            if exact and cells != width and not (cells == 0 and width == 1):
                fault = OTHER_WIDTH if cells else BLANK
                stopped = True
                break
            row += 1
            column = 0
            closed = -1
            skip = field = row_begin = consumed = after_it
            if row == most:
                stopped = True
                break
        base += 64
    if final and not stopped and row_begin < end:
        cells = column + 1
        if in_quotes:
            fault = NOT_CLOSED
        else:
            if column < width:
                _put(starts, lengths, row * width + column, field, end, closed, doubled)
            if exact and cells != width:
                fault = OTHER_WIDTH
            else:
                row += 1
                consumed = end
    found[ROWS] = row
    found[CONSUMED] = consumed - begin
    found[FAULT] = fault
    found[CELLS] = cells
    found[HIGH] = 1 if high != _NONE else 0


@njit(nogil=True, cache=True)
def column_bytes(lengths: Any, width: int, rows: int, totals: Any) -> None:
    """How many bytes each column's cells have together, into `totals` (int64, `width`)."""
    totals[:] = 0
    for row in range(rows):
        for column in range(width):
            totals[column] += lengths[row * width + column]


@njit(nogil=True, cache=True)
def lay_column(
    text: Any, starts: Any, lengths: Any, column: int, width: int, rows: int, offsets: Any, bodies: Any
) -> None:
    """One column's cells one after another into `bodies`, and where each starts into `offsets` (int32, `rows` + 1).

    `bodies` is 8 bytes longer than the cells: they are copied eight bytes at a time.
    """
    source, target = text.ctypes.data, bodies.ctypes.data
    filled = 0
    offsets[0] = 0
    for row in range(rows):
        start, length = starts[row * width + column], lengths[row * width + column]
        if start >= 0:
            copied = 0
            while copied < length:
                _copy_8(target + filled + copied, source + start + copied)
                copied += 8
        else:
            start = ~start
            for place in range(filled, filled + length):
                byte = text[start]
                bodies[place] = byte
                start += 2 if byte == _QUOTE else 1
        filled += length
        offsets[row + 1] = filled


@njit(nogil=True, cache=True)
def is_utf8(text: Any, begin: int, end: int) -> bool:
    """Whether text[begin:end] is UTF-8 (RFC 3629): shortest forms only, no surrogates, nothing beyond U+10FFFF.

    `begin` and `end` stand beside ASCII bytes or at the ends of the text.
    """
    address = text.ctypes.data
    at = begin
    while at < end:
        lead = text[at]
        if lead < 0x80:
            if end - at >= 64:
                bits = _not_ascii(address + at)
                at += 64 if bits == _NONE else _lowest(bits)
            else:
                at += 1
            continue
        low, high = np.uint8(0x80), np.uint8(0xBF)
        if 0xC2 <= lead <= 0xDF:
            more = 1
        elif 0xE0 <= lead <= 0xEF:
            more = 2
            if lead == 0xE0:
                low = np.uint8(0xA0)
            elif lead == 0xED:
                high = np.uint8(0x9F)
        elif 0xF0 <= lead <= 0xF4:
            more = 3
            if lead == 0xF0:
                low = np.uint8(0x90)
            elif lead == 0xF4:
                high = np.uint8(0x8F)
        else:
            return False
        if at + more >= end:
            return False
        second = text[at + 1]
        if second < low or second > high:
            return False
        for place in range(2, more + 1):
            if text[at + place] & 0xC0 != 0x80:
                return False
        at += more + 1
    return True
