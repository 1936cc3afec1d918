"""The chain: blocks of courier transactions, judged by the ledger's own rules; a pool; forks above what is final."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from ledger.domain.apply import apply
from ledger.domain.entries import Entry
from ledger.domain.keccak import keccak256
from ledger.domain.marks import marks_of, signing_department
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import State
from ledger.domain.submissions import Submission
from ledger.domain.values import Act
from ledger.errors import Refused
from ledger.ports import Block, Receipt
from ledger.proofs.head import first_head, head_after
from tests.factories.acts import START
from tests.fakes.packer import FakePacker, hash_of
from tests.simulation import cast
from tests.simulation.faults import Faults

FIRST_NONCE = 8


@dataclass
class Mined:
    """A block and everything the chain knew after it."""

    block: Block
    time: int
    state: State
    size: int
    head: str
    nonce: int
    entries: list[Entry] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)


class Chain:
    """`now` is the validators' clock. Blocks up to `final` never change, unless somebody betrays it."""

    def __init__(self, packer: FakePacker, faults: Faults, now: Callable[[], float], confirmations: int) -> None:
        self.packer, self.faults, self.now, self.confirmations = packer, faults, now, confirmations
        self.told = faults.told
        self.pool: dict[int, bytes] = {}
        self.held: set[bytes] = set()  # accepted, and not to be mined
        self.stranded = 0  # so many more sendings until the pool looks at its courier again
        self.strangers: list[Submission] = []
        self.displaced: set[int] = set()
        self.handed: dict[int, set[bytes]] = {}  # by nonce: every transaction that was ever handed over
        self.former: list[Mined] = []  # as the chain was before the last fork, until final blocks contradict it
        self.final = 0
        self._forks = count(1)
        self._fork = 0
        manifest = cast.manifest()
        head = first_head(manifest.chain_id, manifest.journal)
        self.blocks = [Mined(Block(0, self._hash(0)), START, State(), 0, head, FIRST_NONCE)]
        self.mine()
        made = self.mine()
        self._record(made, manifest.opening, manifest.journal, (), "0x" + "ee" * 32)
        for one, department in cast.beginnings():
            assert self._run(made, cast.as_submission(one, department), "0x" + "dd" * 32) is None
        self._finalise()

    @property
    def tip(self) -> Mined:
        return self.blocks[-1]

    def entries(self) -> list[Entry]:
        return [entry for mined in self.blocks for entry in mined.entries]

    # blocks

    def mine(self, most: int = 3, *, take: bool = False) -> Mined:
        """A block of what waits and has the right nonce. With `take` somebody else uses the courier's next nonce."""
        before = self.tip
        number, time = before.block.number + 1, max(before.time, int(self.now()))
        made = Mined(
            Block(number, self._hash(number)), time, before.state.copy(), before.size, before.head, before.nonce
        )
        for one in self.strangers:
            self._run(made, one, "0x" + "dd" * 32)
        self.strangers.clear()
        if take:
            self.displaced.add(made.nonce)
            self.pool.pop(made.nonce, None)
            made.nonce += 1
        while len(made.taken) < most and not self.stranded:
            raw = self.pool.get(made.nonce)
            if raw is None or raw in self.held:
                break
            del self.pool[made.nonce]
            made.nonce += 1
            made.taken.append(raw)
            self._carry(made, raw)
        self.blocks.append(made)
        self._finalise()
        if made.nonce != before.nonce or made.size != before.size:
            self.told(f"block {number}: nonces {before.nonce} to {made.nonce - 1}, entries to {made.size - 1}")
        return made

    def _finalise(self) -> None:
        self.final = max(self.final, self.tip.block.number - self.confirmations)
        known = min(self.final + 1, len(self.former), len(self.blocks))
        if known and self.former[known - 1] is not self.blocks[known - 1]:
            self.former = []

    def _carry(self, made: Mined, raw: bytes) -> None:
        acts, transaction = self.packer.made[raw][1], hash_of(raw)
        if self.faults.strikes("batch reverted" if len(acts) > 1 else "single act reverted"):
            made.receipts[transaction] = Receipt(made.block, False, {})
            if self.faults.strikes("sender stranded"):
                self.stranded = self.faults.rng.randint(1, 3)
            return
        returned: dict[str, Refused] = {}
        for one in acts:
            if refused := self._run(made, one, transaction):
                returned[self.packer.call_hash(one)] = refused
        made.receipts[transaction] = Receipt(made.block, True, returned)

    def _run(self, made: Mined, one: Submission, transaction: str) -> Refused | None:
        refused = refusal(made.state, one.act, one.digest, Circumstances(made.time, one.signatures, cast.signed))
        if refused is None:
            self._record(made, one.act, one.module, one.signatures, transaction)
        return refused

    def _record(self, made: Mined, act: Act, module: str, signatures: tuple[bytes, ...], transaction: str) -> None:
        entry = Entry(
            index=made.size,
            module=module,
            act=act,
            digest=cast.digest_of(act),
            signatures=signatures,
            department=signing_department(made.state, act),
            marks=marks_of(made.state, act),
            time=made.time,
            head="00" * 32,
            block_number=made.block.number,
            block_hash=made.block.hash,
            transaction=transaction,
        )
        entry = replace(entry, head=head_after(made.head, entry))
        made.state.put(*apply(made.state, entry))
        made.entries.append(entry)
        made.size, made.head = made.size + 1, entry.head

    # forks

    def rewind(self, blocks: int, rng: random.Random, *, keep: float) -> None:
        """Undo the newest blocks; each of their transactions waits again with the chance `keep`, or is forgotten."""
        self.former = list(self.blocks)
        for mined in self.blocks[-blocks:]:
            for raw in mined.taken:
                if rng.random() < keep:
                    self.pool[self.packer.made[raw][0]] = raw
        del self.blocks[-blocks:]
        self._fork = next(self._forks)
        self.displaced = {nonce for nonce in self.displaced if nonce < self.tip.nonce}

    def _hash(self, number: int) -> str:
        return "0x" + keccak256(f"block {number} of fork {self._fork}".encode()).hex()

    # the pool

    def take(self, raw: bytes) -> None:
        """A transaction arrived at the node."""
        nonce = self.packer.made[raw][0]
        if self.stranded:
            self.stranded -= 1
        if nonce >= self.tip.nonce and nonce not in self.pool:
            self.pool[nonce] = raw
            if self.faults.strikes("accepted and never mined"):
                self.held.add(raw)

    def forget(self) -> None:
        self.pool.clear()
        self.held.clear()
        self.stranded = 0
