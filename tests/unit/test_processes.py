"""Whose lease need not run out: of a process that is surely gone, and of no other."""

import os
import subprocess
import sys

import pytest

from ledger.processes import has_ended, own_name

TELL = "from ledger.processes import own_name; print(own_name(), flush=True); input()"


def test_of_a_process_that_lives_dies_and_is_collected() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        name = other.stdout.readline().strip()
        assert not has_ended(name)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and not collected yet
        assert has_ended(name)
        other.wait()
        assert has_ended(name)


def test_no_name_is_given_twice() -> None:
    assert own_name() != own_name()
    assert not has_ended(own_name())


def test_a_number_that_came_again_is_another_process() -> None:
    where, pid, when = own_name().rsplit(":", 2)
    assert has_ended(f"{where}:{pid}:1-{when.partition('-')[2]}")


@pytest.mark.parametrize(
    "name", ["", "host:1:2", "other-00000000:999999999:1-ab", "courier-change:1:ab", "h-x:nan:1-a", "h-:999999999:1-a"]
)
def test_of_any_other_machine_nothing_is_known(name: str) -> None:
    assert not has_ended(name)


def test_where_the_system_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    where, _, when = own_name().rsplit(":", 2)
    gone = f"{where}:999999999:{when}"
    assert has_ended(gone)
    monkeypatch.setattr("ledger.processes._machine", lambda: "")
    assert not has_ended(gone) and not has_ended(f"h-:999999999:{when}")
