"""The submitter: queued acts → Courier transactions → blocks. It never decides that an act is final; entries do.

One step, in order. A crash after any number loses nothing, because the next step starts by reading what is stored:

1. hold the lease: one submitter per courier key, else do nothing;
2. look after what was sent: in a block, in a final block, displaced, or to be sent again, the same bytes;
3. group waiting acts, sign one transaction, store its nonce, bytes and hash with its acts (one database transaction);
4. hand it to the node.

A transaction is done once the follower has read its block: then its acts are final, or there is a verdict on each.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from ledger import telemetry
from ledger.domain.submissions import Submission, SubmissionState
from ledger.errors import Unavailable
from ledger.ports import Block, Carried, Clock, Cursor, Node, Packer, Receipt, Store, UnitOfWork
from ledger.services import tracing
from ledger.services.following import no_fault
from ledger.services.settling import judge

MOST_AT_ONCE = 160  # acts in one transaction
MOST_UNDER_WAY = 4  # transactions sent and not yet in a block
MOST_OPEN = 12  # transactions whose fate is not settled
LOOK_SECONDS = 0.1  # between two looks at what is under way, unless the follower moved
SOON_SECONDS = 0.005  # until it is seen whether the node has made room for acts that were left over
AGAIN_SECONDS = 1.0  # until the same bytes are sent again
EXPIRE_SECONDS = 1.0  # between two looks for acts whose time is over
EXPIRED_AT_ONCE = 1_000


class _Deposed(Exception):
    """Another submitter holds the lease; it carries on from what is stored."""


@dataclass
class Submitter:
    """Carries with one courier key. `holder` names this process in the lease; `has_ended` knows of holders that are
    gone for sure, whose lease need not run out."""

    store: Store
    node: Node
    packer: Packer
    clock: Clock
    holder: str
    confirmations: int = 0
    lease_seconds: float = 5
    fault: Callable[[str], None] = no_fault
    has_ended: Callable[[str], bool] = lambda holder: False
    epoch: int | None = field(default=None, init=False)
    again: float | None = field(default=None, init=False)  # after a step: acts were left over, go on in so many seconds
    _renew_at: float = field(default=0, init=False)
    _expire_at: float = field(default=0, init=False)
    _look_at: float = field(default=0, init=False)
    _looked: tuple[Cursor | None, int] | None = field(default=None, init=False)  # at this cursor, so many were waiting
    _left_over: bool = field(default=False, init=False)  # acts were, when it last packed
    _soon: float = field(default=SOON_SECONDS, init=False)
    _sent_at: dict[str, float] = field(default_factory=dict, init=False)  # by hash, in this process
    _landed: dict[str, int] = field(default_factory=dict, init=False)  # by hash: the block it was seen in
    _most: int = field(default=MOST_AT_ONCE, init=False)  # acts in one transaction; fewer after one reverted
    _usual: int = field(default=MOST_AT_ONCE, init=False)  # acts that one transaction takes, as it turned out
    _nonce: int = field(default=-1, init=False)  # the last one stored
    _nonce_unsure: bool = field(default=True, init=False)

    async def step(self) -> bool:
        """One round; answers whether anything is under way or waiting. Raises Unavailable."""
        try:
            if not await self._leads():  # 1
                return False
            self.fault("lease held, nothing looked at")

            self.again = None
            async with self.store.read() as work:
                carrying, cursor = await work.carried(self.packer.courier), await work.cursor()
            open_ones, waiting = await self._look_after(carrying, cursor)  # 2
            self.fault("looked after, nothing new packed")
            await self._expire()
            room = await self._room(carrying, open_ones, waiting)
            packed = await self._pack(room) if room > 0 else []  # 3
        except _Deposed:
            self.epoch = None
            return False
        if not packed:
            return open_ones > 0
        self.fault("stored, not sent")

        for carried in packed:  # 4
            await self._send(carried)
        if self._looked is not None:
            self._looked, self._look_at = (
                (self._looked[0], self._looked[1] + len(packed)),
                self.clock.now() + LOOK_SECONDS,
            )
        self.fault("sent, not looked at")
        return True

    async def stop(self) -> None:
        """Give the lease back, so that the next process need not wait for its end."""
        if self.epoch is not None:
            async with self.store.write(ahead=True) as work:
                await work.release_lease(self.packer.courier, self.holder)
                await work.commit()
            self.epoch = None

    # 1 ---------------------------------------------------------------------------------------------------------------

    async def _leads(self) -> bool:
        """Whether the lease is ours; renewed in good time, and checked again wherever something is written under it."""
        now = self.clock.now()
        if self.epoch is None or not _ahead(self._renew_at, now, self.lease_seconds / 3):
            before = self.epoch
            async with self.store.write(ahead=True) as work:
                epoch = await self._lease(work, now)
                await work.commit()
            # only now: if the answer to the commit was lost, the next step must see that the epoch is another
            self.epoch, self._renew_at = epoch, now + self.lease_seconds / 3
            if epoch != before:  # what another process did meanwhile is not known here
                self._sent_at.clear()
                self._landed.clear()
                self._looked, self._nonce_unsure = None, True
        return self.epoch is not None

    async def _lease(self, work: UnitOfWork, now: float) -> int | None:
        name, until = self.packer.courier, (int(now * 1000), int(self.lease_seconds * 1000))
        epoch = await work.lease(name, self.holder, *until)
        if epoch is None:
            other = await work.lease_of(name)
            if other is not None and self.has_ended(other.holder):
                await work.release_lease(name, other.holder)
                epoch = await work.lease(name, self.holder, *until)
        return epoch

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work under the lease, which no other process can take before it ends. Raises _Deposed."""
        async with self.store.write(ahead=True) as work:
            if self.epoch is None or not await work.holds_lease(self.packer.courier, self.holder, self.epoch):
                raise _Deposed
            yield work

    # 2 ---------------------------------------------------------------------------------------------------------------

    async def _look_after(self, open_ones: Sequence[Carried], cursor: Cursor | None) -> tuple[int, int]:
        """Follow up each transaction that is not done: how many are left, and how many are not in a block yet."""
        now = self.clock.now()
        if not open_ones:
            self._looked = (cursor, 0)
            return 0, 0
        if self._looked is not None and self._looked[0] == cursor and _ahead(self._look_at, now, LOOK_SECONDS):
            return len(open_ones), self._looked[1]
        latest = await self.node.latest()
        mined = await self.node.next_nonce(self.packer.courier, latest)  # all below this are in blocks, or displaced
        final = latest.number - self.confirmations
        reached = min(final, cursor.block.number if cursor else -1)
        looked = [one for one in open_ones if not (one.nonce < mined and self._landed.get(one.hash, -1) > reached)]
        receipts = await self._receipts([one.hash for one in looked if one.nonce < mined])
        waiting, done = 0, 0
        settled: list[tuple[Carried, Receipt]] = []
        for carried in looked:
            receipt = receipts.get(carried.hash)
            if receipt is None:
                gone = await self._missing(carried, final, latest)
                done, waiting = done + gone, waiting + (not gone)
            elif receipt.block.number <= reached:
                settled.append((carried, receipt))
            elif self.confirmations and receipt.block.number > final:
                await self._included(carried, receipt)
        await self._settle(settled)
        self._looked, self._look_at = (cursor, waiting), now + LOOK_SECONDS
        return len(open_ones) - done - len(settled), waiting

    async def _room(self, carrying: Sequence[Carried], open_ones: int, waiting: int) -> int:
        """For how many transactions there is. Where acts were left over for want of it, the node is asked at once how
        many it has mined since; what became of those shows later."""
        room = min(MOST_UNDER_WAY - waiting, MOST_OPEN - open_ones)
        if room > 0 or not self._left_over or open_ones >= MOST_OPEN:
            return room
        mined = await self.node.next_nonce(self.packer.courier)
        still = min(waiting, sum(one.nonce >= mined for one in carrying))
        if still == waiting:
            self.again, self._soon = self._soon, min(LOOK_SECONDS, 2 * self._soon)
            return 0
        if self._looked is not None:
            self._looked = (self._looked[0], still)
        self._soon = SOON_SECONDS
        return min(MOST_UNDER_WAY - still, MOST_OPEN - open_ones)

    async def _receipts(self, asked: Sequence[str]) -> dict[str, Receipt]:
        """By transaction hash, where there is one.

        A receipt tells of every act, so where a block is final at once it is not asked for again until the follower
        has read that block; what is then settled by is always a fresh one.
        """
        if not asked:
            return {}
        _, found = await self.node.landed(asked)
        receipts = {hash: receipt for hash, receipt in zip(asked, found, strict=True) if receipt is not None}
        if not self.confirmations:
            self._landed = {hash: receipt.block.number for hash, receipt in receipts.items()} | {
                hash: number for hash, number in self._landed.items() if hash not in asked
            }
        return receipts

    async def _missing(self, carried: Carried, final: int, latest: Block) -> bool:
        """In no block: sent again if need be, or displaced for good, which is what it answers."""
        if carried.state == "included":  # the block it was in is gone; one whose entry is final never gets here
            async with self._write() as work:
                acts = [act.digest for act in await work.carried_by([carried.hash])]
                await work.move(acts, SubmissionState.SENT, "its block is no longer part of the chain")
                await work.settle(replace(carried, state="sent", block=None))
                await work.commit()
        again_at = self._sent_at.get(carried.hash, float("-inf")) + AGAIN_SECONDS
        if _ahead(again_at, self.clock.now(), AGAIN_SECONDS):
            return False
        if carried.nonce < await self._nonce_at(final, latest) and await self.node.receipt(carried.hash) is None:
            await self._displaced(carried)  # its place was taken, for good, by a transaction that is not ours
            return True
        await self._send(carried)  # the node may have lost it; the same bytes change nothing if not
        return False

    async def _nonce_at(self, final: int, latest: Block) -> int:
        block = latest if final >= latest.number else await self.node.block(max(final, 0))
        if block is None:
            raise Unavailable(f"the node no longer has block {final}")
        return await self.node.next_nonce(self.packer.courier, block)

    async def _included(self, carried: Carried, receipt: Receipt) -> None:
        if carried.state == "included" and carried.block == receipt.block:
            return
        async with self._write() as work:
            acts = [act.digest for act in await work.carried_by([carried.hash])]
            await work.move(acts, SubmissionState.INCLUDED, f"in block {receipt.block.number}")
            await work.settle(replace(carried, state="included", block=receipt.block))
            await work.commit()

    async def _settle(self, settled: Sequence[tuple[Carried, Receipt]]) -> None:
        """Their blocks are final and followed: what has no entry by now is returned, queued again or has failed."""
        if not settled:
            return
        hashes, moving = [carried.hash for carried, _ in settled], (SubmissionState.SENT, SubmissionState.INCLUDED)
        async with self._write() as work:
            acts = await work.carried_by(hashes, *moving)
            for carried, receipt in settled:
                left = [act for act in acts if act.transaction == carried.hash]
                if receipt.succeeded:
                    self._most = min(MOST_AT_ONCE, self._most * 2)
                    for act in left:
                        await self._judge(work, act, receipt, carried.hash)
                elif left:
                    count = len(await work.carried_by([carried.hash]))
                    self._most = max(1, count // 2)  # the smaller it is, the surer it has the gas it needs
                    await self._reverted(work, left, alone=count == 1)
                await work.settle(replace(carried, state="done", block=receipt.block))
            self.fault("settled, not committed")
            await work.commit()
        self.fault("settled")
        for carried, receipt in settled:
            telemetry.GAS_USED.inc(receipt.gas)
            self._forget(carried)

    async def _judge(self, work: UnitOfWork, act: Submission, receipt: Receipt, transaction: str) -> None:
        refused = receipt.returned.get(self.packer.call_hash(act))
        if refused is None:
            note = f"block {receipt.block.number} holds its transaction and no entry of it"
            await work.move([act.digest], SubmissionState.QUEUED, note)
        else:
            verdict = await judge(work, act, refused, transaction, int(self.clock.now()))
            await work.move([act.digest], verdict.state, verdict.note, reason=verdict.reason)
            tracing.ended(act.digest, verdict.state, transaction, refused.code)

    async def _reverted(self, work: UnitOfWork, acts: Sequence[Submission], alone: bool) -> None:
        digests, note = [act.digest for act in acts], "its transaction reverted"
        if alone:  # nothing to leave out: it would revert again
            reason = {"code": "unknown-refusal", "detail": note, "facts": {}}
            await work.move(digests, SubmissionState.RETURNED, note, reason=reason)
        else:
            await work.move(digests, SubmissionState.QUEUED, note)

    async def _displaced(self, carried: Carried) -> None:
        async with self._write() as work:
            acts = await work.carried_by([carried.hash])
            await work.move([act.digest for act in acts], SubmissionState.QUEUED, "its transaction was displaced")
            await work.settle(replace(carried, state="done"))
            await work.commit()
        self._forget(carried)
        self._nonce_unsure = True

    def _forget(self, carried: Carried) -> None:
        self._sent_at.pop(carried.hash, None)
        self._landed.pop(carried.hash, None)

    # 3 and 4 ---------------------------------------------------------------------------------------------------------

    async def _pack(self, room: int) -> list[Carried]:
        """Up to `room` transactions of waiting acts, stored. The database is not held while they are signed."""
        async with self.store.read() as work:
            queued = await work.queued(room * self._usual)
        self._left_over = False
        if not queued:
            return []
        # also what our clock says is too late: it may be wrong, and the contracts have the last word
        waiting = in_order(queued)
        packed: list[tuple[Carried, list[str]]] = []
        nonce = await self._next_nonce()
        while waiting and len(packed) < room:
            batch = waiting[: self._most]
            batch = batch[: self.packer.fits(batch)]
            waiting = waiting[len(batch) :]
            carried = await self.packer.pack(batch, nonce + len(packed))
            packed.append((carried, [one.digest for one in batch]))
        self._left_over = len(queued) == room * self._usual or bool(waiting)
        self.again = 0 if self._left_over else None
        if waiting:
            self._usual = max(len(digests) for _, digests in packed)
        elif self._left_over:
            self._usual = MOST_AT_ONCE  # more might have fitted
        self.fault("packed, not stored")
        self._nonce_unsure = True  # until it is known to be stored
        async with self._write() as work:
            assert self.epoch is not None
            for carried, digests in packed:
                await work.add_carried(carried, self.epoch, digests)
            await work.commit()
        self._nonce, self._nonce_unsure = packed[-1][0].nonce, False
        for carried, digests in packed:
            tracing.carried(carried, digests)
        return [carried for carried, _ in packed]

    async def _next_nonce(self) -> int:
        if self._nonce_unsure:  # another process stored more, or there are transactions of this courier not ours
            async with self.store.read() as work:
                last = await work.last_nonce(self.packer.courier)
            # in final blocks: whatever a stranger used since can still vanish, and would leave a gap nobody fills
            latest = await self.node.latest()
            taken = await self._nonce_at(latest.number - self.confirmations, latest)
            self._nonce = max(-1 if last is None else last, taken - 1)
            self._nonce_unsure = False
        return self._nonce + 1

    async def _send(self, carried: Carried) -> None:
        await self.node.send(carried.raw)
        self._sent_at[carried.hash] = self.clock.now()

    async def _expire(self) -> None:
        """End what the contracts refused, and will refuse from now on because its signature's time is over."""
        now = int(self.clock.now())
        if _ahead(self._expire_at, now, EXPIRE_SECONDS):
            return
        self._expire_at = now + EXPIRE_SECONDS
        waiting = SubmissionState.RETURNED
        async with self.store.read() as work:
            if not await work.submissions(state=waiting, expired_before=now, limit=1):
                return
        async with self._write() as work:
            gone = await work.submissions(state=waiting, expired_before=now, limit=EXPIRED_AT_ONCE)
            detail = "the signature's validity ended before the act landed"
            reason = {"code": "signed-expired", "detail": detail, "facts": {}}
            await work.move([one.digest for _, one in gone], SubmissionState.FAILED, detail, reason=reason)
            await work.commit()


def _ahead(moment: float, now: float, most: float) -> bool:
    """Whether a moment is still to come. One that is further off than it was ever set was set by a clock since put
    back, and nobody waits for it."""
    return now < moment <= now + most


def in_order(queued: Sequence[Submission]) -> list[Submission]:
    """As queued, but no act before the one it continues."""
    by_digest = {one.digest: one for one in queued}
    placed: dict[str, Submission] = {}
    for one in queued:
        chain = []
        while one.digest not in placed:
            chain.append(one)
            before = by_digest.get(str(one.act["prior"]))
            if before is None:
                break
            one = before
        placed.update((link.digest, link) for link in reversed(chain))
    return list(placed.values())
