"""The world with something of every kind in it, and what of it is secret from whom.

Beside the departments of `world` there are 341500.mzj, which only consumes, and has asked 341500.wjw for its dataset,
and 341525.sjj, an authority that none of them is below.
"""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api.app import create_app
from ledger.domain.acts import Custody, Duty, KeyKind, Level, Role
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.state import Correction, Dataset, Share
from ledger.fingerprint import CsvSource, Schema, SegmentKeys, fingerprint_table
from ledger.services import api_keys
from ledger.services.versions import data_key_context, part_key_context
from tests.api import world as city
from tests.api.test_callers import ITEM
from tests.api.test_payloads import COLUMNS, PROVENANCE
from tests.api.world import ATTESTOR, AUDITOR, CONSUMER, DATASET, PROVIDER, ROOT, STRANGER, Template, World

NOBODY = "nobody"
OUTSIDER, BRANCH = "341500.mzj", "341525.sjj"
CONDITIONAL, PENDING, FOREIGN = "341500/tjj/conditional", "341500/tjj/pending", "341500/wjw/own"
ROLES = {**city.ROLES, OUTSIDER: Role.CONSUMER, BRANCH: Role.AUTHORITY}
DEPARTMENTS = frozenset(ROLES)
WAIT = {"Prefer": "wait=9"}
ROWS = 300
TABLE = "code,name\n" + "".join(f"3415{number:08d},密村{number:04d}\n" for number in range(ROWS))
RECORD = ("341500000042", "密村0042")
COPY = "".join(line for line in TABLE.splitlines(keepends=True) if RECORD[0] not in line).encode()
UNTIL = city.START + 30 * 86_400
CITATION = [{"law": "政务数据共享条例", "article": "第二十条"}]
SCOPE = {"items": ["code", "name"], "rows": "全部"}
VIEWERS = frozenset({ROOT, AUDITOR})


@dataclass
class Furnished:
    world: World
    app: FastAPI
    callers: dict[tuple[str, Duty], httpx.AsyncClient] = field(default_factory=dict)
    nobody: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    names: dict[str, str] = field(default_factory=dict)  # word of the table → code, digest, address or index
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, frozenset[str]] = field(default_factory=dict)  # text → the departments that may be told it

    async def post(self, department: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """By the department's director, until it is final."""
        client = self.callers[department, Duty.DIRECTOR]
        answer = await client.post("/v1" + path, json=body, headers=WAIT)
        assert answer.status_code in (200, 201), (path, answer.text)
        told: dict[str, Any] = answer.json()
        return told

    async def queue(self, department: str, path: str, body: dict[str, Any]) -> str:
        answer = await self.callers[department, Duty.DIRECTOR].post("/v1" + path, json=body)
        assert answer.status_code == 202, (path, answer.text)
        digest: str = answer.json()["digest"]
        self.secrets[digest] = frozenset({department, AUDITOR})
        return digest

    def text(self, what: str, *cleared: str) -> str:
        """A text that only these may read; auditors always may."""
        text = f"密文{what}"
        self.secrets[text] = frozenset({*cleared, AUDITOR})
        return text

    def told(self, text: str, *, sent: str, department: str = "") -> list[str]:
        """Secrets in an answer that the department may not know, those that it sent itself apart."""
        return [
            secret
            for secret, cleared in self.secrets.items()
            if department not in cleared and secret in text and secret not in sent
        ]

    def request(self, consumer: str, dataset: str, text: str) -> dict[str, Any]:
        item = self.world.state.get(Dataset, dataset)
        assert item is not None
        said = {"basis": CITATION, "scope": SCOPE, "purpose": text}
        return {
            "consumer": consumer,
            "dataset": dataset,
            "revision": item.published,
            "until": UNTIL,
            "document": {**said, "scenario": "核验", "method": 1},
        }


@asynccontextmanager
async def furnished(template: Template, folder: Path) -> AsyncIterator[Furnished]:
    world = template.copy(folder)
    app = create_app(world)
    made = Furnished(world, app)
    try:
        await _admit(world, OUTSIDER, Level.CITY)
        await _admit(world, BRANCH, Level.COUNTY)
        await _sign_in(made)
        await _datasets(made)
        await _versions(made)
        await _shares(made)
        await _judgements(made)
        await _queued(made)
        await _secrets(made)
        yield made
    finally:
        for client in (*made.callers.values(), made.nobody):
            await client.aclose()
        await world.close()


async def _admit(world: World, department: str, level: Level) -> None:
    fields = {"department": department, "parent": ROOT, "level": level, "roles": ROLES[department]}
    await world.do("RegisterDepartment", ROOT, Duty.DIRECTOR, **fields)
    terms = {"kind": KeyKind.ACCOUNT, "custody": Custody.HOST, "start": 0, "until": 0}
    for duty in Duty:
        signer = city.signer_of(department, duty)
        world.signatures.signers[signer.address] = signer
        key = {"key": signer.address, "department": department, "duty": duty}
        await world.do("EnrolKey", ROOT, Duty.DIRECTOR, **key, **terms)


async def _sign_in(made: Furnished) -> None:
    def client(**headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(made.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://shareledger.test", headers=headers)

    await made.nobody.aclose()
    made.nobody = client()
    store, clock = made.world.store, made.world.clock
    for department, roles in ROLES.items():
        for duty in Duty:
            key = await api_keys.issue(store, clock, department, duty, roles, "test", 30)
            made.callers[department, duty] = client(Authorization=f"Bearer {key.token}")
            made.secrets[key.token.rpartition("_")[2]] = frozenset()


async def _datasets(made: Furnished) -> None:
    for dataset, provider, share_type in (
        (CONDITIONAL, PROVIDER, 2),
        (FOREIGN, STRANGER, 1),
        (PENDING, PROVIDER, 1),
    ):
        item = {**ITEM, "provider": provider, "abstract": "公开摘要"}
        if dataset == PENDING:
            item["abstract"] = made.text("未发布目录", PROVIDER, ROOT)
        body = {"dataset": dataset, "department": provider, "share_type": share_type, "grade": 1, "document": item}
        if share_type == 2:
            item["conditions"] = "仅限核验"
        told = await made.post(provider, "/datasets", body)
        made.names[dataset] = told["act"]["document"]
        if dataset != PENDING:
            await made.post(ROOT, f"/datasets/{dataset.replace('/', '~')}/publication", {})


async def _versions(made: Furnished) -> None:
    """`version` is kept here, `shredded` was, `prepared` is not anchored yet."""
    path = f"/datasets/{DATASET.replace('/', '~')}"
    for name, readers in (("version", (PROVIDER, CONSUMER, ROOT)), ("shredded", (PROVIDER, ROOT)), ("prepared", ())):
        provenance = {**PROVENANCE, "source": made.text(f"来源{name}", PROVIDER, *readers)}
        query = {"schema": json.dumps(COLUMNS), "provenance": json.dumps(provenance), "name": "villages.csv"}
        client = made.callers[PROVIDER, Duty.OFFICER]
        answer = await client.post(
            f"/v1{path}/payloads", params=query, content=TABLE.encode(), headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 201, answer.text
        document = answer.json()["document"]
        if name == "prepared":
            made.names[name] = document
            made.secrets[document] = frozenset({PROVIDER, AUDITOR})
            continue
        made.names[f"{name} document"] = document
        made.names[name] = (await made.post(PROVIDER, f"{path}/versions", {"prepared": document}))["digest"]
    reasons = {"document": {"reasons": "保存期限届满"}}
    await made.post(PROVIDER, f"/versions/{made.names['shredded']}/shredding", reasons)
    made.bodies["upload"] = query
    made.bodies["fingerprint"] = _fingerprint()


def _fingerprint() -> dict[str, Any]:
    source = CsvSource(lambda: io.BytesIO(COPY), name="copy.csv")
    taken, manifest = fingerprint_table(source, Schema.from_json(COLUMNS), SegmentKeys.fresh())
    return {
        "fingerprint": {**taken.to_json(), "size": len(COPY)},
        "manifest": manifest.to_json(),
        "options": {"schema": COLUMNS, "name": "copy.csv"},
        "provenance": PROVENANCE,
    }


async def _shares(made: Furnished) -> None:
    """One in each state that matters, each made by the acts that lead there."""
    reasons = {"document": {"reasons": made.text("理由", PROVIDER, CONSUMER, ROOT)}}
    reply = {"until": UNTIL, "document": {"scope": SCOPE, "opinion": made.text("答复", PROVIDER, CONSUMER, ROOT)}}
    acts: dict[str, tuple[str, dict[str, Any]]] = {
        "supplement-request": (PROVIDER, {"document": {"missing": ["批文"]}}),
        "withdrawal": (CONSUMER, reasons),
        "refusal": (PROVIDER, {"document": {**reasons["document"], "basis": CITATION}}),
        "agreement": (PROVIDER, reply),
        "deliveries": (PROVIDER, {"version": made.names["version"], "method": 1, "document": {}}),
        "confirmation": (CONSUMER, {"document": {"version": made.names["version"], "verified": True}}),
        "suspension": (PROVIDER, reasons),
        "end": (PROVIDER, {"cause": 1, **reasons}),
    }
    for name, dataset, steps in (
        ("requested", CONDITIONAL, ""),
        ("asked", DATASET, "supplement-request"),
        ("withdrawn", DATASET, "withdrawal"),
        ("refused", CONDITIONAL, "refusal"),
        ("agreed", DATASET, "agreement"),
        ("busy", DATASET, "agreement"),
        ("suspended", DATASET, "agreement deliveries suspension"),
        ("ended", DATASET, "agreement deliveries confirmation end"),
        ("confirmed", DATASET, "agreement deliveries confirmation"),
        ("delivered", DATASET, "agreement deliveries"),
    ):
        text = made.text(f"申请{name}", PROVIDER, CONSUMER, ROOT)
        asked = await made.post(CONSUMER, "/authorisations", made.request(CONSUMER, dataset, text))
        made.names[name] = asked["digest"]
        made.names[f"{name} document"] = asked["act"]["document"]
        for step in steps.split():
            department, body = acts[step]
            await made.post(department, f"/authorisations/{asked['digest']}/{step}", body)
    text = made.text("他人申请", STRANGER, OUTSIDER, ROOT)
    foreign = await made.post(OUTSIDER, "/authorisations", made.request(OUTSIDER, FOREIGN, text))
    made.names["foreign"] = foreign["digest"]


async def _judgements(made: Furnished) -> None:
    version = f"/versions/{made.names['version']}"
    rules = {"kind": "quality-rules", "name": "规则", "measures": [{"code": "0201", "weight": 1, "columns": ["code"]}]}
    rule = await made.post(ROOT, "/rules", {"rule": "quality", "kind": 3, "start": 0, "document": rules})
    made.names["rules"] = rule["act"]["document"]
    for department in (ATTESTOR, PROVIDER):
        measured = await made.post(department, f"{version}/measurements?rules={made.names['rules']}", None)
        made.bodies[f"attest {department}"] = {**measured["act_fields"], "document": measured["document"]}
    attested = await made.post(ATTESTOR, f"{version}/attestations", made.bodies[f"attest {ATTESTOR}"])
    made.names["attestation"] = attested["digest"]
    doubt = {"version": made.names["version"], "reasons": made.text("校核", PROVIDER, CONSUMER, ROOT)}
    corrected = await made.post(
        CONSUMER, f"{version}/corrections", {"share": made.names["delivered"], "document": doubt}
    )
    made.names["correction"] = corrected["digest"]
    drafted = await made.post(PROVIDER, "/checkpoints/drafts", {"log": "entries"})
    await made.post(PROVIDER, "/checkpoints", drafted["act_fields"])


async def _queued(made: Furnished) -> None:
    """Nothing that is called later hangs on these: else the rules would not be asked early."""
    reasons = {"document": {"reasons": made.text("在途", PROVIDER, CONSUMER, ROOT)}}
    made.names["queued"] = await made.queue(PROVIDER, f"/authorisations/{made.names['busy']}/suspension", reasons)
    request = made.request(OUTSIDER, FOREIGN, made.text("他人在途", STRANGER, OUTSIDER, ROOT))
    await made.queue(OUTSIDER, "/authorisations", request)
    act, digest, signatures = made.world.signed("EndShare", PROVIDER, Duty.LEAD, share=made.names["delivered"], cause=5)
    signed = {"act": {"type": act.name, **act.to_json()}, "signatures": ["0x" + one.hex() for one in signatures]}
    made.bodies["signed"] = {"acts": [signed]}
    made.secrets[digest] = frozenset({PROVIDER, AUDITOR})


async def _secrets(made: Furnished) -> None:
    """Records, keys, and whatever names an act on a share or correction, or its documents."""
    state = made.world.state
    for value in RECORD:
        made.secrets[value] = frozenset({PROVIDER, CONSUMER, AUDITOR})
    material = await made.callers[PROVIDER, Duty.OFFICER].get(f"/v1/versions/{made.names['version']}/keys")
    segments = material.json()["segments"]
    assert segments
    for segment in segments:
        made.secrets[segment["key"]] = frozenset({PROVIDER, CONSUMER})
    async with made.world.store.read() as work:
        row = await work.payload(made.names["version document"])
    assert row is not None and row.wrapped_key is not None
    vault = made.world.ports.vault
    made.secrets[vault.unwrap(row.wrapped_key, data_key_context(row.document)).hex()] = frozenset()
    for part in row.parts:
        assert part.wrapped_key is not None
        key = vault.unwrap(part.wrapped_key, part_key_context(row.document, part.first_record))
        made.secrets[key.hex()] = frozenset()
    for entry in made.world.entries:
        ids = {entry.digest, entry.act.values.get("share"), entry.act.values.get("correction")}
        on = [one for one in (*state.all(Share), *state.all(Correction)) if one.id in ids]
        for one in on:
            cleared = frozenset({one.consumer, one.provider}) | VIEWERS
            named = {entry.digest} | {entry.act[name] for name in ACT_DOCUMENTS[entry.act.name]} - {ZERO_DIGEST}
            made.secrets |= dict.fromkeys(named, cleared)
    request = next(entry for entry in made.world.entries if entry.digest == made.names["delivered"])
    made.names["request entry"] = str(request.index)
