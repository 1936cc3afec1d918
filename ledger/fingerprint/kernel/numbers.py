"""Cells that are numbers in memory, as canonical text. Results as in `texts`."""

import numpy as np
from numba import njit

from ledger.fingerprint.kernel.intrinsics import get8, put8

NULL = 0xFFFFFFFF
INTEGER_SLOT = 24
_PAIRS = np.frombuffer(b"".join(b"%02d" % pair for pair in range(100)), np.uint8)
_MOST_PLACES = 19
_POWERS = np.array([10**places for places in range(_MOST_PLACES + 1)], np.uint64)
_HUNDRED, _TEN, _NO = np.uint64(100), np.uint64(10), np.uint64(0)
_LOW, _BILLION, _HALF = np.uint64(0xFFFFFFFF), np.uint64(1_000_000_000), np.uint64(32)


@njit(nogil=True, cache=True)
def put_digits(value, end):
    """The digits of an unsigned number before the address `end`; the address of the first."""
    while value >= _HUNDRED:
        pair = np.int64(value % _HUNDRED)
        value //= _HUNDRED
        end -= 2
        put8(end, _PAIRS[2 * pair])
        put8(end + 1, _PAIRS[2 * pair + 1])
    if value >= _TEN:
        pair = np.int64(value)
        put8(end - 2, _PAIRS[2 * pair])
        put8(end - 1, _PAIRS[2 * pair + 1])
        return end - 2
    put8(end - 1, 48 + np.int64(value))
    return end - 1


@njit(nogil=True, cache=True)
def integers(values, valid, starts, lengths, out):
    """int64 or uint64."""
    end = out.ctypes.data
    for at in range(len(values)):
        end += INTEGER_SLOT
        if len(valid) and not valid[at]:
            starts[at], lengths[at] = end - INTEGER_SLOT, NULL
            continue
        value = values[at]
        magnitude = np.uint64(value)
        if value < 0:
            magnitude = _NO - magnitude
        start = put_digits(magnitude, end)
        if value < 0:
            start -= 1
            put8(start, 45)
        starts[at], lengths[at] = start, end - start
    return len(values)


@njit(nogil=True, cache=True)
def _put_long(limbs, count, end):
    """As `put_digits`, of a number of `count` words of 32 bits, lowest first. The words are used up."""
    while count > 2:
        if limbs[count - 1] == _NO:
            count -= 1
            continue
        rest = _NO
        for at in range(count - 1, -1, -1):
            rest = (rest << _HALF) | limbs[at]
            limbs[at] = rest // _BILLION
            rest %= _BILLION
        for _ in range(9):
            end -= 1
            put8(end, 48 + np.int64(rest % _TEN))
            rest //= _TEN
    value = limbs[0]
    if count > 1:
        value |= limbs[1] << _HALF
    return put_digits(value, end)


@njit(nogil=True, cache=True)
def _is_short(words, at, count, negative):
    """Is a number of `count` words of 32 bits, in two's complement, one of 64 bits, as nearly all are?"""
    filled = _LOW if negative else _NO
    for word in range(2, count):
        if np.uint64(words[at, word]) != filled:
            return False
    return (words[at, 1] >> 31 == 1) == negative


@njit(nogil=True, cache=True)
def _put_short(value, scale, unit, end):
    """A number of 64 bits with `scale` digits behind its point, before the address `end`; `unit` is 10^scale."""
    whole = value // unit
    rest = value - whole * unit
    left = scale
    while left >= 2:
        pair = np.int64(rest % _HUNDRED)
        rest //= _HUNDRED
        end -= 2
        left -= 2
        put8(end, _PAIRS[2 * pair])
        put8(end + 1, _PAIRS[2 * pair + 1])
    if left:
        end -= 1
        put8(end, 48 + np.int64(rest))
    put8(end - 1, 46)
    return put_digits(whole, end - 1)


@njit(nogil=True, cache=True)
def decimals(words, valid, more, scale, room, starts, lengths, out):
    """Two's complement numbers, a row of 32-bit words each (lowest first), with `more` zeros put after their digits
    and `scale` digits after the point in all. Slots of `room` bytes."""
    slots, count = out.ctypes.data, words.shape[1]
    limbs = np.empty(count, np.uint64)
    short = count > 1 and more == 0 and 0 < scale <= _MOST_PLACES
    unit = _POWERS[scale] if short else _TEN
    for at in range(len(words)):
        slot = slots + room * at
        starts[at] = slot
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        negative = words[at, count - 1] >> 31 == 1
        if short and _is_short(words, at, count, negative):
            magnitude = np.uint64(words[at, 0]) | np.uint64(words[at, 1]) << _HALF
            if negative:
                magnitude = _NO - magnitude
            end = slot + room
            start = _put_short(magnitude, scale, unit, end)
            if negative:
                start -= 1
                put8(start, 45)
            starts[at], lengths[at] = start, end - start
            continue
        carry = np.uint64(1)
        for limb in range(count):
            word = np.uint64(words[at, limb])
            if negative:
                word = (word ^ _LOW) + carry
                carry = word >> _HALF
                word &= _LOW
            limbs[limb] = word
        end = slot + room
        for place in range(more):
            put8(end - 1 - place, 48)
        start = _put_long(limbs, count, end - more)
        if start == end - more - 1 and get8(start) == 48:
            start = end - 1  # zero stays zero: its digits are filled up below
            put8(start, 48)
            negative = False
        while end - start <= scale:
            start -= 1
            put8(start, 48)
        if scale:
            start -= 1
            for place in range(start, end - scale - 1):
                put8(place, get8(place + 1))
            put8(end - scale - 1, 46)
        if negative:
            start -= 1
            put8(start, 45)
        starts[at], lengths[at] = start, end - start
    return len(words)


@njit(nogil=True, cache=True)
def booleans(values, valid, words, starts, lengths):
    """0 or 1; `words` holds `truefalse`."""
    base = words.ctypes.data
    for at in range(len(values)):
        starts[at] = base if values[at] else base + 4
        if len(valid) and not valid[at]:
            lengths[at] = NULL
        else:
            lengths[at] = 4 if values[at] else 5
    return len(values)
