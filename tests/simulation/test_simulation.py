"""Nothing is lost, doubled, left out or made up, whatever goes wrong; and much really does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import faults
from tests.simulation.conftest import SEEDS
from tests.simulation.director import named_places
from tests.simulation.disk import Disk
from tests.simulation.many import Tally
from tests.simulation.run import run_seed

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(900)


def test_no_seed_finds_anything_wrong(tally: Tally) -> None:
    first = [(one.seed, one.faults[0]) for one in tally.failed]
    found = [f"./scripts/simulate --seed {seed}: {fault.kind}: {fault.what}" for seed, fault in first]
    assert not found, "\n".join(found)
    clean = {"seeds": SEEDS, "lost": 0, "doubled": 0, "gaps": 0, "mismatches": 0, "failures": []}
    assert tally.to_json() == clean


@pytest.mark.parametrize("name", faults.ALL)
def test_every_fault_happened(tally: Tally, name: str) -> None:
    assert tally.counts[name] >= 10


@pytest.mark.parametrize("place", named_places())
def test_processes_were_killed_at_every_place_that_the_product_names(tally: Tally, place: str) -> None:
    assert tally.counts[f"killed {place}"] >= 1


def test_most_acts_became_final(tally: Tally) -> None:
    counts = tally.counts
    assert counts["acts acknowledged"] > 10 * SEEDS
    assert counts["acts final"] > 0.6 * counts["acts acknowledged"]


def test_there_were_all_kinds_of_ends(tally: Tally) -> None:
    """Else the checks of what was refused for a reason, and of what may never be written, look at nothing."""
    counts = tally.counts
    assert counts["acts failed"] > SEEDS and counts["acts returned"] > SEEDS / 10
    assert counts["betrayals"] > SEEDS / 10
    assert counts["seeds with two processes"] > SEEDS / 5


def test_a_seed_replays_exactly(disk: Disk) -> None:
    """Also in another process with another order of its sets."""
    seeds = (3, 4, 11)
    here = [run_seed(seed, disk).trace for seed in seeds]
    assert [run_seed(seed, disk).trace for seed in seeds] == here
    events: list[str] = []
    assert run_seed(seeds[0], disk, on_event=events.append).trace == here[0]
    assert len(events) > 50
    program = (
        "from tests.simulation.disk import open_disk\nfrom tests.simulation.run import run_seed\n"
        f"with open_disk() as disk:\n    print(*[run_seed(seed, disk).trace for seed in {seeds}])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT)}
    there = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == here


def test_the_command_says_what_it_found() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/_simulate.py", "--seeds", "4", "--json", "--jobs", "1"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    *_, last = done.stdout.splitlines()
    expected = {"seeds": 4, "lost": 0, "doubled": 0, "gaps": 0, "mismatches": 0, "failures": []}
    assert json.loads(last) == expected and list(json.loads(last)) == list(expected)
