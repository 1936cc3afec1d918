import asyncio
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path

import pytest

from tests.harness.databases import SQLITE, Databases
from tests.unit.services.world import Snapshot, World, table

Snapshots = Callable[[str], dict[str, Snapshot]]


@pytest.fixture
def kind() -> str:
    """SQLite alone; what the database has a part in imports `kind` from tests.harness.databases, and runs on both."""
    return SQLITE


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory, databases: Callable[[str], Databases]) -> Snapshots:
    """The world without versions, with version 1 (600 villages), and with a share of it delivered; by database."""

    @cache
    def of(kind: str) -> dict[str, Snapshot]:
        return asyncio.run(_build(tmp_path_factory.mktemp("world"), databases(kind)))

    return of


async def _build(folder: Path, databases: Databases) -> dict[str, Snapshot]:
    world = World(folder, databases.empty())
    found = {}
    try:
        await world.build()
        found["world"] = await world.snapshot(databases.copies)
        world.version = await world.anchor(await world.prepare(table()))
        found["version"] = await world.snapshot(databases.copies)
        world.share = await world.delivered(world.version)
        found["share"] = await world.snapshot(databases.copies)
    finally:
        await world.close()
    return found


@pytest.fixture
def taken(request: pytest.FixtureRequest, snapshots: Snapshots, kind: str) -> Snapshot:
    """As far built as the test asks for."""
    level = next(name for name in ("share", "version", "world") if name in request.fixturenames)
    return snapshots(kind)[level]


@pytest.fixture
async def world(taken: Snapshot, tmp_path: Path) -> AsyncIterator[World]:
    with taken.database.copy(tmp_path) as url:
        made = World.take_up(taken, tmp_path, url)
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
