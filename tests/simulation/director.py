"""Who makes blocks, and who makes trouble, until the faults stop."""

import asyncio
import re
from functools import cache
from pathlib import Path

from ledger.services import carrying
from tests.simulation import cast
from tests.simulation.process import Process
from tests.simulation.world import World

COMMITS = ("after a commit", "before a commit")


@cache
def named_places() -> tuple[str, ...]:
    """Every place where the product says that it can crash, as its source names them, and both sides of a commit."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path(carrying.__file__).parent.glob("*.py"))]
    named = {name for text in texts for name in re.findall(r'self\.fault\("([^"]+)"\)', text)}
    return (*sorted(named), *COMMITS)


async def make_blocks(world: World) -> None:
    while True:
        await asyncio.sleep(world.block_seconds)
        world.chain.mine()


async def make_trouble(world: World) -> None:
    """One task for each kind of event the seed has."""
    chosen = [(name, pause) for name, pause in world.faults.pauses.items() if pause]
    tasks = [asyncio.create_task(_again_and_again(world, name, pause)) for name, pause in chosen]
    try:
        await asyncio.Event().wait()
    finally:
        for task in tasks:
            task.cancel()


async def _again_and_again(world: World, name: str, pause: float) -> None:
    while True:
        await asyncio.sleep(world.rng.expovariate(1 / pause))
        await _EVENTS[name](world)


def one_process(world: World) -> Process | None:
    return world.rng.choice(world.running) if world.running else None


async def _wipe_pool(world: World) -> None:
    if world.chain.pool:
        world.faults.happened("pool wiped")
        world.chain.forget()


async def _restart_node(world: World) -> None:
    world.faults.happened("node restarted")
    for one in world.processes:
        one.node.down = True
    await asyncio.sleep(world.rng.uniform(0.1, 4.0))
    world.chain.forget()
    for one in world.processes:
        one.node.down = False


async def _rewind(world: World) -> None:
    chain = world.chain
    most = chain.tip.block.number - chain.final
    if most == 0:
        return
    world.faults.happened("blocks rewound")
    chain.rewind(world.rng.randint(1, most), world.rng, keep=world.rng.choice([0.0, 0.5, 1.0]))
    for _ in range(world.rng.randint(0, 2)):  # the other branch may be shorter at first
        chain.mine()


async def _clock_forward(world: World) -> None:
    await _jump(world, "clock forward", world.rng.choice([2.0, 30.0, 5_000.0, 100_000.0]))


async def _clock_back(world: World) -> None:
    await _jump(world, "clock back", -world.rng.choice([2.0, 30.0, 5_000.0]))


async def _jump(world: World, name: str, seconds: float) -> None:
    process = one_process(world)
    if process is None:
        return
    world.faults.happened(name)
    process.clock.offset += seconds
    await asyncio.sleep(world.rng.uniform(0.3, 5.0))
    process.clock.offset -= seconds


async def _fill_disk(world: World) -> None:
    """The disk itself counts who met it."""
    world.disk.full = True
    await asyncio.sleep(world.rng.uniform(0.2, 3.0))
    world.disk.full = False


async def _lock_database(world: World) -> None:
    world.disk.locked = True
    await asyncio.sleep(world.rng.uniform(0.2, 3.0))
    world.disk.locked = False


async def _kill(world: World) -> None:
    """At a named place if it gets there soon, else wherever it is; or it ends cleanly. Another takes its place."""
    process = one_process(world)
    if process is None:
        return
    if world.rng.random() < 0.15:
        world.faults.happened("process stopped")
        await process.stop()
    elif world.rng.random() < 0.8:
        process.doom = world.rng.choice(named_places())
        for _ in range(40):
            await asyncio.sleep(0.1)
            if process.dead:
                break
    process.kill("where it was")
    await asyncio.sleep(world.rng.choice([0.0, 0.5, 8.0]))
    world.start_process(world.rng.uniform(-0.3, 0.3))


async def _take_nonce(world: World) -> None:
    world.faults.happened("nonce taken")
    world.chain.mine(take=True)


async def _carry_by_stranger(world: World) -> None:
    if not world.signed:
        return
    world.faults.happened("carried by a stranger")
    department, one = world.rng.choice(world.signed[-10:])
    world.chain.strangers.append(cast.as_submission(one, department))


_EVENTS = {
    "pool wiped": _wipe_pool,
    "node restarted": _restart_node,
    "blocks rewound": _rewind,
    "clock forward": _clock_forward,
    "clock back": _clock_back,
    "disk full": _fill_disk,
    "database locked": _lock_database,
    "process killed": _kill,
    "nonce taken": _take_nonce,
    "carried by a stranger": _carry_by_stranger,
}
