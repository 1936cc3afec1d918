"""The file of a backup: a tar (GNU form) that any system opens, its last member the digests of all others.

It is written under a hidden name and gets its own only when it is whole, read back and on the disk; a name that is
taken is never given again. A file that was cut has no last member, so it cannot be taken for a whole one.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from ledger.errors import Conflict, Corrupt, Unavailable

FORMAT: Final = "shareledger-backup/1"
LAST: Final = "backup.json"
NAME: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*){0,3}")
BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
PIECE: Final = 1 << 20
LARGEST_LAST: Final = 1 << 28


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive. `offset` is where its bytes begin."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Finished:
    path: Path
    size: int
    digest: str  # SHA-256 of the whole file


class ArchiveWriter:
    """Writes `target`, a new file of mode 0600. Leaving the block without `finish` leaves nothing.

    Raises Conflict if there is such a file, Unavailable if the disk fails.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
        self._hash = hashlib.sha256()
        self._size = 0
        self._digests: dict[str, tuple[int, str]] = {}
        self._finished = False

    def __enter__(self) -> Self:
        if self._target.exists():
            raise Conflict(f"{self._target} exists already and is left as it is", remedy="Name a new file.")
        with writing(self._target):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._part, flags, 0o600), "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # closing writes what is left, which a full disk refuses once more
            self._file.close()
        self._part.unlink(missing_ok=True)

    @property
    def part(self) -> Path:
        """Where the bytes are until they are whole."""
        return self._part

    def add(self, name: str, pieces: Iterable[bytes], size: int) -> None:
        """A member of exactly `size` bytes."""
        self.begin(name, size)
        for piece in pieces:
            self.write(piece)
        self.end()

    def begin(self, name: str, size: int) -> None:
        """The next bytes written are this member's."""
        assert NAME.fullmatch(name) and name not in self._digests, name
        header = tarfile.TarInfo(name)
        header.size, header.mode = size, 0o600
        self._put(header.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"))
        self._member, self._wanted, self._written, self._of_member = name, size, 0, hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._of_member.update(piece)
        self._written += len(piece)
        self._put(piece)

    def end(self) -> None:
        """Raises Corrupt if the member got other bytes than it was said to have: its source changed meanwhile."""
        if self._written != self._wanted:
            raise Corrupt(f"{self._member} has {self._written} bytes, {self._wanted} were expected")
        self._put(bytes(-self._wanted % BLOCK))
        self._digests[self._member] = (self._wanted, self._of_member.hexdigest())

    def seal(self, told: dict[str, Any]) -> None:
        """Write the last member, which says `told` and the digest of each member, and bring everything to the disk."""
        members = [{"name": name, "size": size, "sha256": sha} for name, (size, sha) in self._digests.items()]
        content = json.dumps({"format": FORMAT, **told, "members": members}, ensure_ascii=False, indent=1).encode()
        self.add(LAST, [content + b"\n"], len(content) + 1)
        self._put(END)
        with writing(self._target):
            self._file.flush()
            os.fsync(self._file.fileno())
            if hasattr(os, "posix_fadvise"):  # what is read back is to come from the disk
                os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def publish(self) -> Finished:
        """Give the file its name. Raises Conflict if somebody else took it meanwhile."""
        with writing(self._target):
            try:
                os.link(self._part, self._target)
            except FileExistsError:
                raise Conflict(f"{self._target} exists already and is left as it is") from None
            self._part.unlink()
            sync_folder(self._target.parent)
        return Finished(self._target, self._size, self._hash.hexdigest())

    def _put(self, piece: bytes) -> None:
        with writing(self._target):
            self._file.write(piece)
        self._hash.update(piece)
        self._size += len(piece)


class ArchiveReader:
    """A backup's file, open for reading. Every method raises Corrupt naming what is not as it should be."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if it cannot be opened."""
        self.path = path
        self._file: BinaryIO = path.open("rb")
        self.size = path.stat().st_size
        self._members: list[Member] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def members(self) -> list[Member]:
        """What lies in it, in order, by its headers; the last is `backup.json`."""
        if self._members is None:
            self._members = list(self._listed())
        return self._members

    def told(self) -> dict[str, Any]:
        """What its last member says."""
        last = self.members()[-1]
        if last.size > LARGEST_LAST:
            raise Corrupt(f"{LAST} is larger than any that was ever written")
        try:
            told = json.loads(b"".join(self.pieces(last)))
            if told["format"] != FORMAT:
                raise Corrupt(f"the backup's format is {told['format']!r}, not {FORMAT!r}")
            return dict(told)
        except (KeyError, TypeError, ValueError, RecursionError):
            raise Corrupt(f"{LAST} cannot be read") from None

    def member(self, name: str) -> Member:
        for member in self.members():
            if member.name == name:
                return member
        raise Corrupt(f"there is no {name} in the backup")

    def pieces(self, member: Member) -> Iterator[bytes]:
        """The member's bytes, as they are."""
        left, at = member.size, member.offset
        while left:
            self._file.seek(at)  # others may read in between
            piece = self._file.read(min(left, PIECE))
            if not piece:
                raise Corrupt(f"the file ends inside {member.name}")
            yield piece
            left, at = left - len(piece), at + len(piece)

    def lines(self, member: Member) -> Iterator[bytes]:
        """The member's lines, each without its end."""
        rest = b""
        for piece in self.pieces(member):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            raise Corrupt(f"{member.name} ends inside a line")

    def content(self, name: str, limit: int) -> bytes:
        """A small member, whole."""
        member = self.member(name)
        if member.size > limit:
            raise Corrupt(f"{name} has {member.size} bytes, more than the {limit} it may have")
        return b"".join(self.pieces(member))

    def _listed(self) -> Iterator[Member]:
        at, seen = 0, set[str]()
        while True:
            self._file.seek(at)
            header = self._file.read(BLOCK)
            if header == END[:BLOCK]:
                if LAST not in seen or self._file.read() != END[BLOCK:]:
                    raise Corrupt("the backup does not end as one does")
                return
            if LAST in seen:
                raise Corrupt(f"something follows {LAST}")
            try:
                info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
            except (tarfile.HeaderError, UnicodeDecodeError):
                what = "the file ends" if len(header) < BLOCK else "it is damaged"
                raise Corrupt(f"no member begins at byte {at}: {what}") from None
            if not info.isreg() or not NAME.fullmatch(info.name) or info.name in seen:
                raise Corrupt(f"the member at byte {at} is none that a backup has")
            seen.add(info.name)
            member = Member(info.name, at + BLOCK, info.size)
            at = member.offset + info.size + -info.size % BLOCK
            if at + BLOCK > self.size:
                raise Corrupt(f"the file ends inside {info.name}")
            yield member


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """A disk that is full or gone is Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{target} cannot be written: {error.strerror}", remedy="Free some disk there, or name another place."
        ) from error


def sync_folder(folder: Path) -> None:
    """Returns when the folder's list of names is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
