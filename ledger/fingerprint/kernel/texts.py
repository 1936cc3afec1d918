"""Cells that are text: what their column's type accepts, and their canonical bytes, for a whole column at once.

Each function fills `starts` (addresses) and `lengths` (`NULL` for a null) of the cells' canonical bytes and returns the
first row it refuses, or the number of rows. Most canonical texts are the cell itself, or a stretch of it.
"""

import numpy as np
from numba import njit

from ledger.fingerprint.kernel.intrinsics import get8, get64, put8
from ledger.fingerprint.kernel.moments import days_of, put_moment, put_time, valid_day

NULL = 0xFFFFFFFF
MOMENT_SLOT = 32
_TOP_BITS = np.uint64(0x8080808080808080)
_DAY = 86_400_000_000


@njit(nogil=True, cache=True)
def mark_nulls(content, offsets, valid, texts, bounds):
    """valid[i] becomes 0 where the cell is one of the texts."""
    for at in range(len(valid)):
        size = offsets[at + 1] - offsets[at]
        for text in range(len(bounds) - 1):
            if bounds[text + 1] - bounds[text] == size:
                same = True
                for place in range(size):
                    if content[offsets[at] + place] != texts[bounds[text] + place]:
                        same = False
                        break
                if same:
                    valid[at] = 0


@njit(nogil=True, cache=True)
def _is_utf8(cell, size):
    """The Unicode Standard, table 3-7: no overlong form, no surrogate, nothing past U+10FFFF."""
    at = 0
    while at < size:
        while at + 8 <= size and get64(cell + at) & _TOP_BITS == 0:
            at += 8
        while at + 3 <= size and 0xE1 <= get8(cell + at) <= 0xEC:  # most of what is not ASCII, Chinese above all
            if ((get8(cell + at + 1) ^ 0x80) | (get8(cell + at + 2) ^ 0x80)) >= 0x40:
                return False
            at += 3
        if at >= size:
            break
        lead = get8(cell + at)
        if lead < 0x80:
            at += 1
            continue
        if lead < 0xC2 or lead > 0xF4:
            return False
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if at + more >= size:
            return False
        low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
        high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
        second = get8(cell + at + 1)
        if second < low or second > high:
            return False
        for next in range(2, more + 1):
            if get8(cell + at + next) & 0xC0 != 0x80:
                return False
        at += more + 1
    return True


@njit(nogil=True, cache=True)
def texts(content, offsets, valid, checked, starts, lengths):
    """Text (`checked`: UTF-8 or refused) or binary, as it stands."""
    base, number = content.ctypes.data, len(starts)
    # All cells as one text first: if that is UTF-8, so is each that begins and ends between characters.
    joined = checked and _is_utf8(base + offsets[0], offsets[number] - offsets[0])
    end = offsets[number]
    for at in range(number):
        start, stop = offsets[at], offsets[at + 1]
        starts[at] = base + start
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        size = stop - start
        if size >= NULL:
            return at
        if checked and size:
            whole = joined and get8(base + start) & 0xC0 != 0x80 and (stop == end or get8(base + stop) & 0xC0 != 0x80)
            if not whole and not _is_utf8(base + start, size):
                return at
        lengths[at] = size
    return number


@njit(nogil=True, cache=True)
def _whole_part(cell, size):
    """How many bytes `-?(0|[1-9][0-9]*)` takes at the start of the cell; 0 if it is not there."""
    at = 1 if size and get8(cell) == 45 else 0
    begin = at
    while at < size and 48 <= get8(cell + at) <= 57:
        at += 1
    if at == begin or (get8(cell + begin) == 48 and at > begin + 1):
        return 0
    return at


@njit(nogil=True, cache=True)
def integers(content, offsets, valid, starts, lengths):
    """Decimal digits, `-` if negative; zero has no sign."""
    base = content.ctypes.data
    for at in range(len(starts)):
        if len(valid) and not valid[at]:
            starts[at], lengths[at] = base, NULL
            continue
        cell, size = base + offsets[at], offsets[at + 1] - offsets[at]
        if not size or _whole_part(cell, size) != size or size >= NULL:
            return at
        if size == 2 and get8(cell) == 45 and get8(cell + 1) == 48:
            cell, size = cell + 1, 1
        starts[at], lengths[at] = cell, size
    return len(starts)


@njit(nogil=True, cache=True)
def decimals(content, offsets, valid, scale, starts, lengths, out):
    """Fixed point with `scale` digits; `out` has room for all cells and scale + 1 bytes for each of them."""
    base, free = content.ctypes.data, out.ctypes.data
    for at in range(len(starts)):
        if len(valid) and not valid[at]:
            starts[at], lengths[at] = base, NULL
            continue
        cell, size = base + offsets[at], offsets[at + 1] - offsets[at]
        whole = _whole_part(cell, size)
        if not whole or size + scale + 1 >= NULL:
            return at
        given = size - whole - 1
        if whole == size:
            given = 0
        elif get8(cell + whole) != 46 or given < 1 or given > scale:
            return at
        zero = get8(cell + whole - 1) == 48 and (whole == 1 or (whole == 2 and get8(cell) == 45))
        for place in range(whole + 1, size):
            digit = get8(cell + place)
            if digit < 48 or digit > 57:
                return at
            zero = zero and digit == 48
        if zero and get8(cell) == 45:
            cell, size, whole = cell + 1, size - 1, whole - 1
        if given == scale:
            starts[at], lengths[at] = cell, size
            continue
        starts[at] = free
        for place in range(size):
            put8(free + place, get8(cell + place))
        free += size
        if given == 0:
            put8(free, 46)
            free += 1
        for _ in range(scale - given):
            put8(free, 48)
            free += 1
        lengths[at] = free - starts[at]
    return len(starts)


@njit(nogil=True, cache=True)
def booleans(content, offsets, valid, words, starts, lengths):
    """`true` or `false`: `words` holds both."""
    base = content.ctypes.data
    for at in range(len(starts)):
        starts[at] = base + offsets[at]
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        size = offsets[at + 1] - offsets[at]
        if size != 4 and size != 5:
            return at
        first = 0 if size == 4 else 4
        for place in range(size):
            if content[offsets[at] + place] != words[first + place]:
                return at
        lengths[at] = size
    return len(starts)


@njit(nogil=True, cache=True)
def _number(cell, digits):
    """The value of so many digits, -1 if one of them is none."""
    value = 0
    for place in range(digits):
        digit = get8(cell + place) - 48
        if digit < 0 or digit > 9:
            return -1
        value = 10 * value + digit
    return value


@njit(nogil=True, cache=True)
def _is_day(cell):
    """Are these ten bytes YYYY-MM-DD of a day that exists?"""
    if get8(cell + 4) != 45 or get8(cell + 7) != 45:
        return False
    return valid_day(_number(cell, 4), _number(cell + 5, 2), _number(cell + 8, 2))


@njit(nogil=True, cache=True)
def dates(content, offsets, valid, starts, lengths):
    """YYYY-MM-DD of days that exist."""
    base = content.ctypes.data
    for at in range(len(starts)):
        starts[at] = base + offsets[at]
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        if offsets[at + 1] - offsets[at] != 10 or not _is_day(starts[at]):
            return at
        lengths[at] = 10
    return len(starts)


@njit(nogil=True, cache=True)
def timestamps(content, offsets, valid, zoned, offset, starts, lengths, out):
    """RFC 3339 with `T` or a space to UTC microseconds; `offset` (microseconds, if `zoned`) where no zone is named."""
    base, slots = content.ctypes.data, out.ctypes.data
    for at in range(len(starts)):
        starts[at] = slots + MOMENT_SLOT * at
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        cell, size = base + offsets[at], offsets[at + 1] - offsets[at]
        if size < 19:
            return at
        hour, minute, second = _number(cell + 11, 2), _number(cell + 14, 2), _number(cell + 17, 2)
        between = get8(cell + 10)
        if not _is_day(cell) or (between != 84 and between != 32) or get8(cell + 13) != 58 or get8(cell + 16) != 58:
            return at
        if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
            return at
        place, fraction = 19, 0
        if place < size and get8(cell + place) == 46:
            place += 1
            unit = 100_000
            begin = place
            while place < size and 48 <= get8(cell + place) <= 57:
                digit = get8(cell + place) - 48
                if unit == 0 and digit:
                    return at
                fraction += unit * digit
                unit //= 10
                place += 1
            if place == begin:
                return at
        shift = offset
        if place == size:
            if not zoned:
                return at
        elif get8(cell + place) == 90 and place + 1 == size:
            shift = 0
        else:
            sign = get8(cell + place)
            if (sign != 43 and sign != 45) or place + 6 != size or get8(cell + place + 3) != 58:
                return at
            hours, minutes = _number(cell + place + 1, 2), _number(cell + place + 4, 2)
            if not (0 <= hours < 24 and 0 <= minutes < 60):
                return at
            shift = (hours * 60 + minutes) * 60_000_000
            if sign == 45:
                shift = -shift
        moment = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction - shift
        if 0 <= moment < _DAY:
            for place in range(10):
                put8(starts[at] + place, get8(cell + place))
            put_time(np.uint64(moment), starts[at] + 10)
        elif not put_moment(
            days_of(_number(cell, 4), _number(cell + 5, 2), _number(cell + 8, 2)) * _DAY + moment, starts[at]
        ):
            return at
        lengths[at] = 27
    return len(starts)
