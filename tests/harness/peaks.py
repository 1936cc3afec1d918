"""How much memory reading a file takes at its most, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
READ = """
import sys
from pathlib import Path
from ledger.errors import TooLarge
from ledger.fingerprint import ArrowSource, ParquetSource, fingerprint_table
source = (ParquetSource if sys.argv[1].endswith("parquet") else ArrowSource)(sys.argv[1])
try:
    fingerprint_table(source, source.schema(), None)
    print("read", end=" ")
except TooLarge:
    print("too large", end=" ")
print(int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024)
"""


def peak(file: Path) -> tuple[str, int]:
    """(`read` or `too large`, MiB) of fingerprinting a Parquet or Arrow file by its own schema."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file)], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    said, _, most = done.stdout.strip().rpartition(" ")
    return said, int(most)
