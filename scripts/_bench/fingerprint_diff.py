"""A table of 10 M records of which 10,000 changed: hashed again where that is known, found and named where it is not.

In one run: the whole table's fingerprint; the fingerprint from the one before when the three changed chunks are told;
the changed records found with nothing told, lying together and scattered over the table. Roots and names are compared
with what is right, inside the run.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger.fingerprint import Column, ParquetSource, Schema, Segment, SegmentKeys, fingerprint_table
from ledger.fingerprint.diff import compare_tables
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.refingerprint import refingerprint
from ledger.fingerprint.salts import CHUNK_RECORDS

RECORDS: Final = 10_000_000
CHANGED: Final = 10_000
CHUNKS: Final = 3
QUICK: Final = (400_000, 400)
TRIES: Final = 3
SCHEMA: Final = Schema(
    (
        Column("id", "integer"),
        Column("name", "text"),
        Column("amount", "decimal(2)"),
        Column("day", "date"),
        Column("note", "text"),
    )
)
Tell = Callable[[str], None]


def measure(quick: bool, tell: Tell) -> dict[str, Any]:
    """`ratio`: how many times faster known chunks are than a full run; `scattered`: the time of finding over one.

    Raises RuntimeError if a root or a name is wrong.
    """
    records, changed = QUICK if quick else (RECORDS, CHANGED)
    draw = np.random.default_rng(4)
    chunks = sorted(draw.choice(records // CHUNK_RECORDS, CHUNKS, replace=False).tolist())
    near = np.concatenate([np.arange(chunk * CHUNK_RECORDS, (chunk + 1) * CHUNK_RECORDS) for chunk in chunks])
    together = np.sort(draw.choice(near, changed, replace=False))
    scattered = np.sort(draw.choice(records, changed, replace=False))
    keys = SegmentKeys([Segment(0, bytes(range(32)))])
    with tempfile.TemporaryDirectory(prefix="shareledger-bench-") as name:
        old, new, other = (Path(name) / f"{each}.parquet" for each in ("old", "together", "scattered"))
        none = np.empty(0, np.int64)
        for path, places in ((old, none), (new, together), (other, scattered)):
            write_table(path, records, places)
        tell(f"{records} records, {old.stat().st_size >> 20} MiB of Parquet, {changed} changed in chunks {chunks}")
        _, before = fingerprint_table(ParquetSource(old), SCHEMA, keys)
        full, _ = _best(lambda: fingerprint_table(ParquetSource(new), SCHEMA, keys))
        tell(f"the whole table: {full:.2f} s, {records / full / 1e6:.2f} M records/s")
        known = _known(before, new, keys, chunks, tell)
        found = {
            what: _found(old, path, places, full, what, tell)
            for what, path, places in (("together", new, together), ("scattered", other, scattered))
        }
    return {"ratio": round(full / known, 1), **{what: round(seconds / full, 2) for what, seconds in found.items()}}


def _known(before: Manifest, new: Path, keys: SegmentKeys, chunks: list[int], tell: Tell) -> float:
    seconds, made = _best(lambda: refingerprint(before, ParquetSource(new), SCHEMA, keys, chunks))
    tell(f"with the {len(chunks)} chunks told: {1000 * seconds:.0f} ms")
    again, _ = fingerprint_table(ParquetSource(new), SCHEMA, made.keys)
    if again != made.fingerprint:
        raise RuntimeError("the fingerprint from the one before is not that of the table")
    return seconds


def _found(old: Path, new: Path, places: "np.ndarray[Any, Any]", full: float, what: str, tell: Tell) -> float:
    seconds, found = _best(lambda: compare_tables(ParquetSource(old), ParquetSource(new), SCHEMA))
    right = tuple((place, place) for place in places.tolist())
    if found.changed != right or found.removed or found.added or found.moved:
        raise RuntimeError(f"the records named are not those that changed ({what})")
    tell(f"{what}, nothing told: {len(right)} named in {seconds:.2f} s, {seconds / full:.2f} of a full run")
    return seconds


def _best(work: Callable[[], Any]) -> tuple[float, Any]:
    taken, answer = [], None
    for _ in range(TRIES):
        start = time.perf_counter()
        answer = work()
        taken.append(time.perf_counter() - start)
    return min(taken), answer


def write_table(path: Path, records: int, changed: "np.ndarray[Any, Any]") -> None:
    """Records of five mixed columns, the note of those at `changed` being another, in row groups of a chunk."""
    with pq.ParquetWriter(path, next(_batches(1, changed)).schema, compression="zstd") as writer:
        for batch in _batches(records, changed):
            writer.write_batch(batch, row_group_size=CHUNK_RECORDS)


def _batches(records: int, changed: "np.ndarray[Any, Any]") -> Iterator[pa.RecordBatch]:
    for first in range(0, records, CHUNK_RECORDS):
        numbers = np.arange(first, min(first + CHUNK_RECORDS, records), dtype=np.int64)
        mixed = (numbers * 2_654_435_761) % 4_294_967_291
        spelt, suffix = pc.cast(pa.array(numbers), pa.string()), pc.cast(pa.array(mixed), pa.string())
        other = np.isin(numbers, changed)
        note = pc.if_else(pa.array(other), "moved to another household", "六安市金安区三里桥街道")
        yuan = pc.cast(pa.array(mixed % 10_000_000), pa.decimal128(19, 0))
        yield pa.record_batch(
            {
                "id": pa.array(341_500_000_000 + numbers),
                "name": pc.binary_join_element_wise("村民", spelt, ""),
                "amount": pc.cast(yuan, pa.decimal128(21, 2)),
                "day": pc.cast(pa.array((mixed % 20_000).astype(np.int32)), pa.date32()),
                "note": pc.binary_join_element_wise(note, suffix, " "),
            }
        )
