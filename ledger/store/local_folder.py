"""What a local folder needs beyond an object store's calls: durability, and the sight of unfinished writes.

obstore's LocalStore renames whole files into place but calls no fsync, so what it acknowledged may be lost with the
power; and it hides files still being written (`name#1`) from its listings, so those left by a crash could never be
found.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from obstore.store import LocalStore, ObjectStore


@dataclass(frozen=True, slots=True)
class Leftover:
    """A temporary object: its name within the store and when it was last written."""

    name: str
    written: datetime


class LocalFolder:
    """The folder behind a LocalStore."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def behind(cls, store: ObjectStore) -> "LocalFolder | None":
        """The folder of a LocalStore; None for any other store, which answers for its own durability."""
        if not isinstance(store, LocalStore):
            return None
        return cls(Path(store.prefix or "/"))

    def create(self, name: str) -> None:
        """Makes a subfolder, mode 0700, durably, unless it is there. Raises OSError."""
        folder = self._root / name
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sync_folder("")

    def sync(self, name: str) -> None:
        """Returns when a file is on the disk, and drops it from memory, so that the next read is the disk's answer."""
        descriptor = os.open(self._root / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)

    def sync_folder(self, name: str) -> None:
        """Returns when the folder's list of names is on the disk. Raises OSError."""
        descriptor = os.open(self._root / name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def leftovers(self, name: str) -> list[Leftover]:
        """Every file in a subfolder, those half written included."""
        found = []
        for entry in (self._root / name).iterdir():
            written = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
            found.append(Leftover(f"{name}/{entry.name}", written))
        return found

    def remove(self, name: str) -> None:
        """Removes a file, if it is still there."""
        (self._root / name).unlink(missing_ok=True)
