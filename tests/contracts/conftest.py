"""One chain and one populated ledger for all contract tests; each test works on a snapshot of it.

After each test the whole ledger is checked again from its logs: whatever the test did, nothing may be out of order.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.chain import Chain, anvil
from tests.contracts.world import World

LAST = "test_every_error_was_reached"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The test that counts errors comes last, and only where all files of this folder run."""
    here = Path(__file__).parent
    last = [item for item in items if item.name == LAST]
    if not last:
        return
    whole = {path for item in items if (path := item.path).parent == here} >= set(here.glob("test_*.py"))
    items[:] = [item for item in items if item.name != LAST] + (last if whole else [])
    if not whole:
        config.hook.pytest_deselected(items=last)


@pytest.fixture(scope="session")
def chain() -> Iterator[Chain]:
    with anvil() as started:
        yield started


@pytest.fixture(scope="session")
def first_world(chain: Chain) -> World:
    world = World.deploy(chain)
    world.populate()
    return world


@pytest.fixture
def world(first_world: World) -> Iterator[World]:
    chain = first_world.chain
    snapshot = chain("evm_snapshot")
    own = first_world.copy()
    yield own
    own.check()
    assert chain("evm_revert", snapshot)
