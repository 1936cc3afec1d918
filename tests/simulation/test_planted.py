"""The checks are worth something: each of these bugs is caught within a few seeds."""

import pytest

from tests.simulation.disk import Disk
from tests.simulation.planted import BUGS
from tests.simulation.run import run_seed

MOST_SEEDS = 40


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(disk: Disk, name: str) -> None:
    bug = BUGS[name]
    with bug.planted() as makers:
        found = next((one for seed in range(MOST_SEEDS) if (one := run_seed(seed, disk, makers)).faults), None)
    assert found is not None, f"{MOST_SEEDS} seeds do not notice: {name}"
    print(f"{name}: seed {found.seed}: {found.faults[0].kind}: {found.faults[0].what}")
    assert found.faults[0].kind in bug.kinds
