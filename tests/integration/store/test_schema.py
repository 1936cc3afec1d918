"""Migrations make exactly the tables that the program is written for, on each database."""

import asyncio

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ledger.errors import WrongSchema
from ledger.ports import PayloadRow, StoredDocument, TablePart
from ledger.store.engine import open_engine
from ledger.store.schema import check_schema, config, migrate, newest
from ledger.store.tables import REBUILDABLE, metadata
from ledger.store.unit_of_work import SqlStore


async def test_migrating_gives_the_tables_of_the_program(database: str) -> None:
    engine = open_engine(database)

    def differences(connection: sa.Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_again_changes_nothing(empty_database: str) -> None:
    engine = open_engine(empty_database)
    with pytest.raises(WrongSchema, match="no schema"):
        await check_schema(engine)
    assert await migrate(engine) == (None, newest())
    await check_schema(engine)
    assert await migrate(engine) == (newest(), newest())
    await engine.dispose()


async def test_of_processes_that_migrate_at_once_one_does_it(empty_database: str) -> None:
    engines = [open_engine(empty_database) for _ in range(3)]
    found = await asyncio.gather(*(migrate(engine) for engine in engines))
    assert sorted(found, key=str) == [(newest(), newest())] * 2 + [(None, newest())]
    for engine in engines:
        await engine.dispose()


async def test_rows_from_before_tables_were_kept_in_parts(empty_database: str) -> None:
    """0002 to 0003: what was prepared under the old schema is as it was, and new versions have parts."""
    engine = open_engine(empty_database)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "0002"))
        old = {"document": "d0" * 32, "kind": "version", "dataset": "a/b", "object": "ab" * 32, "key": b"key"}
        for statement in (
            "INSERT INTO documents (digest, kind, body, open, created) VALUES (:document, :kind, :key, false, 1)",
            "INSERT INTO payloads (document, dataset, object, wrapped_key, size, fingerprint, manifest, created) "
            "VALUES (:document, :dataset, :object, :key, 5, '{}', :key, 1)",
            "INSERT INTO segment_keys (document, first_record, wrapped_key) VALUES (:document, 0, :key)",
        ):
            await connection.execute(sa.text(statement), {name: old[name] for name in old if f":{name}" in statement})
    with pytest.raises(WrongSchema, match="0002"):
        await check_schema(engine)
    assert await migrate(engine) == ("0002", newest())
    part = TablePart(0, 3, "cd" * 32, 100, b"part")
    new = PayloadRow("d1" * 32, "a/b", "ef" * 32, b"new", 7, {}, b"manifest", ((0, b"salt"),), (part,))
    async with SqlStore(engine, 1, lambda: 2).write() as work:
        row = PayloadRow(old["document"], "a/b", "ab" * 32, b"key", 5, {}, b"key", ((0, b"key"),))
        assert await work.payload(row.document) == row
        await work.add_document(StoredDocument(new.document, "version", b"{}", False, frozenset()))
        await work.add_payload(new)
        assert await work.payload(new.document) == new
        assert {stored for _, stored in await work.payload_objects()} == {"ab" * 32, "ef" * 32, "cd" * 32}
    await engine.dispose()


@pytest.mark.parametrize("present", ["0000", "9999"])
async def test_another_schema_is_refused(empty_database: str, present: str) -> None:
    engine = open_engine(empty_database)
    await migrate(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = :present"), {"present": present})
    with pytest.raises(WrongSchema, match=present):
        await check_schema(engine)
    await engine.dispose()


def test_nothing_that_is_kept_points_at_what_can_be_dropped() -> None:
    rebuildable = {table.name for table in REBUILDABLE}
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            assert key.column.table.name not in rebuildable
