"""The whole way of acts on a real chain, and what may happen to node and processes meanwhile."""

import asyncio
import os
import signal
from pathlib import Path

from ledger.domain.acts import Level
from ledger.services.acting import SignedAct, submit
from tests.harness.waiting import SECONDS
from tests.harness.world import DIRECTOR, ROOT, World, opened


async def test_an_act_becomes_final(world: World) -> None:
    digest = await world.register("341502")
    (submission,) = await world.settle([digest])
    assert submission.state == "final" and submission.entry == 1


async def test_many_acts_travel_together(world: World) -> None:
    for number in range(60):
        await world.register(f"d{number}")
    stored = await world.settle()
    assert {one.state.value for one in stored} == {"final"}
    checked = await world.recheck()
    assert checked.transactions < 60


async def test_acts_that_the_contracts_refuse_block_nobody(world: World) -> None:
    await world.settle([await world.register("a")])
    rivals = [
        await world.act("ChangeDepartment", department="a", parent=ROOT, level=int(Level.COUNTY), roles=roles)
        for roles in (2, 4, 6)
    ]
    others = [await world.register(f"d{number}") for number in range(5)]
    stored = {one.digest: one for one in await world.settle()}
    assert sorted(stored[digest].state.value for digest in rivals) == ["failed", "failed", "final"]
    assert {stored[digest].state.value for digest in others} == {"final"}


async def test_the_same_signed_act_twice_is_one_submission(world: World) -> None:
    digest = await world.register("a")
    first = await world.submission(digest)
    again = await submit(world.runtime.ports, DIRECTOR, [SignedAct(first.act, first.signatures)])
    assert [one.digest for one in again] == [digest]
    await world.settle()
    again = await submit(world.runtime.ports, DIRECTOR, [SignedAct(first.act, first.signatures)])
    assert again[0].state == "final"


async def test_duplicate_broadcasts_change_nothing(world: World) -> None:
    node = world.runtime.ports.node
    for number in range(5):
        await world.register(f"d{number}")
        async with world.runtime.store.read() as work:
            assert world.runtime.loops.submitter is not None
            made = await work.carried(world.runtime.loops.submitter.packer.courier, done=True)
        for carried in made:
            await asyncio.gather(*(node.send(carried.raw) for _ in range(3)))
    await world.settle()


async def test_anvil_killed_in_the_middle(world: World) -> None:
    assert world.runtime.local_chain is not None
    for number in range(20):
        await world.register(f"d{number}")
        if number % 7 == 3:
            pid = world.runtime.local_chain.anvil_pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
    stored = await world.settle()
    assert {one.state.value for one in stored} == {"final"}


async def test_a_wiped_transaction_pool_costs_time_and_no_act(world: World) -> None:
    """The node takes a transaction and forgets it."""
    node, sends = world.runtime.ports.node, 0
    send = node.send

    async def swallow(raw: bytes) -> None:
        nonlocal sends
        sends += 1
        if sends > 2:
            await send(raw)

    node.send = swallow  # type: ignore[method-assign]
    await world.register("a")
    (one,) = await world.settle()
    assert one.state == "final" and sends == 3
    assert (await world.recheck()).transactions == 1


async def test_two_products_on_one_home_share_the_work(home: Path) -> None:
    """The second one finds the first one's chain; one of them carries, both follow, nothing is doubled."""
    async with opened(home) as first, opened(home) as second:
        assert first.runtime.local_chain is not None and second.runtime.local_chain is None
        for number in range(10):
            await (first if number % 2 else second).register(f"d{number}")
        await first.settle()
        await second.settle()
        leads = [world.runtime.loops.submitter for world in (first, second)]
        assert [bool(submitter and submitter.epoch) for submitter in leads].count(True) == 1
        await second.recheck(first.acknowledged)
        await first.recheck(second.acknowledged)


async def test_the_second_product_takes_over_when_the_first_stops(home: Path) -> None:
    """A lease given back on a clean stop is free at once, though it would last a minute."""
    async with opened(home, running=False) as chain:
        async with opened(home, lease_seconds=60) as first:
            await first.settle([await first.register("a")])
        async with opened(home) as second:
            await second.settle([await second.register("b")], seconds=SECONDS / 2)
            await second.recheck(first.acknowledged)
        assert chain.runtime.local_chain is not None


async def test_rebuilding_the_read_model_gives_the_same_rows(home: Path) -> None:
    async with opened(home) as world:
        for number in range(12):
            await world.register(f"d{number}")
        await world.settle()
        before = await world.recheck()
        async with world.runtime.store.write() as work:
            await work.rewind()
            await work.commit()
    async with opened(home) as world:  # an old anvil's states are gone by now
        after = await world.recheck()
    assert after == before


async def test_a_restart_between_any_two_acts(home: Path) -> None:
    acknowledged: list[str] = []
    for number in range(3):
        async with opened(home) as world:
            acknowledged.append(await world.register(f"d{number}"))  # and away, without waiting
    async with opened(home) as world:
        await world.settle()
        checked = await world.recheck(acknowledged)
    assert len(checked.entries) == 4
