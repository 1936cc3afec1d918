"""Writing a table as sealed parts: canonical cells as encrypted Parquet, a bounded number of records at a time.

    part       starts at a whole chunk (2^16 records) and never crosses a segment; at most 64 chunks
    row group  starts at a whole chunk, or goes on in it where cells are wide; at most 2^16 records and some 16 MiB
    column     named by its place ("0", "1", …), since Parquet reads dots in a name as a path; binary, of canonical
               cells, a null being Parquet's null. The columns' own names and types are in the footer's metadata

Not even the scratch file holds anything in plain: Parquet encrypts a page before it writes it.
"""

import hashlib
import json
import os
import secrets
import struct
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.errors import TooLarge, Unavailable
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.leaves import pieces
from ledger.fingerprint.pipeline import in_order
from ledger.fingerprint.salts import CHUNK_RECORDS
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sealing import PART_KEY_BYTES, SCHEMA_NAME, encryption
from ledger.fingerprint.sources import Source

MOST_CHUNKS: Final = 64
MOST_COLUMN_CHUNKS: Final = 1 << 14  # of one part: its footer tells of each of them and is read whole
GROUP_BYTES: Final = 1 << 24  # of the cells of a row group, if more than one record has to be in it
PART_BYTES: Final = 1 << 30  # of a part: no new chunk is begun in one that has as many
_AT_ONCE: Final = 1 << 14  # records that a thread works on: what several of them hold adds up
_BUFFER: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SealedPart:
    """Records first_record … first_record + records - 1, encrypted, in a file without a name that is at its start.

    `tail` is the SHA-256 of its end (see `sealing`), in hex. Whoever takes it closes the file.
    """

    file: BinaryIO
    size: int
    tail: str
    key: bytes = field(repr=False)
    first_record: int
    records: int


def sealed_parts(source: Source, schema: Schema, firsts: Collection[int], scratch: Path) -> Iterator[SealedPart]:
    """The table in parts, in order; a table without records is one part without any.

    `firsts` are the first records of the key segments; `scratch` a folder for the files. Reads the
    source once; memory grows neither with it nor with a part.

    Raises what a fingerprint of the source raises; Unavailable if the disk is full.
    """
    firsts = frozenset(firsts)
    part: _Part | None = None
    at = 0  # the record that comes next
    try:
        with closing(in_order(_Canonical(source.encoder(schema), schema), _numbered(source, schema))) as results:
            for batches in results:
                for batch in batches:
                    while batch.num_rows:
                        if part is not None and part.ends_before(at, firsts):
                            yield part.finished()
                            part = None
                        part = part or _Part(schema, at, scratch)
                        taken = part.add(batch)
                        batch, at = batch.slice(taken), at + taken
        if part is None:
            part = _Part(schema, 0, scratch)
        yield part.finished()
        part = None
    finally:
        if part is not None:
            part.drop()


def _numbered(source: Source, schema: Schema) -> Iterator[tuple[int, pa.RecordBatch]]:
    first = 0
    for batch in source.batches(schema):
        for at in range(0, batch.num_rows, _AT_ONCE):
            yield first + at, batch.slice(at, _AT_ONCE)
        first += batch.num_rows


def column_names(schema: Schema) -> list[str]:
    """What the schema's columns are called in a sealed part."""
    return [str(place) for place in range(len(schema.columns))]


def told(schema: Schema) -> str:
    """What a sealed part's footer says of its columns."""
    return json.dumps([[column.name, column.type] for column in schema.columns], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Canonical:
    """What becomes of one batch: called in several threads at once."""

    encoder: RecordEncoder
    schema: Schema

    def __call__(self, numbered: tuple[int, pa.RecordBatch]) -> list[pa.RecordBatch]:
        first, batch = numbered
        found = []
        for piece in pieces(batch):
            try:
                columns = self.encoder.encode(piece, first).columns()
            except ValueError as reason:
                raise TooLarge(f"the records from {first} on: {reason}") from None
            found.append(pa.RecordBatch.from_arrays(columns, names=column_names(self.schema)))
            first += piece.num_rows
        return found


class _Part:
    """A part under way: the row group that is being gathered, and the file with those before it."""

    def __init__(self, schema: Schema, first_record: int, scratch: Path) -> None:
        self.first_record, self.records = first_record, 0
        self._schema = schema
        self._key = secrets.token_bytes(PART_KEY_BYTES)
        self._held: list[pa.RecordBatch] = []
        self._bytes = self._groups = 0
        self._file = _nameless(scratch)
        fields = pa.schema([pa.field(name, pa.binary()) for name in column_names(schema)])
        try:
            with _writing():
                self._writer = pq.ParquetWriter(
                    self._file,
                    fields,
                    compression="zstd",
                    write_statistics=False,  # canonical bytes do not sort as their values do
                    store_schema=False,
                    encryption_properties=encryption(self._key, first_record),
                )
        except BaseException:
            self._file.close()
            raise

    def ends_before(self, record: int, firsts: Collection[int]) -> bool:
        """Does another part begin at that record?"""
        if record % CHUNK_RECORDS:
            return False
        chunks = self.records // CHUNK_RECORDS
        full = chunks >= MOST_CHUNKS or (self._groups + 1) * len(self._schema.columns) > MOST_COLUMN_CHUNKS
        return full or self._file.tell() >= PART_BYTES or (record in firsts and record != self.first_record)

    def add(self, batch: pa.RecordBatch) -> int:
        """Take records of the batch from its start on, as many as belong into the same row group; how many."""
        room = CHUNK_RECORDS - self.records % CHUNK_RECORDS
        step = batch.slice(0, room)
        while step.num_rows > 1 and self._bytes + step.nbytes > GROUP_BYTES:
            if self._held:
                self._write_group()
            else:
                step = step.slice(0, step.num_rows // 2)
        if self._held and self._bytes + step.nbytes > GROUP_BYTES:
            self._write_group()
        self._held.append(step)
        self._bytes, self.records = self._bytes + step.nbytes, self.records + step.num_rows
        if self.records % CHUNK_RECORDS == 0:
            self._write_group()
        return int(step.num_rows)

    def finished(self) -> SealedPart:
        """Raises Unavailable if the disk is full."""
        try:
            if self._held:
                self._write_group()
            with _writing():
                self._writer.add_key_value_metadata({SCHEMA_NAME: told(self._schema)})
                self._writer.close()
                self._file.flush()
                size, tail = _tail(self._file)
        except BaseException:
            self.drop()
            raise
        return SealedPart(self._file, size, tail, self._key, self.first_record, self.records)

    def drop(self) -> None:
        """Leave it: what was written is gone with the file."""
        self._writer.is_open = False  # else it writes a footer when it is collected
        self._file.close()

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._held)
        with _writing():
            self._writer.write_table(group, row_group_size=group.num_rows)
        self._held, self._bytes, self._groups = [], 0, self._groups + 1


def _tail(file: BinaryIO) -> tuple[int, str]:
    """(size, SHA-256 in hex of the footer's length, the footer and what is said about its key)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(size - 8)
    (footer,) = struct.unpack("<I", file.read(4))
    file.seek(size - 8 - footer)
    tail = hashlib.sha256(file.read()).hexdigest()
    file.seek(0)
    return size, tail


def _nameless(scratch: Path) -> BinaryIO:
    with _writing():
        return cast(BinaryIO, tempfile.TemporaryFile(dir=scratch, buffering=_BUFFER))


@contextmanager
def _writing() -> Iterator[None]:
    """The disk's errors as ours, and Arrow's, whose texts could quote what it was given."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"the table cannot be written to the scratch folder: {error.strerror or 'input/output error'}",
            remedy="Free disk space where the scratch folder is.",
        ) from error
    except pa.ArrowException:
        raise Unavailable("the table cannot be written as Parquet") from None
