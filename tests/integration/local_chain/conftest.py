"""A running chain and a client of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger.chain.local import LocalChain
from ledger.chain.rpc import Rpc


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[LocalChain]:
    async with LocalChain(tmp_path) as running:
        yield running


@pytest.fixture
async def rpc(chain: LocalChain) -> AsyncIterator[Rpc]:
    async with Rpc(chain.url) as client:
        yield client
