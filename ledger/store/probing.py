"""Looking at a database by itself, whatever state it is in. Nothing is made or changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ledger.domain.submissions import SubmissionState
from ledger.errors import ShareLedgerError, WrongSchema
from ledger.ports import Cursor, Lease, Waiting
from ledger.store.engine import open_engine
from ledger.store.schema import check_schema
from ledger.store.unit_of_work import SqlStore


@dataclass(frozen=True, slots=True)
class DatabaseSeen:
    """`error`: why it cannot be read; `schema_error`: why its tables are not this program's. Then the rest is empty."""

    missing: bool = False
    error: str | None = None
    schema_error: str | None = None
    identity: tuple[int, str] | None = None  # chain id and Journal
    cursor: Cursor | None = None
    waiting: Mapping[SubmissionState, Waiting] = field(default_factory=dict)
    lease: Lease | None = None


async def database_seen(url: str, file: Path | None, courier: str, seconds: float) -> DatabaseSeen:
    """`file` is SQLite's: opening would make it. Raises nothing: whatever is wrong is in the answer."""
    if file is not None and not await asyncio.to_thread(file.exists):
        return DatabaseSeen(missing=True)
    try:
        engine = open_engine(url)
    except Exception as error:  # the address itself cannot be read; it may hold a password
        return DatabaseSeen(error=type(error).__name__)
    try:
        async with asyncio.timeout(seconds):
            try:
                await check_schema(engine)
            except WrongSchema as error:
                return DatabaseSeen(schema_error=error.detail)
            async with SqlStore(engine, 0).read() as work:
                return DatabaseSeen(
                    identity=await work.identity(),
                    cursor=await work.cursor(),
                    waiting=await work.waiting(),
                    lease=await work.lease_of(courier),
                )
    except ShareLedgerError as error:
        return DatabaseSeen(error=error.detail)
    except Exception as error:  # a driver's own words may quote rows or an address
        return DatabaseSeen(error=type(getattr(error, "orig", None) or error).__name__)
    finally:
        await engine.dispose()
