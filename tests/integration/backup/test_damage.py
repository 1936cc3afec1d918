"""A backup that was cut, damaged or put together wrongly is found out, and the check says what is wrong."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.backup_checks import check_backup
from ledger.errors import Corrupt
from ledger.restoring import restore
from ledger.settings import Settings
from ledger.store.archive import LAST, ArchiveReader, ArchiveWriter

from .conftest import Told, names_in

ROOT = Path(__file__).parents[3]
Members = dict[str, bytes]


def failed(path: Path, **options: Any) -> list[str]:
    """The codes of the checks that failed."""
    report = check_backup(path, **options)
    assert not report.ok and report.failures
    return [check.code for check in report.checks if check.ok is False]


def test_a_whole_one_passes_every_check(told: Told) -> None:
    report = check_backup(told.archive, digest=told.backup.file.digest)
    assert [(check.number, check.ok) for check in report.checks] == [(number, True) for number in range(1, 8)]
    assert report.to_json()["digest"] == told.backup.file.digest == told.backup.report.digest
    assert failed(told.archive, digest="ab" * 32) == ["whole"]


def cuts(size: int) -> list[int]:
    return [0, 1, 511, 512, 700, size // 2, size - 1025, size - 1024, size - 512, size - 1]


@pytest.mark.parametrize("which", range(10))
async def test_a_cut_is_found(told: Told, tmp_path: Path, which: int) -> None:
    content = told.archive.read_bytes()
    torn = tmp_path / "torn.slbackup"
    torn.write_bytes(content[: cuts(len(content))[which]])
    assert failed(torn) == ["whole"]
    with pytest.raises(Corrupt, match="1 whole"):
        await restore(torn, Settings.load(home=tmp_path / "home"))
    assert names_in(tmp_path) == ["torn.slbackup"]


def test_what_follows_the_end_is_found(told: Told, tmp_path: Path) -> None:
    longer = tmp_path / "longer.slbackup"
    longer.write_bytes(told.archive.read_bytes() + b"\0")
    assert failed(longer) == ["whole"]


def test_one_changed_byte_anywhere_is_found_and_its_member_named(told: Told, tmp_path: Path) -> None:
    content = told.archive.read_bytes()
    with ArchiveReader(told.archive) as archive:
        members = archive.members()
    assert {member.name.split("/")[0] for member in members} >= {"keystore", "rows", "payloads", "chain.sqlite3", LAST}
    changed = tmp_path / "changed.slbackup"
    for member in members:
        if member.size == 0:
            continue
        at = member.offset + member.size // 2
        changed.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        report = check_backup(changed)
        assert not report.ok, member.name
        if member.name != LAST:
            assert member.name in report.checks[1].detail


def rebuilt(told: Told, target: Path, change: Callable[[Members, dict[str, Any]], None]) -> Path:
    """The backup with other members and right digests, as whoever knows the format could make it."""
    with ArchiveReader(told.archive) as archive:
        members = {member.name: b"".join(archive.pieces(member)) for member in archive.members()[:-1]}
        said = {name: value for name, value in archive.told().items() if name not in ("format", "members")}
    change(members, said)
    with ArchiveWriter(target) as writer:
        for name, content in members.items():
            writer.add(name, [content], len(content))
        writer.seal(said)
        writer.publish()
    return target


def _other_text(members: Members, said: dict[str, Any]) -> None:
    lines = members["rows/documents.jsonl"].splitlines()
    row = json.loads(lines[0])
    row[2] = "AAAA" + row[2][4:]
    members["rows/documents.jsonl"] = b"\n".join([json.dumps(row).encode(), *lines[1:]]) + b"\n"


def _fewer_rows(members: Members, said: dict[str, Any]) -> None:
    members["rows/submissions.jsonl"] = b"".join(members["rows/submissions.jsonl"].splitlines(keepends=True)[:-1])


def _objects(members: Members) -> list[str]:
    """The file as it came, and the one part of its table, in some order."""
    one, other = (name for name in members if name.startswith("payloads/"))
    return [one, other]


def _no_payload(which: int, members: Members, said: dict[str, Any]) -> None:
    del members[_objects(members)[which]]


def _other_payload(which: int, members: Members, said: dict[str, Any]) -> None:
    members[_objects(members)[which]] = b"other bytes"


def _plain_key(members: Members, said: dict[str, Any]) -> None:
    members["keystore/vault.json"] = b"{}"


def _other_ledger(members: Members, said: dict[str, Any]) -> None:
    said["journal"] = "0x" + "12" * 20


def _other_moment(members: Members, said: dict[str, Any]) -> None:
    said["followed"]["block"] += 1


def _broken_chain(members: Members, said: dict[str, Any]) -> None:
    database = sqlite3.connect(":memory:")
    database.deserialize(members["chain.sqlite3"])
    database.execute("DELETE FROM block_transaction WHERE number = 2")
    database.execute("DELETE FROM block WHERE number = 2")
    database.commit()
    members["chain.sqlite3"] = database.serialize()
    database.close()


def _nonsense(members: Members, said: dict[str, Any]) -> None:
    said["tables"] = {"documents": {"columns": [["digest", "colour"]], "rows": 1}}


CHANGES: dict[str, tuple[Callable[[Members, dict[str, Any]], None], str]] = {
    "a document's text": (_other_text, "rows"),
    "a row left out": (_fewer_rows, "rows"),
    "columns of no kind": (_nonsense, "rows"),
    "an object left out": (partial(_no_payload, 0), "payloads"),
    "the other left out": (partial(_no_payload, 1), "payloads"),
    "another object": (partial(_other_payload, 0), "payloads"),
    "another for the other": (partial(_other_payload, 1), "payloads"),
    "no key file": (_plain_key, "keys"),
    "another ledger": (_other_ledger, "ledger"),
    "another moment": (_other_moment, "chain"),
    "a gap in the chain": (_broken_chain, "chain"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_right_digests_over_wrong_contents_are_found(told: Told, tmp_path: Path, change: str) -> None:
    made, code = CHANGES[change]
    assert failed(rebuilt(told, tmp_path / "forged.slbackup", made)) == [code]


async def test_another_head_than_the_chains_is_not_restored(told: Told, tmp_path: Path, empty_postgresql: str) -> None:
    def change(members: Members, said: dict[str, Any]) -> None:
        said["followed"]["head"] = "00" * 32

    forged = rebuilt(told, tmp_path / "forged.slbackup", change)
    assert check_backup(forged).ok, "only the chain can tell"
    with pytest.raises(Corrupt, match="the chain's head"):
        await restore(forged, Settings.load(home=tmp_path / "home", database_url=empty_postgresql))
    assert names_in(tmp_path) == ["forged.slbackup"]
    await restore(told.archive, Settings.load(home=tmp_path / "home", database_url=empty_postgresql))


def killed(*arguments: str | Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("child.py")), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("moment", ["payload", "checked"])
def test_a_backup_that_is_killed_leaves_nothing_that_looks_whole(told: Told, tmp_path: Path, moment: str) -> None:
    home, target = told.copy(tmp_path / "home"), tmp_path / "out" / "b.slbackup"
    target.parent.mkdir()
    killed("create", home, target, moment)
    assert all(name.startswith(".") and name.endswith(".part") for name in names_in(target.parent))


@pytest.mark.parametrize("moment", ["filling", "checked"])
async def test_a_restore_that_is_killed_leaves_no_home_and_can_be_done_again(
    told: Told, tmp_path: Path, moment: str
) -> None:
    home = tmp_path / "home"
    killed("restore", home, told.archive, moment)
    assert [name[0] + name[-10:] for name in names_in(home)] == ["..restoring"], "a home without a manifest is none"
    done = await restore(told.archive, Settings.load(home=home))
    assert done.entries == len(told.final) + 1 and not [name for name in names_in(home) if name.endswith("restoring")]
