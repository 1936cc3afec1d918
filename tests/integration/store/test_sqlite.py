"""What only SQLite does: its file is locked, its disk is full."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.errors import Unavailable
from ledger.ports import StoredDocument
from ledger.store import engine as engine_module
from ledger.store.engine import open_engine, writers
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, register
from tests.harness.databases import url_of

DOCUMENT = StoredDocument("d0" * 32, "rule", b"{}", False, frozenset({"a"}))


async def test_a_database_that_stays_locked_is_unavailable(sqlite_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 50)
    store = SqlStore(open_engine(url_of(sqlite_file)), CHAIN_ID)
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        async with store.write() as work:
            await work.add_document(DOCUMENT)
    async with store.read() as work:  # readers are not kept out
        assert await work.submissions() == []
    other.execute("ROLLBACK")
    other.close()
    async with store.write() as work:
        await work.add_document(DOCUMENT)
        await work.commit()
    await store.close()


async def test_a_full_disk_is_unavailable_and_loses_nothing(sqlite_file: Path) -> None:
    engine = open_engine(url_of(sqlite_file))
    store = SqlStore(engine, CHAIN_ID)
    async with store.write() as work:
        await work.add_submissions([register("before")])
        await work.commit()

    def small(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the present size: no page more

    await engine.dispose()
    sa.event.listen(writers(engine).sync_engine, "connect", small)
    with pytest.raises(Unavailable, match="disk") as raised:
        async with store.write() as work:
            await work.add_document(replace(DOCUMENT, body=bytes(1_000_000)))
            await work.commit()
    assert "Free" in raised.value.next_step
    sa.event.remove(writers(engine).sync_engine, "connect", small)
    await engine.dispose()
    async with store.read() as work:
        assert len(await work.submissions()) == 1
        assert await work.document(DOCUMENT.digest) is None
    await store.close()


async def test_sqlite_is_durable_and_checks_references(sqlite_file: Path) -> None:
    engine = open_engine(url_of(sqlite_file))
    async with engine.connect() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1)):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
    await engine.dispose()
