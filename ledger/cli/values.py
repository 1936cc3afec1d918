"""Reading what people type: names instead of numbers, dates instead of seconds, files instead of digests."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from ledger.cli.failures import InvalidOption, UnreadableFile
from ledger.cli.output import SHANGHAI
from ledger.domain.acts import Role

MAX_FILE: Final = 1 << 20  # bytes of a JSON file given as an option
_SPAN: Final = re.compile(r"\+([0-9]{1,9})([smhdw])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def read_time(text: str, now: int, *, end: bool = False) -> int:
    """Unix seconds of `+90d` (s, m, h, d, w), `2026-12-31`, `2026-12-31T18:00`, or seconds as they are; 0 is no time.

    Without an offset, Beijing time. A day alone means its first second, or its last with `end`. Raises InvalidOption.
    """
    span = _SPAN.fullmatch(text)
    if span:
        return now + int(span[1]) * _SECONDS[span[2]]
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        if len(text) == 10:
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), SHANGHAI)
            return int((day + timedelta(days=1)).timestamp()) - 1 if end else int(day.timestamp())
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).timestamp())
    except ValueError:
        raise InvalidOption(f"{text!r} is not a time: use +90d, 2026-12-31 or 2026-12-31T18:00") from None


def named(choices: type[IntEnum]) -> Callable[[str], int]:
    """Reads `purpose-ended` or 1 as the number of the enumeration."""
    names = {member.name.lower().replace("_", "-"): int(member) for member in choices}

    def read(text: str) -> int:
        number = names.get(text.lower().replace("_", "-"))
        if number is None and text.isascii() and text.isdecimal() and int(text) in names.values():
            number = int(text)
        if number is None:
            raise InvalidOption(f"{text!r} is none of {', '.join(names)}")
        return number

    return read


def read_roles(text: str) -> int:
    """Reads `provider,consumer` as role bits; `none` is no role."""
    bits = 0
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name == "none":
            continue
        try:
            bits |= Role[name.upper()]
        except KeyError:
            known = ", ".join(role.name.lower() for role in Role if role.name)
            raise InvalidOption(f"{name!r} is no role; roles are {known}") from None
    return int(bits)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises UnreadableFile, InvalidOption."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error
    if len(content) > MAX_FILE:
        raise InvalidOption(f"{path} is larger than {MAX_FILE} bytes")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidOption(f"{path} is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidOption(f"{path} is not a JSON object")
    return value
