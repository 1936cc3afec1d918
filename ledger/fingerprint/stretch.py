"""A stretch of a table's records, worked out apart from the rest, on another machine even, and joined with it later.

What a stretch is reduced to is the roots of its whole tiles and the leaves before and behind them whose tiles other
stretches share: an eighth of a byte for each record and at most 16 KiB. It also tells its first and its last key, so
that whoever joins stretches sees that they follow each other.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ledger import errors
from ledger.errors import ShareLedgerError
from ledger.fingerprint.arrow_columns import Fitting
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.digests import Digests, no_digests
from ledger.fingerprint.key_order import check_order
from ledger.fingerprint.leaves import LeafRule, pieces
from ledger.fingerprint.merkle import Hash
from ledger.fingerprint.read_options import fixed_zone
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.tile_builder import Run, TileBuilder, run_of
from ledger.fingerprint.tile_tree import TILE_RECORDS


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a stretch are read: the table's columns first, in the schema's order, then what else they have.

    `keys` are the places of the key's columns among all of them and `order` their names; `name` is for messages.
    """

    schema: Schema
    order: tuple[str, ...]
    keys: tuple[int, ...]
    name: str
    zone_offset: str | None = None

    def encoder(self) -> RecordEncoder:
        return RecordEncoder(self.schema, "value", zone=fixed_zone(self.zone_offset), name=self.name)

    def fitting(self, found: pa.Schema) -> Fitting:
        fields = [field.with_name(name) for field, name in zip(found, self.schema.names, strict=False)]
        return Fitting(pa.schema(fields), self.schema, self.name)

    def table(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(batch.columns[: len(self.schema.columns)], names=list(self.schema.names))

    def key(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = [str(at) for at in range(len(self.keys))]
        return pa.RecordBatch.from_arrays([batch.column(at) for at in self.keys], names=names)


@dataclass(frozen=True, slots=True)
class Stretch:
    """`records` records from number `first` on: a run of the tree under each hash, and the keys of both ends."""

    first: int
    records: int
    runs: tuple[Run, ...]
    ends: pa.RecordBatch | None


class _Joiner:
    """Runs in a row to one run."""

    def __init__(self, first: int, hash: Hash) -> None:
        self._border = first + -first % TILE_RECORDS
        self._head = [no_digests()]
        self._rest = TileBuilder(hash)

    def add(self, run: Run, first: int) -> None:
        if first < self._border:
            self._head.append(run.head)
            run = Run(no_digests(), run.tiles, run.tail)
        self._rest.add(run)

    def run(self) -> Run:
        return Run(np.concatenate(self._head), self._rest.whole_tiles().array(), self._rest.open_leaves)


def stretch_of(
    batches: Iterator[pa.RecordBatch], first: int, reading: Reading, rule: LeafRule, functions: Sequence[Hash]
) -> Stretch:
    """The stretch of the rows in `batches`, the first of which is record `first`. One batch is held at a time.

    Raises:
        InvalidTable: a cell the schema refuses, naming row and column; keys that are null, doubled or not in order.
        TooLarge: a record over the limit.
        Shredded: the key of a segment is gone.
    """
    joiners = [_Joiner(first, function) for function in functions]
    encoder = reading.encoder()
    fitting: Fitting | None = None
    ends: list[pa.RecordBatch] = []
    record = first
    for batch in batches:
        if not batch.num_rows:
            continue
        fitting = fitting or reading.fitting(batch.schema)
        keys = reading.key(batch)
        check_order(_joined([*ends[-1:], keys]), record - len(ends[-1:]), reading.order, reading.name)
        ends = [*ends[:1], _copied(keys.slice(keys.num_rows - 1))] if ends else _ends(keys)
        for part in fitting.cut(reading.table(batch), record, record):
            for piece in pieces(part):
                hashes = rule.hashes(encoder.encode(piece, record), record, *functions)
                for joiner, function, leaves in zip(joiners, functions, hashes, strict=True):
                    joiner.add(run_of(leaves, record, function), record)
                record += piece.num_rows
    runs = tuple(joiner.run() for joiner in joiners)
    return Stretch(first, record - first, runs, _joined(ends) if ends else None)


def check_ends(stretches: Sequence[Stretch], reading: Reading) -> None:
    """Raises InvalidTable unless each stretch's first key is greater than the last key before it."""
    before: list[pa.RecordBatch] = []
    for stretch in stretches:
        if stretch.ends is not None:
            first = stretch.ends.slice(0, 1)
            check_order(_joined([*before, first]), stretch.first - len(before), reading.order, reading.name)
            before = [stretch.ends.slice(stretch.ends.num_rows - 1)]


def _ends(keys: pa.RecordBatch) -> list[pa.RecordBatch]:
    last = keys.num_rows - 1
    return [_copied(keys.slice(at, 1)) for at in ([0, last] if last else [0])]


def _copied(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows that do not hold on to the batch they are of."""
    return rows.take(pa.array(range(rows.num_rows)))


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.concat_batches(batches)


# ---- between machines ------------------------------------------------------------------------------------------------

COLUMNS: Final = "first bigint, records bigint, runs array<binary>, ends binary, refusal string"
_ARROW: Final = pa.schema(
    [
        ("first", pa.int64()),
        ("records", pa.int64()),
        ("runs", pa.list_(pa.binary())),
        ("ends", pa.binary()),
        ("refusal", pa.string()),
    ]
)


def row_of(stretch: Stretch | ShareLedgerError) -> pa.RecordBatch:
    """One row of `COLUMNS`: the stretch, or why there is none."""
    row: dict[str, Any] = dict.fromkeys(("first", "records", "runs", "ends", "refusal"))
    if isinstance(stretch, Stretch):
        row |= {"first": stretch.first, "records": stretch.records, "ends": _ipc(stretch.ends)}
        row["runs"] = [part.tobytes() for run in stretch.runs for part in (run.head, run.tiles, run.tail)]
    else:
        said = [type(stretch).__name__, stretch.detail, stretch.next_step, stretch.facts]
        row["refusal"] = json.dumps(said, ensure_ascii=False)
    return pa.RecordBatch.from_pylist([row], schema=_ARROW)


def stretch_from(row: Mapping[str, Any]) -> Stretch | ShareLedgerError:
    """Read what `row_of` wrote."""
    if row["refusal"] is not None:
        name, detail, remedy, facts = json.loads(row["refusal"])
        refusal: ShareLedgerError = getattr(errors, name)(detail, remedy=remedy, **facts)
        return refusal
    parts = [Digests(bytes(part)).array() for part in row["runs"]]
    runs = tuple(Run(*parts[at : at + 3]) for at in range(0, len(parts), 3))
    ends = None if row["ends"] is None else pa.ipc.open_stream(bytes(row["ends"])).read_next_batch()
    return Stretch(row["first"], row["records"], runs, ends)


def _ipc(rows: pa.RecordBatch | None) -> bytes | None:
    if rows is None:
        return None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    return bytes(sink.getvalue())
