"""Secrets a command is given: from a file only its owner may read, or from standard input; never from an argument."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.cli.failures import InvalidOption, UnreadableFile

if TYPE_CHECKING:
    from ledger.fingerprint import SegmentKeys

LIMIT: Final = 4096
_KEY: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def read_key(name: str) -> "SegmentKeys":
    """One segment from 64 hex digits. Raises InvalidOption, UnreadableFile, keys.errors.UnsafePermissions."""
    from ledger.fingerprint import Segment, SegmentKeys

    text = _read(name, "key")
    if not _KEY.fullmatch(text):
        raise InvalidOption("the key file holds something other than 64 hex digits")
    return SegmentKeys([Segment(0, bytes.fromhex(text))])


def read_url(name: str) -> str:
    """The address of a database. Raises InvalidOption, UnreadableFile, keys.errors.UnsafePermissions."""
    text = _read(name, "address")
    if not text or "\n" in text:
        raise InvalidOption("the address of a database is one line")
    return text


def _read(name: str, what: str) -> str:
    from keys.private_files import read_private

    try:
        content = sys.stdin.buffer.read(LIMIT + 1) if name == "-" else read_private(Path(name), LIMIT, follow=True)
    except OSError as error:
        raise UnreadableFile(f"the {what} file {name} cannot be read: {error.strerror}") from None
    if len(content) > LIMIT:
        raise InvalidOption(f"the {what} is longer than {LIMIT} bytes")
    try:
        return content.decode("ascii" if what == "key" else "utf-8").strip()
    except UnicodeDecodeError:
        raise InvalidOption(f"the {what} file is not text") from None  # the cause would carry it
