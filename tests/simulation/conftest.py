"""The suite's seeds run once, on the cores there are; the tests look at what they came to."""

import os
from collections.abc import Iterator

import pytest

from tests.simulation.disk import Disk, open_disk
from tests.simulation.many import Tally, run_many

SEEDS = 300


@pytest.fixture(scope="session")
def tally() -> Tally:
    return run_many(range(SEEDS), min(2, os.cpu_count() or 1))


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    with open_disk() as opened:
        yield opened
