"""kill -9 at every step of the way: nothing acknowledged is lost, nothing is doubled, no nonce is missing."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.databases import POSTGRESQL, SQLITE
from tests.harness.waiting import SECONDS
from tests.harness.world import World, opened

ROOT_FOLDER = Path(__file__).parents[3]
STEPS = (
    # acting
    "submitting, not committed",
    "committed, not acknowledged",
    # submitter
    "lease held, nothing looked at",
    "looked after, nothing new packed",
    "packed, not stored",
    "stored, not sent",
    "sent, not looked at",
    "settled, not committed",
    "settled",
    # follower
    "checked, nothing written",
    "written, not committed",
    "committed",
)
# of the database: what the other database might do otherwise
AROUND_A_TRANSACTION = {
    "submitting, not committed",
    "committed, not acknowledged",
    "stored, not sent",
    "settled, not committed",
    "written, not committed",
}

_CHILDREN: list[Process] = []


@pytest.fixture(autouse=True)
async def no_child_outlives_its_test() -> AsyncIterator[None]:
    yield
    for child in _CHILDREN:
        if child.returncode is None:
            child.kill()
            await child.wait()
    _CHILDREN.clear()


async def start(home: Path, step: str = "never", turn: int = 1, acts: int = 6) -> Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", Path(__file__).with_name("child.py"), home, step, str(turn), str(acts),
        stdin=DEVNULL, stdout=PIPE, env={**os.environ, "PYTHONPATH": str(ROOT_FOLDER)},
    )  # fmt: skip
    _CHILDREN.append(child)
    return child


async def said(child: Process, lines: int | None = None) -> list[str]:
    """What the child printed: so many lines, or all until it ended. Log lines are left out."""
    assert child.stdout is not None
    found: list[str] = []
    async with asyncio.timeout(SECONDS):
        while lines is None or len(found) < lines:
            line = (await child.stdout.readline()).decode().strip()
            if not line:
                break
            if line.startswith("ready") or (len(line) == 64 and " " not in line):
                found.append(line)
    return found


async def ended(child: Process) -> int:
    async with asyncio.timeout(SECONDS):
        return await child.wait()


async def recovered(home: Path, acknowledged: list[str]) -> int:
    """Open the ledger, let it come to rest, re-check everything; the number of entries."""
    async with opened(home) as world:
        await world.settle()
        checked = await world.recheck(acknowledged)
    assert all(checked.submissions[digest].state == "final" for digest in acknowledged)
    return len(checked.entries)


TURNS = [(step, 1 + number % 3) for number, step in enumerate(STEPS)]
KILLS = [(SQLITE, step, turn) for step, turn in TURNS] + [
    (POSTGRESQL, step, turn) for step, turn in TURNS if step in AROUND_A_TRANSACTION
]


@pytest.mark.parametrize(("kind", "step", "turn"), KILLS)
async def test_killed_at_each_step_nothing_is_lost_or_doubled(home: Path, step: str, turn: int) -> None:
    child = await start(home, step, turn)
    lines = await said(child)
    assert await ended(child) == -signal.SIGKILL
    acknowledged = lines[1:]
    assert 1 + len(acknowledged) <= await recovered(home, acknowledged) <= 1 + 6


async def test_killed_again_and_again_while_it_recovers(home: Path) -> None:
    acknowledged: list[str] = []
    for step in ("stored, not sent", "written, not committed", "settled, not committed"):
        child = await start(home, step, 2, acts=3)
        acknowledged += (await said(child))[1:]
        await ended(child)
    await recovered(home, acknowledged)


async def test_product_and_anvil_killed_together(home: Path) -> None:
    child = await start(home, acts=8)
    lines = await said(child, lines=6)
    os.kill(int(lines[0].split()[1]), signal.SIGKILL)
    child.kill()
    lines += await said(child)
    await ended(child)
    await recovered(home, lines[1:])


async def test_sigterm_stops_it_cleanly_and_gives_the_lease_back(home: Path) -> None:
    child = await start(home, acts=5)
    lines = await said(child, lines=6)
    child.send_signal(signal.SIGTERM)
    await said(child)
    assert await ended(child) == 0
    async with opened(home, running=False) as world:
        submitter = world.runtime.loops.submitter
        assert submitter is not None
        await submitter.step()
        assert submitter.epoch is not None, "the lease was free"
    await recovered(home, lines[1:])


async def who_carries(chain: World) -> int:
    """The process that holds the lease."""
    submitter = chain.runtime.loops.submitter
    assert submitter is not None
    async with chain.runtime.store.read() as work:
        lease = await work.lease_of(submitter.packer.courier)
    assert lease is not None
    return int(lease.holder.split(":")[1])


async def carrier(chain: World, children: list[Process]) -> Process:
    pid = await who_carries(chain)
    return next(child for child in children if child.pid == pid)


async def test_two_processes_and_the_one_that_carries_is_killed(home: Path) -> None:
    """The chain belongs to a third one, which only follows."""
    async with opened(home, running=False) as chain:
        children = [await start(home, acts=6) for _ in range(2)]
        begun = [await said(child, lines=3) for child in children]  # ready, and two acts acknowledged
        first = await carrier(chain, children)
        first.kill()
        (second,) = [child for child in children if child is not first]
        lines = begun[children.index(first)][1:] + await said(first)
        lines += begun[children.index(second)][1:] + await said(second, lines=4)
        assert await ended(first) == -signal.SIGKILL
        async with opened(home) as world:
            await world.settle()
        second.send_signal(signal.SIGTERM)
        await said(second)
        assert await ended(second) == 0
        checked = await chain.recheck(lines)
    assert len(checked.entries) >= 1 + len(lines) >= 1 + 8
