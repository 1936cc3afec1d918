"""`ledger.ports.Store` and `UnitOfWork` over SQLAlchemy."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.store.audit_rows import AuditRows
from ledger.store.caller_rows import CallerRows
from ledger.store.courier_rows import CourierRows
from ledger.store.documents import Documents
from ledger.store.engine import reading, writers, writing
from ledger.store.outages import LOCKED, connected
from ledger.store.payload_rows import PayloadRows
from ledger.store.read_model import ReadModel
from ledger.store.turns import Turns
from ledger.store.watch_rows import WatchRows

WRITER_SECONDS = 30  # how long a writer of this process waits for those before it


class SqlUnitOfWork(ReadModel, Documents, CourierRows, CallerRows, PayloadRows, AuditRows, WatchRows):
    """One transaction. Nothing is kept unless `commit` was called."""

    async def commit(self) -> None:
        await self._connection.commit()


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class SqlStore:
    """A database of one ledger; `chain_id` goes into the cursor when entry 0 is followed."""

    def __init__(self, engine: AsyncEngine, chain_id: int, now: Callable[[], int] = _milliseconds) -> None:
        self._engine, self._chain_id, self._now = engine, chain_id, now
        self._reading, self._writers = reading(engine), writers(engine)
        self._turns = Turns(WRITER_SECONDS, LOCKED)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlUnitOfWork]:
        async with connected(self._reading) as connection:
            yield SqlUnitOfWork(connection, self._chain_id, self._now)

    @asynccontextmanager
    async def write(self, *, ahead: bool = False) -> AsyncIterator[SqlUnitOfWork]:
        async with self._turns.turn(ahead=ahead), connected(self._writers) as connection:
            yield SqlUnitOfWork(await writing(connection), self._chain_id, self._now)

    async def close(self) -> None:
        await self._engine.dispose()
