"""Creating and upgrading the database's schema, by explicit command; and refusing to run on another."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.errors import WrongSchema
from ledger.store.engine import writing
from ledger.store.outages import connected

MIGRATIONS = Path(__file__).parent / "migrations"


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic's, for a connection that is open."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made


def newest() -> str:
    """The revision this program is written for."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None
    return head


def require_known(revision: str) -> None:
    """Raises WrongSchema for a revision of a newer program."""
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    if revision not in known:
        raise WrongSchema(
            f"the schema {revision} is newer than this program's, {newest()}", remedy="Use the program that wrote it."
        )


async def migrate(engine: AsyncEngine) -> tuple[str | None, str]:
    """Bring the schema up to date, in one transaction; answers (before, after). Safe to call again, and at once."""
    async with connected(engine) as fresh:
        connection = await writing(fresh)  # of two processes that start at once, one finds it done
        before = await connection.run_sync(present)
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
        await connection.commit()
    return before, newest()


async def check_schema(engine: AsyncEngine) -> None:
    """Raises WrongSchema unless the database is exactly at this program's revision."""
    async with connected(engine) as connection:
        found = await connection.run_sync(present)
    if found is None:
        raise WrongSchema("the database has no schema yet")
    if found != newest():
        raise WrongSchema(f"the database's schema is at {found}, this program needs {newest()}")


def present(connection: sa.Connection) -> str | None:
    """The revision the database is at; None if it has no schema."""
    return MigrationContext.configure(connection).get_current_revision()
