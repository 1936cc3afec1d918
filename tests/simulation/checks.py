"""What must hold: no acknowledged act lost, none doubled, no nonce left out, and one history everywhere."""

import traceback
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.domain.apply import apply, misreported
from ledger.domain.entries import Entry
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import SHAPES, State
from ledger.domain.submissions import Submission, SubmissionState
from ledger.ports import Cursor, UnitOfWork
from ledger.services.settling import HOPELESS
from tests.fakes.packer import hash_of
from tests.simulation import cast
from tests.simulation.chain import FIRST_NONCE

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

LOST, DOUBLED, GAPS, MISMATCHES = "lost", "doubled", "gaps", "mismatches"
KINDS: Final = (LOST, DOUBLED, GAPS, MISMATCHES)
ALL: Final = 100_000


@dataclass(frozen=True)
class Fault:
    kind: str
    what: str


class Checks:
    """Collects what is wrong with one seed."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.found: list[Fault] = []
        self._seen: set[str] = set()

    def wrong(self, kind: str, what: str) -> None:
        if what not in self._seen:
            self._seen.add(what)
            self.found.append(Fault(kind, what))
            self.world.told(f"WRONG ({kind}): {what}")

    def broke(self, where: str, error: BaseException) -> None:
        """Nothing in the product may raise what it does not say it raises."""
        at = "".join(traceback.format_exception(error)[-6:]) if self.world.verbose else repr(error)
        self.wrong(MISMATCHES, f"{where} broke: {at}")

    # after each step

    def after_following(self, process: "Process") -> None:
        """What the follower believes final is final, and is what the chain has there."""
        if process.follower.reached is not None:
            self._cursor(process.follower.reached, process.name)

    def _cursor(self, reached: Cursor, who: str) -> None:
        chain, number = self.world.chain, reached.block.number
        if number < cast.manifest().block and reached.size == 0:
            return
        if number > chain.final:
            self.wrong(MISMATCHES, f"{who} followed block {number}, final is {chain.final}")
            return
        mined = chain.blocks[number]
        if (mined.block, mined.size, mined.head) != (reached.block, reached.size, reached.head):
            self.wrong(MISMATCHES, f"{who} stands at {reached}, the chain has {mined.block} {mined.size} {mined.head}")

    # at the end

    async def at_the_end(self, work: UnitOfWork) -> None:
        chain = self.world.chain
        entries = chain.entries()
        stored = await work.entries(-1, ALL)
        cursor = await work.cursor()
        submissions = {one.digest: one for _, one in await work.submissions(limit=ALL)}
        self._history(entries, stored, cursor)
        await self._state(work, entries)
        self._doubled(entries)
        await self._nonces(work)
        await self._fates(work, submissions, {entry.digest: entry.index for entry in entries})

    def _history(self, entries: list[Entry], stored: list[Entry], cursor: Cursor | None) -> None:
        if stored != entries:
            first = next((at for at, (a, b) in enumerate(zip(stored, entries, strict=False)) if a != b), len(stored))
            self.wrong(MISMATCHES, f"{len(stored)} entries stored, {len(entries)} on the chain; unequal from {first}")
        if cursor is None:
            self.wrong(MISMATCHES, "nothing was followed")
        else:
            self._cursor(cursor, "the read model")

    async def _state(self, work: UnitOfWork, entries: list[Entry]) -> None:
        """Live = replayed = the contracts' own."""
        live = State()
        for shape in SHAPES:
            live.put(*await work.objects(shape, limit=ALL))
        replayed = State()
        for entry in entries:
            if entry.index and misreported(replayed, entry):
                self.wrong(MISMATCHES, f"entry {entry.index} claims what it is not")
            replayed.put(*apply(replayed, entry))
        if live != replayed:
            self.wrong(MISMATCHES, "the live state is not the replayed state")
        if replayed != self.world.chain.tip.state:
            self.wrong(MISMATCHES, "the replayed state is not the contracts'")

    def _doubled(self, entries: list[Entry]) -> None:
        for digest, times in Counter(entry.digest for entry in entries).items():
            if times > 1:
                self.wrong(DOUBLED, f"act {digest} is an entry {times} times")
        for nonce, raws in self.world.chain.handed.items():
            if len(raws) > 1:
                self.wrong(DOUBLED, f"nonce {nonce} was handed over with {len(raws)} different transactions")

    async def _nonces(self, work: UnitOfWork) -> None:
        chain = self.world.chain
        stored = {one.nonce: one for one in await work.carried(cast.COURIER, done=True)}
        missing = set(range(FIRST_NONCE, chain.tip.nonce)) - stored.keys() - chain.displaced
        if missing:
            self.wrong(GAPS, f"nonces {sorted(missing)} were used and not stored")
        if stored and max(stored) >= chain.tip.nonce:
            self.wrong(GAPS, f"nonce {max(stored)} is stored, the chain waits for {chain.tip.nonce}")
        mined = {hash_of(raw) for block in chain.blocks for raw in block.taken}
        if strange := mined - {one.hash for one in stored.values()}:
            self.wrong(GAPS, f"{len(strange)} transactions on the chain were never stored")
        if unsettled := [one.nonce for one in stored.values() if one.state != "done"]:
            self.wrong(GAPS, f"the transactions with nonces {unsettled} are not settled")

    async def _fates(self, work: UnitOfWork, submissions: dict[str, Submission], index: dict[str, int]) -> None:
        for one in submissions.values():
            if (one.state is SubmissionState.FINAL) != (one.digest in index) or one.entry != index.get(one.digest):
                self.wrong(LOST if one.digest in index else MISMATCHES, f"{_name(one)} is {one.state}, {one.entry}")
        for digest in self.world.acknowledged:
            found = submissions.get(digest)
            if found is None:
                self.wrong(LOST, f"act {digest} was acknowledged and is not stored")
            elif found.state is not SubmissionState.FINAL and not await self._ended_by_our_clock(work, found):
                self._not_final(found)

    async def _ended_by_our_clock(self, work: UnitOfWork, one: Submission) -> bool:
        """An act that the contracts refused, and that our clock, wrong or not, then said was too late; at once, if the
        node was wrong too and said that this was why."""
        found = await work.submission(one.digest)
        assert found is not None
        before, last = [step.state for step in found.history[-2:]]
        counts = self.world.faults.counts
        was_refused = before is SubmissionState.RETURNED or counts["returned altered"] > 0
        ended = last is SubmissionState.FAILED and _why(one) in ("signed-expired", "departments-key-expired")
        return was_refused and ended and counts["clock forward"] > 0

    def _not_final(self, one: Submission) -> None:
        """It must have come to rest, for a reason that the contracts still give."""
        still = self.would_refuse(one)
        if one.state not in (SubmissionState.FAILED, SubmissionState.RETURNED):
            self.wrong(LOST, f"{_name(one)} is still {one.state}")
        elif still is None:
            self.wrong(LOST, f"{_name(one)} is {one.state} for {_why(one)}, and nothing stands in its way")
        elif one.valid_until < self.world.chain.tip.time:
            return  # too late for good, whatever else the contracts would say first
        elif one.state is SubmissionState.FAILED and still not in HOPELESS and still != "signed-prior":
            self.wrong(LOST, f"{_name(one)} failed for {_why(one)}, which can pass: {still}")

    def would_refuse(self, one: Submission) -> str | None:
        """The code of what the contracts would answer now."""
        tip = self.world.chain.tip
        found = refusal(tip.state, one.act, one.digest, Circumstances(tip.time, one.signatures, cast.signed))
        return found.code if found else None


def _name(one: Submission) -> str:
    return f"{one.act.name} {one.digest[:8]} on {one.subject[:12]}"


def _why(one: Submission) -> str:
    return str((one.reason or {}).get("code"))
