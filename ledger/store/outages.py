"""What a database's errors mean for whoever asked: a full disk, a lock, a server that is gone are not our defects."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.errors import NotReady, ShareLedgerError, Unavailable
from ledger.store.engine import is_disk_full
from ledger.store.postgresql import passing_fault, refusal

LOCKED = "the database stayed locked for too long"


@contextmanager
def explained() -> Iterator[None]:
    """Raises Unavailable where the same call may work later, NotReady where user or database are not as they should."""
    try:
        yield
    except DBAPIError as error:
        meant = _meant(error)
        if meant is None:
            raise
        raise meant from error
    except PendingRollbackError as error:
        raise Unavailable("the database's connection broke") from error
    except NoConnection as error:
        raise Unavailable("too much is asked of the database at once: no connection came free") from error


def _meant(error: DBAPIError) -> ShareLedgerError | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    if is_disk_full(error):
        return Unavailable("the database's disk is full", remedy="Free some disk, then try again.")
    if "database is locked" in str(error.orig):
        return Unavailable(LOCKED)
    if fault := passing_fault(state):
        return Unavailable(fault, sqlstate=state)
    if why := refusal(state):
        remedy = "See which user and database SHARELEDGER_DATABASE_URL names, and what was granted to that user."
        return NotReady(f"{why}: {error.orig}", remedy=remedy, sqlstate=state)
    return Unavailable("the database's connection broke") if error.connection_invalidated else None


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection, with every error explained. A server that is not there is Unavailable."""
    with explained():
        async with AsyncExitStack() as opened:
            try:
                connection = await opened.enter_async_context(engine.connect())
            except OSError as error:  # a time-out is one too
                why = error.strerror or type(error).__name__
                raise Unavailable(f"the database cannot be reached: {why}") from error
            yield connection
