"""A chain in memory that keeps the ledger's rules: `ledger.ports.Node` and `Views` for services that only read it.

One act a block. `lie` changes what the node tells about entries, not what its state says: that is what audits are for.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ledger.domain.acts import ACTS, Custody, Duty, KeyKind, Level, Mark, Module, Role
from ledger.domain.apply import follow
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST, digest_to_bytes
from ledger.domain.manifest import Manifest
from ledger.domain.marks import marks_of, signing_department
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import Share, State, Version
from ledger.domain.subjects import last_of
from ledger.domain.values import Act
from ledger.errors import Refused
from ledger.fingerprint.merkle import verify_inclusion
from ledger.ports import AnchoredVersion, Block, Receipt
from ledger.proofs.head import first_head, next_head
from ledger.proofs.typed_data import act_digest
from tests.fakes.small import FakeClock, FakeSignatures

CHAIN_ID = 20250801
ROOT = "341500.sjj"
MODULES = {module: f"0x{number:040x}" for number, module in enumerate(Module, 0xA0)}
COURIER = f"0x{0xAF:040x}"


def next_entry(
    told: Sequence[Entry],
    state: State,
    act: Act,
    digest: str,
    signatures: Sequence[bytes],
    time: int,
) -> Entry:
    """What the contracts would record after `told`, in a block of its own; `state` is the one before."""
    index, module = len(told), MODULES[act.type.module]
    before = told[-1].head if told else first_head(CHAIN_ID, MODULES[Module.JOURNAL])
    return Entry(
        index=index,
        module=module,
        act=act,
        digest=digest,
        signatures=tuple(signatures),
        department=signing_department(state, act),
        marks=marks_of(state, act) if told else Mark.NONE,
        time=time,
        head=next_head(before, index, module, digest, signatures, time),
        block_number=index + 1,
        block_hash=f"0x{index + 1:064x}",
        transaction=f"0x{index:064x}",
    )


class FakeChain:
    def __init__(self, clock: FakeClock, signatures: FakeSignatures) -> None:
        self.clock, self.signatures = clock, signatures
        self.state = State()
        self.told: list[Entry] = []
        self.lie: Callable[[Entry], Entry | None] = lambda entry: entry
        self.says_no = False  # the newest block ended every share
        self.forgets = False  # the state of every block
        opening = self._opening()
        code = {str(module): f"{number:064x}" for number, module in enumerate(Module)}
        self.manifest = Manifest(CHAIN_ID, f"0x{1:064x}", 1, MODULES, COURIER, opening, code)
        self._record(opening, act_digest(opening, CHAIN_ID, MODULES[Module.JOURNAL]), ())

    def key_of(self, department: str, duty: Duty) -> str:
        return self.signatures.key(f"{department}/{duty.name}").address

    def do(self, name: str, department: str, duty: Duty, /, *, force: bool = False, **fields: Any) -> str:
        """Sign with the department's key of that duty, record; the act's digest. Raises the Refused, unless forced."""
        given = {column.name: ZERO_DIGEST for column in ACTS[name].fields if column.kind == "digest"}
        given |= {"signer": self.key_of(department, duty), "valid_until": int(self.clock.now()) + 900}
        given |= {key: value.digest if isinstance(value, Document) else value for key, value in fields.items()}
        act = Act.make(name, **given)
        if "prior" not in fields:
            act = act.replace(prior=last_of(self.state, act, department))
        digest = act_digest(act, CHAIN_ID, MODULES[act.type.module])
        signers = [act["signer"], *([act["key"]] if act.type.signatures == 2 else [])]
        signatures = tuple(self.signatures.signers[one].sign(digest_to_bytes(digest)) for one in signers)

        def signed(address: str, kind: int, digest: str, signature: bytes) -> bool:
            return self.signatures.recovers(address, digest_to_bytes(digest), signature)

        circumstances = Circumstances(int(self.clock.now()) + 1, signatures, signed)
        refused = refusal(self.state, act, digest, circumstances)
        if refused is not None and not force:
            raise refused
        self._record(act, digest, signatures)
        return digest

    def enrol(self, department: str, duty: Duty, *, by: str = ROOT, custody: Custody = Custody.OWN) -> None:
        """A key of the department, enrolled by a director of `by`."""
        self.do(
            "EnrolKey",
            by,
            Duty.DIRECTOR,
            key=self.key_of(department, duty),
            department=department,
            kind=KeyKind.ACCOUNT,
            duty=duty,
            custody=custody,
            start=0,
            until=0,
        )

    def _record(self, act: Act, digest: str, signatures: tuple[bytes, ...]) -> None:
        self.clock.time += 1
        entry = next_entry(self.told, self.state, act, digest, signatures, int(self.clock.now()))
        self.told.append(entry)
        follow(self.state, entry)

    # ---- Node -------------------------------------------------------------------------------------------------------

    async def latest(self) -> Block:
        return self._block(len(self.told))

    async def block(self, number: int) -> Block | None:
        return self._block(number) if 0 <= number <= len(self.told) else None

    async def look(self, number: int) -> tuple[Block, Block | None]:
        return await self.latest(), await self.block(number)

    async def entries(self, first: int, last: int, modules: Sequence[str] = ()) -> list[Entry]:
        found = [self.lie(entry) for entry in self.told if first <= entry.block_number <= last]
        return [entry for entry in found if entry is not None]

    async def head(self, block: Block) -> tuple[int, str] | None:
        if self.forgets or block != self._block(block.number):
            return None
        return block.number, self.told[block.number - 1].head

    async def entries_and_head(self, first: int, block: Block) -> tuple[list[Entry], tuple[int, str] | None]:
        return await self.entries(first, block.number), await self.head(block)

    async def send(self, raw: bytes) -> None:
        raise AssertionError("nothing is sent here")

    async def receipt(self, transaction: str) -> Receipt | None:
        return None

    async def landed(self, transactions: Sequence[str]) -> tuple[Block, list[Receipt | None]]:
        return await self.latest(), [None for _ in transactions]

    async def next_nonce(self, account: str, block: Block | None = None) -> int:
        return 0

    def _block(self, number: int) -> Block:
        return Block(number, f"0x{number:064x}")

    # ---- Views ------------------------------------------------------------------------------------------------------

    async def is_authorised(self, share: str) -> bool:
        found = self.state.get(Share, share)
        return not self.says_no and found is not None and found.authorised(int(self.clock.now()))

    async def proves_record(self, version: str, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        found = self.state.get(Version, version)
        if found is None:
            raise Refused(f"no version {version}")
        return verify_inclusion(leaf, index, found.records, path, bytes.fromhex(found.root))

    async def anchored(self, version: str) -> AnchoredVersion | None:
        found = self.state.get(Version, version)
        return None if found is None else AnchoredVersion(found.root, found.records, found.salted, found.shredded)

    def _opening(self) -> Act:
        names = ("departments", "datasets", "authorisations", "attestations", "rulebook", "checkpoints")
        return Act.make(
            "OpenLedger",
            **{name: MODULES[Module[name.upper()]] for name in names},
            courier=COURIER,
            department=ROOT,
            level=Level.CITY,
            roles=Role.AUTHORITY,
            document=ZERO_DIGEST,
            first_key=self.key_of(ROOT, Duty.DIRECTOR),
            first_kind=KeyKind.ACCOUNT,
            second_key=self.signatures.key("second").address,
            second_kind=KeyKind.ACCOUNT,
            custody=Custody.OWN,
            older_journal=ZERO_ADDRESS,
            older_head=ZERO_DIGEST,
            older_size=0,
        )


def tampered(position: int, /, **changes: Any) -> Callable[[Entry], Entry]:
    """A lie about one entry."""
    return lambda entry: replace(entry, **changes) if entry.index == position else entry
