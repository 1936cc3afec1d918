"""Acts from a request to the ledger: signed here, or elsewhere."""

from typing import Any

import httpx
import pytest

from api.act_table import ACT_ROUTES, BY_ACT
from api.schemas.acts import body_of
from api.schemas.views import act_json
from keys.signer import LocalSigner
from ledger.domain.acts import ACTS, Custody, Duty, Level, Role
from ledger.domain.documents import Document
from ledger.domain.identifiers import format_signature
from ledger.domain.permissions import PERMISSIONS
from ledger.domain.state import Key, Share
from ledger.domain.values import Act
from ledger.errors import Diverged
from ledger.proofs.typed_data import act_digest
from tests.api.conftest import Clients
from tests.api.world import CONSUMER, DATASET, MODULES, PROVIDER, ROOT, STRANGER, World, signer_of

REASONS = {"document": {"reasons": "核查"}}
WAIT = {"Prefer": "wait=5"}


def test_every_act_that_can_be_signed_has_a_route() -> None:
    assert set(BY_ACT) == set(PERMISSIONS) == set(ACTS) - {"OpenLedger"}
    assert len({line.path for line in ACT_ROUTES}) == len(ACT_ROUTES)


@pytest.mark.parametrize("line", ACT_ROUTES, ids=lambda line: line.act)
def test_every_example_is_a_body_with_a_real_document(line: Any) -> None:
    model = body_of(line)
    (example,) = model.model_config["json_schema_extra"]["examples"]  # type: ignore[index,call-overload]
    model.model_validate(example)
    for name in ("document", "mandate"):
        if isinstance(example.get(name), dict) and line.act not in ("ShredVersion",):
            kind = example[name]["kind"]
            Document.make(kind, **{key: value for key, value in example[name].items() if key != "kind"})


async def test_queued_then_final(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    answer = await client.post(f"/v1/authorisations/{share}/suspension", json=REASONS)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "queued"
    await world.carry()
    found = (await client.get(answer.headers["location"])).json()
    assert found["state"] == "final" and found["as_of"]["entry"] == found["entry"]
    assert found["history"][0]["state"] == "queued"
    entry = (await client.get(f"/v1/entries/{found['digest']}")).json()
    assert entry["kind"] == "ShareSuspended" and entry["index"] == found["entry"]
    assert entry["act"] == found["act"]


async def test_prefer_wait(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    path = f"/v1/authorisations/{share}/suspension"
    answer = await client.post(path, json=REASONS, headers={"Prefer": "respond-async, wait=10"})
    assert answer.status_code == 201 and answer.json()["state"] == "final"
    assert answer.headers["preference-applied"] == "wait=10"
    world.stalled = True
    late = await client.post(f"/v1/authorisations/{share}/resumption", json=REASONS, headers={"Prefer": "wait=3"})
    assert late.status_code == 202 and late.json()["state"] == "queued"


@pytest.mark.parametrize("prefer", ["wait=", "wait=x", "wait=-1", "await=5", "wait=99999999"])
async def test_a_preference_that_cannot_be_read_is_none(clients: Clients, share: str, prefer: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    answer = await client.post(f"/v1/authorisations/{share}/suspension", json=REASONS, headers={"Prefer": prefer})
    assert answer.status_code == 202 and "preference-applied" not in answer.headers


async def test_a_request_with_its_scope_in_place(clients: Clients, world: World) -> None:
    client = await clients.of(STRANGER, Duty.LEAD)
    revision = (await client.get("/v1/datasets/341500~tjj~area-codes")).json()["published"]
    until = int(world.clock.now()) + 86_400
    scope = {"items": ["code"], "rows": "全部"}
    body = {
        "consumer": STRANGER,
        "dataset": DATASET,
        "revision": revision,
        "until": until,
        "document": {
            "basis": [{"law": "政务数据共享条例", "article": "第二十条"}],
            "scenario": "核验",
            "scope": scope,
            "method": 1,
            "purpose": "核对区划",
        },
    }
    answer = await client.post("/v1/authorisations", json=body, headers={"Prefer": "wait=5"})
    assert answer.status_code == 201, answer.text
    act = answer.json()["act"]
    named = await client.get(f"/v1/documents/{act['scope']}")
    assert named.json()["scope"] == scope and named.json()["kind"] == "scope"
    shown = (await client.get(f"/v1/authorisations/{answer.json()['digest']}")).json()
    assert shown["stage_name"] == "requested" and shown["consumer"] == STRANGER
    world.clock.time += 1
    agreed = await (await clients.of(PROVIDER, Duty.LEAD)).post(
        f"/v1/authorisations/{answer.json()['digest']}/agreement",
        json={"until": until, "document": {"scope": scope}},
        headers={"Prefer": "wait=5"},
    )
    assert agreed.status_code == 201, agreed.text


async def test_the_host_makes_a_key_and_says_so(clients: Clients, world: World) -> None:
    client = await clients.of(PROVIDER)
    body = {"duty": 1, "mandate": {"department": PROVIDER, "holder": "数据科", "purpose": "日常报送"}}
    answer = await client.post(f"/v1/departments/{PROVIDER}/keys", json=body, headers={"Prefer": "wait=5"})
    assert answer.status_code == 201, answer.text
    address = answer.json()["act"]["key"]
    assert len(answer.json()["signatures"]) == 2
    key = world.state.get(Key, address)
    assert key is not None and key.custody == Custody.HOST and key.department == PROVIDER
    own = await client.post(f"/v1/departments/{PROVIDER}/keys", json={**body, "custody": 1})
    assert own.status_code == 422 and "POST /v1/acts" in own.json()["next_step"]
    assert world.made_keys == 1


async def test_no_key_is_made_for_who_may_not_enrol_one(clients: Clients, world: World) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    answer = await client.post(f"/v1/departments/{PROVIDER}/keys", json={"duty": 1})
    assert answer.status_code == 403 and world.made_keys == 0


async def drafted(client: httpx.AsyncClient, name: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/drafts", json={"act": name, "fields": fields, **more})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def signature(signer: LocalSigner, digest: str) -> str:
    return format_signature(signer.sign(bytes.fromhex(digest)))


async def test_drafted_here_and_signed_elsewhere(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    mine = signer_of(PROVIDER, Duty.LEAD)
    draft = await drafted(client, "SuspendShare", {"share": share}, document={"reasons": "核查"})
    assert draft["signers"] == [mine.address]
    assert draft["typed"]["primaryType"] == "SuspendShare"
    assert Document.parse(draft["document"].encode()).digest == draft["act"]["document"]
    signed = {"act": draft["act"], "signatures": [signature(mine, draft["digest"])], "document": draft["document"]}
    answer = await client.post("/v1/acts", json={"acts": [signed]}, headers={"Prefer": "wait=5"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["items"][0]["digest"] == draft["digest"]
    again = await client.post("/v1/acts", json={"acts": [signed]})
    assert [one["state"] for one in again.json()["items"]] == ["final"]
    suspended = world.state.get(Share, share)
    assert suspended is not None and suspended.suspended


async def test_several_at_once_are_all_or_none(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    mine = signer_of(PROVIDER, Duty.LEAD)
    first = await drafted(client, "SuspendShare", {"share": share})
    second = await drafted(client, "ResumeShare", {"share": share, "prior": first["digest"]})
    acts = [
        {"act": one["act"], "signatures": [signature(mine, one["digest"])], "documents": one["documents"]}
        for one in (first, second)
    ]
    spoilt = [acts[0], {**acts[1], "signatures": [signature(signer_of(ROOT, Duty.LEAD), second["digest"])]}]
    refused = await client.post("/v1/acts", json={"acts": spoilt})
    assert refused.status_code == 422 and refused.json()["code"] == "invalid-signature"
    async with world.store.read() as work:
        assert await work.submissions() == []
    answer = await client.post("/v1/acts", json={"acts": acts}, headers={"Prefer": "wait=9"})
    assert answer.status_code == 201, answer.text
    assert [one["state"] for one in answer.json()["items"]] == ["final", "final"]


async def test_a_key_in_own_custody_signs_too(clients: Clients, world: World) -> None:
    client = await clients.of(PROVIDER)
    director, fresh = signer_of(PROVIDER, Duty.DIRECTOR), LocalSigner(b"\x07" * 32)
    fields = {
        "key": fresh.address,
        "department": PROVIDER,
        "kind": 1,
        "duty": 1,
        "custody": int(Custody.OWN),
        "start": 0,
        "until": 0,
        "mandate": {"holder": "数据科", "purpose": "日常报送"},
    }
    draft = await drafted(client, "EnrolKey", fields, signer=director.address)
    assert draft["signers"] == [director.address, fresh.address]
    both = [signature(director, draft["digest"]), signature(fresh, draft["digest"])]
    signed = {"act": draft["act"], "documents": draft["documents"]}
    alone = await client.post("/v1/acts", json={"acts": [{**signed, "signatures": both[:1]}]})
    assert alone.json()["code"] == "invalid-signature"
    answer = await client.post("/v1/acts", json={"acts": [{**signed, "signatures": both}]}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    key = world.state.get(Key, fresh.address)
    assert key is not None and key.custody == Custody.OWN
    assert not world.signatures.holds(fresh.address)


async def test_what_cannot_be_accepted_signed(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    mine, theirs = signer_of(PROVIDER, Duty.LEAD), signer_of(CONSUMER, Duty.LEAD)
    draft = await drafted(client, "SuspendShare", {"share": share}, document={"reasons": "核查"})
    good = {"act": draft["act"], "signatures": [signature(mine, draft["digest"])], "document": draft["document"]}
    act, _, _ = world.signed("EndShare", CONSUMER, Duty.LEAD, share=share, cause=1)
    foreign = act_digest(Act.from_json("SuspendShare", _fields(draft["act"])), 1, MODULES[act.type.module])
    short = {name: value for name, value in draft["act"].items() if name != "share"}
    for signed, status, code in (
        ({**good, "signatures": [signature(theirs, draft["digest"])]}, 422, "invalid-signature"),
        ({**good, "signatures": [signature(mine, foreign)]}, 422, "invalid-signature"),
        ({**good, "signatures": ["0x00"]}, 422, "invalid-signature"),
        ({**good, "signatures": ["zz"]}, 422, "invalid-input"),
        ({**good, "document": draft["document"].replace("核查", "改动")}, 422, "invalid-document"),
        ({**good, "document": None}, 422, "invalid-document"),
        ({**good, "document": " " + draft["document"]}, 422, "invalid-document"),
        ({**good, "documents": []}, 422, "invalid-act"),
        ({**good, "act": short}, 422, "invalid-act"),
        ({**good, "act": {**draft["act"], "type": "Nonsense"}}, 422, "invalid-act"),
        ({**good, "act": _fields(draft["act"])}, 422, "invalid-act"),
        ({"act": act_json(act), "signatures": [signature(theirs, "0" * 64)]}, 403, "not-permitted"),
    ):
        answer = await client.post("/v1/acts", json={"acts": [signed]})
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    async with world.store.read() as work:
        assert await work.submissions() == []


def _fields(act: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in act.items() if name != "type"}


async def test_numbers_of_64_bits_may_come_either_way(clients: Clients) -> None:
    client = await clients.of(PROVIDER)
    body = {"log": "entries", "size": 7, "root": "ab" * 32}
    answer = await client.post("/v1/checkpoints", json=body, headers={"Prefer": "wait=5"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["act"]["size"] == "7"
    shown = (await client.get(f"/v1/checkpoints/{PROVIDER}/entries")).json()
    assert shown["size"] == "7"
    draft = await drafted(client, "PublishCheckpoint", {**body, "size": 8})
    assert draft["act"]["size"] == "8"
    for size in ("07", -1, 1.5, "x", 2**64, True):
        answer = await client.post("/v1/checkpoints", json={**body, "size": size})
        assert answer.status_code == 422, size


async def test_the_tree_can_be_changed(clients: Clients, world: World) -> None:
    client = await clients.of(ROOT)
    body = {
        "department": "341525",
        "parent": ROOT,
        "level": int(Level.COUNTY),
        "roles": int(Role.AUTHORITY | Role.CONSUMER),
        "document": {"name": "霍山县"},
    }
    answer = await client.post("/v1/departments", json=body, headers={"Prefer": "wait=5"})
    assert answer.status_code == 201, answer.text
    assert (await client.get("/v1/departments/341525")).json()["parent"] == ROOT
    children = (await client.get("/v1/departments", params={"parent": ROOT})).json()["items"]
    assert "341525" in [one["code"] for one in children]


async def test_a_clock_that_lags_behind_the_ledger_signs_nothing_expired(world: World, clients: Clients) -> None:
    client = await clients.of(ROOT)
    newest = world.entries[-1].time
    world.clock.time = newest - 7 * 86_400
    draft = await client.post("/v1/drafts", json={"act": "CloseLedger", "fields": {"successor": "0x" + "00" * 20}})
    assert draft.status_code == 200, draft.text
    assert draft.json()["act"]["valid_until"] >= newest


async def test_nothing_more_is_taken_once_the_node_contradicts_history(world: World, clients: Clients) -> None:
    client = await clients.of(ROOT)
    world.diverged = Diverged("block 7 was final with another hash")
    body = {"department": "341500.new", "parent": ROOT, "level": 2, "roles": 2, "document": {"name": "新部门"}}
    noun = await client.post("/v1/departments", json=body)
    draft = await client.post("/v1/drafts", json={"act": "CloseLedger", "fields": {"successor": "0x" + "00" * 20}})
    signed = {"act": draft.json()["act"], "signatures": ["0x" + "00" * 65]}
    sent = await client.post("/v1/acts", json={"acts": [signed]})
    assert [(one.status_code, one.json()["code"]) for one in (noun, sent)] == [(503, "diverged")] * 2
    assert (await client.get("/v1/submissions")).json()["items"] == []
