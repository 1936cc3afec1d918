"""The same work on 1 M, 10 M and 100 M records: the time of one record and the memory must stay what they are.

Each size in a process of its own, which reads a CSV file through the product's command as a user does; its memory is
looked at from outside all the time, children included.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil

from scripts._bench.fingerprint_table import SCHEMA, write_csv

SIZES: Final = (1_000_000, 10_000_000, 100_000_000)
QUICK: Final = (50_000, 200_000)
TRIES: Final = 3
MEBIBYTE: Final = 1 << 20
KEY: Final = bytes(range(32)).hex()
Tell = Callable[[str], None]
# one small table first: what is compiled or loaded once is no part of a record's time
_CHILD: Final = """
import sys
from pathlib import Path
from ledger.cli.main import run
from ledger.fingerprint import CsvSource, SegmentKeys, fingerprint_table
from scripts._bench.fingerprint_table import SCHEMA
fingerprint_table(CsvSource(Path(sys.argv[1])), SCHEMA, SegmentKeys.fresh())
sys.exit(run(sys.argv[2:]))
"""


def measure(quick: bool, tell: Tell) -> dict[str, Any]:
    """`ratio_100m_to_1m`, of the time of one record; `rss_mib`, at most; `rss_growth_mib`. Raises RuntimeError."""
    sizes = QUICK if quick else SIZES
    each: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory(prefix="shareledger-bench-") as folder:
        place = Path(folder)
        (place / "schema.json").write_text(json.dumps(SCHEMA.to_json()))
        write_csv(place / "small.csv", 10_000)
        for records in sizes:
            file = write_csv(place / "table.csv", records)
            tries = [_run(place, file, records) for _ in range(TRIES if records < SIZES[-1] else 1)]
            seconds, memory = min(tries)[0], max(rss for _, rss in tries)
            each.append((seconds / records, memory))
            tell(
                f"  growth: {records:,} records in {seconds:.2f} s, {seconds / records * 1e9:.0f} ns each, {memory} MiB"
            )
            file.unlink()
    return {
        "ratio_100m_to_1m": round(each[-1][0] / each[0][0], 3),
        "rss_mib": max(memory for _, memory in each),
        "rss_growth_mib": each[-1][1] - each[0][1],
    }


def _run(place: Path, file: Path, records: int) -> tuple[float, int]:
    """(seconds, MiB at most) of one run. Raises RuntimeError if it failed."""
    command = [sys.executable, "-c", _CHILD, str(place / "small.csv"), "fingerprint", str(file), "--key-file", "-"]
    command += ["--schema", str(place / "schema.json"), "--json"]
    surroundings = {**os.environ, "XDG_STATE_HOME": str(place / "state"), "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(KEY)
        child.stdin.close()
        memory = _watched(child)
        told = json.loads(child.stdout.read())
    if told.get("records") != records:
        raise RuntimeError(f"{records} records were not fingerprinted: {told}")
    return float(told["seconds"]), memory


def _watched(child: "subprocess.Popen[str]") -> int:
    process, most = psutil.Process(child.pid), 0
    while child.poll() is None:
        try:
            tree = [process, *process.children(recursive=True)]
            most = max(most, sum(one.memory_info().rss for one in tree))
        except psutil.Error:
            break
        time.sleep(0.02)
    return most // MEBIBYTE
