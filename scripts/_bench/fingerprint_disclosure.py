"""share-record-sd/1 beside share-record/1: what it costs that each column can be shown by itself.

The same records of ten mixed columns, from memory, salted; the first of them are hashed by hashlib too, and the roots
compared.
"""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.fingerprint import RECORD, RECORD_SD, Column, Schema, Segment, SegmentKeys, fingerprint_table
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.kernel import forced

RECORDS: Final = 1_000_000
QUICK: Final = 40_000
COMPARED: Final = 2_000
BATCH: Final = 1 << 16
TRIES: Final = 3
TYPES: Final = (
    "text",
    "text",
    "integer",
    "decimal(2)",
    "date",
    "timestamp",
    "boolean",
    "float",
    "text",
    "integer",
)
SCHEMA: Final = Schema(tuple(Column(f"c{at}", type) for at, type in enumerate(TYPES)))
KEYS: Final = SegmentKeys([Segment(0, bytes(range(32)))])
Tell = Callable[[str], None]


class _Batches:
    """The same records as often as they are asked for."""

    name = "bench"

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "value", name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        yield from self._table.slice(first).to_batches(BATCH)


def measure(quick: bool, tell: Tell) -> dict[str, Any]:
    """`times`: how many times as long. Raises RuntimeError if a root is not hashlib's."""
    records = QUICK if quick else RECORDS
    table = _table(records)
    took = {}
    for format in (RECORD, RECORD_SD):
        few = _Batches(table.slice(0, COMPARED))
        root = fingerprint_table(few, SCHEMA, KEYS, format=format)[0].root
        with forced("hashlib"):
            if fingerprint_table(few, SCHEMA, KEYS, format=format)[0].root != root:
                raise RuntimeError(f"hashlib has another {format} root")
        took[format] = min(_seconds(_Batches(table), format) for _ in range(TRIES))
        tell(f"{format}, {len(TYPES)} columns: {records / took[format] / 1e6:.2f} M records/s")
    return {"times": round(took[RECORD_SD] / took[RECORD], 2)}


def _seconds(source: _Batches, format: str) -> float:
    begun = time.perf_counter()
    fingerprint_table(source, SCHEMA, KEYS, format=format)
    return time.perf_counter() - begun


def _table(records: int) -> pa.Table:
    draw = np.random.default_rng(4)
    names = np.array(["金安区", "裕安区", "叶集区", "霍邱县", "舒城县", "金寨县", "霍山县"])
    whole = pa.array(draw.integers(0, 10**8, records)).cast(pa.decimal128(20, 0))
    columns = [
        pa.array(np.char.add("3415", draw.integers(10**13, 10**14, records).astype(str))),
        pa.array(names[draw.integers(0, len(names), records)]),
        pa.array(draw.integers(-(10**9), 10**9, records)),
        pc.multiply(whole, pa.scalar(Decimal("0.01"))),
        pa.array(draw.integers(0, 20_000, records).astype(np.int32)).cast(pa.date32()),
        pa.array(draw.integers(0, 1_700_000_000_000_000, records)).cast(pa.timestamp("us", "UTC")),
        pa.array(draw.random(records) < 0.5),
        pa.array(np.round(draw.random(records) * 100, 2)),
        pa.array(np.char.add("note ", draw.integers(0, 1000, records).astype(str))),
        pa.array(draw.integers(0, 100, records).astype(np.int16)),
    ]
    return pa.Table.from_arrays(columns, names=list(SCHEMA.names))
