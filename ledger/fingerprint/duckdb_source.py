"""A query on a DuckDB database file, opened for reading only, with no network and no other file in reach."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from ledger.errors import InvalidTable
from ledger.fingerprint.arrow_columns import Fitting, declared_schema
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.query_text import check_key, not_unique, ordered, shape, tied
from ledger.fingerprint.read_options import fixed_zone
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import batch_rows

MEMORY: Final = "96MiB"  # what is sorted beyond it goes to a temporary folder
THREADS: Final = 2


class DuckDbSource:
    """The rows of `query`, ordered by the columns of a unique key, in one transaction.

    Columns are matched to the schema by name. The database may be in use by other readers, by no writer.
    """

    def __init__(
        self, path: Path, query: str, order: Sequence[str], *, zone_offset: str | None = None, name: str | None = None
    ) -> None:
        """Raises InvalidInput: no query or no key. InvalidTable: a bad zone offset."""
        self.name = name or path.name
        self._path = path
        self._order = tuple(order)
        self._query, self._tied = ordered(query, order), tied(query, order)
        self._shape = shape(query)
        self._zone = fixed_zone(zone_offset)

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "value", zone=self._zone, name=self.name)

    def schema(self) -> Schema:
        """The schema that the query's own types declare. Raises InvalidTable, InvalidSchema, TooLarge."""
        with self._connected() as connection:
            return declared_schema(connection.execute(self._shape).to_arrow_reader(1).schema, self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        with self._connected() as connection:
            connection.begin()
            check_key(connection.execute(self._shape).to_arrow_reader(1).schema.names, self._order, self.name)
            if connection.execute(self._tied).fetchone() != (None,):
                raise not_unique(self.name, self._order)
            reader = connection.execute(self._query).to_arrow_reader(batch_rows(schema))
            fitting = Fitting(reader.schema, schema, self.name, checked=True)
            record = 0
            for batch in reader:
                yield from fitting.cut(batch, record, first)
                record += batch.num_rows

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self._path.is_file():
            raise InvalidTable(f"{self.name} cannot be read: No such file.", file=self.name)
        with tempfile.TemporaryDirectory(prefix="shareledger-") as scratch:
            settings: dict[str, Any] = {
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
                "enable_external_access": "false",
                "temp_directory": scratch,
                "memory_limit": MEMORY,
                "threads": str(THREADS),
                "preserve_insertion_order": "true",
            }
            try:
                with duckdb.connect(str(self._path), read_only=True, config=settings) as connection:
                    connection.execute("SET enable_progress_bar = false")  # it would go to standard output
                    connection.execute("SET lock_configuration = true")
                    yield connection
            except duckdb.Error as error:
                raise InvalidTable(f"{self.name}: the query failed: {_said(error)}.", file=self.name) from None


def _said(error: duckdb.Error) -> str:
    """The first line of what DuckDB says of the query; of a value that it could not convert, nothing."""
    if isinstance(error, duckdb.ConversionException | duckdb.InvalidInputException | duckdb.OutOfRangeException):
        return type(error).__name__
    return str(error).splitlines()[0][:300].rstrip(".")
