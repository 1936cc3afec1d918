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

from ledger.domain.submissions import Submission, SubmissionState
from ledger.errors import Unavailable
from ledger.ports import Block, Carried, Clock, Cursor, Node, Packer, Receipt, Store, UnitOfWork
from ledger.services.following import no_fault
from ledger.services.settling import judge

MOST_AT_ONCE = 160  # acts looked at for one transaction
MOST_UNDER_WAY = 4  # transactions sent and not yet in a block
MOST_OPEN = 12  # transactions whose fate is not settled
LOOK_SECONDS = 0.1  # between two looks at what is under way, unless the follower moved
AGAIN_SECONDS = 1.0  # until the same bytes are sent again
EXPIRE_SECONDS = 1.0  # between two looks for acts whose time is over
EXPIRED_AT_ONCE = 1_000


class _Deposed(Exception):
    """Another submitter holds the lease; it carries on from what is stored."""


@dataclass
class Submitter:
    """Carries with one courier key. `holder` names this process in the lease."""

    store: Store
    node: Node
    packer: Packer
    clock: Clock
    holder: str
    confirmations: int = 0
    lease_seconds: float = 5
    fault: Callable[[str], None] = no_fault
    epoch: int | None = field(default=None, init=False)
    more: bool = field(default=False, init=False)  # after a step: acts were left over, go on at once
    _renew_at: float = field(default=0, init=False)
    _expire_at: float = field(default=0, init=False)
    _look_at: float = field(default=0, init=False)
    _looked: tuple[Cursor | None, int] | None = field(default=None, init=False)  # at this cursor, so many were waiting
    _sent_at: dict[str, float] = field(default_factory=dict, init=False)  # by hash, in this process
    _most: int = field(default=MOST_AT_ONCE, init=False)  # acts in one transaction; fewer after one reverted
    _nonce: int = field(default=-1, init=False)  # the last one stored
    _nonce_unsure: bool = field(default=True, init=False)

    async def step(self) -> bool:
        """One round; answers whether anything is under way or waiting. Raises Unavailable."""
        try:
            if not await self._leads():  # 1
                return False
            self.fault("lease held, nothing looked at")

            self.more = False
            async with self.store.read() as work:
                carrying, cursor = await work.carried(self.packer.courier), await work.cursor()
                queued = await work.queued(MOST_AT_ONCE)
            open_ones, waiting = await self._look_after(carrying, cursor)  # 2
            self.fault("looked after, nothing new packed")
            await self._expire()
            if waiting >= MOST_UNDER_WAY or open_ones >= MOST_OPEN:
                return True
            if open_ones < len(carrying):  # some acts may have been put back
                async with self.store.read() as work:
                    queued = await work.queued(MOST_AT_ONCE)
            carried = await self._pack(queued)  # 3
        except _Deposed:
            self.epoch = None
            return False
        if carried is None:
            return open_ones > 0
        self.fault("stored, not sent")

        await self._send(carried)  # 4
        if self._looked is not None:
            self._looked, self._look_at = (self._looked[0], waiting + 1), self.clock.now() + LOOK_SECONDS
        self.fault("sent, not looked at")
        return True

    async def stop(self) -> None:
        """Give the lease back, so that the next process need not wait for its end."""
        if self.epoch is not None:
            async with self.store.write() as work:
                await work.release_lease(self.packer.courier, self.holder)
                await work.commit()
            self.epoch = None

    # 1 ---------------------------------------------------------------------------------------------------------------

    async def _leads(self) -> bool:
        """Whether the lease is ours; renewed in good time, and checked again wherever something is written under it."""
        now = self.clock.now()
        if self.epoch is None or now >= self._renew_at:
            before = self.epoch
            async with self.store.write() as work:
                lasts = int(self.lease_seconds * 1000)
                self.epoch = await work.lease(self.packer.courier, self.holder, int(now * 1000), lasts)
                await work.commit()
            self._renew_at = now + self.lease_seconds / 3
            if self.epoch != before:  # what another process did meanwhile is not known here
                self._sent_at.clear()
                self._looked, self._nonce_unsure = None, True
        return self.epoch is not None

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work under the lease, which no other process can take before it ends. Raises _Deposed."""
        async with self.store.write() as work:
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
        if self._looked is not None and self._looked[0] == cursor and now < self._look_at:
            return len(open_ones), self._looked[1]
        latest, receipts = await self.node.landed([carried.hash for carried in open_ones])
        final = latest.number - self.confirmations
        followed = cursor.block.number if cursor else -1
        waiting, done = 0, 0
        for carried, receipt in zip(open_ones, receipts, strict=True):
            if receipt is None:
                gone = await self._missing(carried, final, latest)
                done, waiting = done + gone, waiting + (not gone)
            elif receipt.block.number <= min(final, followed):
                await self._settle(carried, receipt)
                done += 1
            elif receipt.block.number > final:
                await self._included(carried, receipt)
        self._looked, self._look_at = (cursor, waiting), now + LOOK_SECONDS
        return len(open_ones) - done, waiting

    async def _missing(self, carried: Carried, final: int, latest: Block) -> bool:
        """In no block: sent again if need be, or displaced for good, which is what it answers."""
        if carried.state == "included":  # the block it was in is gone; one whose entry is final never gets here
            async with self._write() as work:
                acts = [act.digest for act in await work.carried_by(carried.hash)]
                await work.move(acts, SubmissionState.SENT, "its block is no longer part of the chain")
                await work.settle(replace(carried, state="sent", block=None))
                await work.commit()
        now = self.clock.now()
        if now < self._sent_at.get(carried.hash, float("-inf")) + AGAIN_SECONDS:
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
            acts = [act.digest for act in await work.carried_by(carried.hash)]
            await work.move(acts, SubmissionState.INCLUDED, f"in block {receipt.block.number}")
            await work.settle(replace(carried, state="included", block=receipt.block))
            await work.commit()

    async def _settle(self, carried: Carried, receipt: Receipt) -> None:
        """Its block is final and followed: what has no entry by now is returned, queued again or has failed."""
        async with self._write() as work:
            acts = await work.carried_by(carried.hash)
            left = [act for act in acts if act.state in (SubmissionState.SENT, SubmissionState.INCLUDED)]
            if receipt.succeeded:
                self._most = min(MOST_AT_ONCE, self._most * 2)
                for act in left:
                    await self._judge(work, act, receipt, carried.hash)
            elif left:
                self._most = max(1, len(acts) // 2)  # the smaller it is, the surer it has the gas it needs
                await self._reverted(work, left, alone=len(acts) == 1)
            await work.settle(replace(carried, state="done", block=receipt.block))
            self.fault("settled, not committed")
            await work.commit()
        self.fault("settled")
        self._sent_at.pop(carried.hash, None)

    async def _judge(self, work: UnitOfWork, act: Submission, receipt: Receipt, transaction: str) -> None:
        refused = receipt.returned.get(self.packer.call_hash(act))
        if refused is None:
            note = f"block {receipt.block.number} holds its transaction and no entry of it"
            await work.move([act.digest], SubmissionState.QUEUED, note)
        else:
            verdict = await judge(work, act, refused, transaction, int(self.clock.now()))
            await work.move([act.digest], verdict.state, verdict.note, reason=verdict.reason)

    async def _reverted(self, work: UnitOfWork, acts: Sequence[Submission], alone: bool) -> None:
        digests, note = [act.digest for act in acts], "its transaction reverted"
        if alone:  # nothing to leave out: it would revert again
            reason = {"code": "unknown-refusal", "detail": note, "facts": {}}
            await work.move(digests, SubmissionState.RETURNED, note, reason=reason)
        else:
            await work.move(digests, SubmissionState.QUEUED, note)

    async def _displaced(self, carried: Carried) -> None:
        async with self._write() as work:
            acts = await work.carried_by(carried.hash)
            await work.move([act.digest for act in acts], SubmissionState.QUEUED, "its transaction was displaced")
            await work.settle(replace(carried, state="done"))
            await work.commit()
        self._sent_at.pop(carried.hash, None)
        self._nonce_unsure = True

    # 3 and 4 ---------------------------------------------------------------------------------------------------------

    async def _pack(self, queued: Sequence[Submission]) -> Carried | None:
        """One transaction of waiting acts, stored; None if none waits. The database is not held while it is signed."""
        now = int(self.clock.now())
        fresh = [act for act in queued if act.valid_until >= now]
        if not fresh:
            return None
        batch = in_order(fresh)[: self._most]
        batch = batch[: self.packer.fits(batch)]
        self.more = len(batch) < len(fresh)
        carried = await self.packer.pack(batch, await self._next_nonce())
        self.fault("packed, not stored")
        self._nonce_unsure = True  # until it is known to be stored
        async with self._write() as work:
            assert self.epoch is not None
            await work.add_carried(carried, self.epoch, [one.digest for one in batch])
            await work.commit()
        self._nonce, self._nonce_unsure = carried.nonce, False
        return carried

    async def _next_nonce(self) -> int:
        if self._nonce_unsure:  # another process stored more, or there are transactions of this courier not ours
            async with self.store.read() as work:
                last = await work.last_nonce(self.packer.courier)
            self._nonce = max(-1 if last is None else last, await self.node.next_nonce(self.packer.courier) - 1)
            self._nonce_unsure = False
        return self._nonce + 1

    async def _send(self, carried: Carried) -> None:
        await self.node.send(carried.raw)
        self._sent_at[carried.hash] = self.clock.now()

    async def _expire(self) -> None:
        """End what the contracts will refuse from now on because its signature's time is over."""
        now = int(self.clock.now())
        if now < self._expire_at:
            return
        self._expire_at = now + EXPIRE_SECONDS
        waiting = (SubmissionState.QUEUED, SubmissionState.RETURNED)
        async with self.store.read() as work:
            if not await work.submissions(state=waiting, expired_before=now, limit=1):
                return
        async with self._write() as work:
            gone = await work.submissions(state=waiting, expired_before=now, limit=EXPIRED_AT_ONCE)
            detail = "the signature's validity ended before the act landed"
            reason = {"code": "signed-expired", "detail": detail, "facts": {}}
            await work.move([one.digest for _, one in gone], SubmissionState.FAILED, detail, reason=reason)
            await work.commit()


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
