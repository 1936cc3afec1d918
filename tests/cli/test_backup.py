"""Backups from the command line: what is printed, in which language, and which exit code it ends with."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import run
from tests.harness.world import copy_home, make_home


@pytest.fixture(scope="module")
def founded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_home(tmp_path_factory.mktemp("backup-cli") / "home"))


@pytest.fixture
def home(founded_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = copy_home(founded_home, tmp_path / "home")
    monkeypatch.setenv("SHARELEDGER_HOME", str(home))
    return home


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_a_backup_is_made_checked_and_restored(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    made = told(capsys, "backup", "create", str(tmp_path / "out"))
    file = made["file"]
    assert made["ok"] and Path(file).parent == tmp_path / "out" and made["keys"] == 4 and made["local_chain"]
    checked = told(capsys, "backup", "verify", file, "--digest", made["digest"])
    assert [check["ok"] for check in checked["checks"]] == [True] * 7 and checked["digest"] == made["digest"]
    assert told(capsys, "backup", "restore", file, code=1)["error"]["code"] == "conflict"
    assert told(capsys, "backup", "verify", file, "--digest", "00" * 32, code=1)["ok"] is False
    monkeypatch.setenv("SHARELEDGER_HOME", str(tmp_path / "restored"))
    restored = told(capsys, "backup", "restore", file, "--digest", made["digest"])
    assert restored["home"] == str(tmp_path / "restored") and restored["findings"] == []
    assert told(capsys, "chain", "status")["entries"] == restored["entries"] == 1


def test_people_are_told_in_their_language(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.slbackup"
    assert run(["backup", "create", str(file), "--lang", "zh"]) == 0
    captured = capsys.readouterr()
    assert "备份已写入并回读核对" in captured.err and "whole" in captured.out
    file.write_bytes(file.read_bytes()[:-700])
    assert run(["backup", "verify", str(file)]) == 1
    captured = capsys.readouterr()
    assert "The check failed." in captured.err and "the file ends inside backup.json" in captured.out
    monkeypatch.setenv("SHARELEDGER_HOME", str(tmp_path / "restored"))
    assert run(["backup", "restore", str(file), "--lang", "zh"]) == 1
    assert "存储内容与摘要不符 [corrupt]" in capsys.readouterr().err
    assert told(capsys, "backup", "verify", str(tmp_path / "none"), code=2)["error"]["code"] == "unreadable-file"
