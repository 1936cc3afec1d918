"""The rows that no chain brings back, as lines of JSON: one form for both databases, so that either restores the other.

A table's lines are arrays of values in the order of its columns, by primary key; bytes are base64, JSON stays JSON. All
tables are read in one transaction, of one moment. The read model is left out (a rebuild brings it back), and so are
leases (who was carrying is nobody's to remember).
"""

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.errors import Conflict, Corrupt
from ledger.ports import Block, Cursor
from ledger.store.engine import reading, writing
from ledger.store.outages import connected
from ledger.store.schema import config, migrate, newest, present, require_known
from ledger.store.tables import REBUILDABLE, cursor, leases, metadata

KINDS: Final[dict[str, Any]] = {
    "text": sa.Text(),
    "integer": sa.BigInteger(),
    "flag": sa.Boolean(),
    "bytes": sa.LargeBinary(),
    "json": sa.JSON(none_as_null=True),
}
AT_ONCE: Final = 500  # rows in one statement


@dataclass(frozen=True, slots=True)
class DumpedTable:
    """A table as it was when it was dumped: its columns with their kinds, by name."""

    name: str
    columns: tuple[tuple[str, str], ...]

    def to_json(self) -> list[list[str]]:
        return [list(column) for column in self.columns]

    @classmethod
    def from_json(cls, name: str, value: Any) -> "DumpedTable":
        """Raises Corrupt."""
        try:
            columns = tuple((str(column), str(kind)) for column, kind in value)
        except (TypeError, ValueError):
            raise Corrupt(f"the columns of {name} cannot be read") from None
        if not columns or any(kind not in KINDS for _, kind in columns):
            raise Corrupt(f"the columns of {name} are of no known kind")
        return cls(name, columns)

    def line(self, row: Iterable[Any]) -> bytes:
        """One row."""
        values = [_told(kind, value) for (_, kind), value in zip(self.columns, row, strict=True)]
        return orjson.dumps(values) + b"\n"

    def row(self, line: bytes) -> dict[str, Any]:
        """The row of a line, by column. Raises Corrupt."""
        try:
            values = orjson.loads(line)
            pairs = zip(self.columns, values, strict=True)
            return {name: _meant(kind, value) for (name, kind), value in pairs}
        except (TypeError, ValueError, binascii.Error):
            raise Corrupt(f"a line of {self.name} cannot be read") from None


def kept_tables() -> list[sa.Table]:
    """Every table that belongs in a backup, those that others refer to first."""
    return [table for table in metadata.sorted_tables if table not in REBUILDABLE and table is not leases]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open transaction on the database of one moment."""

    connection: AsyncConnection
    cursor: Cursor | None
    schema: str

    async def lines(self, table: sa.Table) -> AsyncIterator[bytes]:
        dumped = dumped_table(table)
        query = sa.select(table).order_by(*table.primary_key.columns)
        found = await self.connection.stream(query)
        async for rows in found.partitions(AT_ONCE):
            for row in rows:
                yield dumped.line(row)


def dumped_table(table: sa.Table) -> DumpedTable:
    return DumpedTable(table.name, tuple((column.name, _kind(column)) for column in table.columns))


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[Snapshot]:
    """The database as it is now, while others go on writing. Its schema must be this program's (`check_schema`)."""
    async with connected(reading(engine)) as connection:
        row = (await connection.execute(sa.select(cursor))).first()
        followed = Cursor(Block(row.block, row.block_hash), row.size, row.head) if row else None
        yield Snapshot(connection, followed, newest())


async def load(
    engine: AsyncEngine, schema: str, tables: Iterable[tuple[DumpedTable, Callable[[], Iterator[bytes]]]]
) -> None:
    """Fill an empty database: the schema the rows were dumped under, the rows, then this program's schema.

    All but the last is one transaction. Raises Conflict if there are tables already, WrongSchema if the rows come from
    a newer program, Corrupt.
    """
    require_known(schema)
    async with connected(engine) as fresh:
        connection = await writing(fresh)
        if await connection.run_sync(present) is not None:
            raise Conflict(
                "the database has tables already",
                remedy="Point SHARELEDGER_DATABASE_URL at an empty database.",
            )
        await connection.run_sync(lambda sync: command.upgrade(config(sync), schema))
        for table, lines in tables:
            await _insert(connection, table, lines())
        if connection.dialect.name == "postgresql":
            await connection.run_sync(_count_on)
        await connection.commit()
    await migrate(engine)


async def clear(engine: AsyncEngine) -> None:
    """Take everything out again that `load` put in, the schema too."""
    async with connected(engine) as fresh:
        connection = await writing(fresh)
        await connection.run_sync(metadata.drop_all)
        await connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
        await connection.commit()


async def _insert(connection: AsyncConnection, table: DumpedTable, lines: Iterator[bytes]) -> None:
    target = sa.table(table.name, *(sa.column(name, KINDS[kind]) for name, kind in table.columns))
    rows: list[dict[str, Any]] = []
    for line in lines:
        rows.append(table.row(line))
        if len(rows) == AT_ONCE:
            await connection.execute(sa.insert(target), rows)
            rows = []
    if rows:
        await connection.execute(sa.insert(target), rows)


def _count_on(connection: sa.Connection) -> None:
    """PostgreSQL numbers rows from sequences of its own, which know nothing of rows that came with their numbers."""
    inspector = sa.inspect(connection)
    for table in inspector.get_table_names():
        for column in inspector.get_columns(table):
            if "nextval(" in str(column.get("default")):
                at = sa.table(table, sa.column(column["name"], sa.BigInteger()))
                highest = sa.select(sa.func.max(at.c[column["name"]])).scalar_subquery()
                last = connection.execute(sa.select(highest)).scalar()
                if last is not None:
                    sequence = sa.func.pg_get_serial_sequence(table, column["name"])
                    connection.execute(sa.select(sa.func.setval(sequence, last)))


def _kind(column: sa.Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, sa.JSON):
        return "json"
    for name, types in (("flag", sa.Boolean), ("integer", sa.Integer), ("bytes", sa.LargeBinary), ("text", sa.Text)):
        if isinstance(kind, types):
            return name
    raise TypeError(f"{column} is of a kind that backups do not know")


def _told(kind: str, value: Any) -> Any:
    if kind == "bytes" and value is not None:
        raw = value.encode() if isinstance(value, str) else bytes(value)  # text: somebody edited it by hand
        return base64.b64encode(raw).decode()
    return value


def _meant(kind: str, value: Any) -> Any:
    if value is None or kind == "json":
        return value
    wanted: type = {"flag": bool, "integer": int}.get(kind, str)
    if type(value) is not wanted:
        raise ValueError(kind)
    return base64.b64decode(str(value), validate=True) if kind == "bytes" else value
