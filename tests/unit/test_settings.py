"""Settings come from SHARELEDGER_ variables only; a misspelt one is an error, not silence."""

from pathlib import Path

import pytest

from ledger.errors import InvalidSettings
from ledger.settings import Settings, reference


def test_a_home_decides_where_everything_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARELEDGER_HOME", str(tmp_path))
    settings = Settings.load()
    assert settings.manifest_file == tmp_path / "manifest.json"
    assert settings.database == f"sqlite+aiosqlite:///{tmp_path / 'store' / 'ledger.sqlite3'}"
    assert settings.host == "127.0.0.1", "nothing listens beyond this machine unless told to"


def test_an_unknown_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARELEDGER_RPC_URL", "http://127.0.0.1:1")
    with pytest.raises(InvalidSettings, match="SHARELEDGER_RPC_URL"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("CONFIRMATIONS", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("POLL_MS", "soon"),
        ("METRICS_FROM", "10.0.0.1/8"),
    ],
)
def test_a_bad_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SHARELEDGER_{name}", value)
    with pytest.raises(InvalidSettings, match=f"SHARELEDGER_{name}"):
        Settings.load()


def test_nodes_are_tried_in_the_order_given() -> None:
    settings = Settings.load(rpc_urls="http://127.0.0.1:1, http://127.0.0.1:2,")
    assert settings.nodes() == ("http://127.0.0.1:1", "http://127.0.0.1:2")


def test_the_reference_explains_every_setting() -> None:
    rows = reference()
    assert {name for name, _, _ in rows} == {f"SHARELEDGER_{field.upper()}" for field in Settings.model_fields}
    assert all(meaning for _, _, meaning in rows)


def test_where_is_written_and_who_may_read_the_metrics(tmp_path: Path) -> None:
    settings = Settings.load(home=tmp_path)
    assert settings.places()["database"] == tmp_path / "store" and settings.metrics_networks() == (
        "127.0.0.0/8",
        "::1/128",
    )
    away = Settings.load(home=tmp_path, database_url="postgresql+asyncpg://db/ledger", metrics_from="")
    assert "database" not in away.places() and away.database_file is None and away.metrics_networks() == ()


def settings_with(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"SHARELEDGER_{name.upper()}", value)
    return Settings.load()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("s3://city-payloads/ledger/2026", ("city-payloads", "ledger/2026")),
        ("s3://city-payloads", ("city-payloads", "")),
        ("s3://city-payloads/", ("city-payloads", "")),
    ],
)
def test_payloads_in_a_bucket(monkeypatch: pytest.MonkeyPatch, url: str, found: tuple[str, str]) -> None:
    settings = settings_with(monkeypatch, payloads_url=url, s3_endpoint="https://s3.example.cn:9000")
    assert settings.bucket() == found and "payloads" not in settings.places()


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket/x", "bucket", "s3://", "s3:///x", "s3://UPPER/x", "s3://bucket/a//b", "s3://bucket/../x",
        "s3://bucket/a?b", "s3://bucket/a#b", "s3://key:secret@bucket/a", "s3://bucket/a b", "s3://bucket:99/x",
    ],
)  # fmt: skip
def test_an_address_of_a_bucket_that_is_none(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(InvalidSettings, match="SHARELEDGER_PAYLOADS_URL") as caught:
        settings_with(monkeypatch, payloads_url=url)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("endpoint", "plain", "good"),
    [
        ("https://s3.example.cn", "false", True),
        ("https://s3.example.cn:9000/", "false", True),
        ("http://127.0.0.1:9000", "false", True),
        ("http://[::1]:9000", "false", True),
        ("http://localhost:9000", "false", True),
        ("http://10.0.0.8:9000", "true", True),
        ("http://10.0.0.8:9000", "false", False),
        ("http://localhost.example.cn", "false", False),
        ("http://127.0.0.1.example.cn", "false", False),
        ("https://key:secret@s3.example.cn", "false", False),
        ("http://127.0.0.1@10.0.0.8", "true", False),
        ("https://s3.example.cn/bucket", "false", False),
        ("https://s3.example.cn:port", "false", False),
        ("ftp://s3.example.cn", "true", False),
        ("s3.example.cn", "true", False),
    ],
)
def test_plain_http_stays_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, plain: str, good: bool
) -> None:
    given = {"payloads_url": "s3://bucket/x", "s3_endpoint": endpoint, "s3_plain_http": plain}
    if good:
        assert settings_with(monkeypatch, **given).s3_endpoint == endpoint
        return
    with pytest.raises(InvalidSettings) as caught:
        settings_with(monkeypatch, **given)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"s3_region": "cn-north-1"}, "SHARELEDGER_PAYLOADS_URL"),
        ({"payloads_url": "s3://bucket", "payload_limit_mib": "6000"}, "SHARELEDGER_PAYLOAD_LIMIT_MIB"),
        ({"orphan_hours": "1", "transfer_seconds": "3600"}, "SHARELEDGER_ORPHAN_HOURS"),
    ],
)
def test_settings_that_do_not_go_together(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidSettings, match=told):
        settings_with(monkeypatch, **given)
