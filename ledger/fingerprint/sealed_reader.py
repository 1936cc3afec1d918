"""Reading a sealed part: only the row groups and columns that are asked for, each byte of them authenticated.

What is checked when a part is opened: its size, its magic and its tail (see `sealing`), then that the footer opens
under the key and tells of the columns and records that it should. A page that was changed, or moved from another place,
fails when it is read. Whatever is wrong is Corrupt, naming the object, and the row group and column if it is in one.
"""

import hashlib
import hmac
import io
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, BinaryIO, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.errors import Corrupt, ShareLedgerError
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sealed_writer import column_names, told
from ledger.fingerprint.sealing import MAGIC, SCHEMA_NAME, decryption

_END: Final = 8  # u32, little-endian: the footer's length; then the magic
_FOOTER_STRINGS: Final = 1 << 24
_FOOTER_ITEMS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PartPlace:
    """Where a sealed part lies and what is known of it; `key` is None once it was deleted."""

    object: str  # SHA-256 of its bytes, and its name
    size: int
    tail: str
    first_record: int
    records: int
    key: bytes | None = field(repr=False)

    @property
    def stop(self) -> int:
        return self.first_record + self.records

    def to_json(self) -> dict[str, Any]:
        """All but the key."""
        return {
            "object": self.object,
            "size": self.size,
            "tail": self.tail,
            "first_record": self.first_record,
            "records": self.records,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote: without a key."""
        names = ("object", "size", "tail", "first_record", "records")
        return cls(**{name: value[name] for name in names}, key=None)


class SealedReader:
    """One part, open. Not for several threads at once."""

    def __init__(self, place: PartPlace, schema: Schema, open_object: Callable[[], BinaryIO]) -> None:
        """`place` has a key. Raises Corrupt; what `open_object` raises."""
        assert place.key is not None
        self._place, self._schema, self._names = place, schema, column_names(schema)
        self._file = _Window(open_object(), place)
        try:
            with self._reading("footer"):
                self._parquet = pq.ParquetFile(
                    pa.PythonFile(self._file, mode="r"),
                    decryption_properties=decryption(place.key, place.first_record),
                    pre_buffer=False,  # which would start threads that each keep memory, and read no faster
                    thrift_string_size_limit=_FOOTER_STRINGS,
                    thrift_container_size_limit=_FOOTER_ITEMS,
                )
                self._starts = self._groups()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()

    def batches(self, first: int, stop: int, columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Records first … stop - 1 of the table, all of them in this part: those of each row group, in order.

        `columns` are places in the schema, each once. Raises Corrupt; what reading the object raises.
        """
        group = bisect_right(self._starts, first) - 1
        while first < stop:
            batch = self._group(group, columns)
            start = self._starts[group]
            end = min(stop, start + batch.num_rows)
            yield batch.slice(first - start, end - first)
            first, group = end, group + 1

    def _group(self, group: int, columns: Sequence[int]) -> pa.RecordBatch:
        names = [self._names[column] for column in columns]
        try:
            with self._reading(f"row group {group}"):
                return self._read(group, names)
        except Corrupt:
            for column, name in zip(columns, names, strict=True):
                with self._reading(f"row group {group}, column {self._schema.columns[column].name!r}"):
                    self._read(group, [name])
            raise

    def _read(self, group: int, names: list[str]) -> pa.RecordBatch:
        table = self._parquet.read_row_group(group, columns=names, use_threads=False).select(names).combine_chunks()
        if table.num_rows != self._parquet.metadata.row_group(group).num_rows:
            raise ValueError("it has other records than it says")
        batches = table.to_batches()
        if len(batches) == 1:
            return batches[0]
        raise ValueError("it has no records" if not batches else "it has too many bytes")

    def _groups(self) -> list[int]:
        """The first record of each row group. Raises ValueError if the footer does not tell of this part."""
        metadata = self._parquet.metadata
        found = (metadata.metadata or {}).get(SCHEMA_NAME.encode(), b"")
        if found != told(self._schema).encode() or self._parquet.schema_arrow.names != self._names:
            raise ValueError("its columns are others")
        sizes = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
        if min(sizes, default=1) < 1 or sum(sizes) != self._place.records:
            raise ValueError("it is of other records")
        return list(accumulate(sizes[:-1], initial=self._place.first_record))

    @contextmanager
    def _reading(self, part: str) -> Iterator[None]:
        """Whatever Parquet, or what stands under it, makes of damaged bytes."""
        try:
            yield
        except ShareLedgerError:
            raise
        except Exception as error:  # its text could quote what is in the table
            if self._file.failure is not None:  # the store's own error, which Arrow may have wrapped
                raise self._file.failure from None
            reason = str(error) if type(error) is ValueError else "it was changed, or the key is not this part's"
            raise self._file.corrupt(part, reason) from None


class _Window(io.RawIOBase):
    """The object as a file; its end, which was checked, is read once."""

    def __init__(self, file: BinaryIO, place: PartPlace) -> None:
        """Raises Corrupt; what reading raises."""
        super().__init__()
        self._file, self._place, self._at = file, place, 0
        self.failure: ShareLedgerError | None = None
        try:
            self._tail = self._checked()
        except BaseException:
            file.close()
            raise

    def corrupt(self, part: str, problem: str) -> Corrupt:
        name = self._place.object
        return Corrupt(f"table part {name}, {part}: {problem}", object=name, part=part, problem=problem)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence, self._place.size)
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._place.size - self._at)
        size = left if size < 0 else min(size, left)
        start = self._place.size - len(self._tail)
        if self._at >= start:
            found = self._tail[self._at - start : self._at - start + size]
        else:
            try:
                found = self._fetched(self._at, size)
            except ShareLedgerError as error:
                self.failure = error
                raise
        self._at += len(found)
        return found

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _checked(self) -> bytes:
        """The tail. Raises Corrupt."""
        size = self._file.seek(0, io.SEEK_END)
        if size != self._place.size:
            raise self.corrupt("length", f"it has {size} bytes; {self._place.size} were kept")
        if size < len(MAGIC) + _END or self._fetched(0, len(MAGIC)) != MAGIC:
            raise self.corrupt("magic", "it does not begin as a part does")
        end = self._fetched(size - _END, _END)
        (length,) = struct.unpack("<I", end[:4])
        if end[4:] != MAGIC or length > size - _END - len(MAGIC):
            raise self.corrupt("footer", "it does not end as a part does")
        tail = self._fetched(size - _END - length, length) + end
        if not hmac.compare_digest(hashlib.sha256(tail).hexdigest(), self._place.tail):
            raise self.corrupt("footer", "it is not the one that was kept")
        return tail

    def _fetched(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        found = bytearray()
        while len(found) < size:
            piece = self._file.read(size - len(found))
            if not piece:
                raise self.corrupt(f"byte {start + len(found)}", "the object ends before it")
            found += piece
        return bytes(found)
