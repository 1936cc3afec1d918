"""What the machine itself says: free disk, clock, platform. Each answer is cheap enough to be asked for twice a second.

Source of the clock's state: adjtimex(2), which any user may read.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
_STATUS_AT, _ERROR_AT = 40, 24  # in struct timex where long has 8 bytes
_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC


@dataclass(frozen=True, slots=True)
class Disk:
    """What is left for us where `path` is or would be. Files that a file system does not number: `files` None."""

    path: Path
    device: int
    free: int  # bytes
    files: int | None


@dataclass(frozen=True, slots=True)
class ClockState:
    """What the kernel knows of the clock. `error` is its own bound on it, in seconds."""

    synchronised: bool
    error: float


def disk_of(path: Path) -> Disk:
    """Of the file system that holds the path, or the nearest folder above it that is there. Raises OSError."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    told = os.statvfs(there)
    free = told.f_bavail * told.f_frsize
    return Disk(path, there.stat().st_dev, free, told.f_favail if told.f_files else None)


def disks(places: Mapping[str, Path]) -> dict[str, Disk]:
    """By place. Raises OSError."""
    return {place: disk_of(path) for place, path in places.items()}


def clock_state() -> ClockState | None:
    """None where the kernel does not say."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    buffer = ctypes.create_string_buffer(256)  # struct timex, all zero: nothing is to be changed
    if ctypes.CDLL(None).adjtimex(buffer) < 0:
        return None
    (status,) = struct.unpack_from("=i", buffer.raw, _STATUS_AT)
    (error,) = struct.unpack_from("=q", buffer.raw, _ERROR_AT)
    return ClockState(not status & _UNSYNCHRONISED, error / 1e6)


def platform_facts() -> dict[str, str]:
    """Python, system and machine, as text."""
    return {"python": platform.python_version(), "system": sys.platform, "machine": platform.machine()}


def mode_of(path: Path) -> int:
    """The permission bits. Raises OSError."""
    return path.stat().st_mode & 0o777


def lock_holder(path: Path) -> int | None:
    """The process that holds a lock (flock) on the file; None if nobody does, or the system does not say.

    Asked of the kernel's list: taking the lock to find out could turn away the very process that wants it.
    """
    try:
        told, locks = path.stat(), Path("/proc/locks").read_text()
    except OSError:
        return None
    file = f"{os.major(told.st_dev):02x}:{os.minor(told.st_dev):02x}:{told.st_ino}"
    for line in locks.splitlines():
        fields = line.split()
        if file in fields and "FLOCK" in fields and "->" not in fields:
            return int(fields[fields.index(file) - 1])
    return None
