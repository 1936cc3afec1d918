"""Secrets a command is given: from a file, or from standard input; never from an argument.

The address of a database is refused from a file that others may read. A key of segments is not, only spoken of: it
opens nothing by itself, and often lies beside the table that it is of.
"""

import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.cli.failures import InvalidOption, UnreadableFile

if TYPE_CHECKING:
    from ledger.fingerprint import SegmentKeys

LIMIT: Final = 4096
_KEY: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def read_key(name: str) -> "SegmentKeys":
    """One segment from 64 hex digits. Raises InvalidOption, UnreadableFile."""
    from ledger.fingerprint import Segment, SegmentKeys

    text = _read(name, "key", _plain)
    if not _KEY.fullmatch(text):
        raise InvalidOption("the key file holds something other than 64 hex digits")
    return SegmentKeys([Segment(0, bytes.fromhex(text))])


def read_url(name: str) -> str:
    """The address of a database. Raises InvalidOption, UnreadableFile, keys.errors.UnsafePermissions."""
    from keys.private_files import read_private

    text = _read(name, "address", lambda path: read_private(path, LIMIT, follow=True))
    if not text or "\n" in text:
        raise InvalidOption("the address of a database is one line")
    return text


def others_may_read(name: str) -> bool:
    """Whether a file of a secret is open to more than its owner."""
    try:
        return name != "-" and bool(Path(name).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False  # reading it will tell


def _plain(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LIMIT + 1)


def _read(name: str, what: str, read: Callable[[Path], bytes]) -> str:
    try:
        content = sys.stdin.buffer.read(LIMIT + 1) if name == "-" else read(Path(name))
    except OSError as error:
        raise UnreadableFile(f"the {what} file {name} cannot be read: {error.strerror}") from None
    if len(content) > LIMIT:
        raise InvalidOption(f"the {what} is longer than {LIMIT} bytes")
    try:
        return content.decode("ascii" if what == "key" else "utf-8").strip()
    except UnicodeDecodeError:
        raise InvalidOption(f"the {what} file is not text") from None  # the cause would carry it
