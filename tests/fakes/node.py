"""A chain of one ledger in memory, and one view of it. Blocks hold courier transactions, judged by the Python rules.

Set a flag and the view lags, withholds, lies or loses what it is handed; `mine`, `reorganise` and the like move the
chain itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ledger.domain.apply import apply
from ledger.domain.entries import Entry
from ledger.domain.keccak import keccak256
from ledger.domain.manifest import Manifest
from ledger.domain.marks import marks_of, signing_department
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import State
from ledger.domain.submissions import Submission
from ledger.domain.values import Act
from ledger.errors import Refused, Unavailable
from ledger.ports import Block, Receipt
from ledger.proofs.head import first_head, head_after
from ledger.proofs.typed_data import act_digest
from tests.fakes.packer import FakePacker, hash_of
from tests.fakes.small import FakeClock


def trusted(_address: str, _kind: int, _digest: str, _signature: bytes) -> bool:
    return True


@dataclass
class Mined:
    """A block and everything the chain knew after it."""

    block: Block
    state: State
    size: int
    head: str
    nonce: int
    entries: list[Entry] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)


class FakeNode:
    def __init__(self, manifest: Manifest, packer: FakePacker, clock: FakeClock, nonce: int = 8) -> None:
        self.manifest, self.packer, self.clock = manifest, packer, clock
        self.pool: dict[int, bytes] = {}
        self.sent: list[bytes] = []  # everything ever handed over
        self._forks = 0
        empty = first_head(manifest.chain_id, manifest.journal)
        self.chain = [Mined(Block(0, self._hash(0)), State(), 0, empty, nonce)]
        while len(self.chain) < manifest.block:
            self.mine()
        self.mine(opening=manifest.opening)
        # what this view of the chain does wrong
        self.down = False
        self.loses = False  # forgets what it is handed
        self.lag = 0  # blocks behind
        self.keeps: int | None = None  # states of so many newest blocks are kept
        self.bend: Callable[[list[Entry]], list[Entry]] = lambda entries: entries  # entries on their way out
        self.reverts_over: int | None = None  # a transaction of more acts than this runs out of gas
        self.calls: list[str] = []

    # ---- the chain --------------------------------------------------------------------------------------------------

    @property
    def tip(self) -> Mined:
        return self.chain[-1]

    def mine(self, *strangers: Submission, opening: Act | None = None) -> Mined:
        """A block of what waits and has the right nonce, after what strangers carried by themselves."""
        before = self.tip
        state = State()
        state.put(*before.state)
        block = Block(before.block.number + 1, self._hash(before.block.number + 1))
        made = Mined(block, state, before.size, before.head, before.nonce)
        if opening is not None:
            self._record(made, opening, self.manifest.journal, (), "0x" + "ee" * 32)
        for one in strangers:
            assert self._run(made, one, "0x" + "dd" * 32) is None
        while raw := self.pool.pop(made.nonce, None):
            made.nonce += 1
            made.taken.append(raw)
            self._carry(made, raw)
        self.chain.append(made)
        return made

    def _carry(self, made: Mined, raw: bytes) -> None:
        acts, transaction = self.packer.made[raw][1], hash_of(raw)
        if self.reverts_over is not None and len(acts) > self.reverts_over:
            made.receipts[transaction] = Receipt(made.block, False, {})
            return
        returned: dict[str, Refused] = {}
        for one in acts:
            if refused := self._run(made, one, transaction):
                returned[self.packer.call_hash(one)] = refused
        made.receipts[transaction] = Receipt(made.block, True, returned)

    def _run(self, made: Mined, one: Submission, transaction: str) -> Refused | None:
        circumstances = Circumstances(int(self.clock.now()), one.signatures, trusted)
        refused = refusal(made.state, one.act, one.digest, circumstances)
        if refused is None:
            self._record(made, one.act, one.module, one.signatures, transaction)
        return refused

    def _record(self, made: Mined, act: Act, module: str, signatures: tuple[bytes, ...], transaction: str) -> None:
        entry = Entry(
            index=made.size,
            module=module,
            act=act,
            digest=act_digest(act, self.manifest.chain_id, module),
            signatures=signatures,
            department=signing_department(made.state, act),
            marks=marks_of(made.state, act),
            time=int(self.clock.now()),
            head="00" * 32,
            block_number=made.block.number,
            block_hash=made.block.hash,
            transaction=transaction,
        )
        entry = replace(entry, head=head_after(made.head, entry))
        made.state.put(*apply(made.state, entry))
        made.entries.append(entry)
        made.size, made.head = made.size + 1, entry.head

    def reorganise(self, blocks: int, *, keep: bool) -> None:
        """Undo the newest blocks; their transactions wait again, or are forgotten."""
        for mined in reversed(self.chain[-blocks:]):
            if keep:
                self.pool |= {self.packer.made[raw][0]: raw for raw in mined.taken}
        del self.chain[-blocks:]
        self._forks += 1

    def displace(self) -> None:
        """Somebody else with the courier's key uses its next nonce."""
        self.pool.pop(self.tip.nonce, None)
        self.mine()
        self.tip.nonce += 1

    def forget(self) -> None:
        self.pool.clear()

    def all_entries(self) -> list[Entry]:
        return [entry for mined in self.chain for entry in mined.entries]

    def _hash(self, number: int) -> str:
        return "0x" + keccak256(f"block {number} of fork {self._forks}".encode()).hex()

    # ---- the view: ledger.ports.Node --------------------------------------------------------------------------------

    def _seen(self, call: str) -> list[Mined]:
        self.calls.append(call)
        if self.down:
            raise Unavailable("the node is down")
        return self.chain[: len(self.chain) - self.lag]

    async def latest(self) -> Block:
        return self._seen("latest")[-1].block

    async def block(self, number: int) -> Block | None:
        seen = self._seen("block")
        return seen[number].block if 0 <= number < len(seen) else None

    async def look(self, number: int) -> tuple[Block, Block | None]:
        return await self.latest(), await self.block(number)

    async def entries(self, first: int, last: int, modules: Sequence[str] = ()) -> list[Entry]:
        seen = self._seen("entries")
        return self.bend([entry for mined in seen[first : last + 1] for entry in mined.entries])

    async def head(self, block: Block) -> tuple[int, str] | None:
        seen = self._seen("head")
        mined = next((mined for mined in seen if mined.block == block), None)
        if mined is None or (self.keeps is not None and block.number <= seen[-1].block.number - self.keeps):
            return None
        return mined.size, mined.head

    async def entries_and_head(self, first: int, block: Block) -> tuple[list[Entry], tuple[int, str] | None]:
        return await self.entries(first, block.number), await self.head(block)

    async def send(self, raw: bytes) -> None:
        seen = self._seen("send")
        self.sent.append(raw)
        nonce = self.packer.made[raw][0]
        if not self.loses and nonce >= seen[-1].nonce:
            self.pool.setdefault(nonce, raw)

    async def receipt(self, transaction: str) -> Receipt | None:
        seen = self._seen("receipt")
        return next((mined.receipts[transaction] for mined in seen if transaction in mined.receipts), None)

    async def landed(self, transactions: Sequence[str]) -> tuple[Block, list[Receipt | None]]:
        return await self.latest(), [await self.receipt(each) for each in transactions]

    async def next_nonce(self, account: str, block: Block | None = None) -> int:
        seen = self._seen("next_nonce")
        if account != self.packer.courier:
            return 0
        found = next((mined for mined in seen if mined.block == block), None) if block else seen[-1]
        if found is None:
            raise Unavailable("the node does not know that block")
        return found.nonce
