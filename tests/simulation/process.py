"""One process of the product: its clock, its view of the node, its two loops; and how it is killed.

A dead process can do nothing more: whatever of it still runs meets `Killed` at its next call to the outside.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.errors import Diverged, Unavailable
from ledger.ports import Ports, UnitOfWork
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, START
from tests.fakes.payloads import FakePayloads
from tests.fakes.small import FakeSignal, FakeVault
from tests.simulation import cast
from tests.simulation.node import SimulatedNode

if TYPE_CHECKING:
    from tests.simulation.world import World

Result = TypeVar("Result")


class Killed(BaseException):
    """Nothing may catch it."""


class Clock:
    """`ledger.ports.Clock`, as wrong as `offset` says."""

    def __init__(self, offset: float) -> None:
        self.offset = offset

    def now(self) -> float:
        return START + asyncio.get_running_loop().time() + self.offset


class SimulatedStore:
    """`ledger.ports.Store`: the real one; writers queue as SQLite makes them, and commits can be slow or unheard."""

    def __init__(self, process: "Process", inner: SqlStore) -> None:
        self._process, self._inner = process, inner

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        self._process.alive()
        async with self._inner.read() as work:
            yield work

    @contextlib.asynccontextmanager
    async def write(self, *, ahead: bool = False) -> AsyncIterator[UnitOfWork]:
        process, faults = self._process, self._process.world.faults
        process.alive()
        async with process.world.writing:
            process.alive()
            if process.world.disk.locked:
                await asyncio.sleep(1.0)  # SQLite's own patience
            async with self._inner.write(ahead=ahead) as work:
                commit = work.commit

                async def committed() -> None:
                    if faults.strikes("slow commit"):
                        await asyncio.sleep(faults.rng.choice([0.02, 0.5]))
                    process.fault("before a commit")
                    await commit()
                    process.world.told(f"{process.name} committed")
                    process.fault("after a commit")
                    if faults.strikes("answer to commit lost"):
                        raise Unavailable("the connection to the database broke after the commit")

                work.commit = committed  # type: ignore[method-assign]
                yield work


class Process:
    def __init__(self, world: "World", name: str, offset: float) -> None:
        self.world, self.name = world, name
        self.dead = False
        self.diverged: Diverged | None = None
        self.doom: str | None = None  # the place at which it dies
        self.clock = Clock(offset)
        self.node = SimulatedNode(world.chain, world.faults, self.alive, world.told)
        inner = SqlStore(world.disk.engine, CHAIN_ID, lambda: int(self.clock.now() * 1000))
        self.store = SimulatedStore(self, inner)
        makers, confirmations = world.makers, world.confirmations
        self.submitter = makers.submitter(
            self.store, self.node, world.packer, self.clock, name, confirmations, fault=self.fault
        )
        self.follower = makers.follower(self.store, self.node, cast.manifest(), confirmations, fault=self.fault)
        self.ports = Ports(
            store=self.store,
            node=self.node,
            signatures=cast.SIGNATURES,
            payloads=FakePayloads(),
            vault=FakeVault(),
            clock=self.clock,
            manifest=cast.manifest(),
            final=FakeSignal(),
            views=None,  # type: ignore[arg-type]
            scratch=Path("/nonexistent"),
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self.spawn(self._follow())
        self.spawn(self._carry())

    def alive(self) -> None:
        if self.dead:
            raise Killed

    def fault(self, place: str) -> None:
        """The hooks of the submitter and the follower, and ours: the process may die here."""
        self.alive()
        self.world.places[place] += 1
        if self.doom == place and self.world.faults.active:
            self.world.kills[place] += 1
            self.kill(f"at: {place}")
            raise Killed

    def kill(self, where: str) -> None:
        if not self.dead:
            self.dead = True
            self.world.told(f"{self.name} killed {where}")
            self.world.faults.counts["process killed"] += 1
            current = asyncio.current_task()
            for task in sorted(self._tasks, key=lambda one: one.get_name()):
                if task is not current:
                    task.cancel()

    def spawn(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run it in this process; it ends with the process."""
        task = asyncio.create_task(work, name=f"{self.world.next_number():09}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # the loops

    async def _follow(self) -> None:
        while await self._stepped("follower", self.follower.step()):
            if not self.dead and not self.diverged:
                self.world.checks.after_following(self)
            pause = 0.01 if self.follower.more else self.world.rng.choice([0.1, 0.3, 0.7])
            await asyncio.sleep(pause)

    async def _carry(self) -> None:
        while await self._stepped("submitter", self.submitter.step()):
            pause = 0.01 if self.submitter.again is not None else self.world.rng.choice([0.15, 0.4, 0.9])
            await asyncio.sleep(pause)

    async def _stepped(self, loop: str, step: Coroutine[Any, Any, Any]) -> bool:
        """Whether the loop goes on."""
        if self.dead or self.diverged:
            step.close()
            return False
        try:
            await step
        except Diverged as error:
            self.diverged = error
            self.world.told(f"{self.name} diverged")
        except Unavailable as error:
            self.world.counts[f"{loop} waits"] += 1
            self.world.told(f"{self.name}: the {loop} waits: {error.detail}")
        except (Killed, asyncio.CancelledError):
            return False
        except Exception as error:
            self.world.checks.broke(f"{loop} of {self.name}", error)
        self.world.counts[f"{loop} steps"] += 1
        return not self.dead

    async def stop(self) -> None:
        """A clean end: the loops are cancelled, and the lease goes back if that can be said."""
        self.world.told(f"{self.name} stops")
        tasks = sorted(self._tasks, key=lambda one: one.get_name())
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks)
            with contextlib.suppress(Unavailable, Killed):
                await self.submitter.stop()
        finally:
            self.dead = True  # also if whoever stops it is told to leave: nothing of it runs any more
