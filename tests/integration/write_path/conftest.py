"""A founded ledger to copy, and a running one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.world import World, copy_home, make_home, opened


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be opened: copied."""
    return asyncio.run(make_home(tmp_path_factory.mktemp("founded") / "home"))


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    return copy_home(founded, tmp_path / "home")


@pytest.fixture
async def world(home: Path) -> AsyncIterator[World]:
    async with opened(home) as running:
        yield running
        await running.settle()
        await running.recheck()
