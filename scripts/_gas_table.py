"""Measures what each act costs and writes the table in contracts/README.md.

scripts/gas_table            writes it
scripts/gas_table --check    writes nothing; exits 1 if what is there is stale
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "contracts" / "README.md"
sys.path.insert(0, str(ROOT))

from tests.contracts.gas import measured, written  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is stale")
    check = parser.parse_args().check
    had = README.read_text(encoding="utf-8")
    fresh = written(had, measured())
    if had == fresh:
        return 0
    if check:
        print("stale: contracts/README.md; run scripts/gas_table", file=sys.stderr)
        return 1
    README.write_text(fresh, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
