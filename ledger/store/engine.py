"""Opening the database: SQLite by default, PostgreSQL by URL.

SQLite runs in WAL mode with `synchronous=FULL`, so a commit that returned survives a power cut, and every unit of work
that means to write takes the write lock at its start (`BEGIN IMMEDIATE`): two writers queue, none fails half-way.
"""

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.store.steady import SteadyConnection

BUSY_TIMEOUT_MS = 10_000


def open_engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`.

    Its errors never quote parameters: among them are documents and wrapped keys, and errors end in logs.
    """
    if not url.startswith("sqlite"):
        return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=8)
    parsed = sa.make_url(url)
    arguments, options = parsed.get_dialect()().create_connect_args(parsed)

    async def connect() -> SteadyConnection:
        made = SteadyConnection(*arguments, **options, timeout=BUSY_TIMEOUT_MS / 1000)
        await made
        return made

    engine = create_async_engine(url, async_creator=connect, hide_parameters=True)
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not start transactions by itself; `_begin_sqlite` does
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


async def writing(connection: AsyncConnection) -> AsyncConnection:
    """Mark a fresh connection as one that will write."""
    return await connection.execution_options(writing=True)


def is_disk_full(error: BaseException) -> bool:
    """Whether a driver error means that the disk, not the program, is at fault."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, sqlite3.OperationalError):
        return "disk is full" in str(cause) or "disk I/O" in str(cause)
    return getattr(cause, "sqlstate", None) == "53100"
