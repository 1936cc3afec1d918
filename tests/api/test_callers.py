"""Who may call what: every route, every department, every duty. No caller reads or acts for another department."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from api.act_table import ACT_ROUTES, ActRoute
from api.schemas.acts import body_of
from ledger.domain.acts import ACTS, Duty, Level, Role
from ledger.domain.permissions import PERMISSIONS
from ledger.domain.submissions import SubmissionState
from tests.api.conftest import Clients
from tests.api.world import (
    ATTESTOR,
    AUDITOR,
    CONSUMER,
    DATASET,
    PROVIDER,
    ROLES,
    ROOT,
    STRANGER,
    World,
    signer_of,
)

OPEN_PATHS = {"/healthz", "/readyz", "/metrics"}
FILLED = {
    "department": PROVIDER,
    "dataset": DATASET.replace("/", "~"),
    "key": signer_of(PROVIDER, Duty.OFFICER).address,
    "version": "ab" * 32,
    "attestation": "ab" * 32,
    "correction": "ab" * 32,
    "document": "ab" * 32,
    "digest": "ab" * 32,
    "entry": "0",
    "index": "0",
    "tile": "0",
    "rule": "calendar",
    "log": "entries",
}


def routes_of(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path template, openapi extra) of every route."""
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def fill(path: str, share: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: {**FILLED, "share": share}[found[1]], path)


async def test_every_route_asks_for_a_key_and_says_who_may_call(app: FastAPI, clients: Clients, share: str) -> None:
    client, seen = clients.anonymous(), 0
    for method, path, operation in routes_of(app):
        if path in OPEN_PATHS:
            assert operation["security"] == []
            continue
        seen += 1
        answer = await client.request(method, fill(path, share), json={} if method == "POST" else None)
        assert answer.status_code == 401, (method, path)
        caller = operation["x-shareledger-caller"]
        assert set(caller) == {"duty", "role", "party"} and caller["party"], path
        assert operation["security"] == [{"api_key": []}]
    assert seen > 70


# ---- acts -----------------------------------------------------------------------------------------------------------

ACTORS = {  # whose key may get how far with an act, in this world: everyone else is refused before anything is stored
    "RegisterDepartment": {ROOT},
    "ChangeDepartment": {ROOT},
    "EnrolKey": {ROOT, PROVIDER},
    "RetireKey": {ROOT, PROVIDER},
    "SubmitDataset": {PROVIDER},
    "WithdrawDataset": {PROVIDER},
    "PublishDataset": set(),  # nothing is pending
    "ReturnDataset": set(),
    "AnchorVersion": set(),  # nothing is prepared
    "ShredVersion": set(),  # there is no version
    "RequestShare": {CONSUMER},
    "GrantShare": {ROOT},
    "WithdrawRequest": set(),  # it is agreed already
    "AskSupplement": set(),
    "SupplyMaterials": set(),
    "ExtendReply": set(),
    "AgreeShare": set(),
    "RefuseShare": set(),
    "DeliverShare": set(),
    "ConfirmDelivery": set(),
    "SuspendShare": {ROOT, PROVIDER},
    "ResumeShare": set(),  # it is not suspended
    "EndShare": {ROOT, PROVIDER, CONSUMER},
    "AttestQuality": set(),
    "WithdrawAttestation": set(),
    "RequestCorrection": set(),
    "ResolveCorrection": set(),
    "PublishRule": {ROOT},
    "PublishCheckpoint": set(ROLES),
    "AdmitModule": {ROOT},
    "CloseLedger": {ROOT},
}


def body_for(line: ActRoute, world: World, revision: str) -> dict[str, Any]:
    """The example of the description, with what this world needs to say yes."""
    (example,) = body_of(line).model_config["json_schema_extra"]["examples"]  # type: ignore[index,call-overload]
    body = {name: value for name, value in example.items() if name not in ("document", "mandate", "basis")}
    until = int(world.clock.now()) + 86_400
    citation = [{"law": "政务数据共享条例", "article": "第十六条"}]
    match line.act:
        case "RegisterDepartment":
            body |= {"department": "341525", "parent": ROOT, "level": int(Level.COUNTY), "roles": int(Role.CONSUMER)}
        case "ChangeDepartment":
            body |= {"parent": ROOT, "level": int(Level.CITY), "roles": int(ROLES[PROVIDER])}
        case "RetireKey":
            body["since"] = int(world.clock.now())
        case "SubmitDataset":
            body |= {"dataset": "new", "department": PROVIDER, "share_type": 1, "grade": 1}
        case "RequestShare" | "GrantShare":
            consumer = CONSUMER if line.act == "RequestShare" else STRANGER
            body |= {"dataset": DATASET, "revision": revision, "consumer": consumer, "until": until}
            scope, purpose = {"items": ["code"], "rows": "全部"}, "核对区划"
            body["document"] = {"basis": citation, "scope": scope, "purpose": purpose}
            if line.act == "RequestShare":
                body["document"] |= {"scenario": "核验", "method": 1}
            else:
                body["basis"] = {"basis": citation}
    plain = {
        "SubmitDataset": ITEM,
        "PublishRule": {"kind": "profile", **PROFILE},
        "ShredVersion": {"reasons": "保存期限届满"},
    }
    if line.act in plain:
        body["document"] = plain[line.act]
    if line.act == "PublishRule":
        body |= {"rule": "profile", "kind": 2}
    return body


PROFILE = {
    "name": "期限",
    "limits": [{"clock": "reply", "article": "第二十一条", "working_days": 10, "extension": 10}],
    "restart_after_supplement": True,
}
ITEM = {
    "name": "统计用区划代码",
    "abstract": "全市统计用区划代码",
    "provider": "市统计局",
    "items": [{"name": "code", "type": "text"}],
    "data_format": 1,
    "update_cycle": "yearly",
    "share_method": "file",
    "library": {"class": "base"},
    "assessments": {"secrecy": "ab" * 32, "personal": "ab" * 32},
}


@pytest.mark.parametrize("line", ACT_ROUTES, ids=lambda line: line.act)
async def test_only_its_own_parties_get_an_act_queued(
    line: ActRoute, clients: Clients, world: World, share: str
) -> None:
    duty_needed, role = PERMISSIONS[line.act]
    auditor = await clients.of(AUDITOR)
    revision = (await auditor.get("/v1/datasets/341500~tjj~area-codes")).json()["published"]
    path, body = "/v1" + fill(line.path, share), body_for(line, world, revision)
    queued = set()
    for department in ROLES:
        for duty in Duty:
            client = await clients.of(department, duty)
            answer = await client.post(path, json=body)
            if duty < duty_needed or (role and not ROLES[department] & role):
                assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted"), answer.text
            elif answer.status_code == 202:
                assert answer.json()["department"] == department
                queued.add(department)
                await close_submission(world, answer.json()["digest"])
            else:
                assert answer.status_code in (403, 404, 409, 422), answer.text
    assert queued == ACTORS[line.act]


async def close_submission(world: World, digest: str) -> None:
    """As if it had failed, so that the next caller meets the same world."""
    async with world.store.write() as work:
        await work.move([digest], SubmissionState.FAILED, "test")
        await work.commit()


async def test_nobody_signs_with_anothers_key(clients: Clients, world: World, share: str) -> None:
    """An act signed by the provider's own key, brought by every other department."""
    act, digest, signatures = world.signed("EndShare", PROVIDER, Duty.LEAD, share=share, cause=5)
    signed = {"act": {"type": act.name, **act.to_json()}, "signatures": ["0x" + one.hex() for one in signatures]}
    for department in ROLES:
        answer = await (await clients.of(department)).post("/v1/acts", json={"acts": [signed]})
        if department == PROVIDER:
            assert answer.status_code == 202 and answer.json()["items"][0]["digest"] == digest
            await close_submission(world, digest)
        else:
            assert answer.status_code == 403, (department, answer.text)


async def test_nobody_drafts_for_a_duty_they_lack(clients: Clients, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    answer = await client.post("/v1/drafts", json={"act": "AgreeShare", "fields": {"share": share, "until": 1}})
    assert answer.status_code == 403
    unknown = await client.post("/v1/drafts", json={"act": "Nonsense", "fields": {}})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid-act")


# ---- reads ----------------------------------------------------------------------------------------------------------

SEERS = {PROVIDER, CONSUMER, ROOT, AUDITOR}


@pytest.mark.parametrize("department", list(ROLES))
async def test_who_sees_a_share(department: str, clients: Clients, world: World, share: str) -> None:
    client = await clients.of(department, Duty.OFFICER)
    sees = department in SEERS
    entry = next(one.index for one in world.entries if one.digest == share)
    document = next(one.act["document"] for one in world.entries if one.digest == share)
    for path in (f"/v1/authorisations/{share}", f"/v1/authorisations/{share}/history", f"/v1/entries/{entry}"):
        answer = await client.get(path)
        assert answer.status_code == (200 if sees else 404), (path, answer.text)
    listed = (await client.get("/v1/authorisations")).json()["items"]
    assert [one["id"] for one in listed] == ([share] if sees else [])
    answer = await client.get(f"/v1/documents/{document}")
    # the world's documents are readable by their signer; the authority and the provider learn of them through services
    assert answer.status_code == (200 if department in (CONSUMER, AUDITOR) else 404)


@pytest.mark.parametrize("department", [STRANGER, ATTESTOR, CONSUMER])
async def test_a_share_that_is_not_ones_own_opens_no_payload(department: str, clients: Clients, share: str) -> None:
    client = await clients.of(department)
    for path in ("payload", "keys", "evidence"):
        answer = await client.get(f"/v1/authorisations/{share}/{path}")
        if department == CONSUMER and path == "evidence":
            assert answer.status_code == 200, answer.text
        else:
            assert answer.status_code in (403, 404), (path, answer.text)


async def test_submissions_and_entries_are_ones_own(clients: Clients, world: World, share: str) -> None:
    provider = await clients.of(PROVIDER, Duty.LEAD)
    made = await provider.post(f"/v1/authorisations/{share}/suspension", json={"document": {"reasons": "核查"}})
    digest = made.json()["digest"]
    for department in ROLES:
        client = await clients.of(department)
        own = department in (PROVIDER, AUDITOR)
        assert (await client.get(f"/v1/submissions/{digest}")).status_code == (200 if own else 404)
        listed = (await client.get("/v1/submissions")).json()["items"]
        assert [one["digest"] for one in listed] == ([digest] if own else [])
        signed = {one["department"] for one in (await client.get("/v1/entries?limit=1000")).json()["items"]}
        assert signed <= ({*ROLES} if department == AUDITOR else {department})
        asked = await client.get("/v1/entries", params={"department": PROVIDER, "limit": 1000})
        assert all(one["department"] in (department, PROVIDER) for one in asked.json()["items"])
        if not own:
            assert all(one["department"] == department for one in asked.json()["items"])


async def test_audits_are_for_auditors(clients: Clients) -> None:
    for department in ROLES:
        if department != AUDITOR:
            answer = await (await clients.of(department)).post("/v1/audits")
            assert answer.status_code == 403
    blind = await clients.of(AUDITOR, roles=Role(0))
    assert (await blind.post("/v1/audits")).status_code == 403


def test_the_table_of_actors_is_whole() -> None:
    assert set(ACTORS) == set(ACTS) - {"OpenLedger"}
