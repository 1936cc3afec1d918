"""The doctor on homes in every state: each check is reported, none stops the next, and nothing is changed."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest

from ledger.cli.main import run
from ledger.services.diagnosing import CHECKS
from tests.harness.s3 import Bucket, Fault, Proxy
from tests.harness.world import BESIDE, copy_home, make_home


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = asyncio.run(make_home(tmp_path_factory.mktemp("founded") / "home"))
    (home / BESIDE).chmod(0o600)
    return home


@pytest.fixture
def home(founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copied = copy_home(founded, tmp_path / "home")
    monkeypatch.setenv("SHARELEDGER_HOME", str(copied))
    monkeypatch.setenv("SHARELEDGER_PORT", "0")
    return copied


@pytest.fixture
def examined(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    def examine(*options: str) -> tuple[int, dict[str, Any]]:
        code = run(["doctor", "--json", *options])
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        return code, json.loads(out)

    return examine


def failures(told: dict[str, Any]) -> set[str]:
    return {f"{one['check']}.{one['case']}" for one in told["checks"] if one["verdict"] == "failed"}


def test_a_ledger_that_is_well_and_stopped(home: Path, examined: Any) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*") if path.suffix == ".json")
    code, told = examined("--passphrase-file", str(home / BESIDE))
    assert (code, told["ok"], failures(told)) == (0, True, set())
    verdicts = {one["check"]: one["verdict"] for one in told["checks"]}
    assert list(verdicts) == list(CHECKS) and verdicts["signer"] == verdicts["schema"] == "good"
    assert [one["number"] for one in told["checks"]] == list(range(1, len(CHECKS) + 1))
    assert sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*") if path.suffix == ".json") == before


def test_nothing_is_there_and_nothing_is_made(
    tmp_path: Path, examined: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHARELEDGER_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("SHARELEDGER_PORT", "0")
    code, told = examined()
    assert code == 1 and not (tmp_path / "none").exists()
    assert failures(told) == {
        "home.missing",
        "manifest.missing",
        "keystore.missing",
        "signer.no-courier",
        "local-chain.missing",
        "database.missing",
    }
    assert all(one["remedy"] and one["remedy_zh"] for one in told["checks"] if one["verdict"] == "failed")
    assert run(["doctor", "--lang", "zh"]) == 1
    shown = capsys.readouterr()
    assert "主目录" in shown.out and "不存在" in shown.out and "处理办法" in shown.out and "未通过" in shown.err


def _spoil(home: Path, name: str) -> None:
    match name:
        case "open home":
            home.chmod(0o755)
        case "open key":
            (home / "keystore" / "vault.json").chmod(0o640)
        case "no manifest":
            (home / "manifest.json").unlink()
        case "torn manifest":
            (home / "manifest.json").write_text('{"chain_id"')
        case "no courier":
            (home / "courier").unlink()
        case "no courier key":
            courier = (home / "courier").read_text().split()[0]
            (home / "keystore" / f"{courier}.json").unlink()
        case "garbage database":
            for path in (home / "store").iterdir():
                path.unlink()
            (home / "store" / "ledger.sqlite3").write_bytes(os.urandom(9000))
        case "old database":
            with sqlite3.connect(home / "store" / "ledger.sqlite3") as database:
                database.execute("UPDATE alembic_version SET version_num = '0000'")
            database.close()
        case "no chain":
            for path in (home / "chain").iterdir():
                path.unlink()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("open home", {"home.open"}),
        ("open key", {"keystore.open", "signer.closed"}),
        ("no manifest", {"manifest.missing"}),
        ("torn manifest", {"manifest.damaged"}),
        ("no courier", {"signer.no-courier"}),
        ("no courier key", {"signer.closed"}),
        ("garbage database", {"database.unreadable"}),
        ("old database", {"schema.other"}),
        ("no chain", {"local-chain.missing"}),
    ],
)
def test_what_is_broken_is_named_and_the_rest_is_examined(
    home: Path, examined: Any, name: str, found: set[str]
) -> None:
    _spoil(home, name)
    code, told = examined("--passphrase-file", str(home / BESIDE))
    assert (code, failures(told)) == (1, found)
    assert {one["check"] for one in told["checks"]} == set(CHECKS)


def test_a_wrong_passphrase_and_none(home: Path, examined: Any, tmp_path: Path) -> None:
    assert {one["case"] for one in examined()[1]["checks"] if one["check"] == "signer"} == {"no-passphrase"}
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text("a passphrase of nobody")
    assert failures(examined("--passphrase-file", str(wrong))[1]) == {"signer.wrong-passphrase"}
    assert failures(examined("--passphrase-file", str(tmp_path / "none"))[1]) == {"signer.closed"}


def test_settings_that_cannot_be_read(home: Path, examined: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARELEDGER_NONSENSE", "1")
    code, told = examined()
    assert code == 1 and failures(told) == {"settings.broken"}
    assert "SHARELEDGER_NONSENSE" in told["checks"][1]["detail"]


def test_each_node_by_itself_and_no_secret(home: Path, examined: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARELEDGER_RPC_URLS", "http://user:hidden@127.0.0.1:9/hidden,nonsense")
    monkeypatch.setenv("SHARELEDGER_COMPARE_URL", "http://127.0.0.1:9/?key=hidden")
    code, told = examined()
    assert code == 1 and failures(told) == {"node.silent", "comparison.silent"}
    assert [one["verdict"] for one in told["checks"] if one["check"] == "node"] == ["failed", "failed"]
    assert "hidden" not in json.dumps(told)


def test_a_bad_option_is_not_an_examination() -> None:
    assert run(["doctor", "--json", "--bogus"]) == 2


# ---- the payload store -----------------------------------------------------------------------------------------------


@pytest.fixture
def payloads_of(examined: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Bucket], dict[str, Any]]:
    """What the doctor says of a bucket."""

    def examine(bucket: Bucket) -> dict[str, Any]:
        for name, value in bucket.settings(tmp_path).items():
            monkeypatch.setenv(name, value)
        (found,) = [one for one in examined()[1]["checks"] if one["check"] == "payloads"]
        return dict(found)

    return examine


def test_payloads_in_the_home(home: Path, examined: Any) -> None:
    def payloads() -> tuple[str, str]:
        (found,) = [one for one in examined()[1]["checks"] if one["check"] == "payloads"]
        return found["verdict"], found["case"]

    assert payloads() == ("not-applicable", "none-yet")
    (home / "payloads").mkdir(mode=0o700)
    assert payloads() == ("good", "good")
    (home / "payloads").chmod(0o755)
    assert payloads() == ("failed", "open")


def test_payloads_in_a_bucket(home: Path, payloads_of: Any, bucket: Bucket, s3_proxy: Proxy) -> None:
    assert payloads_of(bucket)["verdict"] == "good"
    assert obstore.list(bucket.store(prefix="")).collect() == [], "nothing is made"
    assert payloads_of(Bucket(bucket.url, "no-such-bucket"))["case"] == "no-bucket"
    silent = payloads_of(Bucket("http://127.0.0.1:9", bucket.name))
    assert silent["case"] == "silent" and "SHARELEDGER_S3_ENDPOINT" in silent["remedy_zh"]
    s3_proxy.rule = lambda asked: Fault(status=403, code="SignatureDoesNotMatch")
    refused = payloads_of(s3_proxy.of(bucket))
    assert refused["case"] == "refused" and "SHARELEDGER_S3_CREDENTIALS_FILE" in refused["remedy"]
    obstore.put(bucket.store(prefix="ledger"), "ledger.json", b"{}\n")
    assert payloads_of(bucket)["case"] == "another-ledger"


def test_credentials_that_others_may_read(home: Path, payloads_of: Any, bucket: Bucket, tmp_path: Path) -> None:
    bucket.settings(tmp_path)
    (tmp_path / "s3-credentials").chmod(0o644)
    found = payloads_of(bucket)
    assert found["case"] == "closed" and "mode 644" in found["detail"]
