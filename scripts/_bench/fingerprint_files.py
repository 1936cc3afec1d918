"""Parquet and CSV with five mixed columns, salted: beside DuckDB, json with hashlib, and two plain hashes of the file.

Every rival reads the same file in the same run. The roots of both files must agree, and the first records' leaves with
those of the engine that uses nothing but hashlib.
"""

import hashlib
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq

from ledger.fingerprint import CsvSource, ParquetSource, Segment, SegmentKeys, Source, fingerprint_table, leaves
from ledger.fingerprint.kernel import engine_note, forced
from scripts._bench.fingerprint_table import COLUMNS, SCHEMA, write_csv, write_parquet

RECORDS: Final = 5_000_000
PART: Final = 200_000  # of what takes too long to be done in full: json
QUICK: Final = 100_000
COMPARED: Final = 2000  # leaves
TRIES: Final = 3
KEYS: Final = SegmentKeys([Segment(0, bytes(range(32)))])
Tell = Callable[[str], None]


def measure_parquet(quick: bool, tell: Tell) -> dict[str, Any]:
    """`records_per_s`; `ratio_duckdb`, `ratio_json`: how many times longer they take. Raises RuntimeError."""
    records = QUICK if quick else RECORDS
    with tempfile.TemporaryDirectory(prefix="shareledger-bench-") as folder:
        file = write_parquet(Path(folder) / "table.parquet", records)
        _compare(file, write_csv(Path(folder) / "table.csv", records))
        ours = _best(lambda: _fingerprint(ParquetSource(file)))
        rival = _best(lambda: _duckdb(file))
        plain = _best(lambda: _json(file, min(PART, records))) * records / min(PART, records)
    tell(f"  parquet: {records:,} records in {ours:.3f} s by {engine_note()}; DuckDB {rival:.3f} s, json {plain:.1f} s")
    return {
        "records_per_s": round(records / ours),
        "ratio_duckdb": round(rival / ours, 2),
        "ratio_json": round(plain / ours, 1),
    }


def measure_csv(quick: bool, tell: Tell) -> dict[str, Any]:
    """`records_per_s`; `times_sha256sum`, `times_openssl`: how many times longer we take. Raises RuntimeError."""
    records = QUICK if quick else RECORDS
    with tempfile.TemporaryDirectory(prefix="shareledger-bench-") as folder:
        file = write_csv(Path(folder) / "table.csv", records)
        _compare(write_parquet(Path(folder) / "table.parquet", records), file)
        ours = _best(lambda: _fingerprint(CsvSource(file)))
        coreutils = _best(lambda: _run("sha256sum", str(file)))
        openssl = _best(lambda: _run("openssl", "dgst", "-sha256", str(file)))
        size = file.stat().st_size
    tell(
        f"  csv: {records:,} records, {size / 1e6:.0f} MB, in {ours:.3f} s by {engine_note()}; "
        f"sha256sum {coreutils:.3f} s, openssl {openssl:.3f} s"
    )
    return {
        "records_per_s": round(records / ours),
        "times_sha256sum": round(ours / coreutils, 2),
        "times_openssl": round(ours / openssl, 2),
    }


def _compare(parquet: Path, csv: Path) -> None:
    """Also what makes the engine ready before any clock runs."""
    if _fingerprint(ParquetSource(parquet)) != _fingerprint(CsvSource(csv)):
        raise RuntimeError("the same records as Parquet and as CSV have different roots")
    fast = list(leaves(CsvSource(csv), SCHEMA, KEYS, count=COMPARED))
    with forced("hashlib"):
        if fast != list(leaves(ParquetSource(parquet), SCHEMA, KEYS, count=COMPARED)):
            raise RuntimeError("the engine's leaves are not hashlib's")


def _fingerprint(source: Source) -> bytes:
    return fingerprint_table(source, SCHEMA, KEYS)[0].root


def _duckdb(file: Path) -> None:
    """A digest of every row, all of them looked at."""
    row = f"concat_ws('|', {', '.join(COLUMNS)})"
    with duckdb.connect(config={"threads": 2}) as connection:
        relation = connection.read_parquet(str(file))
        [[found]] = relation.aggregate(f"max(sha256({row}))").fetchall()
    if len(found) != 64:
        raise RuntimeError("DuckDB gives no SHA-256")


def _json(file: Path, records: int) -> None:
    left = records
    with pq.ParquetFile(file) as table:
        for batch in table.iter_batches(1 << 14):
            for record in batch.slice(0, left).to_pylist():
                hashlib.sha256(json.dumps(record, ensure_ascii=False, default=str).encode()).digest()
            left -= min(left, batch.num_rows)
            if not left:
                return


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _best(work: Callable[[], Any]) -> float:
    """Seconds of the fastest try: what the machine does beside it only ever adds."""
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
