"""Creating and upgrading the database's schema, by explicit command; and refusing to run on another."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.errors import WrongSchema

MIGRATIONS = Path(__file__).parent / "migrations"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision this program is written for."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


async def migrate(engine: AsyncEngine) -> tuple[str | None, str]:
    """Bring the schema up to date; answers (before, after). Safe to call again; one transaction a step."""
    async with engine.connect() as connection:
        before = await connection.run_sync(_present)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
    return before, newest()


async def check_schema(engine: AsyncEngine) -> None:
    """Raises WrongSchema unless the database is exactly at this program's revision."""
    async with engine.connect() as connection:
        present = await connection.run_sync(_present)
    if present is None:
        raise WrongSchema("the database has no schema yet")
    if present != newest():
        raise WrongSchema(f"the database's schema is at {present}, this program needs {newest()}")


def _present(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
