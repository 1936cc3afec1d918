"""Arrow IPC as a source: the file format and the stream format, told apart by how they begin."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ledger.errors import InvalidTable
from ledger.fingerprint.arrow_columns import Fitting, declared_schema
from ledger.fingerprint.file_source import ArrowValues
from ledger.fingerprint.parquet_source import refusing
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import open_binary

_MAGIC: Final = b"ARROW1"


class ArrowSource(ArrowValues):
    """An Arrow IPC file or stream, or a callable that opens one as a binary stream.

    A file is mapped, not read: a record batch as large as the file takes no more memory than a small one, unless it is
    compressed. Columns are matched to the schema by name. Nested columns are refused.
    """

    form, form_name = "arrow", "Arrow"

    def schema(self) -> Schema:
        """The schema that the file declares. Raises InvalidTable, InvalidSchema, TooLarge."""
        with self._opened() as (stream, head, _):
            return declared_schema(_reader(stream, head).schema, self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        with self._opened() as (stream, head, mapped):
            reader = _reader(stream, head)
            fitting = Fitting(reader.schema, schema, self.name)
            record = 0
            for batch, done in self._batches(reader, stream):
                for part in fitting.cut(batch, record, first):
                    yield part
                    if mapped is not None:
                        mapped.madvise(
                            mmap.MADV_DONTNEED
                        )  # what was read no longer counts as ours; needed, it comes back
                record += batch.num_rows
                self.done = done

    def _batches(self, reader: Any, stream: Any) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Each record batch, and how far into the file it takes us."""
        if isinstance(reader, pa.RecordBatchFileReader):
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number), (self.total or 0) * (number + 1) // reader.num_record_batches
            return
        for batch in reader:
            yield batch, stream.tell()

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, bytes, mmap.mmap | None]]:
        """An Arrow stream at its start, its first bytes, and the mapping under it if there is one."""
        with refusing(self.name, "Arrow IPC"):
            if not callable(self._origin):
                with Path(self._origin).open("rb") as file:
                    empty = not self.total
                    mapped = None if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                # never closed by hand: whoever still holds a batch holds the mapping
                content = memoryview(mapped or b"")
                yield pa.BufferReader(pa.py_buffer(content)), bytes(content[: len(_MAGIC)]), mapped
                return
            with open_binary(self._origin) as stream:
                if not stream.seekable():
                    raise InvalidTable(f"{self.name}: this form of file cannot be read from a pipe.", file=self.name)
                head = stream.read(len(_MAGIC))
                stream.seek(0)
                yield pa.PythonFile(stream, mode="r"), head, None


def _reader(stream: Any, head: bytes) -> Any:
    return pa.ipc.open_file(stream) if head == _MAGIC else pa.ipc.open_stream(stream)
