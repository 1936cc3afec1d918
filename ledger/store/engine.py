"""Opening the database: SQLite by default, PostgreSQL by URL.

SQLite runs in WAL mode with `synchronous=FULL`, so a commit that returned survives a power cut, and every unit of work
that means to write takes the write lock at its start (`BEGIN IMMEDIATE`): two writers queue, none fails half-way.
"""

import sqlite3
import time
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.errors import InvalidSettings
from ledger.store.postgresql import NAMES, open_postgresql, read_url, take_turn
from ledger.store.postgresql import reading as reading_postgresql
from ledger.store.steady import SteadyConnection

BUSY_TIMEOUT_MS = 10_000
LOG_RETRY_S = 0.005
READER_KIB, WRITER_KIB = 2 * 1024, 64 * 1024  # what a connection keeps of the file
CHECKPOINT_PAGES = 8_000  # of 4 KiB: the same page is written many times before it moves from the log to the file


def open_engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path` or `postgresql://…`. Raises InvalidSettings for any other.

    Its errors never quote parameters: among them are documents and wrapped keys, and errors end in logs.
    """
    parsed = read_url(url)
    if parsed.drivername in NAMES:
        return open_postgresql(parsed, BUSY_TIMEOUT_MS)
    if parsed.drivername not in ("sqlite", "sqlite+aiosqlite"):
        raise InvalidSettings(f"a database is SQLite or PostgreSQL, not {parsed.drivername}")
    parsed = parsed.set(drivername="sqlite+aiosqlite")
    arguments, options = parsed.get_dialect()().create_connect_args(parsed)

    def opened(cache: int, **pool: int) -> AsyncEngine:
        async def connect() -> SteadyConnection:
            made = SteadyConnection(partial(_open_sqlite, cache, *arguments, **options))
            await made
            return made

        engine = create_async_engine(parsed, async_creator=connect, hide_parameters=True, **pool)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine

    # what a connection knows of the file is worth nothing once another has written, so one does all the writing
    engine, writers = opened(READER_KIB), opened(WRITER_KIB, pool_size=1, max_overflow=0)
    sa.event.listen(engine.sync_engine, "engine_disposed", lambda _: writers.sync_engine.dispose())
    engine.sync_engine.update_execution_options(writers=writers)
    return engine


def _open_sqlite(cache: int, *arguments: Any, **options: Any) -> sqlite3.Connection:
    """In the connection's own thread, so it may wait there. Transactions begin in `_begin_sqlite` alone."""
    options |= {"timeout": BUSY_TIMEOUT_MS / 1000, "isolation_level": None}
    made: sqlite3.Connection = sqlite3.connect(*arguments, **options)
    try:
        _use_log(made, time.monotonic() + BUSY_TIMEOUT_MS / 1000)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # a deleted key is overwritten; some builds of SQLite would leave it in the file
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
            f"cache_size={-cache}",
        ):
            made.execute(f"PRAGMA {pragma}")
    except BaseException:
        made.close()
        raise
    return made


def _use_log(connection: sqlite3.Connection, deadline: float) -> None:
    """To WAL. Of several that open a new file at once SQLite refuses some without waiting, lest two readers that both
    want to write wait for each other. So it is asked again.
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(LOG_RETRY_S)


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def reading(engine: AsyncEngine) -> AsyncEngine:
    """For transactions that see one moment."""
    return reading_postgresql(engine) if engine.dialect.name == "postgresql" else engine


def writers(engine: AsyncEngine) -> AsyncEngine:
    """For transactions that write."""
    own: AsyncEngine = engine.get_execution_options().get("writers", engine)
    return own


async def writing(connection: AsyncConnection) -> AsyncConnection:
    """Make a fresh connection one that will write, once it is its turn."""
    if connection.dialect.name != "postgresql":
        return await connection.execution_options(writing=True)
    await take_turn(connection)
    return connection


def is_disk_full(error: BaseException) -> bool:
    """Whether a driver error means that the disk, not the program, is at fault."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, sqlite3.OperationalError):
        return "disk is full" in str(cause) or "disk I/O" in str(cause)
    return getattr(cause, "sqlstate", None) == "53100"
