"""A founded ledger, made once and copied."""

import asyncio
from pathlib import Path

import pytest

from tests.harness.world import copy_home, make_home


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be opened: copied."""
    return asyncio.run(make_home(tmp_path_factory.mktemp("founded") / "home"))


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    return copy_home(founded, tmp_path / "home")
