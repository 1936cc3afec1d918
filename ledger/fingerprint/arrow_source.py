"""Arrow IPC as a source: the file format and the stream format, told apart by how they begin."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint.arrow_columns import BATCH_BYTES, Fitting, declared_schema, weight
from ledger.fingerprint.arrow_messages import SMALLER_BATCHES, Messages
from ledger.fingerprint.file_source import ArrowValues
from ledger.fingerprint.parquet_source import refusing
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import open_binary

_MAGIC: Final = b"ARROW1"
_LARGE: Final = 80 << 20  # of a record batch: parts of it that are still being hashed must not keep all of it


class ArrowSource(ArrowValues):
    """An Arrow IPC file or stream, or a callable that opens one as a binary stream.

    A file is mapped, not read: a record batch as large as the file takes no more memory than a small one. One that is
    compressed, or comes from a stream, is held whole; its own messages say how large it is, and over 128 MiB it is
    refused. Columns are matched to the schema by name. Nested columns are refused.
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
            messages = Messages(stream, self.name, mapped=mapped is not None)
            record = 0
            for batch, held, done in self._batches(reader, messages, stream):
                rows, parts = batch.num_rows, fitting.cut(batch, record, first)
                del batch  # it goes when its last part is cut, before the next is read
                for part in parts:
                    if held > _LARGE:
                        part = self._copied(part, record)
                    yield part
                    if mapped is not None:
                        # What was read no longer counts as ours; needed, it comes back.
                        mapped.madvise(mmap.MADV_DONTNEED)
                record += rows
                self.done = done
                if held > _LARGE:
                    pa.default_memory_pool().release_unused()

    def _batches(self, reader: Any, messages: Messages, stream: Any) -> Iterator[tuple[pa.RecordBatch, int, int]]:
        """Each record batch, the bytes of memory it takes, and how far into the file it takes us."""
        if isinstance(reader, pa.RecordBatchFileReader):
            count = reader.num_record_batches
            for number in range(count):
                held = messages.batch_of_file(number)
                yield reader.get_batch(number), held, (self.total or 0) * (number + 1) // count
            return
        while True:
            held = messages.next_batch()
            try:
                yield reader.read_next_batch(), held, stream.tell()
            except StopIteration:
                return

    def _copied(self, part: pa.RecordBatch, record: int) -> pa.RecordBatch:
        """The same records in memory of their own, of which there is enough for small ones only."""
        if weight(part) > BATCH_BYTES:
            raise TooLarge(
                f"{self.name}: a record after row {record} has more than {BATCH_BYTES} bytes, and its record batch "
                f"takes more than {_LARGE}.",
                remedy=SMALLER_BATCHES,
                file=self.name,
            )
        return part.take(pa.array(np.arange(part.num_rows)))

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
