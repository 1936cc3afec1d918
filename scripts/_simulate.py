"""Runs seeds of the simulation in tests/simulation, or one of them again with its trace.

Exit codes: 0 nothing wrong, 1 a seed found something, 2 it could not run.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("PYTHONPATH", sys.path[0])  # for the worker processes

from tests.simulation import faults
from tests.simulation.director import named_places
from tests.simulation.disk import open_disk
from tests.simulation.many import Tally, run_many
from tests.simulation.run import run_seed

stderr = Console(stderr=True)


def replay(seed: int) -> int:
    with open_disk() as disk:
        outcome = run_seed(seed, disk, on_event=print)
    print(f"trace {outcome.trace}")
    for fault in outcome.faults:
        print(f"{fault.kind}: {fault.what}")
    return 1 if outcome.faults else 0


def run(first: int, count: int, jobs: int) -> Tally:
    columns = (TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr) as progress:
        task = progress.add_task("seeds", total=count)
        return run_many(range(first, first + count), jobs, lambda done: progress.advance(task, done))


def show(tally: Tally) -> None:
    table = Table("what happened", "times", title=f"{len(tally.outcomes)} seeds")
    names = ["acts acknowledged", "acts final", "acts failed", "acts returned", "betrayals", *faults.ALL]
    for name in [*names, *(f"killed {place}" for place in named_places())]:
        table.add_row(name, str(tally.counts[name]))
    stderr.print(table)
    for one in tally.failed:
        for fault in one.faults[:3]:
            stderr.print(f"seed {one.seed}: {fault.kind}: {fault.what}", markup=False, highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=300, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="replay this one, with everything that happens")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # and clean up behind us
    if asked.seed is not None:
        return replay(asked.seed)
    if asked.seeds < 1 or asked.jobs < 1:
        parser.error("at least one seed and one process")
    tally = run(asked.first, asked.seeds, asked.jobs)
    show(tally)
    found = tally.to_json()
    print(json.dumps(found) if asked.json else ", ".join(f"{name}: {value}" for name, value in found.items()))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
