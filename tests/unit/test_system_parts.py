"""A machine without a system part runs the rest and says what it left out; where it is required, the run fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import system_parts
from tests.harness.system_parts import MISSING, REQUIRE, check_required, required

ROOT = Path(__file__).parents[2]
HOOKS = (
    "from tests.harness.system_parts import pytest_collection_modifyitems, pytest_configure, pytest_terminal_summary\n"
)
SUITE = """
import pytest

@pytest.mark.needs("hsm")
@pytest.mark.parametrize("number", range(4))
def test_in_a_token(number): assert True

def test_anywhere(): assert True
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(HOOKS)
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def run_bare(suite: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """pytest as on a machine that has nothing but this Python."""
    given = {"PATH": "/nowhere", "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    return subprocess.run(command, cwd=suite, env=given, capture_output=True, text=True, check=False)


def test_what_is_missing_is_left_out_and_named(suite: Path) -> None:
    done = run_bare(suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out: 4 tests of the group hsm: no " in done.stdout and "1 passed, 4 deselected" in done.stdout


def test_what_is_required_and_missing_fails_the_run(suite: Path) -> None:
    done = run_bare(suite, **{REQUIRE: "hsm"})
    assert done.returncode == 4 and "hsm: no " in done.stderr and "system-packages" in done.stderr


@pytest.mark.parametrize(("said", "enough"), [('openjdk version "17.0.15"', True), ('java version "1.8.0_402"', False)])
def test_only_a_java_that_spark_runs_on_counts(
    said: str, enough: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the tests, and for the script that brings Spark."""
    (tmp_path / "java").write_text(f"#!/bin/sh\necho '{said} 2025-04-15' >&2\n")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(system_parts, "spark_python", lambda: Path(sys.executable))
    assert (MISSING["java"]() is None) is enough
    asked = next(line for line in (ROOT / "scripts" / "_tools.sh").read_text().splitlines() if "_tools_java()" in line)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{asked}\nif _tools_java; then echo yes; fi"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("yes\n" if enough else "", "")


def test_groups_are_named_by_comma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE, "hsm, java,")
    assert required() == {"hsm", "java"}
    monkeypatch.setattr(system_parts, "MISSING", dict.fromkeys(MISSING, lambda: None))
    check_required()
    monkeypatch.setenv(REQUIRE, "hsn")
    with pytest.raises(ValueError, match="hsn"):
        check_required()


def test_the_script_installs_exactly_these_groups() -> None:
    script = (ROOT / "scripts" / "system-packages").read_text()
    assert all(f"        {group}) echo " in script for group in MISSING)
    done = subprocess.run([ROOT / "scripts" / "system-packages", "none"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "unknown group none" in done.stderr
