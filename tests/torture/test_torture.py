"""A small run of `scripts/torture`: each kind of victim dies once, and the whole ledger is re-checked after each."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.torture.run import VICTIMS

SCRIPT = Path(__file__).parents[2] / "scripts/torture"


@pytest.mark.timeout(600)
def test_nothing_is_lost_whoever_is_killed(tmp_path: Path) -> None:
    command = [SCRIPT, "--kills", str(len(VICTIMS)), "--json", "--keep", tmp_path / "kept"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=580)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["failures"] == []
    assert told["by_victim"] == dict.fromkeys(sorted(VICTIMS), 1)
    assert told["final"] == told["acknowledged"] > len(VICTIMS)
    assert told["sent_again"] > 0, "nobody noticed that anybody was killed"
