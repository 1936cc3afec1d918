"""SQLite connections that a cancelled task cannot leave half-way.

The driver runs each statement in a thread. A task cancelled meanwhile goes on at once, and closes the connection while
the statement still runs; SQLite then keeps the closed connection, with its write lock, until the last cursor is
collected, and nobody can write. So here a statement is always waited for, and a transaction undone before closing.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import aiosqlite


class SteadyConnection(aiosqlite.Connection):
    """As `aiosqlite.connect` makes; cancelling whoever waits for it takes effect after the statement."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(partial(sqlite3.connect, *arguments, **options), iter_chunk_size=64)
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
