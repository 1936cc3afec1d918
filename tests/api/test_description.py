"""The description of the API is OpenAPI 3.1, and answers look as it says."""

import re
from typing import Any

from fastapi import FastAPI

from api.schemas import views
from tests.api.conftest import Clients
from tests.api.world import AUDITOR, DATASET, PROVIDER, ROOT, World


async def test_it_is_open_and_whole(clients: Clients) -> None:
    answer = await clients.anonymous().get("/openapi.json")
    assert answer.status_code == 200
    made = answer.json()
    assert made["openapi"] == "3.1.0"
    assert made["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    names = set(made["components"]["schemas"])
    assert "HTTPValidationError" not in names
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', answer.text):
        assert reference in names, reference
    operations = [(path, op) for path, item in made["paths"].items() for op in item.values()]
    assert len({op["operationId"] for _, op in operations}) == len(operations)
    for path, operation in operations:
        assert operation["summary"] and operation.get("description"), path
        if path.startswith("/v1"):
            assert "401" in operation["responses"] or path in ("/v1/drafts", "/v1/ledger", "/v1/documents/{document}")
            invalid = operation["responses"].get("422", {}).get("content", {"application/problem+json": {}})
            assert set(invalid) == {"application/problem+json"}, path


async def test_bodies_of_acts_have_examples_and_refuse_surprises(app: FastAPI) -> None:
    schemas: dict[str, Any] = app.openapi()["components"]["schemas"]
    bodies = [schema for name, schema in schemas.items() if name.endswith("Body") and name != "SegmentBody"]
    assert len(bodies) > 30
    for schema in bodies:
        assert schema["additionalProperties"] is False, schema["title"]
    assert schemas["AgreeShareBody"]["examples"][0]["document"]["kind"] == "reply"


async def test_there_is_no_page_that_loads_anything(clients: Clients) -> None:
    for path in ("/docs", "/redoc", "/"):
        assert (await clients.anonymous().get(path)).status_code == 404


async def test_answers_look_as_described(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(AUDITOR)
    key = next(iter(world.signatures.signers))
    for path, model in (
        (f"/v1/departments/{ROOT}", views.single(views.DepartmentView)),
        ("/v1/departments", views.page_of(views.DepartmentView)),
        (f"/v1/departments/{PROVIDER}/keys", views.page_of(views.KeyView)),
        (f"/v1/keys/{key}", views.single(views.KeyView)),
        ("/v1/datasets", views.page_of(views.DatasetView)),
        (f"/v1/datasets/{DATASET.replace('/', '~')}/versions", views.page_of(views.VersionView)),
        (f"/v1/authorisations/{share}", views.single(views.ShareView)),
        ("/v1/authorisations", views.page_of(views.ShareView)),
        (f"/v1/authorisations/{share}/history", views.page_of(views.EntryView)),
        ("/v1/entries/3", views.single(views.EntryView)),
    ):
        answer = await client.get(path)
        model.model_validate(answer.json())
    problem = await client.get("/v1/departments/nowhere")
    views.ProblemView.model_validate(problem.json())
    draft = await client.post("/v1/checkpoints", json={"log": "entries", "size": "1", "root": "ab" * 32})
    views.SubmissionView.model_validate(draft.json())


async def test_every_answer_is_protected(clients: Clients) -> None:
    client = await clients.of(PROVIDER)
    for answer in (
        await client.get("/v1/departments"),
        await client.get("/v1/nothing"),
        await clients.anonymous().get("/v1/departments"),
        await clients.anonymous().get("/healthz"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["x-request-id"]
        assert "no-" in answer.headers["cache-control"]
    cors = await client.get("/v1/departments", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in cors.headers


async def test_it_is_made_once_and_need_not_be_sent_twice(clients: Clients) -> None:
    client = clients.anonymous()
    first = await client.get("/openapi.json")
    again = await client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.head("/openapi.json")).headers["etag"] == first.headers["etag"]


async def test_what_any_request_may_meet_is_said_of_all(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for operation in operations.values():
            answers = set(operation["responses"])
            assert answers >= {"400", "414", "431", "500", "503"}, path
            assert not path.startswith("/v1") or answers >= {"401", "429"}, path
            assert "requestBody" not in operation or answers >= {"408", "413", "415", "422"}, path
            for status in answers & {"409", "429", "503"}:
                assert "Retry-After" in operation["responses"][status]["headers"], (path, status)
            assert all("X-Request-ID" in answer["headers"] for answer in operation["responses"].values()), path
