"""Departments' programs: they hand in acts, again and again until they are told that an act is theirs no longer."""

import asyncio
from collections.abc import Sequence

from ledger.errors import InvalidInput, NotPermitted, Refused, Unavailable
from ledger.services.acting import SignedAct
from tests.simulation import cast
from tests.simulation.process import Killed, Process
from tests.simulation.world import World

TRIES = 12


async def client(world: World, calls: int) -> None:
    for _ in range(calls):
        await asyncio.sleep(world.rng.expovariate(1 / 0.7))
        department, acts = await world.plan.next(world.own_store(), world.chain.now())
        world.signed += [(department, one) for one in acts]
        await hand_in(world, department, acts)
        if world.rng.random() < 0.05:  # an impatient one does so twice
            await hand_in(world, department, acts)


async def hand_in(world: World, department: str, acts: Sequence[SignedAct]) -> bool:
    """Whether they were acknowledged."""
    for _ in range(TRIES):
        process = world.rng.choice(world.running) if world.running else None
        answer = await _answer(world, process, department, acts) if process and not process.diverged else None
        if answer is True:
            world.acknowledged.update({cast.digest_of(one.act): (department, one) for one in acts})
            world.told(f"acknowledged: {', '.join(one.act.name for one in acts)}")
        if answer is not None:
            return answer
        await asyncio.sleep(world.rng.uniform(0.2, 1.5))
    return False


async def _answer(world: World, process: Process, department: str, acts: Sequence[SignedAct]) -> bool | None:
    """True: acknowledged. False: refused. None: no answer, so it may or may not have been stored."""
    task = process.spawn(world.makers.submit(process.ports, cast.CALLERS[department], acts))
    await asyncio.wait([task])
    if task.cancelled():
        return None
    match task.exception():
        case None:
            return True
        case Killed() | Unavailable():
            return None
        case Refused() | NotPermitted() | InvalidInput() as error:
            world.counts[f"refused: {error.code}"] += 1
            world.told(f"refused: {acts[0].act.name}: {error.code} {error.detail}")
            for one in acts:
                world.plan.lost_track(one)
        case error:
            assert error is not None
            world.checks.broke("submit", error)
    return False
