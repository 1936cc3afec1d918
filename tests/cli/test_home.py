"""The commands of a ledger's home, on a real local chain: found, serve, act, stop, replay."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keys.passphrases import generate
from ledger.cli.main import run

ROOT = "341500"


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_bytes(generate().reveal())
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHARELEDGER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SHARELEDGER_PORT", "0")
    return tmp_path / "home"


class Served:
    """`shareledger up` as a process of its own."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", "from ledger.cli.main import main; main()", "up", "--json", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()

    @property
    def address(self) -> str:
        return str(json.loads(self.line)["address"])

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def served(home: Path, passphrase: Path) -> Iterator[Served]:
    roles = "authority,provider,consumer,attestor,auditor"
    found = Served("--root", ROOT, "--roles", roles, "--passphrase-file", str(passphrase))
    yield found
    if found.process.poll() is None:
        found.stop()


def value(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code, capsys.readouterr().err
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


def test_from_an_empty_home_to_a_replayed_ledger(
    served: Served, home: Path, passphrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert served.address.startswith("http://127.0.0.1:"), served.process.communicate()
    token = tmp_path / "token"
    issue = ("api-key", "issue", "--department", ROOT, "--duty", "director", "--roles", "authority", "-o", str(token))
    issued = value(capsys, *issue)
    assert token.stat().st_mode & 0o777 == 0o600 and token.read_text().strip() not in json.dumps(issued)
    client = ("--server", served.address, "--api-key-file", str(token))
    register = ("department", "register", "341500.tjj", "--parent", ROOT, "--level", "city", "--roles", "provider")
    assert value(capsys, *register, "--name", "市统计局", *client)["state"] == "final"
    assert value(capsys, *register, "--name", "市统计局", *client, code=1)["error"]["code"] == "departments-known"

    status = value(capsys, "chain", "status")  # beside the running server, on the same chain
    assert status["entries"] == 2
    assert value(capsys, "api-key", "list")["items"][0]["id"] == issued["id"]
    assert value(capsys, "api-key", "revoke", issued["id"]) == {"id": issued["id"], "revoked": True}
    assert value(capsys, "entry", "list", *client, code=2)["error"]["code"] == "not-authenticated"
    code, out, err = served.stop()
    assert (code, out) == (0, ""), err

    assert value(capsys, "chain", "status")["head"] == status["head"]
    clean = value(capsys, "audit", "replay")
    assert (clean["entries"], clean["findings"], clean["head_matches"]) == (2, [], True)
    with sqlite3.connect(home / "store" / "ledger.sqlite3") as database:
        (table,) = (
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if name == "departments"
        )
        database.execute(f"UPDATE {table} SET roles = 31 WHERE code = '341500.tjj'")  # noqa: S608
    database.close()
    assert value(capsys, "audit", "replay", code=1)["findings"]
    assert value(capsys, "store", "rebuild")["entries"] == 2
    assert value(capsys, "audit", "replay")["clean"] is True
    assert value(capsys, "store", "migrate")["before"] == value(capsys, "store", "migrate")["after"]


def test_an_interrupt_stops_it_cleanly(served: Served) -> None:
    code, _, err = served.stop(signal.SIGINT)
    assert code == 0 and "Traceback" not in err


def test_an_address_that_is_taken_is_said_so(
    home: Path, passphrase: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("SHARELEDGER_PORT", str(taken.getsockname()[1]))
        told = value(capsys, "serve", "--passphrase-file", str(passphrase), code=2)["error"]
    assert told["code"] == "not-ready" and "listened" in told["detail"]


def test_a_home_without_a_ledger(home: Path, passphrase: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("audit", "replay"), ("chain", "status"), ("api-key", "list"), ("serve",), ("store", "rebuild")):
        told = value(
            capsys, *arguments, *(("--passphrase-file", str(passphrase)) if arguments == ("serve",) else ()), code=2
        )
        assert told["error"]["code"] == "not-ready"
    assert value(capsys, "up", code=2)["error"]["code"] == "invalid-option"
    assert not home.exists()


def test_a_ledger_is_founded_once(home: Path, passphrase: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy = ("chain", "deploy", "--root", ROOT, "--passphrase-file", str(passphrase))
    founded = value(capsys, *deploy)
    assert len(founded["directors"]) == 2 and os.stat(home).st_mode & 0o777 == 0o700
    assert value(capsys, *deploy, code=1)["error"]["code"] == "conflict"


def test_settings_are_shown_without_credentials(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARELEDGER_DATABASE_URL", "postgresql+asyncpg://ledger:secret@db/ledger")
    monkeypatch.setenv("SHARELEDGER_RPC_URLS", "https://user:secret@one.example,https://two.example")
    shown = {row["variable"]: row["value"] for row in value(capsys, "config", "show")["items"]}
    assert shown["SHARELEDGER_HOME"] == str(home)
    assert shown["SHARELEDGER_DATABASE_URL"] == "postgresql+asyncpg://…@db/ledger"
    assert "secret" not in json.dumps(shown)
    monkeypatch.setenv("SHARELEDGER_NONSENSE", "1")
    assert value(capsys, "config", "show", code=2)["error"]["code"] == "invalid-settings"


def test_a_key_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, secret = tmp_path / "own", tmp_path / "own.passphrase"
    create = ("key", "create", "--keystore", str(folder), "--passphrase-file", str(secret))
    made = value(capsys, *create, "--generate")
    assert Path(made["file"]).stat().st_mode & 0o777 == secret.stat().st_mode & 0o777 == 0o600
    assert value(capsys, *create)["address"] != made["address"]
    assert value(capsys, *create, "--generate", code=2)["error"]["code"] == "key-exists"
    assert value(capsys, "key", "create", "--keystore", str(folder), code=2)["error"]["code"] == "no-passphrase"
