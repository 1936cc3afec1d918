"""The follower: final blocks → entries → `apply` → read model. The only writer of final rows.

One step follows what is final, as far as it can. What must hold before a row is written, in the order of the code:

1. the last followed block is still on the node's chain; else the node contradicts what was final, and we stop;
2. the entries continue ours without a gap, each is the act its digest says, and each head follows from the one before;
3. nothing is left out: at the newest final block, number of entries and head in the ledger's own state equal ours.
   Where many blocks are to be followed, and the state of the older ones is gone, entries vouch for what lies before
   them: we go to the block before the last entry's, and no further;
4. rows, cursor, ended submissions and the keys that an act deletes are one database transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ledger.domain.apply import follow, misreported
from ledger.domain.entries import Entry
from ledger.domain.manifest import Manifest
from ledger.domain.state import State, StateObject
from ledger.domain.touches import touches
from ledger.errors import Diverged, Unavailable
from ledger.ports import Block, Cursor, Node, Store, UnitOfWork
from ledger.proofs.head import first_head, next_head
from ledger.proofs.typed_data import act_digest
from ledger.services import tracing
from ledger.services.shredding import carry_out

ENTRIES_A_STEP = 1_000  # as many are written at once, or a few more
MOST_BLOCKS = 8_192  # asked for at once
RANGES_A_STEP = 64


def no_fault(_step: str) -> None:
    """In tests, a place to crash: named after what is true at that moment."""


class _Short(Unavailable):
    """The entries of a node are fewer than its own head counts, or others."""


@dataclass
class Follower:
    """Follows one ledger. `step` is safe to call again after any failure; it starts from what is stored."""

    store: Store
    node: Node
    manifest: Manifest
    confirmations: int = 0
    fault: Callable[[str], None] = no_fault
    reached: Cursor | None = field(default=None, init=False)  # after the last step
    more: bool = field(default=True, init=False)  # after a step: it stopped in between, go on at once
    _span: int = field(default=128, init=False)  # blocks asked for at once

    async def step(self) -> int:
        """Follow what is final now; answers the number of new entries. Raises Diverged, Unavailable, NotReady.

        Where there is much to follow it stops in between: `reached` then lies before the newest final block.
        """
        start = self.reached or await self._start()
        latest, there = await self.node.look(start.block.number)
        newest = latest.number - self.confirmations
        self.reached, self.more = start, False
        if start.block.number >= self.manifest.block:  # 1
            self._check_still_there(start, latest, there)
        if newest <= start.block.number:
            return 0
        target = latest if newest == latest.number else await self.node.block(newest)
        if target is None:
            raise Unavailable(f"the node no longer has block {newest}")

        try:
            entries, reached = await self._read(start, target)
        except _Short:
            entries, reached = await self._read(start, target)  # some nodes show a block a moment before its logs
        self.fault("checked, nothing written")
        # stopping here loses nothing: the same blocks are read again
        if not await self._write(entries, start, reached):  # 4
            self.reached = None  # another process followed meanwhile, or the read model was emptied: look again
            return 0
        self.reached, self.more = reached, reached.block != target
        return len(entries)

    async def _start(self) -> Cursor:
        async with self.store.read() as work:
            cursor = await work.cursor()
        before = Block(self.manifest.block - 1, "")
        return cursor or Cursor(before, 0, first_head(self.manifest.chain_id, self.manifest.journal))

    def _check_still_there(self, start: Cursor, latest: Block, there: Block | None) -> None:
        if latest.number < start.block.number or there is None:
            raise Unavailable(f"the node is at block {latest.number}, we followed {start.block.number} already")
        if there != start.block:
            raise Diverged(
                f"block {start.block.number} was final with hash {start.block.hash}; the node now has {there.hash}",
                block=start.block.number,
            )

    # 2 and 3 ---------------------------------------------------------------------------------------------------------

    async def _read(self, start: Cursor, target: Block) -> tuple[list[Entry], Cursor]:
        """Entries that can be believed, and how far they lead."""
        entries: list[Entry] = []
        head, first = start.head, start.block.number + 1
        for turn in count(1):
            last = min(first + self._span - 1, target.number)
            found, claim = await self._ask(first, last, target)
            head = self._chained(found, start.size + len(entries), head, first, last)  # 2
            few = _enough(found)
            cut = len(few) < len(found)
            if cut:  # after a long empty stretch came a full one
                claim = None
            entries += few
            if claim is not None:  # 3
                if claim != (start.size + len(entries), head):
                    raise _Short(f"the node's logs up to block {last} do not lead to its own head; waiting for it")
                return entries, Cursor(target, *claim)
            enough = turn >= RANGES_A_STEP or len(entries) >= ENTRIES_A_STEP
            if cut or last == target.number or (enough and self._proven_to(entries) > start.block.number):
                break
            first = last + 1  # without an entry nothing vouches for these blocks yet: read on
        return await self._proven(start, entries)

    async def _ask(self, first: int, last: int, target: Block) -> tuple[list[Entry], tuple[int, str] | None]:
        """The entries of a range and, if it ends at the target, the head there; sizes the next range by the answer."""
        try:
            if last == target.number:
                return await self.node.entries_and_head(first, target)
            found = await self.node.entries(first, last)
        except Unavailable:
            self._span = max(1, self._span // 2)  # perhaps it was asked for more than it gives at once
            raise
        if len(found) > ENTRIES_A_STEP:
            self._span = max(1, self._span // 2)
        elif len(found) < ENTRIES_A_STEP // 4:
            self._span = min(MOST_BLOCKS, self._span * 2)
        return found, None

    def _chained(self, entries: Sequence[Entry], size: int, head: str, first: int, last: int) -> str:
        """The head after these entries. Raises Unavailable unless they continue `size` and `head`, block by block."""
        block = first
        for index, entry in enumerate(entries, size):
            if entry.index != index:
                raise Unavailable(f"the node withholds entry {index}: after it came {entry.index}")
            head = next_head(head, entry.index, entry.module, entry.digest, entry.signatures, entry.time)
            if entry.head != head:
                raise Unavailable(f"the node's entry {index} does not lead to the head it claims")
            if act_digest(entry.act, self.manifest.chain_id, entry.module) != entry.digest:
                raise Unavailable(f"the node's entry {index} is not the act that was recorded")
            if not block <= entry.block_number <= last:
                raise Unavailable(f"the node puts entry {index} into block {entry.block_number}, out of order")
            block = entry.block_number
        return head

    async def _proven(self, start: Cursor, entries: list[Entry]) -> tuple[list[Entry], Cursor]:
        """What lies before the last entry's block: none is missing there, or the indices would have a gap."""
        before = self._proven_to(entries)
        if before <= start.block.number:
            raise Unavailable(f"the node gives no head to check its logs after block {start.block.number} with")
        block = await self.node.block(before)
        if block is None:
            raise Unavailable(f"the node no longer has block {before}")
        kept = [entry for entry in entries if entry.block_number <= before]
        return kept, Cursor(block, start.size + len(kept), kept[-1].head if kept else start.head)

    def _proven_to(self, entries: Sequence[Entry]) -> int:
        return entries[-1].block_number - 1 if entries else -1

    # 4 ---------------------------------------------------------------------------------------------------------------

    async def _write(self, entries: Sequence[Entry], start: Cursor, reached: Cursor) -> bool:
        """One transaction; False if another process followed meanwhile."""
        stands = start if start.size else None
        async with self.store.read() as work:  # nobody waits for a turn to write while this is worked out
            changed = await self._changed(work, entries) if await work.cursor() == stands else []
        async with self.store.write(ahead=True) as work:
            if await work.cursor() != stands:  # else no row that an entry changes is another than it was read
                return False
            await work.record(entries, changed, reached)
            await carry_out(work, entries)
            self.fault("written, not committed")
            await work.commit()
        tracing.final(entries, reached.block)
        self.fault("committed")
        return True

    async def _changed(self, work: UnitOfWork, entries: Sequence[Entry]) -> list[StateObject]:
        """What the entries leave behind them."""
        wanted = [ref for entry in entries for ref in touches(entry.act, entry.digest, entry.department)]
        state = await work.load(wanted) if entries else State()
        changed: dict[tuple[type, tuple[Any, ...]], StateObject] = {}
        for entry in entries:
            if misreported(state, entry):
                raise Unavailable(f"the node's entry {entry.index} claims another department or mark than it has")
            for thing in follow(state, entry):
                changed[type(thing), thing.key] = thing
        return list(changed.values())


def _enough(entries: Sequence[Entry]) -> Sequence[Entry]:
    """A step's fill of them: whole blocks, and one entry more, which vouches for these."""
    if len(entries) <= ENTRIES_A_STEP:
        return entries
    block = entries[ENTRIES_A_STEP - 1].block_number
    beyond = next((at for at, entry in enumerate(entries) if entry.block_number > block), None)
    return entries if beyond is None else entries[: beyond + 1]
