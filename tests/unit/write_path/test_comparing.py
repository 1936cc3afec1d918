"""A second node beside the one that is followed: which differences stop the writing, and which are only told."""

import asyncio
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger.errors import Diverged, NodesDisagree, Unavailable, WrongChain
from ledger.host import FinalSignal
from ledger.loops import COMPARISON, Loops
from ledger.ports import Block
from ledger.services.comparing import DISAGREE, MISSING, Comparison
from tests.factories.acts import register
from tests.fakes.node import FakeNode
from tests.harness.waiting import soon
from tests.unit.write_path.conftest import Rig


@dataclass
class Told:
    """The alarms as they stand."""

    up: dict[str, str] = field(default_factory=dict)

    def __call__(self, alarm: str, detail: str | None) -> None:
        self.up.pop(alarm, None)
        if detail is not None:
            self.up[alarm] = detail


def view_of(node: FakeNode) -> FakeNode:
    """Another node, with all the blocks there are now; each goes on by itself."""
    other = copy(node)
    other.chain, other.pool, other.calls = list(node.chain), {}, []
    return other


def share(ours: FakeNode, theirs: FakeNode) -> None:
    """The other node hears of every block."""
    theirs.chain = list(ours.chain)


@dataclass
class Two:
    rig: Rig
    second: FakeNode
    comparison: Comparison
    told: Told


@pytest.fixture
async def two(rig: Rig) -> Two:
    rig.node.mine(register("a"), register("b"))
    await rig.follow()
    return beside(rig, view_of(rig.node))


def beside(rig: Rig, second: FakeNode) -> Two:
    told = Told()
    follower = rig.follower
    made = Comparison(rig.store, rig.node, second, follower.manifest, follower.confirmations, most_behind=2, tell=told)
    return Two(rig, second, made, told)


async def test_nodes_that_tell_the_same(two: Two) -> None:
    await two.comparison.step()
    assert two.comparison.agreed == two.rig.node.tip.block
    assert two.told.up == {} and two.comparison.disagreed is None


async def test_before_anything_was_followed_the_ledgers_first_block_is_compared(rig: Rig) -> None:
    two = beside(rig, view_of(rig.node))
    await two.comparison.step()
    assert two.comparison.agreed == rig.node.chain[rig.node.manifest.block].block
    two.second.reorganise(1, keep=False)
    two.second.mine(opening=rig.node.manifest.opening)
    with pytest.raises(NodesDisagree):
        await two.comparison.step()


async def test_another_block_at_the_same_height(two: Two) -> None:
    two.second.reorganise(1, keep=False)
    two.second.mine(register("a"), register("elsewhere"))
    with pytest.raises(NodesDisagree) as raised:
        await two.comparison.step()
    assert raised.value.facts["block"] == two.rig.node.tip.block.number
    assert two.told.up[DISAGREE] == two.comparison.disagreed == raised.value.detail
    assert raised.value.next_step and raised.value.code == "nodes-disagree"


async def test_the_same_block_with_another_head(two: Two) -> None:
    tip = copy(two.second.tip)
    tip.head = "11" * 32
    two.second.chain[-1] = tip
    with pytest.raises(NodesDisagree, match="3 with head 1111"):
        await two.comparison.step()
    tip.head, tip.size = two.rig.node.tip.head, 1
    with pytest.raises(NodesDisagree, match="1 with head"):
        await two.comparison.step()


async def test_a_second_node_that_is_gone_is_told_and_no_more(two: Two) -> None:
    two.second.down = True
    await two.comparison.step()
    assert MISSING in two.told.up and DISAGREE not in two.told.up
    two.second.down = False
    await two.comparison.step()
    assert two.told.up == {}


@pytest.mark.parametrize("call", ["block", "head"])
async def test_a_second_node_that_goes_in_between(two: Two, call: str) -> None:
    async def gone(*_: Any) -> Any:
        raise Unavailable("gone")

    if call == "block":
        two.rig.node.mine()
        await two.rig.follow()
    setattr(two.second, call, gone)
    if call == "block":
        two.second.look = behind_by_one(two)  # type: ignore[method-assign]
    await two.comparison.step()
    assert MISSING in two.told.up


def behind_by_one(two: Two) -> Any:
    async def look(_number: int) -> tuple[Block, Block | None]:
        return two.second.tip.block, None

    return look


async def test_a_second_node_a_little_behind_is_compared_at_its_own_height(two: Two) -> None:
    for _ in range(2):
        two.rig.node.mine()
    await two.rig.follow()
    await two.comparison.step()
    assert two.comparison.agreed == two.second.tip.block
    assert two.told.up == {}


async def test_a_second_node_far_behind_is_told(two: Two) -> None:
    for _ in range(3):
        two.rig.node.mine()
    await two.rig.follow()
    await two.comparison.step()
    assert "3 final blocks behind" in two.told.up[MISSING]
    share(two.rig.node, two.second)
    await two.comparison.step()
    assert two.told.up == {}


async def test_a_second_node_behind_and_on_a_fork_is_found_out(two: Two) -> None:
    two.second.reorganise(1, keep=False)
    two.second.mine()
    for _ in range(20):
        two.rig.node.mine()
    await two.rig.follow()
    with pytest.raises(NodesDisagree):
        await two.comparison.step()


async def test_a_second_node_ahead_is_compared_at_what_we_followed(two: Two) -> None:
    for _ in range(5):
        two.second.mine()
    await two.comparison.step()
    assert two.comparison.agreed == two.rig.node.tip.block and two.told.up == {}


async def test_a_second_node_without_that_state_is_compared_by_hash(two: Two) -> None:
    two.second.keeps = 0
    await two.comparison.step()
    assert two.comparison.agreed == two.rig.node.tip.block and two.told.up == {}


async def test_what_is_not_final_may_differ(deep_rig: Rig) -> None:
    rig = deep_rig
    for block in range(4):
        rig.node.mine(register(f"c{block}"))
    await rig.follow()
    two = beside(rig, view_of(rig.node))
    two.second.reorganise(rig.follower.confirmations, keep=False)
    for _ in range(rig.follower.confirmations):
        two.second.mine()
    await two.comparison.step()
    assert two.comparison.agreed == rig.node.chain[-1 - rig.follower.confirmations].block
    two.second.reorganise(rig.follower.confirmations + 1, keep=False)
    for _ in range(rig.follower.confirmations + 1):
        two.second.mine()
    with pytest.raises(NodesDisagree):
        await two.comparison.step()


async def test_a_second_node_of_another_chain(two: Two) -> None:
    async def look(_number: int) -> Any:
        raise WrongChain("the node's chain id is 1, the manifest's 2")

    two.second.look = look  # type: ignore[method-assign]
    with pytest.raises(NodesDisagree, match="another chain"):
        await two.comparison.step()


# ---- in the loops ----------------------------------------------------------------------------------------------------


async def true(answer: bool) -> bool:
    return answer


def loops_of(two: Two) -> Loops:
    rig = two.rig
    two.comparison.seconds = 0.001
    loops = Loops(rig.follower, rig.submitter, FinalSignal(), rig.clock, 0.001, 0.01)
    loops.comparison = two.comparison
    return loops


async def test_nothing_is_carried_before_the_first_comparison(two: Two) -> None:
    two.second.reorganise(1, keep=False)
    two.second.mine()
    await two.rig.queue(register("c"))
    loops = loops_of(two)
    await loops.run()
    assert isinstance(loops.diverged, NodesDisagree)
    assert two.rig.node.sent == []


async def test_a_disagreement_found_later_stops_the_loops(two: Two) -> None:
    loops = loops_of(two)
    task = asyncio.create_task(loops.run())
    await soon(lambda: true(two.comparison.agreed is not None))
    two.second.reorganise(1, keep=False)
    two.second.mine()
    await asyncio.wait_for(task, 30)
    assert isinstance(loops.diverged, Diverged) and DISAGREE in two.told.up


async def test_a_first_node_that_is_gone_is_a_trouble_and_no_disagreement(two: Two) -> None:
    two.rig.node.mine()
    await two.rig.follow()
    two.rig.node.down = True  # and the second one is a block behind, so the first is asked
    loops = loops_of(two)
    task = asyncio.create_task(loops.run())
    await soon(lambda: true(COMPARISON in loops.trouble))
    two.rig.node.down = False
    await soon(lambda: true(COMPARISON not in loops.trouble))
    assert loops.diverged is None
    task.cancel()
    await asyncio.wait([task])
