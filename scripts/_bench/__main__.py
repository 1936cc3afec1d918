"""The command line of the benches: ./scripts/bench"""

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ledger.telemetry import configure_logging
from scripts._bench import acts, chart, fingerprint

Measure = Callable[[argparse.Namespace, Callable[[str], None]], dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    configure_logging("WARNING", "text")
    measure: Measure = options.measure
    try:
        found = measure(options, lambda line: print(line, file=sys.stderr, flush=True))
    except Exception as error:
        print(f"the bench failed: {type(error).__name__}: {error}", file=sys.stderr)
        traceback.print_exc()
        return 1
    found["cpu"] = cpu()
    if getattr(options, "chart", None) is not None:
        options.chart.write_text(chart.svg(found))
    print(json.dumps(found) if options.json else _table(found), flush=True)
    return 0


def cpu() -> str:
    """Which processor this ran on, and how many of its cores this process may use."""
    name = platform.processor() or platform.machine()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def _table(found: dict[str, Any]) -> str:
    width = max(map(len, found))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in found.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the product beside plain loops.")
    what = parser.add_subparsers(required=True, metavar="WHAT")
    one = what.add_parser("acts", help="signed acts from the API call to the final entry; replay from logs")
    one.add_argument("--acts", type=_count, default=acts.ACTS, help=f"how many (default {acts.ACTS})")
    one.set_defaults(measure=acts.measure)
    two = what.add_parser("fingerprint", help="fingerprints beside pymerkle, hashlib, OpenSSL, DuckDB, json")
    two.add_argument("--rows", nargs="+", choices=list(fingerprint.ROWS), help="only these (default: all)")
    two.add_argument("--chart", type=Path, metavar="FILE", help="draw what was found, as SVG; needs all rows")
    two.set_defaults(measure=fingerprint.measure)
    for each in what.choices.values():
        each.add_argument("--quick", action="store_true", help="small, to see that it works: its figures say nothing")
        each.add_argument("--json", action="store_true", help="print one JSON object, as the last line of stdout")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
