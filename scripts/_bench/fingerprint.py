"""`bench fingerprint`: one row after the other, each with its rivals in the same run."""

import argparse
from collections.abc import Callable
from typing import Any

from scripts._bench import (
    fingerprint_diff,
    fingerprint_disclosure,
    fingerprint_files,
    fingerprint_growth,
    fingerprint_proof,
    fingerprint_root,
)

Tell = Callable[[str], None]
ROWS: dict[str, Callable[[bool, Tell], dict[str, Any]]] = {
    "root": fingerprint_root.measure,
    "parquet": fingerprint_files.measure_parquet,
    "csv": fingerprint_files.measure_csv,
    "growth": fingerprint_growth.measure,
    "diff": fingerprint_diff.measure,
    "proof": fingerprint_proof.measure,
    "disclosure": fingerprint_disclosure.measure,
}


def measure(options: argparse.Namespace, tell: Tell) -> dict[str, Any]:
    """The figures, by row. Raises RuntimeError if anything differs from what a rival or the format says."""
    return {name: row(options.quick, tell) for name, row in ROWS.items() if name in (options.rows or ROWS)}
