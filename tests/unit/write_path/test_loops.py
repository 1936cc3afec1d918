"""The two loops together: they move acts on, end when told, wait for a node, and stop writing where one contradicts."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ledger.host import FinalSignal
from ledger.loops import Loops
from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, register
from tests.harness.waiting import soon
from tests.unit.write_path.conftest import Rig

SECONDS = 20


def loops_of(rig: Rig) -> Loops:
    return Loops(rig.follower, rig.submitter, FinalSignal(), rig.clock, poll=0.001, idle=0.02)


@asynccontextmanager
async def running(loops: Loops, rig: Rig) -> AsyncIterator[asyncio.Task[None]]:
    """The loops, and a chain that mines what it is handed."""

    async def mine() -> None:
        while True:
            if rig.node.pool:
                rig.node.mine()
            rig.clock.time += 0.05
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(loops.run()), asyncio.create_task(mine())]
    try:
        yield tasks[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=SECONDS)
        assert all(task.done() for task in tasks), "cancelled, and still running"


async def _is(value: bool) -> bool:
    return value


async def until_final(rig: Rig, loops: Loops, digest: str) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            turn = loops.signal.turn
            if await rig.state(digest) == "final":
                return
            await loops.signal.wait(0.05, turn)


async def test_they_carry_acts_to_their_end(rig: Rig) -> None:
    loops = loops_of(rig)
    async with running(loops, rig):
        for number in range(5):
            (digest,) = await rig.queue(register(f"d{number}"))
            loops.wake()
            await until_final(rig, loops, digest)
    assert loops.trouble == {} and loops.diverged is None
    await rig.consistent()


async def test_they_end_whenever_they_are_cancelled(rig: Rig) -> None:
    """Also in the very moment in which something wakes them."""
    for delay in range(12):
        loops = loops_of(rig)
        async with running(loops, rig) as task:
            await rig.queue(register(f"d{delay}"))
            loops.wake()
            for _ in range(delay * 3):
                await asyncio.sleep(0)
            loops._carry.set()
            loops._follow.set()
            task.cancel()
            loops._carry.set()
            loops._follow.set()


async def test_cancelled_in_the_middle_they_leave_no_lock(rig: Rig, database: str) -> None:
    """Whatever statement runs in that moment: others can write at once."""
    moments = random.Random(7)
    for turn in range(30):
        loops = loops_of(rig)
        task = asyncio.create_task(loops.run())
        for number in range(3):
            await rig.queue(register(f"d{turn}.{number}"))
            loops.wake()
            rig.node.mine()
            rig.clock.time += 0.05
        await asyncio.wait([task], timeout=moments.random() * 0.03)
        rig.node.mine()
        await asyncio.wait([task], timeout=moments.random() * 0.02)
        task.cancel()
        await asyncio.wait([task])
        other = SqlStore(open_engine(database), CHAIN_ID)
        async with asyncio.timeout(2), other.write():
            pass
        await other.close()
    for _ in range(3):
        await rig.finish()
    await rig.consistent()


async def test_a_clean_end_gives_the_lease_back(rig: Rig) -> None:
    loops = loops_of(rig)
    async with running(loops, rig):
        (digest,) = await rig.queue(register("a"))
        loops.wake()
        await until_final(rig, loops, digest)
    async with rig.store.write() as work:
        assert await work.lease(rig.packer.courier, "another", int(rig.clock.now() * 1000), 1) is not None


async def test_a_node_that_is_away_is_waited_for(rig: Rig) -> None:
    loops = loops_of(rig)
    rig.node.down = True
    async with running(loops, rig):
        (digest,) = await rig.queue(register("a"))
        loops.wake()
        await soon(lambda: _is("follower" in loops.trouble))
        rig.node.down = False
        await until_final(rig, loops, digest)
        await soon(lambda: _is(not loops.trouble))


async def test_a_node_that_contradicts_what_was_final_ends_the_writing(rig: Rig) -> None:
    rig.node.mine(register("a"))
    await rig.follow()
    rig.node.reorganise(1, keep=False)
    rig.node.mine(register("b"))
    loops = loops_of(rig)
    async with asyncio.timeout(SECONDS):
        await loops.run()
    assert loops.diverged is not None and loops.diverged.facts["block"] == rig.node.tip.block.number
    assert rig.submitter.epoch is None
    async with rig.store.read() as work:
        assert [entry.act["department"] for entry in await work.entries(0, 10)] == ["a"], "nothing was rewritten"


async def test_a_broken_step_is_tried_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    loops, step, broken = loops_of(rig), rig.follower.step, 0

    async def breaking() -> int:
        nonlocal broken
        broken += 1
        if broken <= 2:
            raise ValueError("a defect")
        return await step()

    monkeypatch.setattr(rig.follower, "step", breaking)
    async with running(loops, rig):
        (digest,) = await rig.queue(register("a"))
        loops.wake()
        await until_final(rig, loops, digest)
    assert broken > 2


async def test_the_payload_store_is_swept_beside_them(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.loops.SWEEPING_SECONDS", 0.001)
    loops, swept = loops_of(rig), asyncio.Event()

    async def sweep() -> None:
        swept.set()

    loops.sweeping = sweep
    async with running(loops, rig), asyncio.timeout(SECONDS):
        await swept.wait()
        (digest,) = await rig.queue(register("d1"))
        loops.wake()
        await until_final(rig, loops, digest)
