"""binary64 as ECMAScript writes it (ECMA-262 section 6.1.6.1.20, Number::toString). Results as in `texts`."""

import numpy as np
from numba import njit

from ledger.fingerprint.kernel.intrinsics import get8, put8
from ledger.fingerprint.kernel.numbers import put_digits

NULL = 0xFFFFFFFF
FLOAT_SLOT = 32
_TEN = np.uint64(10)
_POWERS = np.array([10.0**power for power in range(16)])
_MOST_DIGITS = 40  # of a number's shortest form, with room


@njit(nogil=True, cache=True)
def _short_float(value, end):
    """The number before `end` if it is a decimal of at most 15 digits and 8 after the point; 0 if it is not.

    Two decimals of at most 15 digits never round to the same binary64, so one that does round to `value` and has the
    fewest digits after the point is the shortest; dividing two exact numbers rounds correctly.
    """
    if value >= 1e15 or value < 1e-5:
        return 0
    for places in range(9):
        power = _POWERS[places]
        scaled = value * power
        if scaled >= 1e15:
            return 0
        near = np.floor(scaled + 0.5)
        if near / power == value:
            digits = np.uint64(near)
            if places == 0:
                return put_digits(digits, end)
            for _ in range(places):
                end -= 1
                put8(end, 48 + np.int64(digits % _TEN))
                digits //= _TEN
            put8(end - 1, 46)
            return put_digits(digits, end - 1)
    return 0


@njit(nogil=True, cache=True)
def floats(values, valid, starts, lengths, out, left):
    """Shortest form of ECMAScript's Number::toString where it is short: the rows it is not go into `left`.

    Returns the first row refused, and how many are left.
    """
    end, count = out.ctypes.data, 0
    for at in range(len(values)):
        end += FLOAT_SLOT
        starts[at] = end - FLOAT_SLOT
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        value = values[at]
        if not np.isfinite(value):
            return at, count
        if value == 0.0:
            put8(end - FLOAT_SLOT, 48)
            lengths[at] = 1
            continue
        start = _short_float(abs(value), end)
        if not start:
            left[count] = at
            count += 1
            continue
        if value < 0:
            start -= 1
            put8(start, 45)
        starts[at], lengths[at] = start, end - start
    return len(values), count


@njit(nogil=True, cache=True)
def _layout(digits, count, point, negative, target):
    """ECMA-262 section 6.1.6.1.20: `count` digits (no zeros around them), the point after the first `point`."""
    at = target
    if negative:
        put8(at, 45)
        at += 1
    if 0 < point <= 21:
        for place in range(max(point, count)):
            if place == point:
                put8(at, 46)
                at += 1
            put8(at, digits[place] if place < count else 48)
            at += 1
    elif -6 < point <= 0:
        put8(at, 48)
        put8(at + 1, 46)
        at += 2
        for _ in range(-point):
            put8(at, 48)
            at += 1
        for place in range(count):
            put8(at, digits[place])
            at += 1
    else:
        for place in range(count):
            if place == 1:
                put8(at, 46)
                at += 1
            put8(at, digits[place])
            at += 1
        exponent = point - 1
        put8(at, 101)
        put8(at + 1, 43 if exponent > 0 else 45)
        at += 2
        exponent = abs(exponent)
        if exponent >= 100:
            put8(at, 48 + exponent // 100)
            at += 1
        if exponent >= 10:
            put8(at, 48 + exponent // 10 % 10)
            at += 1
        put8(at, 48 + exponent % 10)
        at += 1
    return at - target


@njit(nogil=True, cache=True)
def _scan(cell, size, digits):
    """Read `-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?`.

    Returns (is it one, how many digits from the first to the last that is not 0, where the point is). Of more digits
    than `digits` holds only those are kept.
    """
    at = 1 if size and get8(cell) == 45 else 0
    begin, count, kept, point = at, 0, 0, 0
    while at < size and 48 <= get8(cell + at) <= 57:
        digit = get8(cell + at)
        if count or digit != 48:
            if count < len(digits):
                digits[count] = digit
            count += 1
            point += 1
            if digit != 48:
                kept = count
        at += 1
    if at == begin or (get8(cell + begin) == 48 and at > begin + 1):
        return False, 0, 0
    if at < size and get8(cell + at) == 46:
        at += 1
        begin = at
        while at < size and 48 <= get8(cell + at) <= 57:
            digit = get8(cell + at)
            if count or digit != 48:
                if count < len(digits):
                    digits[count] = digit
                count += 1
                if digit != 48:
                    kept = count
            else:
                point -= 1
            at += 1
        if at == begin:
            return False, 0, 0
    if at < size and (get8(cell + at) | 32) == 101:
        at += 1
        down = at < size and get8(cell + at) == 45
        if at < size and (down or get8(cell + at) == 43):
            at += 1
        begin, exponent = at, 0
        while at < size and 48 <= get8(cell + at) <= 57:
            exponent = min(10 * exponent + get8(cell + at) - 48, 1_000_000)
            at += 1
        if at == begin:
            return False, 0, 0
        point += -exponent if down else exponent
    return at == size, kept, point


@njit(nogil=True, cache=True)
def float_texts(content, offsets, valid, most, rows, starts, lengths, out, left):
    """Numbers written as JSON writes them, in ECMAScript's form: cell i belongs to row rows[i].

    Up to `most` digits are kept as they are: up to 15 they are the shortest anyway, unless the number is so large or
    so small that it might overflow or lose precision; such rows, and those with more digits, go into `left`.
    """
    base, slots, count = content.ctypes.data, out.ctypes.data, 0
    digits = np.empty(_MOST_DIGITS, np.uint8)
    for at in range(len(rows)):
        row = rows[at]
        starts[row] = slots + FLOAT_SLOT * row
        if len(valid) and not valid[at]:
            lengths[row] = NULL
            continue
        cell, size = base + offsets[at], offsets[at + 1] - offsets[at]
        good, kept, point = _scan(cell, size, digits)
        if not good:
            return at, count
        if not kept:
            put8(starts[row], 48)
            lengths[row] = 1
        elif kept > most or (most <= 15 and (point > 300 or point < -300)):
            left[count] = at
            count += 1
        else:
            lengths[row] = _layout(digits, kept, point, get8(cell) == 45, starts[row])
    return len(rows), count
