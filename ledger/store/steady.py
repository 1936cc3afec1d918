"""SQLite connections that a cancelled task cannot leave half-way.

The driver runs each statement in a thread. A task cancelled meanwhile goes on at once, and closes the connection while
the statement still runs; SQLite then keeps the closed connection, with its write lock, until the last cursor is
collected, and nobody can write. So here a statement is always waited for, and a transaction undone before closing.

A statement and its rows are one errand to that thread: each costs the interpreter two changes of threads.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import aiosqlite


class SteadyConnection(aiosqlite.Connection):
    """As `aiosqlite.connect` makes; cancelling whoever waits for it takes effect after the statement."""

    def __init__(self, opened: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(opened, iter_chunk_size=64)
        self._thread.daemon = True  # as SQLAlchemy asks of connections it makes itself

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        done = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((done, partial(fn, *args, **kwargs)))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            while not done.done():
                with contextlib.suppress(asyncio.CancelledError):  # once more is the same as once
                    await asyncio.wait([done])
            done.exception()  # told to nobody: whoever asked is gone
            raise

    def cursor(self) -> "WholeCursor":  # type: ignore[override]
        return WholeCursor(self)

    async def together(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Any]]:
        """Statements, one after the other, and the rows of each, in one errand. Raises sqlite3.Error."""
        if not asked:
            return []
        rows: list[list[Any]] = await self._execute(self._each, asked[0][0], asked)
        return rows

    def _each(self, _first: str, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Any]]:
        return [self._conn.execute(sql, parameters).fetchall() for sql, parameters in asked]

    async def close(self) -> None:
        if self._running and self._connection is not None:
            await self._execute(self._undo)
        await super().close()

    def stop(self) -> Any:
        self._tx.put_nowait((None, self._undo))
        return super().stop()

    def _undo(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.rollback()


class WholeCursor:
    """An asynchronous DB-API cursor whose statement runs, and gives its rows, in one errand, unless they are many."""

    FIRST = 2_000  # rows fetched at once

    def __init__(self, connection: SteadyConnection) -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None  # while it has more rows than were fetched
        self._rows: deque[Any] = deque()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> "WholeCursor":
        return self

    async def execute(self, sql: str, parameters: Any = ()) -> "WholeCursor":
        await self._connection._execute(self._run, sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Any) -> "WholeCursor":
        await self._connection._execute(self._run, sql, parameters, many=True)
        return self

    async def fetchall(self) -> list[Any]:
        while self._open is not None:
            await self._connection._execute(self._fetch)
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = self.arraysize if size is None else size
        while len(self._rows) < wanted and self._open is not None:
            await self._connection._execute(self._fetch)
        return [self._rows.popleft() for _ in range(min(wanted, len(self._rows)))]

    async def fetchone(self) -> Any:
        return next(iter(await self.fetchmany(1)), None)

    async def close(self) -> None:
        self._rows.clear()
        if self._open is not None:
            await self._connection._execute(self._end)

    # in the connection's thread

    def _run(self, sql: str, parameters: Any = (), *, many: bool = False) -> None:
        self._open = cursor = self._connection._conn.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(sql, parameters)
            self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
            self._fetch()
        except BaseException:
            self._end()
            raise

    def _fetch(self) -> None:
        assert self._open is not None
        found = self._open.fetchmany(self.FIRST) if self.description else []
        self._rows.extend(found)
        if len(found) < self.FIRST:
            self._end()

    def _end(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
