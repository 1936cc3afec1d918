"""A small city for the services: provider, consumers, attestor, auditor; a real store, fakes around it."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.domain.acts import Custody, Duty, Grade, Level, Method, Role, ShareType
from ledger.domain.callers import Caller
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.state import Dataset, Share, State
from ledger.fingerprint import Column, ReadOptions, Schema
from ledger.ports import Ports, StoredDocument
from ledger.services.anchoring import PreparedVersion, prepare_version
from ledger.services.fingerprinting import PrepareOptions
from ledger.services.following import Follower
from ledger.store.engine import open_engine
from ledger.store.schema import migrate
from ledger.store.unit_of_work import SqlStore
from tests.fakes.chain import CHAIN_ID, ROOT, FakeChain
from tests.fakes.payloads import FakePayloads
from tests.fakes.small import FakeClock, FakeSignal, FakeSignatures, FakeVault
from tests.harness.databases import Copies

START = 1_790_000_000  # 2026-09-21, a Monday
PROVIDER, CONSUMER, STRANGER = "341500.tjj", "341500.gjj", "341500.wjw"
ATTESTOR, AUDITOR = "341500.zlj", "341500.sjb"
DATASET = "341500/tjj/area-codes"
ROLES = {
    PROVIDER: Role.PROVIDER,
    CONSUMER: Role.CONSUMER,
    STRANGER: Role.CONSUMER,
    ATTESTOR: Role.ATTESTOR,
    AUDITOR: Role.AUDITOR,
}
SCHEMA = Schema((Column("code"), Column("name", null=("-",)), Column("n", "integer")))
WHOLE = {"items": ["code", "name", "n"], "rows": "全部"}
PROVENANCE = {"source": "统计用区划代码", "captured": START, "method": "export"}
OPTIONS = PrepareOptions(schema=SCHEMA, read=ReadOptions(), name="areas.csv", media_type="text/csv")


def table(records: int = 600, **changes: str) -> bytes:
    """A CSV of villages; `r17="…"` replaces the row of record 17."""
    rows = [changes.get(f"r{index}", f"{341502000000 + index},村{index},{index}") for index in range(records)]
    return ("code,name,n\n" + "".join(f"{row}\n" for row in rows)).encode()


async def stream(content: bytes, piece: int = 777) -> AsyncIterator[bytes]:
    for at in range(0, len(content), piece):
        yield content[at : at + piece]


def caller(department: str, duty: Duty = Duty.OFFICER) -> Caller:
    roles = ROLES.get(department, Role.AUTHORITY)
    return Caller(f"key-of-{department}", department, duty, roles)


@dataclass
class Snapshot:
    """A world at one moment, to be taken up again by any number of tests, each with a copy of its database."""

    database: Copies
    state: State
    told: list[Entry]
    now: float
    objects: dict[str, bytes]
    version: str
    share: str


@dataclass
class World:
    """`version` and `share`: version 1 of the dataset and the consumer's share of it, once there are any."""

    folder: Path
    url: str
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    signatures: FakeSignatures = field(default_factory=FakeSignatures)
    payloads: FakePayloads = field(default_factory=FakePayloads)
    version: str = ""
    share: str = ""

    def __post_init__(self) -> None:
        self.chain = FakeChain(self.clock, self.signatures)
        self.engine = open_engine(self.url)
        self.store = SqlStore(self.engine, CHAIN_ID, lambda: int(self.clock.now() * 1000))
        (self.folder / "scratch").mkdir()
        self.ports = Ports(
            store=self.store,
            node=self.chain,
            signatures=self.signatures,
            payloads=self.payloads,
            vault=FakeVault(),
            clock=self.clock,
            manifest=self.chain.manifest,
            final=FakeSignal(),
            views=self.chain,
            scratch=self.folder / "scratch",
        )

    async def snapshot(self, copies: Callable[[str], Copies]) -> Snapshot:
        await self.engine.dispose()  # what is copied is not in use
        database = copies(self.url)
        chain, objects = self.chain, dict(self.payloads.objects)
        told = list(chain.told)
        return Snapshot(database, chain.state.copy(), told, self.clock.time, objects, self.version, self.share)

    @classmethod
    def take_up(cls, snapshot: Snapshot, folder: Path, url: str) -> "World":
        """`url`: of a copy of the snapshot's database."""
        world = cls(folder, url, version=snapshot.version, share=snapshot.share)
        for department in (ROOT, *ROLES):
            for duty in Duty:
                world.chain.key_of(department, duty)
        world.clock.time, world.payloads.objects = snapshot.now, dict(snapshot.objects)
        world.chain.state, world.chain.told = snapshot.state.copy(), list(snapshot.told)
        return world

    async def build(self) -> None:
        """Departments, keys, and a published dataset."""
        await migrate(self.engine)
        for duty in (Duty.LEAD, Duty.OFFICER):
            self.chain.enrol(ROOT, duty)
        for code, roles in ROLES.items():
            self.chain.do(
                "RegisterDepartment", ROOT, Duty.DIRECTOR, department=code, parent=ROOT, level=Level.CITY, roles=roles
            )
            for duty in sorted(Duty, reverse=True):
                custody = Custody.HOST if code == CONSUMER else Custody.OWN
                # from above only while there is no director yet: afterwards it would be a recovery
                by = ROOT if duty is Duty.DIRECTOR else code
                self.chain.enrol(code, duty, by=by, custody=custody)
        document = await self.keep(Document.make("conditions", conditions="an item"), PROVIDER)
        self.chain.do(
            "SubmitDataset",
            PROVIDER,
            Duty.DIRECTOR,
            dataset=DATASET,
            department=PROVIDER,
            share_type=ShareType.UNCONDITIONAL,
            grade=Grade.GENERAL_1,
            document=document,
        )
        self.chain.do("PublishDataset", ROOT, Duty.LEAD, dataset=DATASET)
        await self.follow()

    async def follow(self) -> None:
        await Follower(self.store, self.chain, self.chain.manifest).step()

    async def keep(self, document: Document, *readers: str, open: bool = False) -> Document:
        async with self.store.write() as work:
            stored = StoredDocument(document.digest, document.kind, document.body, open, frozenset(readers))
            await work.add_document(stored)
            await work.commit()
        return document

    async def prepare(self, content: bytes, **options: Any) -> PreparedVersion:
        options = {"options": OPTIONS, "provenance": PROVENANCE, **options}
        return await prepare_version(self.ports, caller(PROVIDER), DATASET, stream(content), **options)

    async def anchor(self, made: PreparedVersion) -> str:
        """Sign and record a prepared version; its id."""
        fields = {**made.fields, "records": int(made.fields["records"]), "size": int(made.fields["size"])}
        version = self.chain.do("AnchorVersion", PROVIDER, Duty.OFFICER, **fields)
        await self.follow()
        return version

    async def request(
        self, consumer: str = CONSUMER, *, seconds: int = 100_000, scope: Mapping[str, Any] = WHOLE
    ) -> str:
        dataset = self.chain.state.get(Dataset, DATASET)
        assert dataset is not None
        document = await self.keep(Document.make("conditions", conditions=os.urandom(8).hex()), consumer, PROVIDER)
        share = self.chain.do(
            "RequestShare",
            consumer,
            Duty.LEAD,
            consumer=consumer,
            dataset=DATASET,
            revision=dataset.published,
            until=int(self.clock.now()) + seconds,
            scope=await self.keep(Document.make("scope", scope=dict(scope)), consumer, PROVIDER),
            document=document,
        )
        await self.follow()
        return share

    async def agree(self, share: str) -> None:
        found = self.chain.state.get(Share, share)
        assert found is not None
        self.chain.do("AgreeShare", PROVIDER, Duty.LEAD, share=share, scope=found.scope, until=found.until)
        await self.follow()

    async def deliver(self, share: str, version: str, method: Method = Method.STORE) -> None:
        self.chain.do("DeliverShare", PROVIDER, Duty.OFFICER, share=share, version=version, method=method)
        await self.follow()

    async def delivered(
        self, version: str, consumer: str = CONSUMER, *, seconds: int = 100_000, scope: Mapping[str, Any] = WHOLE
    ) -> str:
        """A share that is requested, agreed and delivered; its id."""
        share = await self.request(consumer, seconds=seconds, scope=scope)
        await self.agree(share)
        await self.deliver(share, version)
        return share

    async def act(self, name: str, department: str, duty: Duty, **fields: Any) -> str:
        digest = self.chain.do(name, department, duty, **fields)
        await self.follow()
        return digest

    def share_until(self, share: str) -> int:
        found = self.chain.state.get(Share, share)
        assert found is not None
        return found.until

    async def close(self) -> None:
        await self.engine.dispose()
