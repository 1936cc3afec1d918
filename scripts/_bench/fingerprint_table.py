"""The table the file benches read: five mixed columns, made anew, the same every time, streamed to a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ledger.fingerprint import Column, Schema

COLUMNS: Final = ("code", "name", "number", "amount", "day")
SCHEMA: Final = Schema(
    (
        Column("code"),
        Column("name"),
        Column("number", "integer"),
        Column("amount", "decimal(2)"),
        Column("day", "date"),
    )
)
_PLACES: Final = ("金安区", "裕安区", "叶集区", "霍邱县", "舒城县", "金寨县", "霍山县")
_AT_ONCE: Final = 1 << 17


def batches(records: int) -> Iterator[pa.RecordBatch]:
    """`records` rows: an 18-digit code, a place, a number, an amount of money, a day."""
    places = pa.array(_PLACES)
    for first in range(0, records, _AT_ONCE):
        at = np.arange(first, min(first + _AT_ONCE, records), dtype=np.int64)
        columns = [
            pc.cast(pa.array(341502198001010000 + at * 7919 % 10**15), pa.string()),
            places.take(pa.array(at % len(_PLACES))),
            pa.array(at * 104729 % 1_000_003 - 500_000),
            _money(at * 31 % 10_000_000),
            pc.cast(pa.array((at % 20_000).astype(np.int32)), pa.date32()),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=list(COLUMNS))


def _money(cents: NDArray[np.int64]) -> pa.Array:
    words = np.zeros((len(cents), 2), np.int64)  # of 128 bits, the lower half first
    words[:, 0] = cents
    return pa.Array.from_buffers(pa.decimal128(12, 2), len(cents), [None, pa.py_buffer(words)])


def write_parquet(path: Path, records: int) -> Path:
    kinds = next(batches(1)).schema
    with pq.ParquetWriter(path, kinds, store_decimal_as_integer=True) as writer:  # as DuckDB and Spark write it
        for batch in batches(records):
            writer.write_batch(batch, row_group_size=_AT_ONCE)
    return path


def write_csv(path: Path, records: int) -> Path:
    from pyarrow import csv

    kinds = next(batches(1)).schema
    with csv.CSVWriter(path, kinds, write_options=csv.WriteOptions(quoting_style="none")) as writer:
        for batch in batches(records):
            writer.write_batch(batch)
    return path
