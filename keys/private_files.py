"""Files only their owner may read: created whole or not at all, never overwritten, refused when others had access."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from keys.errors import KeyExists, UnsafePermissions

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def ensure_private_folder(folder: Path) -> None:
    """Creates `folder` with mode 0700, or checks the one that is there. Raises UnsafePermissions, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_private_folder(folder)


def check_private_folder(folder: Path) -> None:
    """Raises UnsafePermissions unless `folder` is a folder of ours (or root's) that nobody else may enter."""
    status = folder.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise UnsafePermissions(f"{folder} is not a folder", path=str(folder))
    _check_private(status, folder, wanted="700")


def read_private(path: Path, limit: int, *, follow: bool = False) -> bytes:
    """The content of a file of mode 0600 or stricter, at most `limit` bytes; more is answered with limit + 1 bytes.

    Mode and owner are checked on the open file, so it cannot be exchanged in between. A symbolic link is refused unless
    `follow` (secrets mounted into containers are links). Raises UnsafePermissions, OSError.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnsafePermissions(f"{path} is not a regular file", path=str(path))
        _check_private(status, path, wanted="600")
        return file.read(limit + 1)


def create_private(path: Path, content: bytes) -> None:
    """Creates `path` with mode 0600 and `content`, durable on return. Raises KeyExists if there is one, OSError.

    Written under another name and linked into place: a crash leaves the whole file or none (and at worst a hidden
    `.new` file, encrypted like any other), and unlike a rename a link never replaces an older key.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError as cause:
            raise KeyExists(f"{path.name} exists already and was left as it is", path=str(path)) from cause
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    _sync_folder(path.parent)


def _check_private(status: os.stat_result, path: Path, *, wanted: str) -> None:
    if status.st_mode & OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise UnsafePermissions(f"{path} has mode {mode:o}; others have access", path=str(path), wanted=wanted)
    if status.st_uid not in (os.geteuid(), 0):
        raise UnsafePermissions(f"{path} belongs to another user", path=str(path), wanted=wanted)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
