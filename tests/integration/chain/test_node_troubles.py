"""What nodes do: go, come back, hang, answer nothing of use, lag, turn out to be another chain's."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ledger.errors import WrongChain
from tests.harness.nodes import KINDS, RealNode, real_node
from tests.harness.relay import Relay, relay
from tests.harness.waiting import soon
from tests.harness.world import World, make_home, opened

QUICK = {"rpc_seconds": 0.5}


@pytest.fixture(scope="module")
def node() -> Iterator[RealNode]:
    with real_node("anvil") as made:
        yield made


@asynccontextmanager
async def two_addresses(node: RealNode, home: Path) -> AsyncIterator[tuple[World, Relay]]:
    """A ledger on a node with two addresses; the first can go wrong."""
    async with relay(node.url) as first:
        urls = f"{first.url},{node.url}"
        await make_home(home, rpc_urls=urls)
        async with opened(home, rpc_urls=urls, **QUICK) as world:
            await world.settle([await world.register("before")])
            assert world.runtime.rpc.standing_in is None
            yield world, first


async def carries_on(world: World, code: str) -> None:
    """An act taken now becomes final, and none is lost."""
    await world.settle([await world.register(code)])
    await world.recheck()


async def test_a_node_that_is_gone_for_a_while(tmp_path: Path) -> None:
    """Its process ends, and starts again with the blocks it had. Acts taken meanwhile are final afterwards."""
    with real_node("anvil") as node:
        home = await make_home(tmp_path / "home", rpc_urls=node.url)
        async with opened(home, rpc_urls=node.url, **QUICK) as world:
            await world.settle([await world.register("before")])
            node.stop()
            await soon(lambda: troubled(world))
            queued = [await world.register(f"meanwhile{number}") for number in range(3)]
            assert {(await world.submission(digest)).state for digest in queued} <= {"queued", "sent"}
            node.start()
            await world.settle(queued)
            await carries_on(world, "after")
            assert world.runtime.loops.trouble == {}


async def troubled(world: World) -> bool:
    return "follower" in world.runtime.loops.trouble


@pytest.mark.parametrize("name", KINDS)
async def test_a_node_that_hangs(name: str, tmp_path: Path) -> None:
    """Nobody knows what became of what was sent; once it goes on, every act is on the ledger once."""
    with real_node(name) as node:
        home = await make_home(tmp_path / "home", rpc_urls=node.url)
        async with opened(home, rpc_urls=node.url, **QUICK) as world:
            queued = [await world.register(f"before{number}") for number in range(5)]
            node.hang()
            try:
                await soon(lambda: troubled(world))
                queued += [await world.register(f"meanwhile{number}") for number in range(5)]
            finally:
                node.go_on()
            await world.settle(queued)
            await world.recheck(queued)


def hung(first: Relay) -> None:
    first.hung = True


def unavailable(first: Relay) -> None:
    first.status = 503


def own_error(first: Relay) -> None:
    first.error = {"code": -32603, "message": "Internal error"}


@pytest.mark.parametrize("goes_wrong", [hung, unavailable, own_error])
async def test_the_second_address_takes_over(
    node: RealNode, tmp_path: Path, goes_wrong: Callable[[Relay], None]
) -> None:
    async with two_addresses(node, tmp_path / "home") as (world, first):
        goes_wrong(first)
        await carries_on(world, "after")
        assert world.runtime.rpc.standing_in == node.url
        assert world.runtime.loops.trouble == {}


async def test_a_first_node_that_is_gone_and_comes_back(node: RealNode, tmp_path: Path) -> None:
    async with two_addresses(node, tmp_path / "home") as (world, first):
        await first.stop()
        await carries_on(world, "meanwhile")
        assert world.runtime.rpc.standing_in == node.url
        await first.start()
        choosing = world.runtime.loops.choosing
        assert choosing is not None
        for _ in range(5):
            await choosing.step()
        assert world.runtime.rpc.standing_in is None
        await carries_on(world, "after")


async def test_a_first_node_that_hears_of_no_new_block(node: RealNode, tmp_path: Path) -> None:
    """It answers, and takes transactions, which nobody gets to see: only its height tells."""
    async with two_addresses(node, tmp_path / "home") as (world, first):
        first.frozen = int(node("eth_blockNumber"), 16)
        node("anvil_mine", hex(10))
        await carries_on(world, "after")
        assert world.runtime.rpc.standing_in == node.url


async def test_a_first_node_that_comes_back_as_another_chains(node: RealNode, tmp_path: Path) -> None:
    with real_node("anvil", chain_id=4243) as stranger:
        async with two_addresses(node, tmp_path / "home") as (world, first):
            await first.stop()
            await carries_on(world, "meanwhile")
            first.to = stranger.url
            await first.start()
            world.runtime.rpc.prefer(0)
            await carries_on(world, "after")
            assert world.runtime.rpc.standing_in == node.url
            heights = await world.runtime.rpc.heights()
            assert heights[0] is None and heights[1] is not None


async def test_an_address_of_another_chain_is_refused_at_the_start(node: RealNode, tmp_path: Path) -> None:
    home = await make_home(tmp_path / "home", rpc_urls=node.url)
    with real_node("anvil", chain_id=4243) as stranger:
        for urls in (f"{node.url},{stranger.url}", f"{stranger.url},{node.url}"):
            with pytest.raises(WrongChain, match="4243") as raised:
                async with opened(home, rpc_urls=urls):
                    raise AssertionError("opened on two chains")
            assert raised.value.next_step
    async with opened(home, rpc_urls=f"{stranger.url},{node.url}", **QUICK) as world:  # gone: tried again later
        await carries_on(world, "a")
