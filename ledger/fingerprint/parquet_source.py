"""Parquet as a source, a batch at a time: neither the file nor a row group has to fit into memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.errors import InvalidTable
from ledger.fingerprint.arrow_columns import Fitting, declared_schema
from ledger.fingerprint.file_source import ArrowValues
from ledger.fingerprint.parquet_stretch import stretches
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Origin, batch_rows, open_binary

BUFFER_BYTES: Final = 1 << 18  # read ahead in each column
BUFFERS_BYTES: Final = 1 << 24  # and in all of them
_FOOTER_STRINGS: Final = 1 << 24
_FOOTER_ITEMS: Final = 1 << 20


class ParquetSource(ArrowValues):
    """A Parquet file, or a callable that opens one as a binary stream that can seek.

    Columns are matched to the schema by name. Nested columns are refused.
    """

    form, form_name = "parquet", "Parquet"

    def schema(self) -> Schema:
        """The schema that the file declares. Raises InvalidTable, InvalidSchema, TooLarge."""
        with self._opened() as (file, _):
            return declared_schema(file.schema_arrow, self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        with self._opened() as (file, stream):
            fitting = Fitting(file.schema_arrow, schema, self.name, checked=True)
            rows = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
            if min(rows, default=0) < 0:
                raise InvalidTable(f"{self.name}: it has other rows than it says.", file=self.name)
            record = skipped = 0
            while skipped < len(rows) and record + rows[skipped] <= first:
                record += rows[skipped]
                skipped += 1
            for stretch in stretches(file, stream, stream.size(), range(skipped, len(rows)), self.name):
                expected = record + stretch.rows
                most = stretch.batch_rows(batch_rows(schema))
                for batch in file.iter_batches(most, row_groups=stretch.groups, use_threads=True):
                    yield from fitting.cut(batch, record, first)
                    record += batch.num_rows
                    self.done = (self.total or 0) * record // max(1, sum(rows))
                if record != expected:
                    raise InvalidTable(f"{self.name}: it has other rows than it says.", file=self.name)

    @contextmanager
    def _opened(self) -> Iterator[tuple[pq.ParquetFile, Any]]:
        """The file, and the Arrow stream under it."""
        with refusing(self.name, "Parquet"), seekable(self._origin, self.name) as stream:
            opening = partial(
                pq.ParquetFile,
                stream,
                pre_buffer=False,
                thrift_string_size_limit=_FOOTER_STRINGS,
                thrift_container_size_limit=_FOOTER_ITEMS,
            )
            file = opening(buffer_size=BUFFER_BYTES)
            columns: int = file.metadata.num_columns
            if columns > BUFFERS_BYTES // BUFFER_BYTES:
                file = opening(buffer_size=max(1, BUFFERS_BYTES // columns), metadata=file.metadata)
            try:
                yield file, stream
            finally:
                file.close()


@contextmanager
def refusing(name: str, form: str) -> Iterator[None]:
    """Arrow's own errors as ours: their texts could quote what is in the file, so they are not repeated."""
    try:
        yield
    except (pa.ArrowException, OSError, MemoryError, OverflowError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else f"it is not {form}, or damaged"
        raise InvalidTable(f"{name} cannot be read: {reason}.", file=name) from None


@contextmanager
def seekable(origin: Origin, name: str) -> Iterator[Any]:
    """The origin as an Arrow file. Raises InvalidTable for a stream that cannot seek; OSError."""
    opening: Callable[[], Any] = (lambda: open_binary(origin)) if callable(origin) else (lambda: _file(Path(origin)))
    with opening() as stream:
        if not stream.seekable():
            raise InvalidTable(f"{name}: this form of file cannot be read from a pipe.", file=name)
        yield pa.PythonFile(stream, mode="r") if callable(origin) else stream


def _file(path: Path) -> Any:
    with path.open("rb"):  # its errors say why; Arrow's would name the folder
        pass
    return pa.OSFile(str(path), "rb")
