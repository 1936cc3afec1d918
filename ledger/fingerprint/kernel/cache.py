"""Where compiled code is kept, so that only the first process of a machine waits for the compiler."""

import hashlib
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numba

_KEPT_SECONDS = 30 * 86_400
_one_at_a_time = threading.RLock()  # the setting is the whole process's


@contextmanager
def compiled_code_kept() -> Iterator[None]:
    """While numba functions are defined: their code goes to a folder named by the digest of all sources they are of.

    Numba looks at one file's time only, not at what that file imports. The user's own NUMBA_CACHE_DIR stays as it is.

    Raises:
        OSError: there is no folder that can be written.
    """
    config: Any = numba.config
    with _one_at_a_time:
        given = config.CACHE_DIR
        if given:
            _writable(Path(given))
        else:
            config.CACHE_DIR = str(_folder())
        try:
            yield
        finally:
            config.CACHE_DIR = given


def _folder() -> Path:
    here = Path(__file__).parent
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {platform.machine()}".encode())
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    reason: OSError | None = None
    for folder in (_of_user(), here / "__pycache__"):
        try:
            own = _writable(folder / f"kernel-{digest.hexdigest()[:16]}")
        except OSError as error:
            reason = error
        else:
            _forget_others(own)
            return own
    raise OSError("no folder for compiled code can be written") from reason


def _of_user() -> Path:
    """The user's own cache: what lies there is run, so nobody else may write it."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "shareledger"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if given.startswith("/") else Path.home() / ".cache") / "shareledger"


def _forget_others(own: Path) -> None:
    """Remove what other versions left here and nobody used for a month."""
    os.utime(own)
    before = time.time() - _KEPT_SECONDS
    for other in own.parent.glob("kernel-*"):
        with suppress(OSError):  # another process may be at it too
            if other != own and other.stat().st_mtime < before:
                shutil.rmtree(other)


def _writable(folder: Path) -> Path:
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except RuntimeError as error:  # Path.home() of a user without one
        raise OSError(str(error)) from error
    with tempfile.TemporaryFile(dir=folder):
        return folder
