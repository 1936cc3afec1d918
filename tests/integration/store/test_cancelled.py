"""A cancelled unit of work leaves nothing behind: no row, no lock, whenever it was cancelled and however often."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import register

MOMENTS = [
    0.0003 * step for step in range(40)
]  # seconds until the cancellation; a unit of work takes a few thousandths


async def write(store: SqlStore, code: str) -> None:
    async with store.write() as work:
        await work.add_submissions([register(code)])
        await work.submissions(limit=5)
        await work.commit()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("again", [0, 1, 7], ids=["once", "twice", "and again"])
async def test_a_cancelled_writer_leaves_no_lock(store: SqlStore, database: Path, again: int) -> None:
    for number, moment in enumerate(MOMENTS):
        writers = [asyncio.create_task(write(store, f"{name}{number}")) for name in ("a", "b", "c")]
        await asyncio.wait(writers, timeout=moment)
        for writer in writers:
            writer.cancel()
        if again:
            await turns(again)
            for writer in writers:
                writer.cancel()
        await asyncio.wait(writers)
        other = sqlite3.connect(database, timeout=2, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        other.close()
    async with store.read() as work:
        stored = [one for _, one in await work.submissions(limit=1000)]
        for one in stored:
            found = await work.submission(one.digest)
            assert found is not None and len(found.history) == 1, "a unit of work was kept in part"


async def test_a_writer_that_waits_for_the_lock_can_be_cancelled(store: SqlStore, database: Path) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = asyncio.create_task(write(store, "late"))
    await turns(50)
    writer.cancel()
    other.execute("ROLLBACK")
    other.close()
    with pytest.raises(asyncio.CancelledError):
        await writer
    await write(store, "next")
    async with store.read() as work:
        assert [one.subject for _, one in await work.submissions()] == ["next"]
