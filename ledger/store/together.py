"""Several statements at once, where the way to the database is longer than what it does.

For SQLite that is an errand to its thread: SQLAlchemy's own way there costs more than most statements. PostgreSQL is
asked one after the other.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.store.steady import SteadyConnection

Asked = tuple[str, Sequence[Any]]  # a statement in the database's own words, and its parameters in order


async def together(connection: AsyncConnection, asked: Sequence[Asked]) -> list[list[Any]]:
    """The rows of each, as the driver gives them. Raises what SQLAlchemy raises."""
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, SteadyConnection):
        results = [await connection.exec_driver_sql(text, tuple(parameters)) for text, parameters in asked]
        return [list(result.all()) if result.returns_rows else [] for result in results]
    if not connection.in_transaction():  # SQLAlchemy begins one by itself only where it runs the statement
        await connection.begin()
    try:
        return await driver.together(asked)
    except sqlite3.Error as error:
        raise DBAPIError.instance(asked[0][0], None, error, sqlite3.Error, hide_parameters=True) from error


class Prepared:
    """A statement that is always the same, in SQLite's words. Its parameters are given by name, each time."""

    def __init__(self, statement: sa.Executable) -> None:
        assert isinstance(statement, sa.sql.ClauseElement)
        compiled = statement.compile(dialect=sqlite.dialect())
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        self._text, self._names = str(compiled), tuple(compiled.positiontup or ())
        self._constants = compiled.params

    def asked(self, parameters: Mapping[str, Any]) -> Asked:
        return self._text, [parameters.get(name, self._constants.get(name)) for name in self._names]
