"""A running ledger, re-checked after each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.world import World, opened


@pytest.fixture
async def world(home: Path) -> AsyncIterator[World]:
    async with opened(home) as running:
        yield running
        await running.settle()
        await running.recheck()
