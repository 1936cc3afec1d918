"""PostgreSQL stops, crashes and comes back under a running product, which needs no restart of its own."""

import signal
from pathlib import Path

import pytest

from ledger.errors import Unavailable
from tests.harness.databases import POSTGRESQL
from tests.harness.postgres import Server
from tests.harness.waiting import soon
from tests.harness.world import World, opened

pytestmark = pytest.mark.parametrize("kind", [POSTGRESQL])


async def fails(world: World) -> bool:
    return bool(world.runtime.loops.trouble)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_acts_go_on_where_they_were(home: Path, postgres: Server, how: int) -> None:
    async with opened(home) as world:
        await world.settle([await world.register("before")])
        for number in range(6):
            await world.register(f"under-way.{number}")
        postgres.stop(how)
        with pytest.raises(Unavailable):
            await world.register("meanwhile")
        await soon(lambda: fails(world))
        assert not world.runtime.loops.diverged
        postgres.start()
        await world.register("after")
        stored = await world.settle()
        assert {one.state.value for one in stored} == {"final"} and len(stored) == 8
        assert not await fails(world)
        await world.recheck()


async def test_every_session_is_ended_again_and_again(home: Path, postgres: Server, shared_database: str) -> None:
    """As a proxy or an administrator may; at whatever moment."""
    async with opened(home) as world:
        for number in range(12):
            try:
                await world.register(f"d{number}")
            except Unavailable:
                continue  # not acknowledged: its caller would try again
            finally:
                postgres.end_sessions(shared_database)
        await world.settle()
        await world.recheck()
