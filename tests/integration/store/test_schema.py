"""Migrations make exactly the tables that the program is written for, on SQLite and in PostgreSQL's words."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.errors import WrongSchema
from ledger.store.engine import open_engine
from ledger.store.schema import check_schema, migrate, newest
from ledger.store.tables import REBUILDABLE, metadata
from tests.integration.store.conftest import url_of


async def test_migrating_gives_the_tables_of_the_program(database: Path) -> None:
    engine = open_engine(url_of(database))

    def differences(connection: sa.Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    engine = open_engine(url_of(tmp_path / "new.sqlite3"))
    with pytest.raises(WrongSchema, match="no schema"):
        await check_schema(engine)
    assert await migrate(engine) == (None, newest())
    await check_schema(engine)
    assert await migrate(engine) == (newest(), newest())
    await engine.dispose()


@pytest.mark.parametrize("present", ["0000", "9999"])
async def test_another_schema_is_refused(database: Path, present: str) -> None:
    engine = open_engine(url_of(database))
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = :present"), {"present": present})
    with pytest.raises(WrongSchema, match=present):
        await check_schema(engine)
    await engine.dispose()


def test_the_tables_can_be_written_for_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=dialect))
        assert f"CREATE TABLE {table.name}" in text
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))
    serial = str(CreateTable(metadata.tables["submissions"]).compile(dialect=dialect))
    assert "BIGSERIAL" in serial


def test_nothing_that_is_kept_points_at_what_can_be_dropped() -> None:
    rebuildable = {table.name for table in REBUILDABLE}
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            assert key.column.table.name not in rebuildable


async def test_sqlite_is_durable_and_checks_references(database: Path) -> None:
    engine = open_engine(url_of(database))
    async with engine.connect() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
    await engine.dispose()
