"""A running ledger, on each database, re-checked after each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.databases import POSTGRESQL
from tests.harness.world import World, copy_home, opened


@pytest.fixture
def home(
    kind: str, founded: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A founded ledger; for every process the test starts, too, its database is the one it runs on."""
    if kind == POSTGRESQL:
        monkeypatch.setenv("SHARELEDGER_DATABASE_URL", request.getfixturevalue("database"))
    return copy_home(founded, tmp_path / "home")


@pytest.fixture
async def world(home: Path) -> AsyncIterator[World]:
    async with opened(home) as running:
        yield running
        await running.settle()
        await running.recheck()
