"""A store of its own for each test, on each database."""

from collections.abc import AsyncIterator

import pytest

from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID

NOW = 1_790_000_000_000


@pytest.fixture
async def store(database: str) -> AsyncIterator[SqlStore]:
    made = SqlStore(open_engine(database), CHAIN_ID, lambda: NOW)
    yield made
    await made.close()
