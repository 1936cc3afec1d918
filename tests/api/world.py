"""A small city on a real SQLite store, with real signatures and rules; only the chain is played by `World.carry`.

Root 341500.sjj (the authority) with 341500.tjj (provides and consumes), 341500.gjj (consumes), 341500.wjw (provides and
consumes, a stranger to the others), 341500.zlj (attests) and 341500.sjb (audits). Every department has a key of each
duty, held here. The dataset 341500/tjj/area-codes is published; gjj has a share of it, agreed.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from keys.signer import LocalSigner
from ledger.domain.acts import ACTS, Custody, Duty, KeyKind, Level, Module, Role
from ledger.domain.apply import follow
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST, digest_to_bytes
from ledger.domain.manifest import Manifest
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import Share, State, Version
from ledger.domain.subjects import last_of
from ledger.domain.submissions import SubmissionState
from ledger.domain.values import Act
from ledger.errors import Diverged
from ledger.fingerprint.merkle import verify_inclusion
from ledger.ports import AnchoredVersion, Block, Cursor, Ports, Receipt, StoredDocument
from ledger.proofs.head import first_head
from ledger.proofs.typed_data import act_digest
from ledger.services import api_keys
from ledger.services.shredding import carry_out
from ledger.store.engine import open_engine
from ledger.store.payloads import Payloads
from ledger.store.schema import migrate
from ledger.store.unit_of_work import SqlStore
from ledger.store.vault import Vault
from tests.fakes.chain import CHAIN_ID, MODULES, next_entry
from tests.fakes.small import FakeClock, FakeSignatures

START = 1_760_000_000
ROOT, PROVIDER, CONSUMER = "341500.sjj", "341500.tjj", "341500.gjj"
STRANGER, ATTESTOR, AUDITOR = "341500.wjw", "341500.zlj", "341500.sjb"
DATASET = "341500/tjj/area-codes"
ROLES = {
    ROOT: Role.AUTHORITY,
    PROVIDER: Role.PROVIDER | Role.CONSUMER,
    CONSUMER: Role.CONSUMER,
    STRANGER: Role.PROVIDER | Role.CONSUMER,
    ATTESTOR: Role.ATTESTOR,
    AUDITOR: Role.AUDITOR,
}
COURIER = f"0x{0xAF:040x}"


def signer_of(department: str, duty: Duty) -> LocalSigner:
    """Always the same key for a department and duty."""
    return LocalSigner(hashlib.sha256(f"{department}/{duty.name}".encode()).digest())


SIGNERS = {one.address: one for one in (signer_of(department, duty) for department in ROLES for duty in Duty)}


class FakeChain:
    """`ledger.ports.Node` and `Views` over what the world recorded: one block an entry."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def latest(self) -> Block:
        return _block(len(self._world.entries))

    async def block(self, number: int) -> Block | None:
        return _block(number) if number <= len(self._world.entries) else None

    async def entries(self, first: int, last: int, modules: Sequence[str]) -> list[Entry]:
        return [one for one in self._world.entries if first <= one.block_number <= last and one.module in modules]

    async def head(self, block: Block) -> tuple[int, str]:
        entries = self._world.entries[: block.number]
        return len(entries), entries[-1].head if entries else first_head(CHAIN_ID, MODULES[Module.JOURNAL])

    async def send(self, raw: bytes) -> None:
        raise AssertionError("nothing is sent here")

    async def receipt(self, transaction: str) -> Receipt | None:
        return None

    async def next_nonce(self, account: str, block: Block | None = None) -> int:
        return 0

    async def is_authorised(self, share: str) -> bool:
        found = self._world.state.get(Share, share)
        return found is not None and found.authorised(int(self._world.clock.now()))

    async def anchored(self, version: str) -> AnchoredVersion | None:
        found = self._world.state.get(Version, version)
        if found is None:
            return None
        return AnchoredVersion(root=found.root, records=found.records, salted=found.salted, shredded=found.shredded)

    async def proves_record(self, version: str, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        found = self._world.state.get(Version, version)
        assert found is not None
        return verify_inclusion(leaf, index, found.records, tuple(path), bytes.fromhex(found.root))


def _block(number: int) -> Block:
    return Block(number, f"0x{number:064x}")


@dataclass
class Settings:
    """Rates are not limited here: this world's requests come as fast as a test can make them."""

    payload_limit_mib: int = 1
    confirmations: int = 0
    json_limit_kib: int = 1024
    bulk_limit_kib: int = 8192
    request_seconds: int = 90
    transfer_seconds: int = 3600
    header_seconds: int = 10
    body_seconds: int = 20
    requests_per_second: int = 0
    failures_per_minute: int = 0
    connections: int = 1000
    bulk_at_once: int = 8
    costly_at_once: int = 4
    transfers_at_once: int = 32
    waits_at_once: int = 256

    def metrics_networks(self) -> tuple[str, ...]:
        return ("127.0.0.0/8",)


@dataclass
class World:
    """What the chain knows (`state`, `entries`) and the product around it."""

    folder: Path
    state: State
    entries: list[Entry] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    signatures: FakeSignatures = field(default_factory=lambda: FakeSignatures(SIGNERS))
    stalled: bool = False  # nothing is carried
    diverged: Diverged | None = None
    made_keys: int = 0
    url: str = ""  # of the database; empty: SQLite in the folder

    def __post_init__(self) -> None:
        self.engine = open_engine(self.url or f"sqlite+aiosqlite:///{self.folder / 'ledger.sqlite3'}")
        self.store = SqlStore(self.engine, CHAIN_ID, lambda: int(self.clock.now() * 1000))
        self.settings = Settings()
        (self.folder / "scratch").mkdir(exist_ok=True)
        (self.folder / "payloads").mkdir(exist_ok=True)
        chain = FakeChain(self)
        self.ports = Ports(
            store=self.store,
            node=chain,
            signatures=self.signatures,
            payloads=Payloads.local(self.folder / "payloads"),
            vault=Vault(bytes(32)),
            clock=self.clock,
            manifest=_manifest(),
            final=self,
            views=chain,
            scratch=self.folder / "scratch",
        )

    # ---- the runtime ------------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        reasons = ["submitter: stalled"] if self.stalled else []
        return {"ready": not reasons, "reasons": reasons, "alarms": []}

    def wake(self) -> None:
        return None

    def check_writable(self) -> None:
        if self.diverged is not None:
            raise self.diverged

    async def create_key(self) -> str:
        self.made_keys += 1
        made = LocalSigner(hashlib.sha256(f"made/{self.made_keys}".encode()).digest())
        self.signatures.signers[made.address] = made
        return made.address

    @property
    def turn(self) -> int:
        return len(self.entries)

    async def wait(self, seconds: float, turn: int | None = None) -> None:
        """`ledger.ports.Signal`: whoever waits for the chain makes it move, or time pass."""
        if self.stalled or not await self.carry():
            self.clock.time += seconds

    # ---- the chain --------------------------------------------------------------------------------------------------

    async def carry(self) -> int:
        """Every queued submission, in order: recorded, or failed for the rule's own reason."""
        async with self.store.write() as work:
            queued = await work.queued(1000)
            for one in queued:
                reason = self.refused(one.act, one.digest, one.signatures)
                if reason is None:
                    entry = self.append(one.act, one.digest, one.signatures)
                    await work.record([entry], follow(self.state, entry), self.cursor())
                    await carry_out(work, [entry])
                else:
                    why = {"code": reason.code, "detail": reason.detail, "facts": reason.facts}
                    await work.move([one.digest], SubmissionState.FAILED, reason.detail, reason=why)
            await work.commit()
        return len(queued)

    def refused(self, act: Act, digest: str, signatures: Sequence[bytes]) -> Any:
        def signed(address: str, kind: int, digest: str, signature: bytes) -> bool:
            return self.signatures.recovers(address, digest_to_bytes(digest), signature)

        return refusal(self.state, act, digest, Circumstances(int(self.clock.now()), tuple(signatures), signed))

    def append(self, act: Act, digest: str, signatures: Sequence[bytes]) -> Entry:
        self.clock.time += 1
        entry = next_entry(self.entries, self.state, act, digest, signatures, int(self.clock.now()))
        self.entries.append(entry)
        return entry

    def cursor(self) -> Cursor:
        last = self.entries[-1]
        return Cursor(Block(last.block_number, last.block_hash), len(self.entries), last.head)

    # ---- acts by hand -----------------------------------------------------------------------------------------------

    def signed(self, name: str, department: str, duty: Duty, /, **fields: Any) -> tuple[Act, str, list[bytes]]:
        """(act, digest, signatures) by the department's key of that duty; `prior` is found."""
        given = {column.name: ZERO_DIGEST for column in ACTS[name].fields if column.kind == "digest"}
        given |= {"signer": signer_of(department, duty).address, "valid_until": int(self.clock.now()) + 900, **fields}
        act = Act.make(name, **given)
        if "prior" not in fields:
            act = act.replace(prior=last_of(self.state, act, department))
        digest = act_digest(act, CHAIN_ID, MODULES[act.type.module])
        keys = [act["signer"], *([act["key"]] if act.type.signatures == 2 else [])]
        return act, digest, [self.signatures.signers[key].sign(digest_to_bytes(digest)) for key in keys]

    async def do(
        self, name: str, department: str, duty: Duty, document: Document | None = None, /, **fields: Any
    ) -> str:
        """Record an act at once; its digest. Raises the Refused."""
        if document is not None:
            fields["mandate" if name == "EnrolKey" else "document"] = document.digest
        act, digest, signatures = self.signed(name, department, duty, **fields)
        reason = self.refused(act, digest, signatures)
        if reason is not None:
            raise reason
        async with self.store.write() as work:
            if document is not None:
                readers = frozenset({department})
                await work.add_document(StoredDocument(document.digest, document.kind, document.body, False, readers))
            entry = self.append(act, digest, signatures)
            await work.record([entry], follow(self.state, entry), self.cursor())
            await carry_out(work, [entry])
            await work.commit()
        return digest

    async def scope(self, *items: str, rows: str = "全部", filters: Sequence[dict[str, Any]] = ()) -> str:
        """The digest of a scope document that is held here: the whole of the usual table, or as told."""
        told: dict[str, Any] = {"items": list(items) or ["code", "name"], "rows": rows}
        document = Document.make("scope", scope=told | ({"filters": list(filters)} if filters else {}))
        async with self.store.write() as work:
            readers = frozenset({PROVIDER, CONSUMER})
            await work.add_document(StoredDocument(document.digest, document.kind, document.body, False, readers))
            await work.commit()
        return document.digest

    async def token(self, department: str, duty: Duty = Duty.DIRECTOR, roles: Role | None = None) -> str:
        """A new API key, with all the roles its department has unless told otherwise."""
        made = await api_keys.issue(
            self.store, self.clock, department, duty, ROLES[department] if roles is None else roles, "test", 30
        )
        return made.token

    async def close(self) -> None:
        await self.engine.dispose()


def _opening() -> Act:
    directors = [signer_of(ROOT, Duty.DIRECTOR).address, f"0x{0xBB:040x}"]
    names = ("departments", "datasets", "authorisations", "attestations", "rulebook", "checkpoints")
    modules = {name: MODULES[Module[name.upper()]] for name in names}
    return Act.make(
        "OpenLedger",
        **modules,
        courier=COURIER,
        department=ROOT,
        level=Level.CITY,
        roles=ROLES[ROOT],
        document=ZERO_DIGEST,
        first_key=directors[0],
        first_kind=KeyKind.ACCOUNT,
        second_key=directors[1],
        second_kind=KeyKind.ACCOUNT,
        custody=Custody.HOST,
        older_journal=ZERO_ADDRESS,
        older_head=ZERO_DIGEST,
        older_size=0,
    )


def _manifest() -> Manifest:
    code = {str(module): f"{number:064x}" for number, module in enumerate(Module)}
    return Manifest(CHAIN_ID, f"0x{1:064x}", 1, MODULES, COURIER, _opening(), code)


@dataclass
class Template:
    """A finished world, to be copied for each test."""

    folder: Path
    state: State
    entries: list[Entry]
    now: float
    share: str

    def copy(self, folder: Path, url: str = "") -> World:
        """`url`: of a database that is a copy already."""
        if not url:
            shutil.copy(self.folder / "ledger.sqlite3", folder)
        return World(folder, self.state.copy(), list(self.entries), FakeClock(self.now), url=url)


async def build(folder: Path, url: str = "") -> Template:
    world = World(folder, State(), url=url)
    try:
        await migrate(world.engine)
        await _open(world)
        await _people(world)
        share = await _dataset_and_share(world)
    finally:
        await world.close()
    return Template(folder, world.state, world.entries, world.clock.time, share)


async def _open(world: World) -> None:
    opening = _opening()
    digest = act_digest(opening, CHAIN_ID, MODULES[Module.JOURNAL])
    async with world.store.write() as work:
        entry = replace(world.append(opening, digest, ()), department=ROOT)
        world.entries[-1] = entry
        await work.record([entry], follow(world.state, entry), world.cursor())
        await carry_out(work, [entry])
        await work.commit()


async def _people(world: World) -> None:
    for code, roles in ROLES.items():
        if code != ROOT:
            await world.do(
                "RegisterDepartment", ROOT, Duty.DIRECTOR, department=code, parent=ROOT, level=Level.CITY, roles=roles
            )
        for duty in sorted(Duty, reverse=True):
            if (code, duty) == (ROOT, Duty.DIRECTOR):
                continue
            await world.do(
                "EnrolKey",
                ROOT,
                Duty.DIRECTOR,
                key=signer_of(code, duty).address,
                department=code,
                kind=KeyKind.ACCOUNT,
                duty=duty,
                custody=Custody.HOST,
                start=0,
                until=0,
            )


async def _dataset_and_share(world: World) -> str:
    item = Document.make("return", dataset=DATASET, reasons="目录文档")
    revision = await world.do(
        "SubmitDataset",
        PROVIDER,
        Duty.DIRECTOR,
        item,
        dataset=DATASET,
        department=PROVIDER,
        share_type=1,
        grade=1,
    )
    await world.do("PublishDataset", ROOT, Duty.LEAD, dataset=DATASET)
    request = Document.make("request-withdrawal", share=ZERO_DIGEST, reasons="申请材料")
    until, scope = START + 365 * 86_400, await world.scope()
    terms = {"dataset": DATASET, "revision": revision, "scope": scope, "until": until}
    share = await world.do("RequestShare", CONSUMER, Duty.LEAD, request, consumer=CONSUMER, **terms)
    await world.do("AgreeShare", PROVIDER, Duty.LEAD, share=share, scope=scope, until=until)
    return share
