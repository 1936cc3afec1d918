"""Migrations make exactly the tables that the program is written for, on each database."""

import asyncio

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ledger.errors import WrongSchema
from ledger.store.engine import open_engine
from ledger.store.schema import check_schema, migrate, newest
from ledger.store.tables import REBUILDABLE, metadata


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
