"""The bench runs, small, and says what it is said to say. Its figures depend on the machine and are not judged."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

REPOSITORY = Path(__file__).parents[2]
FIGURES = {
    "acts_per_s", "loop_per_s", "handwritten_per_s", "ratio_loop", "ratio_handwritten", "single_ms_median",
    "rss_mib_start", "rss_mib_end", "replay_per_s", "replay_loop_per_s",
}  # fmt: skip

pytestmark = pytest.mark.timeout(240)


def bench(temporary: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHARELEDGER_")}
    command = [str(REPOSITORY / "scripts/bench"), *arguments]
    return subprocess.run(
        command, env=environment | {"TMPDIR": str(temporary)}, capture_output=True, text=True, timeout=200, check=False
    )


def test_acts_and_replay_beside_plain_loops(tmp_path: Path) -> None:
    done = bench(tmp_path, "acts", "--quick", "--acts", "200", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == FIGURES | {"cpu"}
    assert all(found[name] > 0 for name in FIGURES)
    assert found["ratio_loop"] == pytest.approx(found["acts_per_s"] / found["loop_per_s"], abs=0.01)
    assert found["ratio_handwritten"] == pytest.approx(found["acts_per_s"] / found["handwritten_per_s"], abs=0.01)
    assert "gas an act" in done.stderr and "200 acts of 4 departments final" in done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_fingerprints_beside_their_rivals(tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    done = bench(tmp_path, "fingerprint", "--quick", "--json", "--chart", str(chart))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"root", "parquet", "csv", "growth", "diff", "proof", "disclosure", "cpu"}
    assert found["root"].keys() == {"ratio_pymerkle", "ratio_hashlib", "ratio_openssl"}
    assert all(figure > 0 for row in found.values() if isinstance(row, dict) for figure in row.values())
    drawn = ElementTree.fromstring(chart.read_text())
    assert drawn.tag.endswith("svg") and "pymerkle" in chart.read_text()
    assert list(tmp_path.iterdir()) == [chart], "nothing else is left behind"


def test_it_asks_for_acts_to_measure(tmp_path: Path) -> None:
    assert bench(tmp_path, "acts", "--acts", "0").returncode == 2
    assert bench(tmp_path).returncode == 2
