"""Segment keys that stay with the provider: a file of mode 0600, for one table only.

The keys make every salt of the table. Used for another table they would let whoever holds a salt of the first test
guesses about the second, so the file says which root it belongs to, and is refused for any other.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.cli.failures import InvalidOption, UnreadableFile

if TYPE_CHECKING:
    from ledger.fingerprint import SegmentKeys

FORMAT: Final = "share-segment-keys/1"
LIMIT: Final = 1 << 24


def make_key_file(path: Path) -> "SegmentKeys":
    """One new segment, durable before it is used. Raises keys.errors.KeyExists, OSError."""
    from keys.private_files import create_private
    from ledger.fingerprint import SegmentKeys

    fresh = SegmentKeys.fresh()
    create_private(path, _content(fresh, None))
    return fresh


def keep_keys(path: Path, keys: "SegmentKeys", root: str) -> None:
    """Keys that were made with the fingerprint of the table with that root. Raises keys.errors.KeyExists, OSError."""
    from keys.private_files import create_private

    create_private(path, _content(keys, root))


def read_key_file(path: Path) -> tuple["SegmentKeys", str | None]:
    """The keys, and the root they belong to once there is one.

    Raises UnreadableFile, InvalidOption, keys.errors.UnsafePermissions.
    """
    from keys.private_files import read_private
    from ledger.errors import InvalidInput
    from ledger.fingerprint import Segment, SegmentKeys

    try:
        content = read_private(path, LIMIT)
    except OSError as error:
        raise UnreadableFile(f"the key file {path} cannot be read: {error.strerror}") from error
    try:
        told: Any = json.loads(content)
        if told["format"] != FORMAT:
            raise ValueError("another format")
        segments = [Segment(one["first_record"], bytes.fromhex(one["key"])) for one in told["segments"]]
        return SegmentKeys(segments), told["root"]
    except (KeyError, TypeError, ValueError, InvalidInput):
        raise InvalidOption(f"{path} is not a file of segment keys") from None  # the cause might carry a key


def bind_key_file(path: Path, keys: "SegmentKeys", root: str, belongs_to: str | None) -> None:
    """Write down whose keys these are. Raises InvalidOption if they belong to another table."""
    if belongs_to == root:
        return
    if belongs_to is not None:
        raise InvalidOption(f"the keys in {path} belong to another table", remedy="Name a new --key-file.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(_content(keys, root))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _content(keys: "SegmentKeys", root: str | None) -> bytes:
    segments = [{"first_record": one.first_record, "key": one.key.hex()} for one in keys.segments]
    return json.dumps({"format": FORMAT, "root": root, "segments": segments}, indent=1).encode() + b"\n"
