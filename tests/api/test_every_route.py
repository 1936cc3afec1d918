"""Every route of the application, called by nobody and by every kind of department with every duty.

The table below says who may; it is written by hand, and a route that it does not name, or that is not there any more,
fails. Whoever may not gets a refusal with its code, and no answer tells a department what it may not know: records,
keys, texts, and digests of the shares and acts of others.
"""

import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.act_table import ACT_ROUTES
from api.schemas.acts import body_of
from ledger.domain.acts import Duty, Level, Role
from ledger.domain.permissions import PERMISSIONS
from ledger.domain.state import Correction, Share
from tests.api.furnished import (
    BRANCH,
    CITATION,
    CONDITIONAL,
    COPY,
    DEPARTMENTS,
    NOBODY,
    OUTSIDER,
    PENDING,
    ROLES,
    SCOPE,
    UNTIL,
    Furnished,
    furnished,
)
from tests.api.test_callers import ITEM, PROFILE, close_submission
from tests.api.world import ATTESTOR, AUDITOR, CONSUMER, DATASET, PROVIDER, ROOT, STRANGER, Template, signer_of

OFFICER, LEAD, DIRECTOR = Duty.OFFICER, Duty.LEAD, Duty.DIRECTOR


@dataclass(frozen=True)
class Line:
    """`who` may, from that duty up, and gets `gives`; the others get not-permitted or one of the codes `refused`."""

    who: Iterable[str]
    duty: Duty = OFFICER
    refused: str = ""
    gives: int = 200
    on: str = ""  # fills the path's first parameter; left out: the usual object of that kind


ANY = DEPARTMENTS
EVERYONE = DEPARTMENTS | {NOBODY}
ATTESTORS, AUDITORS, CONSUMERS, PROVIDERS, ROOTS = {ATTESTOR}, {AUDITOR}, {CONSUMER}, {PROVIDER}, {ROOT}
BOTH = PROVIDERS | CONSUMERS
PARTIES = BOTH | ROOTS | AUDITORS  # the two sides of a share, the authority above its provider, auditors
NOT_PROVIDER, NOT_FOUND, OUT_OF_REACH = "datasets-not-provider", "not-found", "departments-jurisdiction"
NOT_PARTY = "authorisations-party authorisations-unknown"  # unknown: so is a share of others to whoever may not see it


def act(who: Iterable[str], duty: Duty, refused: str = "", on: str = "") -> Line:
    return Line(who, duty, refused, 202, on)


# A word after the path tells apart several requests to one route.
MAY = {
    # ---- no key asked for
    "GET /healthz": Line(EVERYONE),
    "GET /readyz": Line(EVERYONE),
    "GET /metrics": Line(EVERYONE),
    "GET /openapi.json": Line(EVERYONE),
    "HEAD /openapi.json": Line(EVERYONE),
    # ---- the catalogue: every department
    "GET /v1/ledger": Line(ANY),
    "GET /v1/departments": Line(ANY),
    "GET /v1/departments/{department}": Line(ANY),
    "GET /v1/departments/{department}/keys": Line(ANY),
    "GET /v1/keys/{key}": Line(ANY),
    "GET /v1/datasets": Line(ANY),
    "GET /v1/datasets/{dataset}": Line(ANY),
    "GET /v1/datasets/{dataset} unpublished": Line(ANY, on=PENDING),  # that it waits; not what its document says
    "GET /v1/datasets/{dataset}/versions": Line(ANY),
    "GET /v1/versions/{version}": Line(ANY),
    "GET /v1/attestations": Line(ANY),
    "GET /v1/attestations/{attestation}": Line(ANY),
    "GET /v1/rules": Line(ANY),
    "GET /v1/rules/{department}/{rule}": Line(ANY, on=ROOT),
    "GET /v1/checkpoints": Line(ANY),
    "GET /v1/checkpoints/{department}/{log}": Line(ANY),
    # ---- what depends on who asks: lists answer every department, with what it may see
    "GET /v1/authorisations": Line(ANY),
    "GET /v1/authorisations ?consumer": Line(ANY),
    "GET /v1/authorisations/{share}": Line(PARTIES, refused=NOT_FOUND),
    "GET /v1/authorisations/{share} of others": Line(
        {STRANGER, OUTSIDER, ROOT, AUDITOR}, refused=NOT_FOUND, on="foreign"
    ),
    "GET /v1/authorisations/{share} refused": Line(PARTIES, refused=NOT_FOUND, on="refused"),
    "GET /v1/authorisations/{share} withdrawn": Line(PARTIES, refused=NOT_FOUND, on="withdrawn"),
    "GET /v1/authorisations/{share}/history": Line(PARTIES, refused=NOT_FOUND),
    "GET /v1/authorisations/{share}/evidence": Line(PARTIES, refused=NOT_FOUND),
    "GET /v1/authorisations/{share}/uses": Line(BOTH | AUDITORS, refused="no-share"),
    "GET /v1/corrections": Line(ANY),
    "GET /v1/corrections ?share": Line(ANY),
    "GET /v1/corrections/{correction}": Line(PARTIES, refused=NOT_FOUND),
    "GET /v1/entries": Line(ANY),
    "GET /v1/entries ?department": Line(ANY),
    "GET /v1/entries ?subject": Line(ANY),
    "GET /v1/entries/{entry}": Line(PARTIES, refused=NOT_FOUND, on="request entry"),
    "GET /v1/entries/{entry} by digest": Line(PARTIES, refused=NOT_FOUND, on="delivered"),
    "GET /v1/entries/{entry} of a version": Line(ANY, on="version"),
    "GET /v1/submissions": Line(ANY),
    "GET /v1/submissions ?state": Line(ANY),
    "GET /v1/submissions/{digest}": Line(PROVIDERS | AUDITORS, refused=NOT_FOUND, on="queued"),
    "GET /v1/documents/{document}": Line(PARTIES, refused=NOT_FOUND, on="delivered document"),
    "GET /v1/documents/{document} of a version": Line(PARTIES, refused=NOT_FOUND, on="version document"),
    "GET /v1/documents/{document} prepared": Line(PROVIDERS | AUDITORS, refused=NOT_FOUND, on="prepared"),
    "GET /v1/documents/{document} unpublished": Line(PROVIDERS | ROOTS | AUDITORS, refused=NOT_FOUND, on=PENDING),
    "GET /v1/documents/{document} published": Line(ANY, on=CONDITIONAL),
    "GET /v1/documents/{document} rules": Line(ANY, on="rules"),
    # ---- payloads, keys, proofs: the consumer while its share is in force, the provider; auditors check what they like
    "GET /v1/authorisations/{share}/payload": Line(BOTH, refused="no-share"),
    "GET /v1/authorisations/{share}/payload confirmed": Line(BOTH, refused="no-share", on="confirmed"),
    "GET /v1/authorisations/{share}/payload requested": Line(
        (), refused="no-share share-not-live share-not-delivered", on="requested"
    ),
    "GET /v1/authorisations/{share}/payload agreed": Line((), refused="no-share share-not-delivered", on="agreed"),
    "GET /v1/authorisations/{share}/payload suspended": Line(
        PROVIDERS, refused="no-share share-suspended", on="suspended"
    ),
    "GET /v1/authorisations/{share}/payload ended": Line(PROVIDERS, refused="no-share share-ended", on="ended"),
    "GET /v1/authorisations/{share}/keys": Line(BOTH, refused="no-share"),
    "GET /v1/authorisations/{share}/keys ended": Line(PROVIDERS, refused="no-share share-ended", on="ended"),
    "GET /v1/versions/{version}/payload": Line(PROVIDERS, refused=NOT_PROVIDER),
    "GET /v1/versions/{version}/keys": Line(PROVIDERS, refused=NOT_PROVIDER),
    "GET /v1/versions/{version}/manifest": Line(BOTH | AUDITORS, refused="no-share"),
    "GET /v1/versions/{version}/tiles/{tile}": Line(BOTH | AUDITORS, refused="no-share"),
    "GET /v1/versions/{version}/records/{index}/proof": Line(BOTH | AUDITORS, refused="no-share"),
    "GET /v1/versions/{version}/records/proof": Line(BOTH | AUDITORS, refused="no-share"),
    "GET /v1/versions/{version}/growth": Line(BOTH | AUDITORS, refused="no-share"),
    "GET /v1/authorisations/{share}/records": Line(BOTH, refused="no-share"),
    "GET /v1/authorisations/{share}/records agreed": Line((), refused="no-share share-not-delivered", on="agreed"),
    "GET /v1/authorisations/{share}/records suspended": Line(
        PROVIDERS, refused="no-share share-suspended", on="suspended"
    ),
    "GET /v1/authorisations/{share}/records ended": Line(PROVIDERS, refused="no-share share-ended", on="ended"),
    "POST /v1/datasets/{dataset}/payloads": Line(PROVIDERS, refused=NOT_PROVIDER, gives=201),
    "POST /v1/datasets/{dataset}/fingerprints": Line(PROVIDERS, refused=NOT_PROVIDER, gives=201),
    # ---- checking
    "POST /v1/verifications": Line(BOTH | AUDITORS, refused="no-share"),
    "POST /v1/verifications ?share": Line(CONSUMERS, refused="no-share"),
    "POST /v1/verifications/records": Line(ANY),
    "POST /v1/versions/{version}/measurements": Line(PROVIDERS | ATTESTORS),
    "POST /v1/audits": Line(AUDITORS),
    "POST /v1/checkpoints/drafts": Line(ANY),
    # ---- acts
    "POST /v1/drafts": Line(ANY, LEAD),  # on a share of others it is drafted as on one that does not exist
    "POST /v1/acts": act(PROVIDERS, LEAD),
    "POST /v1/departments": act(ROOTS, DIRECTOR, OUT_OF_REACH),
    "POST /v1/departments/{department}/changes": act(ROOTS, DIRECTOR, OUT_OF_REACH),
    "POST /v1/departments/{department}/keys": act(ROOTS | PROVIDERS, DIRECTOR, OUT_OF_REACH),
    "POST /v1/keys/{key}/retirement": act(ROOTS | PROVIDERS, DIRECTOR, OUT_OF_REACH),
    "POST /v1/datasets": act(PROVIDERS, DIRECTOR, NOT_PROVIDER),
    "POST /v1/datasets/{dataset}/withdrawal": act(PROVIDERS, DIRECTOR, NOT_PROVIDER),
    "POST /v1/datasets/{dataset}/publication": act(ROOTS, LEAD, OUT_OF_REACH, PENDING),
    "POST /v1/datasets/{dataset}/return": act(ROOTS, LEAD, OUT_OF_REACH, PENDING),
    "POST /v1/datasets/{dataset}/versions": act(PROVIDERS, OFFICER, NOT_FOUND),
    "POST /v1/versions/{version}/shredding": act(PROVIDERS, OFFICER, NOT_PROVIDER),
    "POST /v1/authorisations": act(CONSUMERS, LEAD, "authorisations-not-consumer"),
    "POST /v1/grants": act(ROOTS, DIRECTOR, OUT_OF_REACH),
    "POST /v1/authorisations/{share}/withdrawal": act(CONSUMERS, LEAD, NOT_PARTY, "requested"),
    "POST /v1/authorisations/{share}/supplement-request": act(PROVIDERS, OFFICER, NOT_PARTY, "requested"),
    "POST /v1/authorisations/{share}/supplement": act(CONSUMERS, OFFICER, NOT_PARTY, "asked"),
    "POST /v1/authorisations/{share}/extension": act(ROOTS, LEAD, NOT_PARTY, "requested"),
    "POST /v1/authorisations/{share}/agreement": act(PROVIDERS, LEAD, NOT_PARTY, "requested"),
    "POST /v1/authorisations/{share}/refusal": act(PROVIDERS, LEAD, NOT_PARTY, "requested"),
    "POST /v1/authorisations/{share}/refusal unconditional": act(
        (), LEAD, f"{NOT_PARTY} authorisations-unconditional", "asked"
    ),
    "POST /v1/authorisations/{share}/deliveries": act(PROVIDERS, OFFICER, NOT_PARTY, "agreed"),
    "POST /v1/authorisations/{share}/confirmation": act(CONSUMERS, OFFICER, NOT_PARTY),
    "POST /v1/authorisations/{share}/suspension": act(PROVIDERS | ROOTS, LEAD, NOT_PARTY),
    "POST /v1/authorisations/{share}/resumption": act(PROVIDERS | ROOTS, LEAD, NOT_PARTY, "suspended"),
    "POST /v1/authorisations/{share}/end": act(BOTH | ROOTS, LEAD, NOT_PARTY),
    "POST /v1/versions/{version}/attestations": act(ATTESTORS, OFFICER, "departments-role attestations-self"),
    "POST /v1/versions/{version}/attestations self": act(PROVIDERS, OFFICER, "attestations-self"),
    "POST /v1/attestations/{attestation}/withdrawal": act(ATTESTORS, OFFICER, "attestations-party"),
    "POST /v1/versions/{version}/corrections": act(CONSUMERS, OFFICER, f"{NOT_PARTY} attestations-party"),
    "POST /v1/corrections/{correction}/resolution": act(PROVIDERS, LEAD, "attestations-party attestations-unknown"),
    "POST /v1/rules": act(ROOTS | {BRANCH}, DIRECTOR),
    "POST /v1/checkpoints": act(ANY, OFFICER),
    "POST /v1/ledger/modules": act(ROOTS, DIRECTOR, "journal-not-root"),
    "POST /v1/ledger/closing": act(ROOTS, DIRECTOR, "journal-not-root"),
}

USUAL = {
    "department": PROVIDER,
    "dataset": DATASET,
    "key": signer_of(PROVIDER, OFFICER).address,
    "version": "version",
    "share": "delivered",
    "attestation": "attestation",
    "correction": "correction",
    "index": "42",
    "tile": "0",
    "rule": "quality",
    "log": "entries",
}
EXAMPLES: dict[str, Any] = {
    f"POST /v1{line.path}": body_of(line).model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]
    for line in ACT_ROUTES
    if line.act in ("AdmitModule", "CloseLedger")
}
REASONS: dict[str, Any] = {"document": {"reasons": "核查"}}


def request_of(made: Furnished, proof: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is sent beside the path, for the lines where anything is: as `httpx` takes it."""
    version, share = made.names["version"], made.names["delivered"]
    scope = {"until": UNTIL, "document": {"scope": SCOPE}}
    mandate = {"department": PROVIDER, "holder": "数据科", "purpose": "日常报送"}
    tree = {"parent": ROOT, "level": int(Level.CITY), "roles": int(ROLES[PROVIDER])}
    item = {"dataset": "341500/tjj/new", "department": PROVIDER, "share_type": 1, "grade": 1, "document": ITEM}
    grant = made.request(OUTSIDER, DATASET, "核对区划")
    grant["document"] = {key: value for key, value in grant["document"].items() if key not in ("scenario", "method")}
    root = {"size": "1", "root": "ab" * 32, "state": "cd" * 32}
    bodies: dict[str, Any] = {
        **EXAMPLES,
        "POST /v1/datasets/{dataset}/fingerprints": made.bodies["fingerprint"],
        "POST /v1/verifications/records": {"version": version, "proof": proof},
        "POST /v1/checkpoints/drafts": {"log": "other"},
        "POST /v1/drafts": {"act": "EndShare", "fields": {"share": share, "cause": 1}, **REASONS},
        "POST /v1/acts": made.bodies["signed"],
        "POST /v1/departments": {**tree, "department": "341525", "level": int(Level.COUNTY)},
        "POST /v1/departments/{department}/changes": tree,
        "POST /v1/departments/{department}/keys": {"duty": 1, "mandate": mandate},
        "POST /v1/keys/{key}/retirement": {"since": int(made.world.clock.now()), "reason": 1},
        "POST /v1/datasets": item,
        "POST /v1/datasets/{dataset}/withdrawal": REASONS,
        "POST /v1/datasets/{dataset}/publication": {},
        "POST /v1/datasets/{dataset}/return": REASONS,
        "POST /v1/datasets/{dataset}/versions": {"prepared": made.names["prepared"]},
        "POST /v1/versions/{version}/shredding": REASONS,
        "POST /v1/authorisations": made.request(CONSUMER, DATASET, "核对区划"),
        "POST /v1/grants": {**grant, "basis": {"basis": CITATION}},
        "POST /v1/authorisations/{share}/supplement-request": {"document": {"missing": ["批文"]}},
        "POST /v1/authorisations/{share}/supplement": {"document": {"materials": ["批文"]}},
        "POST /v1/authorisations/{share}/extension": {"working_days": 10, **REASONS},
        "POST /v1/authorisations/{share}/agreement": scope,
        "POST /v1/authorisations/{share}/refusal": {"document": {"reasons": "不符", "basis": CITATION}},
        "POST /v1/authorisations/{share}/deliveries": {"version": version, "method": 1, "document": {}},
        "POST /v1/authorisations/{share}/confirmation": {"document": {"version": version, "verified": True}},
        "POST /v1/authorisations/{share}/end": {"cause": 1, **REASONS},
        "POST /v1/versions/{version}/attestations": made.bodies[f"attest {ATTESTOR}"],
        "POST /v1/versions/{version}/attestations self": made.bodies[f"attest {PROVIDER}"],
        "POST /v1/versions/{version}/corrections": {
            "share": share,
            "document": {"version": version, "reasons": "名称有误"},
        },
        "POST /v1/corrections/{correction}/resolution": {"outcome": 2, **REASONS},
        "POST /v1/rules": {"rule": "profile", "kind": 2, "start": 0, "document": {"kind": "profile", **PROFILE}},
        "POST /v1/checkpoints": {"log": "other", **root},
    }
    for verb in ("withdrawal", "suspension", "resumption"):
        bodies[f"POST /v1/authorisations/{{share}}/{verb}"] = REASONS
    bodies["POST /v1/attestations/{attestation}/withdrawal"] = REASONS
    bodies["POST /v1/authorisations/{share}/refusal unconditional"] = bodies["POST /v1/authorisations/{share}/refusal"]
    upload = {"params": made.bodies["upload"], "content": COPY, "headers": {"Content-Type": "text/csv"}}
    return {line: {"json": body} for line, body in bodies.items()} | {
        "POST /v1/datasets/{dataset}/payloads": upload,
        "POST /v1/verifications": {"params": {"version": version}, "content": COPY},
        "POST /v1/verifications ?share": {"params": {"share": share}, "content": COPY},
        "POST /v1/versions/{version}/measurements": {"params": {"rules": made.names["rules"]}},
        "GET /v1/authorisations ?consumer": {"params": {"consumer": CONSUMER, "limit": 1000}},
        "GET /v1/corrections ?share": {"params": {"share": share}},
        "GET /v1/versions/{version}/records/proof": {"params": {"index": [42, 7]}},
        "GET /v1/versions/{version}/growth": {"params": {"since": version}},
        "GET /v1/entries": {"params": {"limit": 1000}},
        "GET /v1/entries ?department": {"params": {"department": PROVIDER, "limit": 1000}},
        "GET /v1/entries ?subject": {"params": {"subject": share}},
        "GET /v1/submissions": {"params": {"limit": 1000}},
        "GET /v1/submissions ?state": {"params": {"state": "queued"}},
    }


# ---- the test -------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(template: Template, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Furnished]:
    async with furnished(template, tmp_path_factory.mktemp("furnished")) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def requests(made: Furnished) -> dict[str, dict[str, Any]]:
    path = f"/v1/versions/{made.names['version']}/records/42/proof"
    return request_of(made, (await made.callers[PROVIDER, OFFICER].get(path)).json())


def routes_in(routes: Iterable[Any]) -> Iterator[str]:
    """`METHOD path` of every route, those of the routers that were included too."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from routes_in(route.original_router.routes)
        else:
            yield from (f"{method} {route.path}" for method in route.methods)


def route_of(line: str) -> str:
    return " ".join(line.split(" ")[:2])


@pytest.mark.asyncio(loop_scope="module")
async def test_the_table_names_every_route_and_no_other(made: Furnished, requests: dict[str, Any]) -> None:
    there = set(routes_in(made.app.routes))
    assert {route_of(line) for line in MAY} == there
    assert requests.keys() <= MAY.keys()
    described = {
        f"{method.upper()} {path}" for path, methods in made.app.openapi()["paths"].items() for method in methods
    }
    assert described == {route for route in there if not route.endswith("/openapi.json")}


@pytest.mark.parametrize("line", ACT_ROUTES, ids=lambda line: line.act)
def test_the_table_asks_for_the_duty_of_the_act(line: Any) -> None:
    duty, role = PERMISSIONS[line.act]
    row = MAY[f"POST /v1{line.path}"]
    assert row.duty == duty
    assert all(ROLES[department] & role for department in row.who) or not role


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("line", MAY)
async def test_who_may(line: str, made: Furnished, requests: dict[str, dict[str, Any]]) -> None:
    method, template = route_of(line).split(" ")
    row, sent = MAY[line], requests.get(line, {})
    path = path_of(template, row.on, made)
    repeated = path + json.dumps(sent, ensure_ascii=False, default=lambda raw: raw.decode())
    answer = await made.nobody.request(method, path, **sent)
    assert answer.status_code == (row.gives if NOBODY in row.who else 401), answer.text
    assert made.told(answer.text, sent=repeated) == []
    for (department, duty), client in made.callers.items():
        answer = await client.request(method, path, **sent)
        where = (department, duty.name, answer.text)
        if department in row.who and duty >= row.duty:
            assert answer.status_code == row.gives, where
            assert made.told(answer.text, sent=repeated, department=department) == [], where
            await undo(made, answer)
        else:
            assert answer.status_code in (403, 404, 409), where
            assert answer.json()["code"] in {"not-permitted", *row.refused.split()}, where
            assert made.told(answer.text, sent=repeated) == [], where


def path_of(template: str, on: str, made: Furnished) -> str:
    words = iter([on] if on else [])

    def filled(found: re.Match[str]) -> str:
        word = next(words, "") or USUAL[found[1]]
        named = word if found[1] == "dataset" else made.names.get(word, word)
        return named.replace("/", "~")

    return re.sub(r"{(\w+)}", filled, template)


async def undo(made: Furnished, answer: httpx.Response) -> None:
    """An act that was queued never comes to be, so that the next caller meets the same world."""
    if answer.status_code == 202:
        told = answer.json()
        for one in told.get("items", [told]):
            await close_submission(made.world, one["digest"])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("department", [ROOT, AUDITOR])
async def test_a_key_without_the_role_sees_nothing_of_others(department: str, made: Furnished) -> None:
    share = made.names["delivered"]
    token = await made.world.token(department, DIRECTOR, roles=Role(0))
    for path in (
        f"/v1/authorisations/{share}",
        f"/v1/authorisations/{share}/evidence",
        f"/v1/corrections/{made.names['correction']}",
        f"/v1/entries/{share}",
        "/v1/authorisations",
        "/v1/corrections",
        "/v1/entries?limit=1000",
    ):
        answer = await made.nobody.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == (404 if share in path or "corrections/" in path else 200), (path, answer.text)
        assert made.told(answer.text, sent=path) == [], path
    path = f"/v1/authorisations/{share}/suspension"
    answer = await made.nobody.post(path, json=REASONS, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (409, "authorisations-unknown"), answer.text


@pytest.mark.asyncio(loop_scope="module")
async def test_the_secrets_are_there_to_be_told(made: Furnished) -> None:
    """Else their absence would show nothing: whoever may, is told them."""
    share = f"/v1/authorisations/{made.names['delivered']}"
    told = [
        (await made.callers[department, OFFICER].get(path)).text
        for department, path in (
            (CONSUMER, f"{share}/payload"),
            (CONSUMER, f"{share}/keys"),
            (CONSUMER, f"{share}/evidence"),
            (AUDITOR, "/v1/entries?limit=1000"),
            (AUDITOR, "/v1/submissions?limit=1000"),
            (AUDITOR, f"/v1/documents/{made.names[PENDING]}"),
            (AUDITOR, f"/v1/documents/{made.names['prepared']}"),
        )
    ]
    for department, path in ((STRANGER, share), (OUTSIDER, share)):
        assert (await made.callers[department, DIRECTOR].get(path)).status_code == 404
    unsaid = {secret for secret in made.secrets if not any(secret in text for text in told)}
    assert not {secret for secret in unsaid if made.secrets[secret] & {CONSUMER} and len(secret) == 64}
    assert made.names["queued"] not in unsaid and "密文未发布目录" not in unsaid and "密文来源prepared" not in unsaid


# ---- conditional requests and pages ---------------------------------------------------------------------------------

GETS = [line for line in MAY if line.startswith("GET /v1")]
NO_TAG = {  # secrets, which nobody is to keep: each answer is a use, and recorded
    "GET /v1/versions/{version}/keys",
    "GET /v1/authorisations/{share}/keys",
    "GET /v1/versions/{version}/records/{index}/proof",
    "GET /v1/versions/{version}/records/proof",
    "GET /v1/versions/{version}/growth",
    "GET /v1/authorisations/{share}/records",
}


async def allowed(line: str, made: Furnished, requests: dict[str, dict[str, Any]]) -> tuple[httpx.AsyncClient, str]:
    """(somebody who may, the path with its query)."""
    row, template = MAY[line], route_of(line).split(" ")[1]
    department = sorted(row.who, key=lambda one: (one != AUDITOR, one))[0]
    query = httpx.QueryParams(requests.get(line, {}).get("params", {}))
    path = path_of(template, row.on, made)
    return made.callers[department, DIRECTOR], f"{path}?{query}" if query else path


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("line", [line for line in GETS if MAY[line].who])
async def test_whoever_has_it_gets_304(line: str, made: Furnished, requests: dict[str, dict[str, Any]]) -> None:
    client, path = await allowed(line, made, requests)
    first = await client.get(path)
    assert first.status_code == 200
    described = made.app.openapi()["paths"][route_of(line).split(" ")[1]]["get"]
    if route_of(line) in NO_TAG:
        assert "etag" not in first.headers and first.headers["cache-control"] == "no-store"
        assert "304" not in described["responses"]
        return
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{64}"', tag) and first.headers["cache-control"] == "private, no-cache"
    assert {"200", "304"} <= described["responses"].keys()
    assert "If-None-Match" in {one["name"] for one in described["parameters"] if one["in"] == "header"}
    for asked in (tag, f'W/{tag}, "x"', "*"):
        again = await client.get(path, headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), asked
    for asked in ('"x"', tag.strip('"'), ""):
        assert (await client.get(path, headers={"If-None-Match": asked})).content == first.content, asked


@pytest.mark.asyncio(loop_scope="module")
async def test_a_tag_opens_nothing(made: Furnished) -> None:
    """Who may not see an object is not told either whether it changed."""
    share = f"/v1/authorisations/{made.names['delivered']}"
    for asked in ("*", '"x"'):
        answer = await made.callers[STRANGER, DIRECTOR].get(share, headers={"If-None-Match": asked})
        assert answer.status_code == 404


def lists(described: dict[str, Any]) -> set[str]:
    """Paths whose answer has `items`."""
    schemas, found = described["components"]["schemas"], set()
    for path, operations in described["paths"].items():
        schema = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        name = schema.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        if "items" in schemas.get(name, {}).get("properties", {}):
            found.add(path)
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_every_list_comes_in_pages(made: Furnished, requests: dict[str, dict[str, Any]]) -> None:
    """Item by item, following the links, it is the list that one large page gives: nothing twice, nothing left out."""
    described = made.app.openapi()
    paths = lists(described)
    assert len(paths) == 13 and "/v1/authorisations/{share}/uses" in paths
    longer = 0
    for path in sorted(paths):
        operation = described["paths"][path]["get"]
        assert {"after", "limit"} <= {one["name"] for one in operation["parameters"]}, path
        assert "Link" in operation["responses"]["200"]["headers"], path
        client, target = await allowed(f"GET {path}", made, {})
        whole = (await client.get(target, params={"limit": 1000})).json()["items"]
        walked: list[Any] = []
        following: str | None = f"{target}?limit=1"
        while following:
            page = await client.get(following)
            walked += page.json()["items"]
            following = page.links.get("next", {}).get("url")
        assert walked == whole and whole, path
        longer += len(whole) > 1
    assert longer >= 9


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("department", sorted(DEPARTMENTS))
async def test_pages_of_shares_are_those_that_one_may_see(department: str, made: Furnished) -> None:
    """The store is asked for them only, however many others there are; filters narrow, and never widen."""
    client = made.callers[department, DIRECTOR]
    for path, shape in (("/v1/authorisations", Share), ("/v1/corrections", Correction)):
        every = {one.id: one for one in made.world.state.all(shape)}
        seen = {
            id
            for id, one in every.items()
            if department in (one.consumer, one.provider) or department in (AUDITOR, ROOT)
        }
        shown = [one["id"] for one in (await client.get(path, params={"limit": 1000})).json()["items"]]
        assert shown == sorted(seen)
        first, *rest = shown or [None]
        if rest:
            page = (await client.get(path, params={"limit": 1, "after": first})).json()["items"]
            assert [one["id"] for one in page] == rest[:1]
        for consumer in (CONSUMER, OUTSIDER) if shape is Share else ():
            told = (await client.get(path, params={"limit": 1000, "consumer": consumer})).json()["items"]
            assert [one["id"] for one in told] == sorted(id for id in seen if every[id].consumer == consumer)
