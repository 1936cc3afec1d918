"""PostgreSQL, through asyncpg: how it is opened, what a reading and a writing transaction are there.

A unit of work that reads is one REPEATABLE READ transaction: it sees one moment. One that writes takes an advisory lock
before it looks at anything, so that writers queue from the start, whichever process or host they are in; under that
lock READ COMMITTED sees what the writer before it has left, and nothing else moves. Both end with their transaction, so
a process that dies, or a connection that breaks, holds nobody up.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.errors import InvalidSettings, Unavailable

NAMES: Final = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
WRITERS: Final = 0x5348_4152_454C_4447  # "SHARELDG": the advisory lock of this database's writers
CONNECT_SECONDS: Final = 10
STATEMENT_SECONDS: Final = 60  # for a server that neither answers nor closes its connections
IDLE_MS: Final = 30_000  # a process that stands still in the middle of a transaction is not waited for any longer
MOST_CONNECTIONS: Final = 16


def open_postgresql(url: sa.URL, lock_ms: int) -> AsyncEngine:
    """An engine for `postgresql://user@host/database` (or `postgresql+asyncpg://…`). Raises InvalidSettings.

    `lock_ms`: how long a writer waits for the one before it. Connections that broke are found out before they are used.
    """
    if "password" in url.query:
        raise InvalidSettings(
            "a database's URL has a password among its options",
            remedy="Put it into the file that PGPASSFILE names (~/.pgpass), or before the @.",
        )
    session = {
        "application_name": "shareledger",
        "lock_timeout": str(lock_ms),
        "idle_in_transaction_session_timeout": str(IDLE_MS),
    }
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=MOST_CONNECTIONS - 8,
        pool_timeout=CONNECT_SECONDS,
        connect_args={"timeout": CONNECT_SECONDS, "command_timeout": STATEMENT_SECONDS, "server_settings": session},
    )
    sa.event.listen(engine.sync_engine, "handle_error", _out_of_time)
    return engine


def _out_of_time(context: sa.ExceptionContext) -> None:
    """What asyncpg raises when a statement takes too long is none of the driver's errors, and so nobody wraps it."""
    if isinstance(context.original_exception, TimeoutError):
        raise Unavailable(f"the database took more than {STATEMENT_SECONDS} seconds") from context.original_exception


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The same connections, for transactions that see one moment and write nothing."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


async def take_turn(connection: AsyncConnection) -> None:
    """Wait for the writers before us; the turn ends with the transaction."""
    await connection.execute(_TURN)


_TURN: Final = sa.select(sa.func.pg_advisory_xact_lock(sa.literal(WRITERS, sa.BigInteger)))

# SQLSTATE (Appendix A of PostgreSQL's documentation) → what to say; what is shorter stands for its whole class
_PASSING: Final = {
    "08": "the database does not answer",
    "25006": "the database takes no writes: it is a standby, or was set to read only",
    "25P03": "the database ended a transaction that stood still",
    "40": "the database undid the transaction because of another one",
    "53": "the database is short of memory, disk or connections",
    "55P03": "the database stayed locked for too long",
    "57": "the database is stopping, or ended what was asked of it",
    "58": "the database's machine reports a fault",
    "XX": "the database reports an internal fault",
}
_REFUSED: Final = {
    "28": "the database refuses this user",
    "3D000": "there is no such database",
    "3F000": "there is no such schema in the database",
    "42501": "the database's user has not the right to do this",
}


def passing_fault(state: str) -> str | None:
    """What an SQLSTATE says about the server, if the same call may work later."""
    return _PASSING.get(state) or _PASSING.get(state[:2])


def refusal(state: str) -> str | None:
    """What an SQLSTATE says about our user and database, if it is that they are not what they should be."""
    return _REFUSED.get(state) or _REFUSED.get(state[:2])


def read_url(text: str) -> sa.URL:
    """Raises InvalidSettings, without quoting what may hold a password."""
    try:
        return sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise InvalidSettings("the database's URL cannot be read", setting="SHARELEDGER_DATABASE_URL") from None
