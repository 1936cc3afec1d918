"""`ledger.ports.Store` and `UnitOfWork` over SQLAlchemy."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.errors import Unavailable
from ledger.store.audit_rows import AuditRows
from ledger.store.caller_rows import CallerRows
from ledger.store.courier_rows import CourierRows
from ledger.store.documents import Documents
from ledger.store.engine import is_disk_full, writing
from ledger.store.payload_rows import PayloadRows
from ledger.store.read_model import ReadModel


class SqlUnitOfWork(ReadModel, Documents, CourierRows, CallerRows, PayloadRows, AuditRows):
    """One transaction. Nothing is kept unless `commit` was called."""

    async def commit(self) -> None:
        await self._connection.commit()


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class SqlStore:
    """A database of one ledger; `chain_id` goes into the cursor when entry 0 is followed."""

    def __init__(self, engine: AsyncEngine, chain_id: int, now: Callable[[], int] = _milliseconds) -> None:
        self._engine, self._chain_id, self._now = engine, chain_id, now

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlUnitOfWork]:
        with _explained():
            async with self._engine.connect() as connection:
                yield SqlUnitOfWork(connection, self._chain_id, self._now)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlUnitOfWork]:
        with _explained():
            async with self._engine.connect() as connection:
                yield SqlUnitOfWork(await writing(connection), self._chain_id, self._now)

    async def close(self) -> None:
        await self._engine.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    """A full disk, or a database that stays locked, is no defect of ours: Unavailable."""
    try:
        yield
    except DBAPIError as error:
        if is_disk_full(error):
            raise Unavailable("the database's disk is full", remedy="Free some disk, then try again.") from error
        if "database is locked" in str(error.orig):
            raise Unavailable("the database stayed locked for too long") from error
        raise
