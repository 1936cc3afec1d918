"""A second real node to compare with: two copies of one chain, that go on together or apart."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.chain.local.chain import LocalChain
from ledger.errors import NodesDisagree
from ledger.ports import Block
from ledger.services.comparing import DISAGREE, MISSING, Comparison
from tests.harness.waiting import soon
from tests.harness.world import World, copy_home, opened


@dataclass
class Pair:
    home: Path
    first: LocalChain
    second: LocalChain

    @property
    def settings(self) -> dict[str, object]:
        return {
            "rpc_urls": self.first.url, "compare_url": self.second.url, "compare_seconds": 0.05, "rpc_seconds": 0.5,
        }  # fmt: skip


@pytest.fixture
async def pair(home: Path, tmp_path: Path) -> AsyncIterator[Pair]:
    """The home's ledger, and two nodes with all its blocks."""
    copies = [copy_home(home, tmp_path / name) / "chain" for name in ("first", "second")]
    async with LocalChain(copies[0]) as first, LocalChain(copies[1]) as second:
        yield Pair(home, first, second)


def comparison_of(world: World) -> Comparison:
    found = world.runtime.loops.comparison
    assert found is not None
    return found


def alarms_of(world: World) -> set[str]:
    return {alarm["alarm"] for alarm in world.runtime.status()["alarms"]}


async def agreed(world: World) -> Block | None:
    return comparison_of(world).agreed


async def test_two_nodes_that_agree_and_one_that_goes(pair: Pair) -> None:
    async with opened(pair.home, **pair.settings) as world:
        block = await soon(lambda: agreed(world))
        assert block == await world.runtime.ports.node.latest()
        await world.settle([await world.register("a")])  # the second node does not hear of it: a little behind
        assert world.runtime.status()["ready"] and alarms_of(world) == set()
        await pair.second.__aexit__(None, None, None)

        async def missing() -> bool:
            return MISSING in alarms_of(world)

        await soon(missing)
        assert world.runtime.status()["ready"], "an alarm, and no more"
        await world.settle([await world.register("b")])
        await world.recheck()


async def test_two_nodes_that_disagree(pair: Pair, tmp_path: Path) -> None:
    """Each takes another act into its next block. Nothing is written any more, and the product says so."""
    apart = copy_home(pair.home, tmp_path / "apart")
    async with opened(apart, rpc_urls=pair.second.url) as other:
        await other.settle([await other.register("elsewhere")])
    async with opened(pair.home, **pair.settings) as world:
        await soon(lambda: agreed(world))
        await world.register("here")
        await soon(lambda: disagreed(world))
        with pytest.raises(NodesDisagree):
            world.runtime.check_writable()
        status = world.runtime.status()
        assert not status["ready"] and DISAGREE in alarms_of(world)
        assert comparison_of(world).disagreed in status["reasons"]
    async with opened(pair.home, **pair.settings) as world:  # started again, and nobody has looked
        queued = await world.register("queued")
        await soon(lambda: disagreed(world))
        assert (await world.submission(queued)).state == "queued"


async def disagreed(world: World) -> bool:
    return world.runtime.loops.diverged is not None
