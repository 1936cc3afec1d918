"""The database of one simulation: the real store on real SQLite, in this thread, on a disk that can be full or locked.

One engine serves all seeds of a process, so that statements are compiled once; each seed starts from a copy of an empty
database at the newest schema.
"""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from ledger.store import engine as engines
from ledger.store.schema import migrate
from ledger.store.steady import SteadyConnection

_CHANGES = ("INSERT", "UPDATE", "DELETE")


class _Inline:
    """In place of the queue to the driver's thread: SQLAlchemy sets the isolation level through it."""

    def put_nowait(self, asked: tuple[Any, Callable[[], Any]]) -> None:
        future, function = asked
        result = function()
        if future is not None:
            future.set_result(result)


class InlineConnection(SteadyConnection):
    """Runs each statement where it is asked for: no thread, so the order of everything is ours to say."""

    disk: ClassVar["Disk"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tx: Any = _Inline()

    def __await__(self) -> Any:
        return self._connect().__await__()

    async def _connect(self) -> "InlineConnection":
        if self._connection is None:
            self._connection = self._connector()
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._connection is None:
            raise ValueError("Connection closed")
        sql = args[0] if args and isinstance(args[0], str) else getattr(fn, "__name__", "")
        if sql.startswith("PRAGMA synchronous"):
            return fn("PRAGMA synchronous=OFF")  # no machine is switched off here
        self.disk.trouble(self._connection, sql)
        return fn(*args, **kwargs)

    async def close(self) -> None:
        self.stop()

    def stop(self) -> Any:
        if self._connection is not None:
            self._undo()
            self._connection.close()
            self._connection = None
        self._running = False


class Disk:
    """Where the database lies. `full` and `locked` last until they are taken back; `suffered` counts who met them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}.sqlite3"
        self._empty = folder / f"{os.getpid()}-empty.sqlite3"
        self.full = self.locked = False
        self.suffered = {"disk full": 0, "database locked": 0}
        InlineConnection.disk = self
        self._patched = mock.patch.object(engines, "SteadyConnection", InlineConnection)
        self._patched.start()
        asyncio.run(self._make_empty())
        self.engine = engines.open_engine(f"sqlite+aiosqlite:///{self._path}")

    async def _make_empty(self) -> None:
        engine = engines.open_engine(f"sqlite+aiosqlite:///{self._empty}")
        await migrate(engine)
        await engine.dispose()

    async def fresh(self) -> None:
        """An empty database, and no connection to the one before."""
        await self.engine.dispose()
        self._replace()
        self.full = self.locked = False
        self.suffered = dict.fromkeys(self.suffered, 0)

    def _replace(self) -> None:
        for name in ("", "-wal", "-shm"):
            Path(f"{self._path}{name}").unlink(missing_ok=True)
        shutil.copyfile(self._empty, self._path)

    def trouble(self, connection: sqlite3.Connection, sql: str) -> None:
        """Raises what SQLite raises when the disk is full or another program holds the lock."""
        if self.locked and sql.startswith("BEGIN IMMEDIATE"):
            self.suffered["database locked"] += 1
            raise sqlite3.OperationalError("database is locked")
        if self.full and connection.in_transaction and (sql.startswith(_CHANGES) or sql == "commit"):
            self.suffered["disk full"] += 1
            connection.rollback()
            raise sqlite3.OperationalError("database or disk is full")

    def close(self) -> None:
        asyncio.run(self.engine.dispose())
        self._patched.stop()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """In memory where there is such a place: what is written here need not last."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="simulation-") as folder:
        yield Path(folder)


@contextmanager
def open_disk() -> Iterator[Disk]:
    with scratch_folder() as folder:
        disk = Disk(folder)
        try:
            yield disk
        finally:
            disk.close()
