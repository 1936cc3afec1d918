"""A second node beside the one that is followed: both must tell one history, up to what is final.

What is compared, at the last final block that was followed, or lower where the second node has not come so far:

1. the chain: its id and block 0, by the client that asks the second node;
2. the block's hash;
3. number of entries and running head in the ledger's own state after that block.

Where they differ one of the two nodes lies, or is on a fork, and nobody here can say which: writing stops. A second
node that is behind or does not answer proves nothing, so it is an alarm and no more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger import telemetry
from ledger.domain.manifest import Manifest
from ledger.errors import NodesDisagree, Unavailable, WrongChain
from ledger.ports import Block, Cursor, Node, Store

DISAGREE, MISSING = "nodes_disagree", "comparison_missing"  # alarms


def nobody(_alarm: str, _detail: str | None) -> None:
    """Where no one listens."""


@dataclass
class Comparison:
    """`name` is the second node's address without its secrets. `most_behind`: blocks, more of them are an alarm."""

    store: Store
    node: Node
    second: Node
    manifest: Manifest
    confirmations: int = 0
    name: str = "the second node"
    most_behind: int = 10
    seconds: float = 5.0  # between two comparisons
    tell: Callable[[str, str | None], None] = nobody
    agreed: Block | None = field(default=None, init=False)  # the last block at which both told the same
    disagreed: str | None = field(default=None, init=False)  # and how

    async def step(self) -> None:
        """Compare once. Raises NodesDisagree, and Unavailable if the first node or the database does not answer."""
        async with self.store.read() as work:
            cursor = await work.cursor()
        try:
            await self._compare(cursor)
        except NodesDisagree as error:
            self.disagreed = error.detail
            self.tell(DISAGREE, error.detail)
            raise
        self.tell(DISAGREE, None)

    async def _compare(self, cursor: Cursor | None) -> None:
        followed = cursor.block.number if cursor else self.manifest.block
        try:
            latest, there = await self.second.look(followed)
        except WrongChain as error:  # 1
            raise NodesDisagree(f"{self.name} is of another chain: {error.detail}") from None
        except Unavailable as error:
            self.tell(MISSING, f"{self.name} does not answer: {error.detail}")
            return
        behind = followed - (latest.number - self.confirmations)
        late = behind > self.most_behind
        self.tell(MISSING, f"{self.name} is {behind} final blocks behind" if late else None)
        telemetry.COMPARISON_BEHIND.set(max(0, behind))
        if cursor is not None and behind <= 0 and there is not None:
            self._same(cursor.block, there)  # 2
            await self._same_head(cursor, there)  # 3
            self._agree(there)
        else:
            await self._lower(max(0, min(followed, followed - behind)))

    async def _lower(self, height: int) -> None:
        """Where both have a final block; the first node's blocks below the one we followed lead to that."""
        ours = await self.node.block(height)
        try:
            theirs = await self.second.block(height)
        except Unavailable as error:
            self.tell(MISSING, f"{self.name} does not answer: {error.detail}")
            return
        if ours is not None and theirs is not None:
            self._same(ours, theirs)  # 2
            self._agree(theirs)

    def _same(self, ours: Block, theirs: Block) -> None:
        if ours != theirs:
            raise NodesDisagree(
                f"block {ours.number} is final with hash {ours.hash}; {self.name} has {theirs.hash}", block=ours.number
            )

    async def _same_head(self, cursor: Cursor, there: Block) -> None:
        try:
            claim = await self.second.head(there)
        except Unavailable as error:
            self.tell(MISSING, f"{self.name} does not answer: {error.detail}")
            return
        if claim is not None and claim != (cursor.size, cursor.head):
            raise NodesDisagree(
                f"after block {there.number} we have {cursor.size} entries with head {cursor.head}; {self.name} has "
                f"{claim[0]} with head {claim[1]}",
                block=there.number,
            )

    def _agree(self, block: Block) -> None:
        self.agreed = block
        telemetry.COMPARED_BLOCK.set(block.number)
