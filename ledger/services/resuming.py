"""How far a long fingerprint got, noted every few seconds, so that a run after a kill goes on from there.

The note holds roots of tiles and a place in the file: nothing of the records, no salt, no key. It is sealed with a MAC
under a key that the segment keys give, so that a note made with other keys, or changed by somebody, is not believed.
"""

import hashlib
import hmac
import os
import struct
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import rfc8785

from ledger.fingerprint import ReadOptions, Schema, SegmentKeys
from ledger.fingerprint.digests import Digests
from ledger.fingerprint.fingerprint import DIGEST_BYTES
from ledger.fingerprint.sources import Bookmark
from ledger.fingerprint.table import Begun
from ledger.fingerprint.tile_tree import TILE_RECORDS

SECONDS: Final = 5.0  # between two notes
KEPT_DAYS: Final = 30  # a note nobody came back to
_MAGIC: Final = b"share-resume/1\n"
_HEAD: Final = struct.Struct(">32sQB?QQ")  # identity, tiles, twins or not, a bookmark or not, its record and offset
_LIMIT: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where a run stopped: so many whole tiles, and a place in the text at or before the record after them."""

    begun: Begun
    bookmark: Bookmark | None


@dataclass(frozen=True, slots=True)
class Work:
    """What is being fingerprinted: two runs with the same `identity` do the same work."""

    identity: bytes
    place: str

    @classmethod
    def on_file(cls, file: Path, format: str, schema: Schema | None, read: ReadOptions | None, *, twin: bool) -> "Work":
        """`place` names the file and how it is read, `identity` its present state too. Raises OSError."""
        found = file.stat()
        how: dict[str, Any] = {
            "file": str(file.resolve()),
            "format": format,
            "twin": twin,
            "schema": None if schema is None else schema.to_json(),
            "read": None if read is None else read.to_json(),
        }
        state = [str(each) for each in (found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)]
        place = hashlib.sha256(rfc8785.dumps(how)).hexdigest()[:32]
        return cls(hashlib.sha256(rfc8785.dumps({**how, "state": state})).digest(), place)


class Note:
    """The note of one piece of work, in a file of its own."""

    def __init__(self, file: Path, work: Work, keys: SegmentKeys | None, *, seconds: float = SECONDS) -> None:
        secret = b"" if keys is None else keys.to_bytes()
        self._file, self._identity, self._seconds = file, work.identity, seconds
        self._mac_key = hashlib.sha256(_MAGIC + secret).digest()
        self._last = time.monotonic()

    def read(self) -> Stopped | None:
        """What the note says; None if it is of other work, of other keys, or damaged. Raises FileNotFoundError."""
        try:
            with self._file.open("rb") as stream:
                content = stream.read(_LIMIT)
        except FileNotFoundError:
            raise
        except OSError:
            return None
        head, body = len(_MAGIC) + DIGEST_BYTES, content[len(_MAGIC) + DIGEST_BYTES :]
        if not content.startswith(_MAGIC) or len(body) < _HEAD.size:
            return None
        if not hmac.compare_digest(content[len(_MAGIC) : head], hmac.digest(self._mac_key, body, "sha256")):
            return None
        identity, tiles, twins, marked, record, offset = _HEAD.unpack_from(body)
        length = tiles * DIGEST_BYTES
        if identity != self._identity or len(body) != _HEAD.size + length * (1 + twins):
            return None
        roots = memoryview(body)[_HEAD.size :]
        begun = Begun(Digests(roots[:length]), Digests(roots[length:]) if twins else None)
        return Stopped(begun, Bookmark(record, offset) if marked else None)

    def due(self) -> bool:
        """Whether it is time for the next note."""
        return time.monotonic() - self._last >= self._seconds

    def write(self, begun: Begun, bookmark: Bookmark | None) -> None:
        """All of it or nothing, readable by this user alone. Raises OSError."""
        mark = bookmark or Bookmark(0, 0)
        twins = 0 if begun.twin is None else 1
        head = _HEAD.pack(self._identity, len(begun.tiles), twins, bookmark is not None, *mark)
        known = [roots for roots in (begun.tiles, begun.twin) if roots is not None]
        parts: list[Any] = [head, *(Digests.of(roots).array().data for roots in known)]
        mac = hmac.new(self._mac_key, digestmod="sha256")
        for part in parts:  # not joined: there may be many roots
            mac.update(part)
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{self._file.name}.", dir=self._file.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(_MAGIC + mac.digest())
                stream.writelines(parts)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(unfinished, self._file)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(unfinished)
            raise
        self._last = time.monotonic()

    def remove(self) -> None:
        """The work is done. Raises OSError."""
        with suppress(FileNotFoundError):
            self._file.unlink()


def keeper(note: Note, bookmark: Callable[[int], Bookmark | None]) -> Callable[[Callable[[], Begun]], None]:
    """What `fingerprint_table` and `fingerprint_file` call after each batch: writes the note when it is due.

    A disk that is full or read-only stops no fingerprint: then there is no note.
    """

    def kept(tell: Callable[[], Begun]) -> None:
        if note.due():
            begun = tell()
            with suppress(OSError):
                note.write(begun, bookmark(len(begun.tiles) * TILE_RECORDS))

    return kept


def usual_file(work: Work) -> Path:
    """Where notes are kept unless told otherwise: the user's state folder (XDG Base Directory), not beside the data."""
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return base / "shareledger" / "fingerprints" / work.place


def forget_old(folder: Path) -> None:
    """Remove notes that nobody came back to, and what a kill in the middle of writing one left."""
    with suppress(OSError):
        for file in folder.iterdir():
            if time.time() - file.stat().st_mtime > KEPT_DAYS * 86_400:
                file.unlink()
