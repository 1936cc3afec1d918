"""A version from its file to a checked record, over HTTP."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ledger.domain.acts import Duty, Role
from ledger.fingerprint import CsvSource, Fingerprint, Manifest, Schema, SegmentKeys, fingerprint_table
from ledger.services.material import Material
from tests.api.conftest import Clients
from tests.api.world import ATTESTOR, AUDITOR, CONSUMER, DATASET, PROVIDER, STRANGER, World
from tests.harness.databases import kind  # noqa: F401 (both databases)

COLUMNS = {"columns": [{"name": "code", "type": "text"}, {"name": "name", "type": "text"}], "format": "share-record/1"}
PROVENANCE = {"source": "国家统计局", "captured": 1_759_000_000, "method": "download"}
ROWS = 700
TABLE = "code,name\n" + "".join(f"3415{number:08d},村{number}\n" for number in range(ROWS))
CSV = TABLE.encode()
WAIT = {"Prefer": "wait=9"}
PAYLOADS = f"/v1/datasets/{DATASET.replace('/', '~')}/payloads"
VERSIONS = f"/v1/datasets/{DATASET.replace('/', '~')}/versions"


def query(**more: Any) -> dict[str, Any]:
    return {
        "schema": json.dumps(COLUMNS),
        "provenance": json.dumps(PROVENANCE, ensure_ascii=False),
        "name": "villages.csv",
        **more,
    }


async def upload(client: httpx.AsyncClient, body: bytes = CSV, **more: Any) -> httpx.Response:
    headers = {"Content-Type": "text/csv", **more.pop("headers", {})}
    return await client.post(PAYLOADS, params=query(**more), content=body, headers=headers)


@dataclass
class Delivered:
    version: str
    provider: httpx.AsyncClient
    consumer: httpx.AsyncClient


async def deliver(clients: Clients, share: str) -> Delivered:
    provider = await clients.of(PROVIDER, Duty.OFFICER)
    prepared = await upload(provider)
    assert prepared.status_code == 201, prepared.text
    anchored = await provider.post(VERSIONS, json={"prepared": prepared.json()["document"]}, headers=WAIT)
    assert anchored.status_code == 201, anchored.text
    version = anchored.json()["digest"]
    delivered = await provider.post(
        f"/v1/authorisations/{share}/deliveries",
        json={"version": version, "method": 1, "document": {}},
        headers=WAIT,
    )
    assert delivered.status_code == 201, delivered.text
    return Delivered(version, provider, await clients.of(CONSUMER, Duty.OFFICER))


@pytest.fixture
async def delivered(clients: Clients, share: str) -> Delivered:
    return await deliver(clients, share)


async def test_from_upload_to_a_checked_copy(delivered: Delivered, share: str) -> None:
    listed = (await delivered.consumer.get(VERSIONS)).json()["items"]
    assert [(one["id"], one["number"], one["records"]) for one in listed] == [(delivered.version, 1, str(ROWS))]

    payload = await delivered.consumer.get(f"/v1/authorisations/{share}/payload")
    assert payload.content == CSV
    assert payload.headers["content-type"].startswith("text/csv")
    assert "villages.csv" in payload.headers["content-disposition"]
    tag = payload.headers["etag"]
    same = await delivered.consumer.get(f"/v1/authorisations/{share}/payload", headers={"If-None-Match": tag})
    assert same.status_code == 304
    assert (await delivered.provider.get(f"/v1/versions/{delivered.version}/payload")).content == CSV

    for params in ({"version": delivered.version}, {"share": share}):
        report = await delivered.consumer.post("/v1/verifications", params=params, content=CSV)
        assert report.status_code == 200 and report.json()["ok"] is True, report.text
    changed = CSV.replace("村300\n".encode(), "邨300\n".encode())
    report = await delivered.consumer.post("/v1/verifications", params={"share": share}, content=changed)
    assert report.json()["ok"] is False and report.json()["differences"] == [300]

    confirmed = await delivered.consumer.post(
        f"/v1/authorisations/{share}/confirmation",
        json={"document": {"version": delivered.version, "verified": True}},
        headers=WAIT,
    )
    assert confirmed.status_code == 201, confirmed.text
    uses = (await delivered.provider.get(f"/v1/authorisations/{share}/uses")).json()["items"]
    assert {one["department"] for one in uses} == {CONSUMER} and len(uses) >= 3


async def test_one_record(delivered: Delivered, clients: Clients) -> None:
    proof = await delivered.consumer.get(f"/v1/versions/{delivered.version}/records/42/proof")
    assert proof.status_code == 200 and proof.json()["cells"] == ["341500000042", "村42"]
    anyone = await clients.of(STRANGER)
    body = {"version": delivered.version, "proof": proof.json()}
    report = await anyone.post("/v1/verifications/records", json=body)
    assert report.json()["ok"] is True, report.text
    spoilt = {**proof.json(), "cells": ["341500000042", "村43"]}
    report = await anyone.post("/v1/verifications/records", json={**body, "proof": spoilt})
    assert report.status_code == 200 and report.json()["ok"] is False
    junk = await anyone.post("/v1/verifications/records", json={**body, "proof": {"index": 1}})
    assert (junk.status_code, junk.json()["code"]) == (422, "invalid-proof")
    beyond = await delivered.consumer.get(f"/v1/versions/{delivered.version}/records/{ROWS}/proof")
    assert beyond.status_code == 404


async def test_what_checks_a_copy_offline(delivered: Delivered, share: str) -> None:
    keys = await delivered.consumer.get(f"/v1/authorisations/{share}/keys")
    assert keys.status_code == 200 and keys.headers["cache-control"] == "no-store"
    assert Material.from_json(keys.json()).keys is not None
    manifest = await delivered.consumer.get(f"/v1/versions/{delivered.version}/manifest")
    assert manifest.json()["records"] == ROWS
    tile = await delivered.consumer.get(f"/v1/versions/{delivered.version}/tiles/0")
    assert len(tile.json()["leaves"]) == 256


@pytest.mark.parametrize("department", [STRANGER, ATTESTOR])
async def test_strangers_get_nothing_of_a_payload(
    department: str, delivered: Delivered, clients: Clients, share: str
) -> None:
    client = await clients.of(department)
    for path in (
        f"/v1/authorisations/{share}/payload",
        f"/v1/authorisations/{share}/keys",
        f"/v1/authorisations/{share}/uses",
        f"/v1/authorisations/{share}/evidence",
        f"/v1/versions/{delivered.version}/payload",
        f"/v1/versions/{delivered.version}/manifest",
        f"/v1/versions/{delivered.version}/tiles/0",
        f"/v1/versions/{delivered.version}/records/0/proof",
    ):
        answer = await client.get(path)
        assert answer.status_code in (403, 404, 409), (path, answer.text)
        assert "341500" + "0" * 6 not in answer.text
    for params in ({"version": delivered.version}, {"share": share}):
        answer = await client.post("/v1/verifications", params=params, content=CSV)
        assert answer.status_code in (403, 404)


async def test_each_end_has_its_own_reason(delivered: Delivered, clients: Clients, world: World, share: str) -> None:
    lead = await clients.of(PROVIDER, Duty.LEAD)
    reasons = {"document": {"reasons": "核查"}}
    assert (await lead.post(f"/v1/authorisations/{share}/suspension", json=reasons, headers=WAIT)).status_code == 201
    assert (await delivered.consumer.get(f"/v1/authorisations/{share}/payload")).json()["code"] == "share-suspended"
    assert (await lead.post(f"/v1/authorisations/{share}/resumption", json=reasons, headers=WAIT)).status_code == 201
    assert (await delivered.consumer.get(f"/v1/authorisations/{share}/payload")).status_code == 200
    ended = await lead.post(f"/v1/authorisations/{share}/end", json={"cause": 1, **reasons}, headers=WAIT)
    assert ended.status_code == 201
    assert (await delivered.consumer.get(f"/v1/authorisations/{share}/payload")).json()["code"] == "share-ended"


async def test_bad_uploads_leave_nothing(clients: Clients, world: World) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    wrong = base64.b64encode(bytes(32)).decode()
    for answer, status, code in (
        (await upload(client, b"code\n1,2\n"), 422, "invalid-table"),
        (await upload(client, CSV + b"\xff,x\n"), 422, "invalid-table"),
        (await upload(client, schema="{"), 422, "invalid-input"),
        (await upload(client, schema="{}"), 422, "invalid-schema"),
        (await upload(client, format="share-record/9"), 422, "invalid-input"),
        (await upload(client, provenance="[]"), 422, "invalid-input"),
        (await upload(client, provenance="{}"), 422, "invalid-document"),
        (await upload(client, delimiter=";;"), 422, "invalid-table"),
        (await upload(client, surprise="1"), 422, "invalid-input"),
        (await upload(client, b"x" * (1 << 20) + b"y"), 413, "too-large"),
        (await upload(client, headers={"Content-Digest": f"sha-256=:{wrong}:"}), 422, "wrong-content-digest"),
        (await upload(client, headers={"Content-Encoding": "gzip"}), 415, "unsupported-media-type"),
        (await upload(await clients.of(STRANGER)), 409, "datasets-not-provider"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert not [path for path in (world.folder / "payloads").rglob("*") if path.is_file()]
    async with world.store.read() as work:
        assert await work.payload_objects() == []


async def test_an_upload_can_be_repeated(clients: Clients, world: World) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    digest = base64.b64encode(hashlib.sha256(CSV).digest()).decode()
    headers = {"Idempotency-Key": "upload-1", "Content-Digest": f"sha-256=:{digest}:"}
    first = await upload(client, headers=headers)
    second = await upload(client, headers=headers)
    assert first.status_code == second.status_code == 201, first.text
    assert first.json() == second.json() and second.headers["idempotency-replayed"] == "true"
    other = await upload(client, CSV[:-1], headers={"Idempotency-Key": "upload-1"})
    assert other.json()["code"] == "idempotency-mismatch"
    async with world.store.read() as work:
        assert len({document for document, _ in await work.payload_objects()}) == 1


async def test_a_file_that_stays_where_it_lies(clients: Clients) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    keys = SegmentKeys.fresh()
    source = CsvSource(lambda: __import__("io").BytesIO(CSV), name="villages.csv")
    taken, manifest = fingerprint_table(source, Schema.from_json(COLUMNS), keys)
    body = {
        "fingerprint": {**taken.to_json(), "size": len(CSV)},
        "manifest": manifest.to_json(),
        "options": {"schema": COLUMNS, "name": "villages.csv"},
        "provenance": PROVENANCE,
        "segments": [{"first_record": one.first_record, "key": one.key.hex()} for one in keys.segments],
    }
    path = f"/v1/datasets/{DATASET.replace('/', '~')}/fingerprints"
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["kept"] is False and answer.json()["records"] == ROWS
    anchored = await client.post(VERSIONS, json={"prepared": answer.json()["document"]}, headers=WAIT)
    assert anchored.status_code == 201
    report = await client.post("/v1/verifications", params={"version": anchored.json()["digest"]}, content=CSV)
    assert report.json()["ok"] is True, report.text
    elsewhere = await client.get(f"/v1/versions/{anchored.json()['digest']}/payload")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "payload-elsewhere")
    for tiles in (base64.b64encode(bytes(32 * len(manifest.tiles))).decode(), "no base64", "AAAA", ["00" * 32]):
        mismatch = await client.post(path, json={**body, "manifest": {**manifest.to_json(), "tiles": tiles}})
        assert (mismatch.status_code, mismatch.json()["code"]) == (422, "invalid-proof")


async def test_the_manifest_of_a_table_of_tens_of_millions_of_records(clients: Clients) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    tiles = [hashlib.sha256(at.to_bytes(4)).digest() for at in range(200_000)]
    manifest = Manifest(256 * len(tiles), tiles)
    table = Fingerprint("share-record/1", False, Schema.text(["code"]).digest(), manifest.root, manifest.records, 9)
    options = {"schema": {"columns": [{"name": "code", "type": "text"}]}, "salted": False}
    body = {"fingerprint": table.to_json(), "manifest": manifest.to_json(), "options": options}
    path = f"/v1/datasets/{DATASET.replace('/', '~')}/fingerprints"
    answer = await client.post(path, json={**body, "provenance": PROVENANCE})
    assert answer.status_code == 201 and answer.json()["records"] == 51_200_000, answer.text


async def test_what_is_anchored_is_what_was_prepared(clients: Clients) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    answer = await client.post(VERSIONS, json={"prepared": "ab" * 32})
    assert answer.status_code == 404
    prepared = (await upload(client)).json()["document"]
    stranger = await clients.of(STRANGER)
    assert (await stranger.post(VERSIONS, json={"prepared": prepared})).status_code == 404
    other = await client.post("/v1/datasets/another/versions", json={"prepared": prepared})
    assert other.status_code == 422


async def test_a_segment_that_begins_nowhere_is_not_shredded(delivered: Delivered, share: str) -> None:
    for document in ({"segments": [7]}, {"segments": [0, 65_536]}):
        answer = await delivered.provider.post(
            f"/v1/versions/{delivered.version}/shredding",
            json={"whole": False, "document": {"reasons": "保存期限届满", **document}},
            headers=WAIT,
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-document"), answer.text
    assert (await delivered.provider.get(f"/v1/versions/{delivered.version}/payload")).status_code == 200


async def test_shredding_deletes_the_keys(delivered: Delivered, share: str) -> None:
    answer = await delivered.provider.post(
        f"/v1/versions/{delivered.version}/shredding",
        json={"document": {"reasons": "保存期限届满"}},
        headers=WAIT,
    )
    assert answer.status_code == 201, answer.text
    gone = await delivered.provider.get(f"/v1/versions/{delivered.version}/payload")
    assert (gone.status_code, gone.json()["code"]) == (410, "shredded")


async def test_quality_is_measured_then_attested(delivered: Delivered, clients: Clients, world: World) -> None:
    root = await clients.of("341500.sjj")
    rules = {
        "kind": "quality-rules",
        "name": "区划代码质量规则",
        "measures": [
            {"code": "0201", "weight": 1, "columns": ["code", "name"]},
        ],
    }
    published = await root.post(
        "/v1/rules", json={"rule": "quality", "kind": 3, "start": 0, "document": rules}, headers=WAIT
    )
    assert published.status_code == 201, published.text
    digest = published.json()["act"]["document"]
    for client in (delivered.provider, await clients.of(ATTESTOR, Duty.OFFICER)):
        measured = await client.post(
            f"/v1/versions/{delivered.version}/measurements", params={"rules": digest}, content=CSV
        )
        assert measured.status_code == 200, measured.text
        assert measured.json()["score"] == 1_000_000
    body = {**measured.json()["act_fields"], "document": measured.json()["document"]}
    contrary = await client.post(f"/v1/versions/{delivered.version}/attestations", json={**body, "prior": "ab" * 32})
    assert contrary.status_code == 422
    attested = await client.post(f"/v1/versions/{delivered.version}/attestations", json=body, headers=WAIT)
    assert attested.status_code == 201, attested.text
    shown = await clients.of(STRANGER)
    listed = (await shown.get("/v1/attestations", params={"version": delivered.version})).json()["items"]
    assert [one["attestor"] for one in listed] == [ATTESTOR]
    assert (await shown.get(f"/v1/attestations/{listed[0]['id']}")).json()["score"] == 1_000_000


async def test_a_correction_is_seen_by_its_parties(delivered: Delivered, clients: Clients, share: str) -> None:
    asked = await delivered.consumer.post(
        f"/v1/versions/{delivered.version}/corrections",
        json={"share": share, "document": {"version": delivered.version, "reasons": "名称有误", "records": [3]}},
        headers=WAIT,
    )
    assert asked.status_code == 201, asked.text
    correction = asked.json()["digest"]
    for department, sees in ((PROVIDER, True), (AUDITOR, True), (STRANGER, False)):
        client = await clients.of(department)
        assert (await client.get(f"/v1/corrections/{correction}")).status_code == (200 if sees else 404)
        assert len((await client.get("/v1/corrections")).json()["items"]) == sees
    lead = await clients.of(PROVIDER, Duty.LEAD)
    answer = await lead.post(
        f"/v1/corrections/{correction}/resolution",
        json={"outcome": 2, "document": {"reasons": "核对无误"}},
        headers=WAIT,
    )
    assert answer.status_code == 201, answer.text


async def test_an_audit_and_evidence(delivered: Delivered, clients: Clients, share: str) -> None:
    auditor = await clients.of(AUDITOR)
    report = await auditor.post("/v1/audits")
    assert report.status_code == 200, report.text
    assert report.json()["head_matches"] is True
    evidence = await delivered.consumer.get(f"/v1/authorisations/{share}/evidence")
    assert evidence.status_code == 200 and evidence.json()["share"]["id"] == share
    without = await clients.of(AUDITOR, roles=Role(0))
    assert (await without.get(f"/v1/authorisations/{share}/evidence")).status_code == 404


async def test_a_checkpoint_is_drafted_then_published(clients: Clients) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    draft = await client.post("/v1/checkpoints/drafts", json={"log": "entries"})
    assert draft.status_code == 200, draft.text
    answer = await client.post("/v1/checkpoints", json=draft.json()["act_fields"], headers=WAIT)
    assert answer.status_code == 201, answer.text
    shown = await client.get("/v1/checkpoints", params={"department": PROVIDER})
    assert [one["log"] for one in shown.json()["items"]] == ["entries"]


@pytest.mark.parametrize(
    ("asked", "if_range", "status", "start"),
    [
        ("bytes=700-", None, 206, 700),
        ("bytes=700-", "same", 206, 700),
        ("bytes=700-", '"of another version"', 200, 0),
        ("bytes=99999999-", None, 200, 0),
        ("bytes=0-99", None, 200, 0),
        ("bytes=a-", None, 200, 0),
    ],
)
async def test_a_broken_download_goes_on(
    delivered: Delivered, share: str, asked: str, if_range: str | None, status: int, start: int
) -> None:
    headers = {"Range": asked}
    if if_range is not None:
        headers["If-Range"] = f'"{delivered.version}"' if if_range == "same" else if_range
    rest = await delivered.consumer.get(f"/v1/authorisations/{share}/payload", headers=headers)
    assert (rest.status_code, rest.content) == (status, CSV[start:])
    if status == 206:
        assert rest.headers["content-range"] == f"bytes {start}-{len(CSV) - 1}/{len(CSV)}"


async def test_a_provider_gets_the_keys_of_its_own_version_only(delivered: Delivered) -> None:
    keys = await delivered.provider.get(f"/v1/versions/{delivered.version}/keys")
    assert keys.status_code == 200
    assert Material.from_json(keys.json()).keys is not None
    refused = await delivered.consumer.get(f"/v1/versions/{delivered.version}/keys")
    assert (refused.status_code, refused.json()["code"]) == (409, "datasets-not-provider")
