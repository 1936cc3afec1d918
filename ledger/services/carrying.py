"""The submitter: queued acts → Courier transactions → blocks. It never decides that an act is final; entries do.

One step, in order. A crash after any number loses nothing, because the next step starts by reading what is stored:

1. hold the lease: one submitter per courier key, else do nothing;
2. look after what was sent: landed, landed and final, displaced, or to be sent again, the same bytes;
3. group waiting acts, sign one transaction, store its nonce, bytes and hash with its acts (one database transaction);
4. hand it to the node.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ledger.domain.rules import Circumstances, refusal
from ledger.domain.submissions import Submission, SubmissionState
from ledger.domain.touches import touches
from ledger.errors import Refused, Unavailable
from ledger.ports import Block, Carried, Clock, Node, Packer, Receipt, Store, UnitOfWork

LEASE_SECONDS = 10
MOST_AT_ONCE = 200  # acts looked at for one transaction
MOST_UNDER_WAY = 4  # transactions sent and not yet in a block


def _no_fault(_step: str) -> None:
    """In tests, a place to crash: named after what is true at that moment."""


@dataclass
class Submitter:
    """Carries with one courier key. `holder` names this process in the lease."""

    store: Store
    node: Node
    packer: Packer
    clock: Clock
    holder: str
    confirmations: int = 0
    fault: Callable[[str], None] = _no_fault
    epoch: int | None = field(default=None, init=False)
    _renew_at: int = field(default=0, init=False)

    async def step(self) -> bool:
        """One round; answers whether anything is under way or waiting. Raises Unavailable."""
        if not await self._leads():  # 1
            return False
        self.fault("lease held, nothing looked at")

        under_way = await self._look_after()  # 2
        self.fault("settled, nothing new packed")
        if under_way >= MOST_UNDER_WAY:
            return True
        carried = await self._pack()  # 3
        if carried is None:
            return under_way > 0
        self.fault("stored, not sent")

        await self.node.send(carried.raw)  # 4
        self.fault("sent, not looked at")
        return True

    async def run(self, woken: asyncio.Event, pause: float, idle: float) -> None:
        """Carry forever: a look every `pause` seconds while anything is under way, else every `idle` or when woken."""
        while True:
            woken.clear()
            busy = await self.step()
            try:
                await asyncio.wait_for(woken.wait(), pause if busy else idle)
            except TimeoutError:
                continue

    # 1 ---------------------------------------------------------------------------------------------------------------

    async def _leads(self) -> bool:
        """Whether the lease is ours; renewed in good time, and checked again where something is stored under it."""
        now = int(self.clock.now())
        if self.epoch is None or now >= self._renew_at:
            async with self.store.write() as work:
                self.epoch = await work.lease(self.packer.courier, self.holder, now, LEASE_SECONDS)
                await work.commit()
            self._renew_at = now + LEASE_SECONDS // 3
        return self.epoch is not None

    # 2 ---------------------------------------------------------------------------------------------------------------

    async def _look_after(self) -> int:
        """Follow up each transaction that is not done; answers how many are not in a block yet."""
        async with self.store.read() as work:
            open_ones = await work.carried(self.packer.courier)
        if not open_ones:
            return 0
        latest = await self.node.latest()
        final = latest.number - self.confirmations
        final_nonce: int | None = None
        waiting = 0
        for carried in open_ones:
            receipt = await self.node.receipt(carried.hash)
            if receipt is not None:
                await self._landed(carried, receipt, done=receipt.block.number <= final)
                continue
            if final_nonce is None:
                final_nonce = await self._nonce_at(final, latest)
            if carried.nonce < final_nonce:  # its place was taken, for good, by a transaction that is not ours
                await self._displaced(carried)
                continue
            waiting += 1
            await self.node.send(carried.raw)  # the node may have lost it; the same bytes change nothing if not
        return waiting

    async def _nonce_at(self, final: int, latest: Block) -> int:
        block = latest if final >= latest.number else await self.node.block(max(final, 0))
        if block is None:
            raise Unavailable(f"the node no longer has block {final}")
        return await self.node.next_nonce(self.packer.courier, block)

    async def _landed(self, carried: Carried, receipt: Receipt, done: bool) -> None:
        if carried.state == "included" and carried.block == receipt.block and not done:
            return
        async with self.store.write() as work:
            acts = await work.carried_by(carried.hash)
            if not receipt.succeeded:
                if done:
                    await work.move([act.digest for act in acts], SubmissionState.QUEUED, "its transaction reverted")
            else:
                await self._included(work, acts, receipt)
            await work.settle(replace(carried, state="done" if done else "included", block=receipt.block))
            await work.commit()

    async def _included(self, work: UnitOfWork, acts: list[Submission], receipt: Receipt) -> None:
        landed = []
        for act in acts:
            reason = receipt.returned.get(self.packer.call_hash(act))
            if reason is None:
                landed.append(act.digest)
            else:
                await self._returned(work, act, reason)
        note = f"in block {receipt.block.number}"
        await work.move(landed, SubmissionState.INCLUDED, note)

    async def _returned(self, work: UnitOfWork, act: Submission, reason: Refused) -> None:
        """An act the contracts refused. It has failed only if it can never land; else it waits or is tried again."""
        why = {"code": reason.code, "detail": reason.detail, "facts": reason.facts}
        state = await work.load(touches(act.act, act.digest, act.department))
        if self._hopeless(reason):
            await work.move([act.digest], SubmissionState.FAILED, reason.detail, reason=why)
            return
        waits_for = await work.open_on([str(act.act["prior"])], [])
        if reason.code == "signed-prior" and not waits_for and await work.entry(act.digest) is None:
            # what it continues is neither the last act on its object nor on its way: the object moved on
            circumstances = Circumstances(int(self.clock.now()), act.signatures, _trusted)
            still = refusal(state, act.act, act.digest, circumstances)
            if still is not None and still.code == "signed-prior":
                await work.move([act.digest], SubmissionState.FAILED, reason.detail, reason=why)
                return
        again = SubmissionState.QUEUED if waits_for else SubmissionState.RETURNED
        await work.move([act.digest], again, reason.detail, reason=why)

    def _hopeless(self, reason: Refused) -> bool:
        return reason.code in ("signed-expired", "departments-key-retired", "journal-closed")

    async def _displaced(self, carried: Carried) -> None:
        async with self.store.write() as work:
            acts = await work.carried_by(carried.hash)
            await work.move([act.digest for act in acts], SubmissionState.QUEUED, "its transaction was displaced")
            await work.settle(replace(carried, state="done"))
            await work.commit()

    # 3 ---------------------------------------------------------------------------------------------------------------

    async def _pack(self) -> Carried | None:
        now = int(self.clock.now())
        async with self.store.write() as work:
            if self.epoch is None or not await work.holds_lease(self.packer.courier, self.holder, self.epoch):
                self.epoch = None  # another submitter took over while we looked; it carries on from what is stored
                return None
            await self._expire(work, now)
            queued = await work.queued(MOST_AT_ONCE)
            if not queued:
                await work.commit()
                return None
            batch = queued[: self.packer.fits(queued)]
            last = await work.last_nonce(self.packer.courier)
            nonce = await self.node.next_nonce(self.packer.courier) if last is None else last + 1
            carried = await self.packer.pack(batch, nonce)
            await work.add_carried(carried, self.epoch, [one.digest for one in batch])
            self.fault("packed, not stored")
            await work.commit()
        return carried

    async def _expire(self, work: UnitOfWork, now: int) -> None:
        """End what the contracts will refuse from now on because its signature's time is over."""
        gone = [
            one.digest
            for _, one in await work.submissions(
                state=(SubmissionState.QUEUED, SubmissionState.RETURNED), expired_before=now, limit=1000
            )
        ]
        detail = "the signature's validity ended before the act landed"
        reason = {"code": "signed-expired", "detail": detail, "facts": {}}
        await work.move(gone, SubmissionState.FAILED, detail, reason=reason)


def _trusted(_address: str, _kind: int, _digest: str, _signature: bytes) -> bool:
    return True
