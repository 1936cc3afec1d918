"""Many seeds, on several cores; and what they came to."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread

from tests.simulation.checks import KINDS
from tests.simulation.disk import Disk, scratch_folder
from tests.simulation.run import Outcome, run_seed

AT_ONCE = 5  # seeds given to a core
_disks: list[Disk] = []  # of this process


@dataclass
class Tally:
    outcomes: list[Outcome] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.counts.update(outcome.counts)

    @property
    def failed(self) -> list[Outcome]:
        return sorted((one for one in self.outcomes if one.faults), key=lambda one: one.seed)

    def to_json(self) -> dict[str, object]:
        kinds = Counter(fault.kind for one in self.failed for fault in one.faults)
        found: dict[str, object] = {"seeds": len(self.outcomes)}
        found |= {kind: kinds[kind] for kind in KINDS}
        return found | {"failures": [one.seed for one in self.failed]}


def run_many(seeds: Sequence[int], jobs: int, on_done: Callable[[int], None] = lambda done: None) -> Tally:
    """`on_done` is told how many more seeds have run."""
    tally = Tally()
    with scratch_folder() as folder:
        pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _open_disk, (folder,))
        with pool:
            for outcome in pool.map(_run_here, seeds, chunksize=AT_ONCE):
                tally.add(outcome)
                on_done(1)
    return tally


def _open_disk(folder: Path) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    _disks.append(Disk(folder))


def _end_with_parent() -> None:
    """Else a worker would wait for work for ever once its parent was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _run_here(seed: int) -> Outcome:
    return run_seed(seed, _disks[0])
