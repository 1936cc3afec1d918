"""Days and instants of the proleptic Gregorian calendar, as numbers and as text."""

import numpy as np
from numba import njit

from ledger.fingerprint.kernel.intrinsics import put8, put64

NULL = 0xFFFFFFFF
_DAY = 86_400_000_000
_ZERO, _ONE, _TWO, _FOUR, _FIVE, _TEN = (np.uint64(number) for number in (48, 1, 2, 4, 5, 10))
_SIXTY, _HUNDRED, _FIVE_MONTHS, _YEAR = (np.uint64(number) for number in (60, 100, 153, 365))
_ERA_DAYS, _MILLION = np.uint64(146_097), np.uint64(1_000_000)
_DASHES = np.uint64(0x2D00002D)  # behind the year and the month
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, in days since 1970-01-01


@njit(nogil=True, cache=True)
def days_of(year, month, day):
    """Days since 1970-01-01 of a day of the years 1 to 9999."""
    if month <= 2:
        year -= 1
    era_year = year % 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return (year // 400) * 146_097 + era_year * 365 + era_year // 4 - era_year // 100 + of_year - 719_468


@njit(nogil=True, cache=True)
def valid_day(year, month, day):
    """Is there such a day in the years 0001 to 9999?"""
    if year < 1 or year > 9999 or month < 1 or month > 12 or day < 1:
        return False
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return day <= (29 if leap else 28)
    return day <= (30 if month == 4 or month == 6 or month == 9 or month == 11 else 31)


@njit(nogil=True, cache=True)
def _two(value):
    """Two digits of an unsigned number below 100, as a number of 16 bits."""
    ten = value // _TEN
    return (ten << np.uint64(8)) + (value - ten * _TEN) + np.uint64(0x3030)


@njit(nogil=True, cache=True)
def _put2(value, target):
    """Two digits of an unsigned number below 100."""
    ten = value // _TEN
    put8(target, np.int64(_ZERO + ten))
    put8(target + 1, np.int64(_ZERO + value - ten * _TEN))


@njit(nogil=True, cache=True)
def put_day(days, target):
    """Ten bytes YYYY-MM-DD; False outside the years 0001 to 9999.

    Unsigned throughout: dividing by a constant is then a multiplication. Years begin in March here, eras have 400.
    """
    if days < _FIRST_DAY or days > _LAST_DAY:
        return False
    shifted = np.uint64(days + 719_468)
    era = shifted // _ERA_DAYS
    of_era = shifted - era * _ERA_DAYS
    era_year = (
        of_era - of_era // np.uint64(1_460) + of_era // np.uint64(36_524) - of_era // np.uint64(146_096)
    ) // _YEAR
    of_year = of_era - (_YEAR * era_year + era_year // _FOUR - era_year // _HUNDRED)
    month = (_FIVE * of_year + _TWO) // _FIVE_MONTHS
    day = of_year - (_FIVE_MONTHS * month + _TWO) // _FIVE + _ONE
    year = era_year + era * np.uint64(400)
    if month < _TEN:
        month += np.uint64(3)
    else:
        month -= np.uint64(9)
        year += _ONE
    century = year // _HUNDRED
    front = _two(century) << np.uint64(48) | _two(year - century * _HUNDRED) << np.uint64(32)
    put64(target, front | _two(month) << np.uint64(8) | _DASHES)
    _put2(day, target + 8)
    return True


@njit(nogil=True, cache=True)
def put_time(rest, target):
    """17 bytes THH:MM:SS.ffffffZ of microseconds of a day, unsigned."""
    second = rest // _MILLION
    fraction = rest - second * _MILLION
    minute = second // _SIXTY
    hour = minute // _SIXTY
    put8(target, 84)
    _put2(hour, target + 1)
    put8(target + 3, 58)
    _put2(minute - hour * _SIXTY, target + 4)
    put8(target + 6, 58)
    _put2(second - minute * _SIXTY, target + 7)
    put8(target + 9, 46)
    upper = fraction // _HUNDRED
    most = upper // _HUNDRED
    _put2(most, target + 10)
    _put2(upper - most * _HUNDRED, target + 12)
    _put2(fraction - upper * _HUNDRED, target + 14)
    put8(target + 16, 90)


@njit(nogil=True, cache=True)
def put_moment(moment, target):
    """27 bytes YYYY-MM-DDTHH:MM:SS.ffffffZ of microseconds since 1970; False outside the years 0001 to 9999."""
    if moment < _FIRST_DAY * _DAY or moment >= (_LAST_DAY + 1) * _DAY:
        return False
    shifted = np.uint64(moment - _FIRST_DAY * _DAY)
    day = shifted // np.uint64(_DAY)
    put_day(np.int64(day) + _FIRST_DAY, target)
    put_time(shifted - day * np.uint64(_DAY), target + 10)
    return True


@njit(nogil=True, cache=True)
def day_texts(first, out):
    """YYYY-MM-DD of the days from `first` (days since 1970) on, as many as `out` has slots of 16 bytes."""
    for at in range(len(out) // 16):
        put_day(first + at, out.ctypes.data + 16 * at)


@njit(nogil=True, cache=True)
def dates(values, valid, per_day, first, texts, starts, lengths, out):
    """Days since 1970, in units of which a day has `per_day`; part of a day is refused. Slots of 16 bytes.

    `texts` are those of the days from `first` on: looking one up is ten times as fast as working it out.
    """
    slots, known, known_days = out.ctypes.data, texts.ctypes.data, len(texts) // 16
    for at in range(len(values)):
        starts[at] = slots
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        day = values[at]
        if per_day != 1:
            if day % per_day:
                return at
            day //= per_day
        if 0 <= day - first < known_days:
            starts[at] = known + 16 * (day - first)
        elif put_day(day, slots):
            slots += 16
        else:
            return at
        lengths[at] = 10
    return len(values)


@njit(nogil=True, cache=True)
def timestamps(values, valid, unit, parts, offset, starts, lengths, out):
    """Instants in units of `unit` microseconds, or of 1/`parts` of one; `offset` microseconds east. Slots of 32."""
    slots = out.ctypes.data
    most = 300_000_000_000_000_000 // unit  # past the year 9999, and small enough to be multiplied
    for at in range(len(values)):
        starts[at] = slots + 32 * at
        if len(valid) and not valid[at]:
            lengths[at] = NULL
            continue
        value = values[at]
        if parts > 1:
            if value % parts:
                return at
            value //= parts
        if value > most or value < -most or not put_moment(value * unit - offset, starts[at]):
            return at
        lengths[at] = 27
    return len(values)
