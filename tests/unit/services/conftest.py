from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.services.world import World, table


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.build()
    yield made
    await made.close()


@pytest.fixture
async def version(world: World) -> str:
    """Version 1 of the dataset: 600 villages, kept here."""
    return await world.anchor(await world.prepare(table()))


@pytest.fixture
async def share(world: World, version: str) -> str:
    """The consumer's share, with version 1 delivered."""
    return await world.delivered(version)
