"""A database of its own for each test, copied from one that was migrated once."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger.store.engine import open_engine
from ledger.store.schema import migrate
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "ledger.sqlite3"

    async def make() -> None:
        engine = open_engine(url_of(path))
        await migrate(engine)
        await engine.dispose()

    asyncio.run(make())
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path))


@pytest.fixture
async def store(database: Path) -> AsyncIterator[SqlStore]:
    made = SqlStore(open_engine(url_of(database)), CHAIN_ID, lambda: 1_790_000_000_000)
    yield made
    await made.close()
