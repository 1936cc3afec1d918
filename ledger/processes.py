"""Names for processes, by which another on the same machine can tell that one has ended.

    <host>-<machine>:<pid>:<started>-<random>

`machine` stands for this boot and this set of process numbers, so that nobody judges a process of another machine or
container by its number; `started` is when the process began, since numbers come again. Source: proc(5), Linux.
"""

import hashlib
import os
import secrets
import socket
from pathlib import Path

_ENDED = frozenset("ZXx")  # a zombie does nothing any more
_STATE, _STARTED = 0, 19  # among the fields of /proc/<pid>/stat that follow the name in brackets


def own_name() -> str:
    """A name for this process that no other has, and that it will not get again."""
    pid = os.getpid()
    return f"{socket.gethostname()}-{_machine()}:{pid}:{(_stat(pid) or _UNKNOWN)[_STARTED]}-{secrets.token_hex(4)}"


def has_ended(name: str) -> bool:
    """Whether the process of that name is surely gone. False for one of elsewhere, or where the system does not say."""
    try:
        where, pid, when = name.rsplit(":", 2)
        machine, started, number = where.rpartition("-")[2], when.partition("-")[0], int(pid)
    except ValueError:
        return False
    if not machine or machine != _machine() or started == _UNKNOWN[_STARTED]:
        return False
    stat = _stat(number)
    return stat is None or stat[_STARTED] != started or stat[_STATE] in _ENDED


_UNKNOWN = ["?"] * (_STARTED + 1)


def _stat(pid: int) -> list[str] | None:
    """None if there is no such process, or none that is shown to us."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _machine() -> str:
    """Empty where the system does not say, or hides the processes of others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        told = boot + os.readlink("/proc/self/ns/pid")
        Path("/proc/1/stat").read_bytes()  # with hidepid (proc(5)) a living process of another user would look gone
    except OSError:
        return ""
    return hashlib.sha256(told.encode()).hexdigest()[:8]
