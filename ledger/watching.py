"""The watch: looks at the product twice a second, sets the gauges, raises and clears alarms. It changes nothing else.

It has a database connection of its own, so that a busy pool is not taken for a database that is gone, and it goes on
looking after the loops have stopped for a node that contradicts final history.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import structlog

from ledger import telemetry
from ledger.chain.local.chain import LocalChain
from ledger.chain.probing import Newest, newest
from ledger.chain.rpc import Rpc
from ledger.domain.documents import Document
from ledger.domain.state import RuleText
from ledger.domain.submissions import OPEN_STATES
from ledger.errors import InvalidInput, NodesDisagree, ShareLedgerError
from ledger.loops import Loops
from ledger.machine import disks, platform_facts
from ledger.ports import Clock, Store, Waiting
from ledger.services.alarming import Alarms
from ledger.services.lateness import ITEMS, Lateness
from ledger.services.vitals import INSIDE, Lag, Limits, Vitals, troubles

log = structlog.get_logger()
ANSWER_SECONDS: Final = 1.0  # for a node
STORE_SECONDS: Final = 1.0
STALE_SECONDS: Final = 5.0  # without a look, nobody knows how the product does
SURVEY_SECONDS: Final = 300.0  # between two counts of what only grows or is counted in days
JUMP_SECONDS: Final = 2.0
MOST_OWING: Final = 10_000


@dataclass
class Watch:
    """`places` are the folders we write to, by name; `database_file` is SQLite's, if that is the database."""

    store: Store
    rpc: Rpc
    loops: Loops
    clock: Clock
    limits: Limits
    journal: str
    confirmations: int
    courier: str
    places: dict[str, Path]
    database_file: Path | None = None
    local_chain: LocalChain | None = None
    seconds: float = 0.5
    alarms: Alarms = field(init=False)
    seen: Vitals | None = field(default=None, init=False)  # the last look
    _lag: Lag = field(default_factory=Lag, init=False)
    _began: float | None = field(default=None, init=False)
    _looked: tuple[float, float] | None = field(default=None, init=False)  # wall clock, monotonic
    _file: tuple[int, int] | None = field(default=None, init=False)
    _asking: asyncio.Task[dict[str, Any] | str] | None = field(default=None, init=False)  # the database, at this moment

    def __post_init__(self) -> None:
        self.alarms = Alarms(self.clock.now)
        self._file = _inode(self.database_file)
        telemetry.BUILD.labels(version("shareledger"), platform_facts()["python"]).set(1)

    async def run(self) -> None:
        """Until cancelled."""
        self._began = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._again("look", self.look, self.seconds))
                group.create_task(self._again("survey", self.survey, SURVEY_SECONDS))
        finally:
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.wait([self._asking])

    async def _again(self, name: str, work: Any, seconds: float) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # whatever it is, the next look may see more; a watch that looks no more is told
                log.error("watch_failed", what=name, error=type(error).__name__)
            await asyncio.sleep(seconds)

    def status(self) -> dict[str, Any]:
        """`ready`, and if not, why: `reasons` as texts, `alarms` with what to do."""
        for code, detail in troubles(self._inside(Vitals(self.clock.now())), self.limits).items():
            if code in INSIDE:
                self.alarms.tell(code, detail)
        up = self.alarms.up()
        reasons = [raised.detail for raised in up if raised.alarm.stops]
        silent = self._silent()
        if silent is not None:
            reasons.append(silent)
        telemetry.READY.set(not reasons)
        return {"ready": not reasons, "reasons": reasons, "alarms": [raised.to_json() for raised in up]}

    def _silent(self) -> str | None:
        if self._began is None:
            return None
        if self._looked is None:
            return "the first look at the product's health is not done yet"
        seconds = time.monotonic() - self._looked[1]
        return f"nobody has looked at the product's health for {seconds:.0f} s" if seconds > STALE_SECONDS else None

    # ---- one look ---------------------------------------------------------------------------------------------------

    async def look(self) -> Vitals:
        """See everything once, judge it, and keep it as `seen`."""
        self._notice_jumps()
        node, seen = await self._node(self._inside(Vitals(self.clock.now())))
        seen = await self._database(seen)  # after the node, or every new block would look like one not followed
        seen = await self._disks(seen)
        if seen.cursor is not None and seen.node_block is not None:
            final = seen.node_block - self.confirmations
            behind = max(0, final - seen.cursor.block.number)
            lag = self._lag.look(final, seen.cursor.block.number, time.monotonic())
            seen = replace(seen, lag_blocks=behind, lag_seconds=lag)
        for code, detail in troubles(seen, self.limits).items():
            self.alarms.tell(code, detail)
        self.seen, self._looked = seen, (time.time(), time.monotonic())
        self._show(seen, node)
        self.status()
        return seen

    def _notice_jumps(self) -> None:
        if self._looked is not None:
            jumped = (time.time() - self._looked[0]) - (time.monotonic() - self._looked[1])
            if abs(jumped) > JUMP_SECONDS:
                telemetry.CLOCK_JUMPS.inc()
                log.warning("clock_jumped", seconds=round(jumped, 1))

    def _inside(self, seen: Vitals) -> Vitals:
        failure, diverged = self.local_chain.failure if self.local_chain else None, self.loops.diverged
        return replace(
            seen,
            diverged=diverged.detail if diverged and not isinstance(diverged, NodesDisagree) else None,
            disagree=diverged.detail if isinstance(diverged, NodesDisagree) else None,
            trouble=dict(self.loops.trouble),
            chain_failure=failure.detail if failure else None,
        )

    async def _node(self, seen: Vitals) -> tuple[Newest | None, Vitals]:
        asked = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await newest(self.rpc, self.journal)
        except TimeoutError:
            why = "no node answers in time"
        except ShareLedgerError as error:
            why = error.detail
        else:
            return found, replace(seen, node_block=found.block, node_time=found.time, using=self.rpc.standing_in)
        last = max(self.rpc.answered_at, self._began if self._began is not None else asked)
        return None, replace(seen, node_error=why, node_silence=time.monotonic() - last)

    async def _database(self, seen: Vitals) -> Vitals:
        if self._file is not None and await asyncio.to_thread(_inode, self.database_file) != self._file:
            return replace(seen, database_error="the database's file was removed or exchanged")
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._read())
        # a question that hangs may hang in its own end, too: it is neither awaited any longer nor asked a second time
        done, _ = await asyncio.wait([self._asking], timeout=STORE_SECONDS)
        if not done or self._asking.cancelled():
            self._asking.cancel()
            return replace(seen, database_error="the database does not answer in time")
        found = self._asking.result()
        return replace(seen, database_error=found) if isinstance(found, str) else replace(seen, **found)

    async def _read(self) -> dict[str, Any] | str:
        """What `Vitals` has of the database, or why it has nothing."""
        try:
            return await self._rows()
        except Exception as error:  # a driver's own error may quote an address with its password
            why = error.detail if isinstance(error, ShareLedgerError) else type(error).__name__
            return f"the database does not answer: {why}"

    async def _rows(self) -> dict[str, Any]:
        async with self.store.read() as work:
            cursor, waiting = await work.cursor(), await work.waiting()
            lease = await work.lease_of(self.courier)
            nonce = await work.last_nonce(self.courier)
            telemetry.NONCE.set(-1 if nonce is None else nonce)
            telemetry.OPEN_TRANSACTIONS.set(await work.open_transactions(self.courier))
        return {"cursor": cursor, "waiting": waiting, "lease": lease}

    async def _disks(self, seen: Vitals) -> Vitals:
        with contextlib.suppress(OSError, TimeoutError):  # then this look says nothing of it
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await asyncio.to_thread(disks, self.places)
            return replace(seen, disk={place: disk.free for place, disk in found.items()})
        return seen

    def _show(self, seen: Vitals, node: Newest | None) -> None:
        telemetry.LAST_LOOK.set(seen.now)
        telemetry.DIVERGED.set(self.loops.diverged is not None)
        for place, free in seen.disk.items():
            telemetry.DISK_FREE.labels(place).set(free)
        if node is not None:
            telemetry.NODE_BLOCK.set(node.block)
            telemetry.CLOCK_BEHIND.set(seen.clock_behind)
        if seen.waiting is not None:
            for state in OPEN_STATES:
                telemetry.SUBMISSIONS.labels(state.value).set(seen.waiting.get(state, Waiting(0, 0)).count)
            telemetry.OLDEST_WAITING.set(seen.oldest_waiting)
            telemetry.LEASE_ALIVE.set(seen.lease_alive)
        us = self.loops.submitter.holder if self.loops.submitter else None
        telemetry.LEASE_HELD.set(seen.lease is not None and seen.lease_alive and seen.lease.holder == us)
        if seen.cursor is None:
            return
        telemetry.ENTRIES.set(seen.cursor.size)
        telemetry.FOLLOWED_BLOCK.set(seen.cursor.block.number)
        telemetry.LAG_BLOCKS.set(seen.lag_blocks)
        telemetry.LAG_SECONDS.set(seen.lag_seconds)
        if node is not None and node.entries is not None:
            telemetry.LAG_ENTRIES.set(max(0, node.entries - seen.cursor.size))

    # ---- what changes slowly ----------------------------------------------------------------------------------------

    async def survey(self) -> None:
        """Payloads kept, and answers owed past their day."""
        async with self.store.read() as work:
            count, size = await work.payload_total()
            state = await work.load(await work.owing(MOST_OWING))
            state.put(*await work.objects(RuleText, limit=MOST_OWING))
        telemetry.PAYLOADS.set(count)
        telemetry.PAYLOAD_BYTES.set(size)
        overdue = await Lateness(state, int(self.clock.now()), self._rule).overdue()
        for deadline in ITEMS:
            telemetry.OVERDUE.labels(deadline.value).set(overdue[deadline])

    async def _rule(self, digest: str) -> Document | None:
        async with self.store.read() as work:
            found = await work.document(digest)
        try:
            return None if found is None else Document.parse(found.body)
        except InvalidInput:
            return None


def _inode(path: Path | None) -> tuple[int, int] | None:
    """Which file that is; None if there is none."""
    try:
        told = path.stat() if path else None
    except OSError:
        return None
    return (told.st_dev, told.st_ino) if told else None
