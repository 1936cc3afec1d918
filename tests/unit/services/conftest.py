import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.services.world import Snapshot, World, table


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    """The world without versions, with version 1 (600 villages), and with a share of it delivered."""
    return asyncio.run(_build(tmp_path_factory.mktemp("world")))


async def _build(folder: Path) -> dict[str, Snapshot]:
    world = World(folder)
    found = {}
    try:
        await world.build()
        found["world"] = await world.snapshot(folder / "world.sqlite3")
        world.version = await world.anchor(await world.prepare(table()))
        found["version"] = await world.snapshot(folder / "version.sqlite3")
        world.share = await world.delivered(world.version)
        found["share"] = await world.snapshot(folder / "share.sqlite3")
    finally:
        await world.close()
    return found


@pytest.fixture
async def world(request: pytest.FixtureRequest, snapshots: dict[str, Snapshot], tmp_path: Path) -> AsyncIterator[World]:
    """As far built as the test asks for."""
    level = next(name for name in ("share", "version", "world") if name in request.fixturenames)
    made = World.take_up(snapshots[level], tmp_path)
    yield made
    await made.close()


@pytest.fixture
def version(world: World) -> str:
    """Version 1 of the dataset, kept here."""
    return world.version


@pytest.fixture
def share(world: World) -> str:
    """The consumer's share, with version 1 delivered."""
    return world.share
