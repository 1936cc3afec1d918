"""The audit: every entry from the first block on, recomputed; then the database and the payloads against the result.

Trusted is nothing but the manifest (chain, modules, opening). A node that withholds, renumbers or reorders entries
contradicts the head in the ledger's own state; a row changed by hand contradicts the state that the entries lead to; a
changed payload contradicts its digest. What each check showed, and what was not checked, is in the report.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.manifest import Manifest
from ledger.domain.state import InstalledModule, State
from ledger.errors import InvalidInput, Unavailable
from ledger.ports import Block, Cursor, Node, PayloadStore, Store, UnitOfWork
from ledger.services.audit_entries import EntryAudit, Recovers
from ledger.services.audit_payloads import PayloadAudit
from ledger.services.audit_report import MOST_LATE, AuditReport, Findings
from ledger.services.audit_store import StoreAudit
from ledger.services.lateness import Lateness, ReadDocument

FEWEST_BLOCKS, MOST_BLOCKS = 16, 2_000
WANTED_ENTRIES = 2_000  # in one range: memory stays bounded, and the node is not asked too often

Progress = Callable[[int, int], None]


async def replay(
    node: Node,
    manifest: Manifest,
    recovers: Recovers,
    *,
    store: Store | None = None,
    payloads: PayloadStore | None = None,
    confirmations: int = 0,
    now: int | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit a ledger as its node tells it and, if given, the store and the payloads kept for it. Changes nothing.

    `recovers(address, digest, signature)` checks an account's signature. `progress(done, all)` is told entries. `now`
    (unix seconds) is for deadlines only. Raises Unavailable if the node does not answer, or not with readable logs:
    then nothing is known.
    """
    audit = _Audit(node, manifest, recovers, confirmations, progress, int(time.time()) if now is None else now)
    async with AsyncExitStack() as opened:
        # one unit of work for all: the database is compared as it was at one moment, while the follower goes on
        work = None if store is None else await opened.enter_async_context(store.read())
        return await audit.run(work, payloads)


@dataclass
class _Audit:
    node: Node
    manifest: Manifest
    recovers: Recovers
    confirmations: int
    progress: Progress | None
    now: int
    findings: Findings = field(default_factory=Findings)

    async def run(self, work: UnitOfWork | None, payloads: PayloadStore | None) -> AuditReport:
        started = time.monotonic()
        self.entries = EntryAudit(self.manifest, self.recovers, self.findings)
        stored = None if work is None else StoreAudit(work, self.findings)
        cursor = None if work is None else await self._cursor(work)
        target = await self._target()
        claim = await self.node.head(target)  # first: a node forgets the state of old blocks while the audit runs
        if claim is None:
            raise Unavailable(f"the node does not keep the ledger's state at block {target.number}")
        size, head = claim

        seen_from = self.manifest.block
        if stored is not None and work is not None:
            # The database is compared where it says it stands: whatever came later is not its fault.
            middle = await self._middle(cursor, target)
            await self._blocks(seen_from, middle.number, size, stored)
            if cursor is not None:
                stored.cursor(cursor, middle, self.entries.size, self.entries.head)
            await stored.state(self.entries.size, self.entries.state)
            await PayloadAudit(work, payloads, self.findings).versions(self.entries.state)
            self._left_out(stored, payloads)
            seen_from = middle.number + 1
            behind = size - self.entries.size
            if behind > 0:
                self.findings.not_checked.append(f"{behind} entries that the read model has not followed yet")
        await self._blocks(seen_from, target.number, size, None)
        matches = await self._node_head(target, size, head)
        lateness = await Lateness(self.entries.state, self.now, _reader(work)).findings()
        self._general_limits(work)
        return AuditReport(
            entries=self.entries.size,
            head=self.entries.head,
            head_matches=matches,
            block=target.number,
            findings=tuple(self.findings.kept),
            omitted=self.findings.omitted + len(lateness[MOST_LATE:]),
            lateness=tuple(lateness[:MOST_LATE]),
            checks=self.findings.checks(),
            not_checked=tuple(self.findings.not_checked),
            seconds=time.monotonic() - started,
        )

    async def _target(self) -> Block:
        latest = await self.node.latest()
        if self.confirmations == 0:
            return latest
        final = await self.node.block(max(latest.number - self.confirmations, 0))
        if final is None:
            raise Unavailable(f"the node no longer has the block {self.confirmations} before its newest")
        return final

    async def _cursor(self, work: UnitOfWork) -> Cursor | None:
        cursor = await work.cursor()
        if cursor is None:
            if await work.entry(0) is None:
                self.findings.not_checked.append("the read model is empty")
            else:
                self.findings.add("cursor", "row-missing", "cursor/1", "table cursor, row 1: it is missing")
        return cursor

    async def _middle(self, cursor: Cursor | None, target: Block) -> Block:
        """The block up to which the database is compared: its own, if the node has it."""
        if cursor is None:
            return target
        if cursor.block.number > target.number or cursor.block.number < self.manifest.block - 1:
            told = (
                f"cursor, row 1, column block: {cursor.block.number} is not within the chain's {target.number} blocks"
            )
            self.findings.add("cursor", "row-changed", "cursor/1", told)
            return target
        return await self.node.block(cursor.block.number) or target

    async def _blocks(self, first: int, last: int, size: int, stored: StoreAudit | None) -> None:
        """Entries of these blocks, a range at a time. Stopping anywhere loses nothing: the audit keeps nothing."""
        step = FEWEST_BLOCKS * 8
        while first <= last:
            until = min(first + step - 1, last)
            entries = await self.node.entries(first, until, self._modules(self.entries.state))
            await asyncio.to_thread(self.entries.see, entries)
            if stored is not None:
                await stored.entries(entries)
            if self.progress is not None:
                self.progress(self.entries.size, size)
            first = until + 1
            step = _next_step(step, entries)

    def _modules(self, state: State) -> list[str]:
        admitted = (module.address for module in state.all(InstalledModule))
        return sorted({*self.manifest.modules.values(), *admitted})

    async def _node_head(self, target: Block, size: int, head: str) -> bool:
        """The node's state at that very block hash, and whether the block is still on its chain after all this time."""
        self.findings.made("node")
        ours = (self.entries.size, self.entries.head)
        if ours != (size, head):
            told = f"the node's logs give {ours[0]} entries and head {ours[1]}; its state at block {target.number} has "
            self.findings.add("node", "head", head, told + f"{size} entries and head {head}")
        if await self.node.block(target.number) != target:
            told = f"block {target.number} changed while it was audited"
            self.findings.add("node", "block-changed", target.hash, told)
        return ours == (size, head)

    def _left_out(self, stored: StoreAudit, payloads: PayloadStore | None) -> None:
        if stored.documents_not_held:
            self.findings.not_checked.append(f"{stored.documents_not_held} documents that acts name are not held here")
        if payloads is None:
            self.findings.not_checked.append("the bytes of kept payloads")
        self.findings.not_checked.append("whether wrapped keys open their payloads")
        self.findings.not_checked.append("what only this database knows: submissions, API keys, use records")

    def _general_limits(self, work: UnitOfWork | None) -> None:
        unchecked = self.findings.not_checked
        if work is None:
            unchecked.append("the read model, documents and payloads")
        if self.entries.contract_signatures:
            count = self.entries.contract_signatures
            unchecked.append(f"{count} signatures of contract keys: accepted by the chain, not re-checked")
        if self.entries.admitted:
            unchecked.append("the code of modules admitted after the opening")
        unchecked.append(
            "whether other nodes tell the same: compare the head with theirs, or with a cosigned checkpoint"
        )


def _next_step(step: int, entries: Sequence[Entry]) -> int:
    if len(entries) > WANTED_ENTRIES:
        return max(FEWEST_BLOCKS, step // 2)
    return min(MOST_BLOCKS, step * 2) if len(entries) < WANTED_ENTRIES // 4 else step


def _reader(work: UnitOfWork | None) -> ReadDocument | None:
    if work is None:
        return None

    async def read(digest: str) -> Document | None:
        stored = await work.document(digest)
        try:
            return None if stored is None else Document.parse(stored.body)
        except InvalidInput:
            return None

    return read
