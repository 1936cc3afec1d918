"""The two loops that move acts on, submitter and follower, side by side; beside them those that judge the nodes, and
the one that sweeps the payload store.

A node that does not answer is waited for; a node that contradicts what was final stops the writing, for good, until a
person has looked. Any other failure is logged and tried again: each step starts from what is stored.

The follower looks often while something is under way; the submitter is woken by it, and by what is queued here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from ledger import telemetry
from ledger.chain.choosing import SECONDS as CHOOSING_SECONDS
from ledger.chain.choosing import Choosing
from ledger.errors import Diverged, NodesDisagree, ShareLedgerError, Unavailable
from ledger.host import FinalSignal
from ledger.ports import Clock
from ledger.services.carrying import Submitter
from ledger.services.comparing import Comparison
from ledger.services.following import Follower

log = structlog.get_logger()
LONGEST_PAUSE = 5.0  # seconds between two tries of a failing loop
LONGEST_BUSY_PAUSE = 0.1  # seconds between two looks while something is under way
FOLLOWER, SUBMITTER = "follower", "submitter"
COMPARISON, CHOOSING, SWEEPING = "comparison", "choosing", "sweeping"
SWEEPING_SECONDS = 600.0
SETTLE_SECONDS = 0.01
GROWTH = 1.2  # of the pause, each time nothing has changed


@dataclass
class Loops:
    """`poll` and `idle` are pauses in seconds while acts are under way, and while none is."""

    follower: Follower
    submitter: Submitter | None
    signal: FinalSignal
    clock: Clock
    poll: float
    idle: float
    comparison: Comparison | None = None  # with a second node
    choosing: Choosing | None = None  # among several
    sweeping: Callable[[], Awaitable[None]] | None = None  # of the payload store
    diverged: Diverged | None = None
    trouble: dict[str, str] = field(default_factory=dict)  # loop → why its last step failed
    _carry: asyncio.Event = field(default_factory=asyncio.Event)
    _follow: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: bool = False
    _failing: set[str] = field(default_factory=set)  # what is done at intervals and failed the last time

    def wake(self) -> None:
        """Something was queued."""
        self._carry.set()

    async def run(self) -> None:
        """Until cancelled, or until a node contradicts final history: then only reading goes on.

        With a second node to compare with, nothing is followed or carried before the two were compared once.
        """
        if self.comparison is not None and not await self._stepped(COMPARISON, self.comparison.step):
            return
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._loop(FOLLOWER, self._follow_step, self._follow))]
                if self.comparison is not None:
                    compare = self._at_intervals(COMPARISON, self.comparison.step, self.comparison.seconds)
                    tasks.append(group.create_task(compare))
                if self.choosing is not None:
                    choose = self._at_intervals(CHOOSING, self.choosing.step, CHOOSING_SECONDS)
                    tasks.append(group.create_task(choose))
                if self.sweeping is not None:
                    tasks.append(group.create_task(self._at_intervals(SWEEPING, self.sweeping, SWEEPING_SECONDS)))
                if self.submitter is not None:
                    tasks.append(group.create_task(self._loop(SUBMITTER, self._carry_step, self._carry)))
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
        finally:
            await self._hand_over()

    async def _follow_step(self) -> bool:
        before = self.follower.reached
        found = await self.follower.step()
        if found:
            self.signal.notify()
            telemetry.ENTRIES_FOLLOWED.inc(found)
        if self.follower.more:
            self._follow.set()
        if self.follower.reached != before and self._busy:  # what is sent may be settled; who waits for it goes first
            asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._carry.set)
        return self._busy

    async def _carry_step(self) -> bool:
        assert self.submitter is not None
        was_busy, self._busy = self._busy, await self.submitter.step()
        if self._busy and not was_busy:
            self._follow.set()
        if self.submitter.again is not None:
            asyncio.get_running_loop().call_later(self.submitter.again, self._carry.set)
        return self._busy

    async def _loop(self, name: str, step: Callable[[], Awaitable[bool]], woken: asyncio.Event) -> None:
        first = self.poll if name == FOLLOWER else LONGEST_BUSY_PAUSE
        failures, wait = 0, first
        while True:
            woken.clear()
            try:
                pause = min(wait, LONGEST_BUSY_PAUSE, self.idle) if await step() else self.idle
                failures = 0
                self.trouble.pop(name, None)
                telemetry.LAST_STEP.labels(name).set(self.clock.now())
            except Diverged as error:
                self._diverge(error)
                return
            except Exception as error:
                failures += 1
                pause = min(LONGEST_PAUSE, 0.01 * 2 ** min(failures, 10))
                self._failed(name, error, failures)
            if failures:  # is not hurried: whoever wakes it cannot know better
                await asyncio.sleep(pause)
                continue
            try:
                async with asyncio.timeout(pause):  # wait_for may swallow a cancellation (before Python 3.12)
                    await woken.wait()
                wait = first
            except TimeoutError:
                wait *= GROWTH

    async def _at_intervals(self, name: str, step: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Until nodes contradict final history, or each other about it."""
        while True:
            await asyncio.sleep(seconds)
            if not await self._stepped(name, step):
                return

    async def _stepped(self, name: str, step: Callable[[], Awaitable[None]]) -> bool:
        """Whether to go on."""
        try:
            await step()
        except Diverged as error:
            self._diverge(error)
            return False
        except Exception as error:
            self._failed(name, error, 1 + (name in self._failing))
            self._failing.add(name)
        else:
            self._failing.discard(name)
            self.trouble.pop(name, None)
            telemetry.LAST_STEP.labels(name).set(self.clock.now())
        return True

    def _diverge(self, error: Diverged) -> None:
        self.diverged = error
        telemetry.DIVERGED.set(1)
        if isinstance(error, NodesDisagree):
            log.error("nodes_disagree", detail=error.detail, **_plain(error.facts))
        else:
            log.error("node_diverged", detail=error.detail, **_plain(error.facts))

    def _failed(self, name: str, error: Exception, times: int) -> None:
        # an unknown error may quote rows or addresses with passwords, and health is told to anyone
        why = str(getattr(error, "detail", f"{type(error).__name__}; the log says more"))
        telemetry.FAILED_STEPS.labels(name).inc()
        if times == 1 and isinstance(error, Unavailable):
            return  # a node may show a block a moment before its logs
        if self.trouble.get(name) != why:  # say each trouble once, not at every try
            if isinstance(error, Unavailable):
                log.warning("step_failed", loop=name, detail=why)
            else:
                broke = None if isinstance(error, ShareLedgerError) else error
                log.error("step_broke", loop=name, detail=why, exc_info=broke)
        self.trouble[name] = why

    async def _hand_over(self) -> None:
        """The lease goes back; if that fails it ends by itself."""
        if self.submitter is not None:
            try:
                await self.submitter.stop()
            except ShareLedgerError as error:
                log.warning("lease_kept", detail=error.detail)


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key not in ("event", "detail")}
