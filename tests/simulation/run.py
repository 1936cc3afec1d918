"""Seeds: each in four phases.

1 work under faults; 2 the faults stop, and everything comes to rest; 3 the checks; 4 in some seeds, the chain betrays
what was final, and nothing may be written any more.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from ledger.domain.submissions import SubmissionState
from ledger.ports import UnitOfWork
from tests.simulation.checks import ALL, LOST, MISMATCHES, Fault
from tests.simulation.clients import client, hand_in
from tests.simulation.director import make_blocks, make_trouble
from tests.simulation.disk import Disk
from tests.simulation.virtual import run_virtual
from tests.simulation.world import Makers, World

MOVING = (SubmissionState.QUEUED, SubmissionState.SENT, SubmissionState.INCLUDED)
REST_SECONDS = 120  # within which everything must come to rest
HANDED_IN_AGAIN = 6  # so often a department sends in what was returned
CLIENTS, CALLS = 3, 5


@dataclass
class Outcome:
    seed: int
    faults: list[Fault]
    trace: str  # digest of everything that happened
    counts: Counter[str] = field(default_factory=Counter)


def run_seed(
    seed: int, disk: Disk, makers: Makers | None = None, on_event: Callable[[str], None] | None = None
) -> Outcome:
    with _silence():
        return run_virtual(_run(seed, disk, makers or Makers(), on_event))


@contextmanager
def _silence() -> Iterator[None]:
    """The product's log would be most of the work."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


async def _run(seed: int, disk: Disk, makers: Makers, on_event: Callable[[str], None] | None) -> Outcome:
    await disk.fresh()
    world = World(seed, disk, makers, on_event)
    blocks = asyncio.create_task(make_blocks(world))
    try:
        await _begin(world)
        await _work(world)
        rested = await _come_to_rest(world)
        blocks.cancel()
        if rested:
            await _check(world)
            if seed % 5 == 0 and not world.checks.found:
                await _betray(world)
    finally:
        blocks.cancel()
        for process in world.running:
            await process.stop()
        await disk.engine.dispose()
    return Outcome(seed, world.checks.found, world.digest, _counted(world))


async def _begin(world: World) -> None:
    """The ledger's opening is followed before anybody is let in."""
    world.faults.active = False
    for _ in range(REST_SECONDS):
        await asyncio.sleep(0.5)
        async with world.own_store().read() as work:
            if await work.cursor() is not None:
                break
    world.faults.active = True
    world.told("the faults begin")


async def _work(world: World) -> None:
    trouble = asyncio.create_task(make_trouble(world))
    clients = [asyncio.create_task(client(world, CALLS)) for _ in range(CLIENTS)]
    await asyncio.wait(clients)
    for one in clients:
        one.result()
    trouble.cancel()
    await asyncio.wait([trouble])
    world.told("the faults stop")
    world.faults.active = False
    world.disk.full = world.disk.locked = False
    world.chain.held.clear()
    if not world.running:
        world.start_process()
    for process in world.running:
        process.doom, process.clock.offset, process.node.down = None, 0.0, False


async def _come_to_rest(world: World) -> bool:
    """Nothing is under way any more, and what was returned was handed in again as often as that may help."""
    again = 0
    for _ in range(REST_SECONDS):
        await asyncio.sleep(1.0)
        for process in world.running:
            if process.diverged:
                world.checks.wrong(MISMATCHES, f"{process.name}: {process.diverged.detail}")
                return False
        async with world.own_store().read() as work:
            if await _moving(world, work):
                continue
            returned = [one for _, one in await work.submissions(state=SubmissionState.RETURNED, limit=ALL)]
        if again == HANDED_IN_AGAIN or all(world.checks.would_refuse(one) for one in returned):
            return True
        again += 1
        for one in returned:  # with those that build on one that could land
            if one.digest in world.acknowledged:
                department, act = world.acknowledged[one.digest]
                await hand_in(world, department, [act])
    async with world.own_store().read() as work:
        for _, one in await work.submissions(state=MOVING, limit=ALL):
            world.checks.wrong(LOST, f"{one.act.name} {one.digest[:8]} is {one.state} and does not move")
        if not world.checks.found:
            world.checks.wrong(LOST, "the product does not come to rest")
    return False


async def _moving(world: World, work: UnitOfWork) -> bool:
    cursor = await work.cursor()
    behind = cursor is None or cursor.size != world.chain.blocks[world.chain.final].size
    more = world.chain.tip.size != world.chain.blocks[world.chain.final].size
    under_way = await work.submissions(state=MOVING, limit=1)
    return bool(behind or more or under_way or await work.carried(world.packer.courier))


async def _check(world: World) -> None:
    for process in world.running:
        await process.stop()
    async with world.own_store().read() as work:
        await world.checks.at_the_end(work)
        for _, one in await work.submissions(limit=ALL):
            world.counts[f"acts {one.state}"] += one.digest in world.acknowledged


async def _betray(world: World) -> None:
    """Blocks that were final are replaced: every process must stop, and nothing is written."""
    async with world.own_store().read() as work:
        before = (await work.cursor(), await work.entries(-1, ALL))
    chain, cursor = world.chain, before[0]
    assert cursor is not None
    depth = chain.tip.block.number - cursor.block.number + 1 + world.rng.randint(0, 3)
    world.told(f"betrayal: {depth} blocks are undone")
    chain.rewind(depth, world.rng, keep=1.0)
    for _ in range(depth + 4):
        chain.mine()
    process = world.start_process()
    await asyncio.sleep(4.0)
    if process.diverged is None:
        world.checks.wrong(MISMATCHES, "a final block changed, and nobody said so")
    world.counts["betrayals"] += 1
    async with world.own_store().read() as work:
        if (await work.cursor(), await work.entries(-1, ALL)) != before:
            world.checks.wrong(MISMATCHES, "something was written after a final block changed")


def _counted(world: World) -> Counter[str]:
    counts = world.counts + world.faults.counts + Counter(world.disk.suffered)
    counts += Counter({f"killed {place}": times for place, times in world.kills.items()})
    counts["acts signed"] = len(world.signed)
    counts["acts acknowledged"] = len(world.acknowledged)
    counts["seeds with two processes"] = int(len(world.processes) > 1)
    counts["seconds"] = int(world.now)
    return counts
