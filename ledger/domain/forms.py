"""The values an act's fields can hold: per Kind its check, its 32-byte word and its JSON form.

Values are plain `str`, `int` or `bool`, in the forms of `ledger.domain.identifiers`.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from ledger.domain.acts import Kind
from ledger.domain.identifiers import ADDRESS_PATTERN, CODE_PATTERN, DIGEST_PATTERN, code_from_bytes
from ledger.errors import InvalidAct, InvalidCode

Value = str | int | bool

BITS: Final = {Kind.TIME: 48, Kind.U8: 8, Kind.U16: 16, Kind.U32: 32, Kind.U64: 64}
MAX_TIME: Final = 2**48 - 1
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_TWELVE_ZEROS: Final = bytes(12)


def _checked_text(pattern: re.Pattern[str], form: str, *, empty: bool = False) -> Callable[[object], str]:
    matches = pattern.fullmatch

    def check(value: object) -> str:
        if isinstance(value, str) and (matches(value) or (empty and not value)):
            return value
        raise InvalidAct(f"is not {form}")

    return check


def _checked_number(bits: int) -> Callable[[object], int]:
    ceiling = 1 << bits

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidAct("is not an integer")
        if not 0 <= value < ceiling:
            raise InvalidAct(f"is not within 0 and 2^{bits} - 1")
        return int(value)  # an IntEnum becomes the number it stands for

    return check


def _checked_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidAct("is not true or false")
    return value


CHECK: Final[dict[Kind, Callable[[object], Value]]] = {
    Kind.ADDRESS: _checked_text(ADDRESS_PATTERN, "an address: 0x and 40 lower-case hex digits"),
    Kind.CODE: _checked_text(CODE_PATTERN, "a code: at most 32 of 0-9 A-Z a-z - . / _", empty=True),
    Kind.DIGEST: _checked_text(DIGEST_PATTERN, "a digest: 64 lower-case hex digits"),
    Kind.FLAG: _checked_flag,
    **{kind: _checked_number(bits) for kind, bits in BITS.items()},
}
"""Returns the value, or raises InvalidAct with the end of a sentence whose beginning is the field's name."""


def _number_to_word(value: int) -> bytes:
    return value.to_bytes(32, "big")


TO_WORD: Final[dict[Kind, Callable[[Any], bytes]]] = {
    Kind.ADDRESS: lambda value: _TWELVE_ZEROS + bytes.fromhex(value[2:]),
    Kind.CODE: lambda value: value.encode("ascii").ljust(32, b"\0"),
    Kind.DIGEST: bytes.fromhex,
    Kind.FLAG: _number_to_word,
    **dict.fromkeys(BITS, _number_to_word),
}
"""The ABI word of a checked value: numbers to the right, bytes32 as they stand."""


def _address_from_word(word: bytes) -> str:
    if word[:12] != _TWELVE_ZEROS:
        raise InvalidAct("has dirty bits above an address")
    return "0x" + word[12:].hex()


def _code_from_word(word: bytes) -> str:
    try:
        return code_from_bytes(word)
    except InvalidCode as error:
        raise InvalidAct(error.detail) from error


def _number_from_word(bits: int) -> Callable[[bytes], int]:
    ceiling = 1 << bits

    def decode(word: bytes) -> int:
        value = int.from_bytes(word, "big")
        if value >= ceiling:
            raise InvalidAct(f"has dirty bits above a uint{bits}")
        return value

    return decode


def _flag_from_word(word: bytes) -> bool:
    value = int.from_bytes(word, "big")
    if value > 1:
        raise InvalidAct("has dirty bits above a bool")
    return bool(value)


FROM_WORD: Final[dict[Kind, Callable[[bytes], Value]]] = {
    Kind.ADDRESS: _address_from_word,
    Kind.CODE: _code_from_word,
    Kind.DIGEST: bytes.hex,
    Kind.FLAG: _flag_from_word,
    **{kind: _number_from_word(bits) for kind, bits in BITS.items()},
}
"""The value in an ABI word. Raises InvalidAct on dirty upper bits."""


def to_json(kind: Kind, value: Value) -> Value:
    """The JSON form: wider than 48 bits is a decimal string, whatever its size; all else as it stands."""
    return str(value) if kind is Kind.U64 else value


def _number_from_text(value: object) -> Value:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise InvalidAct("is not a decimal string")
    return CHECK[Kind.U64](int(value))


FROM_JSON: Final[dict[Kind, Callable[[object], Value]]] = CHECK | {Kind.U64: _number_from_text}
"""The checked value of a JSON form. Raises InvalidAct as CHECK does."""
