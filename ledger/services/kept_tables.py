"""The kept table of a version: its records read from the sealed parts, by range, whatever file it once came from.

Where the parts lie is what the version's own document says, and the document's digest is on the ledger; only the keys
come from the database. So a row that was changed opens nothing, and a part that was swapped is no part of this table.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import pyarrow as pa

from ledger.errors import Corrupt, InvalidInput, NotFound, PayloadElsewhere, Shredded, TooLarge
from ledger.fingerprint import Schema
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.sealed_reader import PartPlace, SealedReader
from ledger.ports import PayloadRow, PayloadStore, Ports, Vault
from ledger.services.versions import Held, part_key_context

_AT_ONCE = 1 << 14  # records in a batch: few enough for two threads to share a row group


class KeptTable:
    """A source of canonical cells. Every method may be called from any thread, and blocks: not from the event loop.

    Reading raises Corrupt naming object, row group and column; Shredded naming the records whose key is gone; NotFound
    if an object is lost; Unavailable.
    """

    def __init__(
        self, payloads: PayloadStore, schema: Schema, parts: Sequence[PartPlace], *, name: str = "the kept table"
    ) -> None:
        """`parts` are all parts of the table, in order. Raises Corrupt if they do not follow each other."""
        self.name, self.schema = name, schema
        self.records = parts[-1].stop if parts else 0
        self._payloads, self._parts = payloads, tuple(parts)
        self._firsts = [part.first_record for part in parts]
        if self._firsts != [0, *(part.stop for part in parts)][:-1]:
            raise Corrupt("the parts of the table do not follow each other")
        self._places = {column: place for place, column in enumerate(schema.names)}
        self._lock = threading.Lock()
        self._last: tuple[int, SealedReader] | None = None  # the part that was read last stays open

    def read(self, first: int, count: int, columns: Sequence[str]) -> pa.RecordBatch:
        """Records first … first + count - 1, cut at the table's end: these columns in this order, binary, canonical.

        Only the row groups and columns needed are fetched. Raises InvalidInput for a range or columns that cannot be,
        NotFound for a column that is not there, TooLarge for 2^31 bytes in one.
        """
        found = list(self.pieces(first, count, columns))
        fields = pa.schema([pa.field(column, pa.binary()) for column in columns])
        try:
            arrays = [pa.concat_arrays(cells) for cells in zip(*(batch.columns for batch in found), strict=True)]
        except pa.ArrowInvalid:
            raise TooLarge("these records have 2^31 bytes or more in one column: ask for fewer at once") from None
        return pa.RecordBatch.from_arrays(arrays or [pa.array([], pa.binary()) for _ in columns], schema=fields)

    def pieces(self, first: int, count: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The same, row group by row group: however large the records, memory holds some 16 MiB of them, or one.

        Raises as `read`, but not TooLarge.
        """
        if first < 0 or count < 0 or not columns or len(set(columns)) < len(columns):
            raise InvalidInput("a range of records and at least one column, each once, are needed")
        if unknown := [column for column in columns if column not in self._places]:
            raise NotFound(f"the table has no column {unknown[0]!r}", column=unknown[0])
        wanted, stop = [self._places[column] for column in columns], min(first + count, self.records)
        while first < stop:
            number = self._part_of(first)
            with self._lock:  # not while the caller has the piece
                batches = self._kept_open(number).batches(first, min(stop, self._parts[number].stop), wanted)
                batch = next(batches)
            yield batch.rename_columns(list(columns))
            first += batch.num_rows

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "canonical", name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        """See `ledger.fingerprint.Source`."""
        wanted = [self._places[column] for column in schema.names]
        for number in range(self._part_of(first), len(self._parts)):
            part = self._parts[number]
            if first < part.stop:
                with closing(self._open(number)) as reader:
                    for group in reader.batches(first, part.stop, wanted):
                        batch = group.rename_columns(list(schema.names))
                        for at in range(0, batch.num_rows, _AT_ONCE):
                            yield batch.slice(at, _AT_ONCE)
                first = part.stop

    def close(self) -> None:
        """What was kept open for the next reading."""
        with self._lock:
            self._let_go()

    def _part_of(self, record: int) -> int:
        return max(0, bisect_right(self._firsts, record) - 1)

    def _kept_open(self, number: int) -> SealedReader:
        if self._last is None or self._last[0] != number:
            self._let_go()
            self._last = number, self._open(number)
        return self._last[1]

    def _let_go(self) -> None:
        if self._last is not None:
            self._last[1].close()
            self._last = None

    def _open(self, number: int) -> SealedReader:
        part = self._parts[number]
        if part.key is None:
            raise Shredded(
                f"the records {part.first_record} to {part.stop - 1} were shredded",
                first_record=part.first_record,
                records=part.records,
            )
        return SealedReader(part, self.schema, partial(self._payloads.reader, part.object))


def keeps_table(found: Held) -> bool:
    """Was the version kept as a table, whatever became of its keys?"""
    return found.row is not None and found.document is not None and found.read_document().parts is not None


async def open_table(ports: Ports, found: Held) -> KeptTable:
    """The version's kept table.

    Raises PayloadElsewhere: a file, or a table that is not kept here as one. Shredded: all of it. Corrupt: rows and
    document disagree, or a wrapped key was changed. NotReady: another vault wrapped it.
    """
    version = found.version
    if version.shredded:
        raise Shredded(f"version {version.number} of {version.dataset} was shredded")
    if found.row is None or found.document is None:
        raise PayloadElsewhere(f"no table of version {version.number} of {version.dataset} is kept here")
    document = found.read_document()
    if document.schema is None or document.parts is None:
        raise PayloadElsewhere(f"version {version.number} of {version.dataset} is not kept as a table")
    parts = _with_keys(ports.vault, found.row, document.parts)
    if all(part.key is None for part in parts):
        raise Shredded("the keys of this version's table were deleted on purpose")
    table = KeptTable(ports.payloads, document.schema, parts)
    if table.records != version.records:
        raise Corrupt(f"the parts kept have {table.records} records; {version.records} were anchored")
    return table


def _with_keys(vault: Vault, row: PayloadRow, parts: Sequence[PartPlace]) -> list[PartPlace]:
    kept = {part.first_record: part for part in row.parts}
    found = []
    for part in parts:
        stored = kept.get(part.first_record)
        if stored is None or (stored.object, stored.size, stored.records) != (part.object, part.size, part.records):
            raise Corrupt(
                f"table part {part.object}: its row is missing or another's", object=part.object, part="wrapped key"
            )
        context = part_key_context(row.document, part.first_record)
        key = None if stored.wrapped_key is None else vault.unwrap(stored.wrapped_key, context)
        found.append(replace(part, key=key))
    return found
