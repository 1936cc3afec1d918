"""What the machine says of itself."""

import fcntl
import os
from pathlib import Path

from ledger import machine


def test_free_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    found = machine.disks({"there": tmp_path, "not yet": tmp_path / "a" / "b"})
    assert found["there"].device == found["not yet"].device == tmp_path.stat().st_dev
    assert found["not yet"].free > 0 and not (tmp_path / "a").exists()


def test_who_holds_a_lock_is_told_without_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert machine.lock_holder(path) is None
    with path.open("w") as file:
        assert machine.lock_holder(path) is None
        fcntl.flock(file, fcntl.LOCK_EX)
        assert machine.lock_holder(path) == os.getpid()
    assert machine.lock_holder(path) is None


def test_the_clock_state_is_a_bound_or_unknown() -> None:
    state = machine.clock_state()
    assert state is None or state.error >= 0


def test_the_mode_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(0o600)
    assert machine.mode_of(path) == 0o600
