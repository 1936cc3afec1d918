"""A query on any database SQLAlchemy has a driver for, as a source of records: read-only, one moment, row after row."""

import asyncio
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from ledger.errors import InvalidInput, InvalidTable, ShareLedgerError
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.cells import Reader, reader
from ledger.fingerprint.query_text import check_key, not_unique, ordered, shape, tied
from ledger.fingerprint.read_options import fixed_zone
from ledger.fingerprint.rows import RowEncoder
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import batch_rows, match_columns
from ledger.store.postgresql import NAMES

FETCHED: Final = 2000  # rows asked for at once
_ONE_MOMENT: Final = ("REPEATABLE READ", "SERIALIZABLE")
_AS_TEXT: Final = ("date", "timestamp", "decimal")  # SQLite has no types for these


class QuerySource:
    """The rows of `query`, ordered by the columns of a unique key.

    Columns are matched to the schema by name. Where a database has no booleans, 0 and 1 stand for them; in SQLite a
    date, a timestamp or a decimal may also be text, written as in a text file.
    """

    def __init__(
        self, url: str, query: str, order: Sequence[str], *, zone_offset: str | None = None, name: str | None = None
    ) -> None:
        """Raises InvalidInput: no such database, no query, no key. InvalidTable: a bad zone offset."""
        self._url = _parsed(url)
        self._order = tuple(order)
        try:
            self._dialect = self._url.get_dialect()()
        except (NoSuchModuleError, ImportError, ArgumentError):
            raise _no_driver(self._url) from None
        quoted: Callable[[str], str] = self._dialect.identifier_preparer.quote_identifier
        self._query, self._tied = ordered(query, order, quoted), tied(query, order, quoted)
        self._shape = shape(query)
        self._zone = fixed_zone(zone_offset)
        self.name = name or f"the query on {self._dialect.name}"

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "canonical", name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        readers = [self._reader(column.type) for column in schema.columns]
        encoder = RowEncoder(schema, name=self.name, readers=readers)
        with closing(self._rows(schema, first)) as rows:  # now, not when the collector comes by
            yield from encoder.batches(rows, first, batch_rows(schema))

    def _rows(self, schema: Schema, first: int) -> Generator[tuple[Any, ...], None, None]:
        connect = self._asynchronous if self._dialect.is_async else self._synchronous
        with self._refusing(), connect() as execute:
            names, _ = execute(self._shape)
            check_key(names, self._order, self.name)
            order = match_columns(names, schema, self.name)
            [[(found,)]] = execute(self._tied)[1]
            if found is not None:
                raise not_unique(self.name, self._order)
            _, parts = execute(self._query)
            record = 0
            for part in parts:
                for row in part[max(0, first - record) :]:
                    yield tuple([row[at] for at in order])
                record += len(part)

    @contextmanager
    def _synchronous(self) -> Iterator["Execute"]:
        settings: dict[str, Any] = {"hide_parameters": True, "poolclass": NullPool}
        if self._dialect.name == "sqlite":
            settings["creator"] = self._open_sqlite
        engine = sa.create_engine(self._url, **settings)
        with engine.connect() as fresh:
            connection = fresh.execution_options(stream_results=True, max_row_buffer=FETCHED, **self._moment())
            if self._dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")

            def execute(text: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
                result = connection.execute(_as_it_stands(text))
                return list(result.keys()), iter(result.partitions(FETCHED))

            yield execute

    @contextmanager
    def _asynchronous(self) -> Iterator["Execute"]:
        """The same by a driver that only knows coroutines, in an event loop of our own."""
        loop = asyncio.new_event_loop()
        engine = create_async_engine(self._url, hide_parameters=True, poolclass=NullPool)
        connection: AsyncConnection | None = None

        def execute(text: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
            assert connection is not None
            result = loop.run_until_complete(connection.stream(_as_it_stands(text)))

            def parts() -> Iterator[Sequence[Any]]:
                while part := loop.run_until_complete(result.fetchmany(FETCHED)):
                    yield part

            return list(result.keys()), parts()

        try:
            connection = loop.run_until_complete(_connected(engine, self._moment()))
            yield execute
        finally:
            if connection is not None:
                loop.run_until_complete(connection.close())
            loop.run_until_complete(engine.dispose())
            loop.close()

    def _moment(self) -> dict[str, Any]:
        """What makes a transaction see one moment and change nothing."""
        if self._dialect.name == "sqlite":
            return {}
        known = self._dialect.get_isolation_level_values(None)  # type: ignore[arg-type]
        found: dict[str, Any] = {}
        if level := next((level for level in _ONE_MOMENT if level in known), None):
            found["isolation_level"] = level
        if self._dialect.name == "postgresql":
            found["postgresql_readonly"] = True
        return found

    def _open_sqlite(self) -> sqlite3.Connection:
        path = self._url.database
        if not path or not Path(path).is_file():
            raise InvalidTable(f"{self.name} cannot be asked: there is no such file.", file=self.name)
        made = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
        made.execute("PRAGMA query_only=ON")
        return made

    def _reader(self, type: str) -> Reader:
        zone: timezone | None = self._zone
        value = reader(type, "value", zone)
        if type == "boolean" and not self._dialect.supports_native_boolean:
            return lambda cell: value(bool(cell) if type_of(cell) is int and cell in (0, 1) else cell)
        if self._dialect.name == "sqlite" and type.startswith(_AS_TEXT):
            text = reader(type, "text", zone)
            return lambda cell: text(cell) if isinstance(cell, str) else value(cell)
        return value

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except ShareLedgerError:
            raise
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise InvalidTable(f"{self.name} failed: {_said(error)}.", file=self.name) from None


Execute = Callable[[str], tuple[list[str], Iterator[Sequence[Any]]]]
type_of = type


def has_password(url: str) -> bool:
    """Whether the address of a database has a password in it. Raises InvalidInput if it is none."""
    parsed = _parsed(url)
    return parsed.password is not None or "password" in parsed.query


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidInput("The address of a database looks like postgresql://user@host/database.") from None
    return parsed.set(drivername="postgresql+asyncpg") if parsed.drivername in NAMES else parsed


def _no_driver(url: sa.URL) -> InvalidInput:
    return InvalidInput(
        f"There is no driver here for {url.drivername}.",
        remedy="Install a driver that SQLAlchemy knows for this database, or export the table.",
    )


def _as_it_stands(text: str) -> sa.TextClause:
    """Nothing in the text is a parameter."""
    return sa.text(text.replace(":", "\\:"))


def _said(error: Exception) -> str:
    """What the driver says of the query or the connection; of a value that it could not convert, nothing."""
    if isinstance(error, DataError) or not isinstance(error, DBAPIError | OSError):
        return type(error).__name__
    said = str(error.orig if isinstance(error, DBAPIError) else error.strerror or type(error).__name__)
    return (said.splitlines() or [type(error).__name__])[0][:300].rstrip(".")


async def _connected(engine: Any, options: dict[str, Any]) -> AsyncConnection:
    connection: AsyncConnection = await engine.connect()
    return await connection.execution_options(**options)
