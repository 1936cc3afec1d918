"""The follower: final blocks → entries → `apply` → read model. The only writer of final rows.

One step follows a range of blocks. What must hold before a row is written, in the order of the code:

1. the last followed block is still on the node's chain; else the node contradicts what was final, and we stop;
2. the entries continue ours without a gap, and each one's head follows from the one before;
3. number of entries and head, read from the ledger's state at that very block hash, equal ours; else the node lags or
   withholds, and we wait;
4. rows, cursor and ended submissions are one database transaction.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.domain.apply import follow
from ledger.domain.entries import Entry
from ledger.domain.manifest import Manifest
from ledger.domain.state import InstalledModule
from ledger.domain.touches import touches
from ledger.errors import Diverged, Unavailable
from ledger.ports import Block, Cursor, Node, Store
from ledger.proofs.head import first_head, next_head

BLOCKS_A_STEP = 2_000


@dataclass
class Follower:
    """Follows one ledger. `step` is safe to call again after any failure; it starts from what is stored."""

    store: Store
    node: Node
    manifest: Manifest
    confirmations: int = 0

    async def step(self) -> int:
        """Follow what is final now; answers the number of new entries. Raises Diverged, Unavailable."""
        async with self.store.read() as work:
            cursor = await work.cursor()
            admitted = await work.objects(InstalledModule)
        cursor = cursor or self._start()
        modules = sorted({*self.manifest.modules.values(), *(module.address for module in admitted)})
        latest = await self.node.latest()
        last = min(latest.number - self.confirmations, cursor.block.number + BLOCKS_A_STEP)
        if cursor.block.number >= self.manifest.block:  # 1
            await self._still_there(cursor, latest)
        if last <= cursor.block.number:
            return 0
        target = latest if last == latest.number else await self.node.block(last)
        if target is None:
            raise Unavailable(f"the node no longer has block {last}")

        entries = await self.node.entries(cursor.block.number + 1, last, modules)
        # stopping here loses nothing: nothing is written yet
        head = self._chained(cursor, entries)  # 2
        reached = Cursor(target, cursor.size + len(entries), head)
        if await self.node.head(target) != (reached.size, reached.head):  # 3
            raise Unavailable(f"the node's logs up to block {last} do not lead to its own head; waiting for it")

        await self._write(entries, reached)  # 4
        return len(entries)

    def _start(self) -> Cursor:
        before = Block(self.manifest.block - 1, "")
        return Cursor(before, 0, first_head(self.manifest.chain_id, self.manifest.journal))

    async def _still_there(self, cursor: Cursor, latest: Block) -> None:
        if latest.number < cursor.block.number:
            raise Unavailable(f"the node is at block {latest.number}, we followed {cursor.block.number} already")
        there = await self.node.block(cursor.block.number)
        if there != cursor.block:
            raise Diverged(
                f"block {cursor.block.number} was final with hash {cursor.block.hash}; the node now has "
                f"{there.hash if there else 'no such block'}",
                block=cursor.block.number,
            )

    def _chained(self, cursor: Cursor, entries: Sequence[Entry]) -> str:
        head = cursor.head
        for index, entry in enumerate(entries, cursor.size):
            if entry.index != index:
                raise Unavailable(f"the node withholds entry {index}: after it came {entry.index}")
            head = next_head(head, entry.index, entry.module, entry.digest, entry.signatures, entry.time)
            if entry.head != head:
                raise Unavailable(f"the node's entry {index} does not lead to the head it claims")
        return head

    async def _write(self, entries: Sequence[Entry], reached: Cursor) -> None:
        async with self.store.write() as work:
            stored = await work.cursor()
            if stored is not None and stored.size > reached.size - len(entries):
                return  # another process followed these meanwhile
            state = await work.load(
                [ref for entry in entries for ref in touches(entry.act, entry.digest, entry.department)]
            )
            changed = {}
            for entry in entries:
                for thing in follow(state, entry):
                    changed[type(thing), thing.key] = thing
            await work.record(entries, changed.values(), reached)
            await work.commit()

    async def run(self, woken: asyncio.Event, pause: float) -> None:
        """Follow forever; `woken` shortens the wait between two looks, which else is `pause` seconds."""
        while True:
            await self.step()
            woken.clear()
            try:
                await asyncio.wait_for(woken.wait(), pause)
            except TimeoutError:
                continue
