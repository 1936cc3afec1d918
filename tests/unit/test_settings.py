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
