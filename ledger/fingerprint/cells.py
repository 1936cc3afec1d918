"""The canonical bytes of one cell, for each type and each kind of source. What does not fit is refused, never rounded.

A *reader* takes one cell that is not null and returns its bytes, or raises ValueError with a reason that completes
the sentence "the cell …". Reasons never repeat the cell: they end up in answers and logs.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

from ledger.fingerprint.number_form import number_to_string
from ledger.fingerprint.schema import decimal_scale

Dialect = Literal["text", "value", "json"]
Reader = Callable[[Any], bytes]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_MAX_EXPONENT = 4300
_EPOCH = datetime(1970, 1, 1)


class JsonNumber:
    """A number of a JSON text, kept as it was written. Not a str: a number in a text column must not pass for text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def reader(type: str, dialect: Dialect, zone: timezone | None) -> Reader:
    """The reader of one column: `type` of its schema, `zone` for timestamps that name none.

    Raises:
        ValueError: the dialect has no cells of this type (a text source has no binary cells).
    """
    scale = decimal_scale(type)
    if scale is not None:
        return _choose(dialect, lambda text: decimal_text(text, scale), lambda cell: decimal_value(cell, scale))
    if type == "integer":
        return _choose(dialect, integer_text, integer_value)
    if type == "float":
        return float_value if dialect == "value" else float_json if dialect == "json" else float_text
    if type == "boolean":
        return boolean_text if dialect == "text" else boolean_value
    if type == "date":
        return date_value if dialect == "value" else _of_text(date_text)
    if type == "timestamp":
        if dialect == "value":
            return lambda cell: timestamp_value(cell, zone)
        return _of_text(lambda text: timestamp_text(text, zone))
    if type == "binary":
        if dialect != "value":
            raise ValueError("cannot be binary in a text file")
        return binary_value
    return text_value


def _choose(dialect: Dialect, text: Callable[[str], bytes], value: Reader) -> Reader:
    """For integer and decimal: JSON gives them as numbers or, to keep them out of floating point, as strings."""
    if dialect == "json":
        return _of_text(lambda cell: text(cell), number=True)
    return value if dialect == "value" else text


def _of_text(text: Callable[[str], bytes], *, number: bool = False) -> Reader:
    def read(cell: Any) -> bytes:
        if number and isinstance(cell, JsonNumber):
            return text(cell.text)
        if not isinstance(cell, str):
            raise ValueError("is of another type than its column")
        return text(cell)

    return read


def text_value(cell: Any) -> bytes:
    """UTF-8 as it stands, with no normalisation."""
    if not isinstance(cell, str):
        raise ValueError("is not text")
    try:
        return cell.encode()
    except UnicodeEncodeError:
        raise ValueError("is not valid text in the file's encoding, or holds a lone surrogate") from None


def integer_text(text: str) -> bytes:
    """Decimal digits, `-` if negative; zero has no sign."""
    if not _INTEGER.fullmatch(text):
        raise ValueError("is not an integer without plus sign, leading zeros or spaces")
    return b"0" if text == "-0" else text.encode()


def integer_value(cell: Any) -> bytes:
    if not isinstance(cell, int) or isinstance(cell, bool):
        raise ValueError("is not an integer")
    return b"%d" % cell


def decimal_text(text: str, scale: int) -> bytes:
    """Fixed point with exactly `scale` digits after the point; zero has no sign."""
    match = _DECIMAL.fullmatch(text)
    if not match:
        raise ValueError("is not a decimal number without plus sign, leading zeros, exponent or spaces")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > scale:
        raise ValueError(f"has more than {scale} digits after the point")
    fraction = fraction.ljust(scale, "0")
    if not whole.strip("0") and not fraction.strip("0"):
        sign = ""
    return f"{sign}{whole}.{fraction}".encode() if scale else f"{sign}{whole}".encode()


def decimal_value(cell: Any, scale: int) -> bytes:
    if isinstance(cell, bool) or not isinstance(cell, int | Decimal):
        raise ValueError("is not a decimal number")
    if isinstance(cell, Decimal) and not (cell.is_finite() and abs(cell.adjusted()) <= _MAX_EXPONENT):
        raise ValueError("is not a finite decimal number of reasonable size")
    return decimal_text(f"{cell:f}" if isinstance(cell, Decimal) else f"{cell}", scale)


def float_text(text: str) -> bytes:
    """A JSON number (RFC 8259 section 6), read as binary64 and written in ECMAScript's shortest form."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("is not a number")
    return number_to_string(float(text)).encode()


def float_json(cell: Any) -> bytes:
    if not isinstance(cell, JsonNumber):
        raise ValueError("is not a number")
    return float_text(cell.text)


def float_value(cell: Any) -> bytes:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise ValueError("is not a number")
    try:
        number = float(cell)
    except OverflowError:
        raise ValueError("is outside binary64") from None
    if isinstance(cell, int) and int(number) != cell:
        raise ValueError("is an integer that binary64 would round")
    return number_to_string(number).encode()


def boolean_text(text: str) -> bytes:
    if text not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text.encode()


def boolean_value(cell: Any) -> bytes:
    if not isinstance(cell, bool):
        raise ValueError("is neither true nor false")
    return b"true" if cell else b"false"


def date_text(text: str) -> bytes:
    """`YYYY-MM-DD` of the proleptic Gregorian calendar, years 0001 to 9999."""
    if not _DATE.fullmatch(text):
        raise ValueError("is not a date written YYYY-MM-DD")
    return _calendar_date(text).isoformat().encode()


def _calendar_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is a date that does not exist") from None


def date_value(cell: Any) -> bytes:
    if not isinstance(cell, date) or isinstance(cell, datetime):
        raise ValueError("is not a date")
    return cell.isoformat().encode()


def timestamp_text(text: str, zone: timezone | None) -> bytes:
    """RFC 3339 with `T` or a space, up to microseconds; without a zone it is in `zone`."""
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        raise ValueError("is not a timestamp written YYYY-MM-DDTHH:MM:SS with at most a fraction and ±HH:MM or Z")
    day, clock, fraction, offset = match[1], match[2], match[3] or "", match[4]
    if clock.endswith(":60"):
        raise ValueError("is a leap second")
    if fraction[6:].strip("0"):
        raise ValueError("is finer than a microsecond")
    try:
        stamp = datetime.fromisoformat(f"{day}T{clock}.{fraction[:6].ljust(6, '0')}")
        if offset:
            zone = UTC if offset == "Z" else timezone(_span(offset))
    except ValueError:
        raise ValueError("is a timestamp that does not exist") from None
    return timestamp_value(stamp.replace(tzinfo=zone), None)


def _span(offset: str) -> timedelta:
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if minutes > 59:
        raise ValueError
    span = timedelta(hours=hours, minutes=minutes)
    return -span if offset[0] == "-" else span


def timestamp_value(cell: Any, zone: timezone | None) -> bytes:
    """UTC, `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    if not isinstance(cell, datetime):
        raise ValueError("is not a timestamp")
    if cell.utcoffset() is None:
        if zone is None:
            raise ValueError("names no zone, and the read options give no fixed offset")
        cell = cell.replace(tzinfo=zone)
    try:
        moment = cell.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise ValueError("falls outside the years 0001 to 9999 in UTC") from None
    return f"{moment.isoformat(timespec='microseconds')}Z".encode()


def date_number(value: int, per_day: int) -> bytes:
    """Days since 1970-01-01, in units of which a day has `per_day`."""
    days, rest = divmod(value, per_day)
    if rest:
        raise ValueError("is not a whole day")
    try:
        return (_EPOCH.date() + timedelta(days=days)).isoformat().encode()
    except OverflowError:
        raise ValueError("falls outside the years 0001 to 9999") from None


def timestamp_number(value: int, per_second: int, zone: timezone | None) -> bytes:
    """Time since 1970-01-01T00:00:00 in `zone`, in units of which a second has `per_second`."""
    if zone is None:
        raise ValueError("names no zone, and the read options give no fixed offset")
    microseconds, rest = divmod(value * 1_000_000, per_second)
    if rest:
        raise ValueError("is finer than a microsecond")
    try:
        moment = _EPOCH + (timedelta(microseconds=microseconds) - zone.utcoffset(None))
    except OverflowError:
        raise ValueError("falls outside the years 0001 to 9999 in UTC") from None
    return f"{moment.isoformat(timespec='microseconds')}Z".encode()


def binary_value(cell: Any) -> bytes:
    if not isinstance(cell, bytes | bytearray | memoryview):
        raise ValueError("is not binary")
    return bytes(cell)
