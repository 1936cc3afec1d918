"""How long, how deep, how much."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from api.app import create_app
from api.bodies import parse_json
from api.errors import MalformedJson, OutOfTime
from api.limits import Limits, in_time
from api.routing import JsonRoute
from tests.api.conftest import Clients
from tests.api.world import DATASET, PROVIDER, World


@pytest.mark.parametrize("text", [b"", b"{", b"{}x", b"NaN", b"-Infinity", b'{"a":1,"a":1}', b"[" * 9 + b"]" * 9])
def test_json_that_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedJson):
        parse_json(text, 8)


@pytest.mark.parametrize("text", [b"[" * 8 + b"]" * 8, b'"[[[[[[[[[[[["', b'{"a":"\\"[[[[[[[[[[[["}', b"1e3"])
def test_json_that_is_read(text: bytes) -> None:
    parse_json(text, 8)


async def test_time_runs_out() -> None:
    with pytest.raises(OutOfTime):
        await in_time(asyncio.Event().wait(), 0.01)


async def test_a_timeout_of_something_else_is_not_ours() -> None:
    async def fails() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await in_time(fails(), 10)


async def test_a_slow_request_is_answered(world: World) -> None:
    app = create_app(world, Limits(request_seconds=0.05))
    routes = APIRouter(route_class=JsonRoute)

    @routes.get("/slow")
    async def slow() -> Response:
        await asyncio.Event().wait()
        return Response()

    app.include_router(routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shareledger.test") as client:
        answer = await client.get("/slow")
    assert (answer.status_code, answer.json()["code"]) == (503, "out-of-time")
    assert "retry-after" in answer.headers


async def test_a_body_without_a_length_is_counted(clients: Clients, share: str) -> None:
    client = await clients.of(PROVIDER)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (1 << 19)

    answer = await client.post(
        f"/v1/authorisations/{share}/suspension", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_one_event_a_request_and_no_secret(app: FastAPI, clients: Clients, world: World, share: str) -> None:
    token = await world.token(PROVIDER)
    client = clients.anonymous(Authorization=f"Bearer {token}")
    with structlog.testing.capture_logs() as logs:
        await client.post(
            f"/v1/authorisations/{share}/suspension",
            params={"note": "query-secret"},
            json={"document": {"reasons": "body-secret"}},
        )
    (event,) = [one for one in logs if one["event"] == "request_answered"]
    assert event["route"] == "/v1/authorisations/{share}/suspension" and event["status"] == 202
    assert event["api_key"] == token.split("_")[1]
    shown = str(logs)
    assert "body-secret" not in shown and "query-secret" not in shown and token not in shown and share not in shown


HALF = "\\ud800"


async def test_half_a_character_is_refused_in_every_body(clients: Clients) -> None:
    client = await clients.of(PROVIDER)
    for body in (f'{{"{HALF}":1}}', f'{{"log":"{HALF}"}}', f'{{"log":["\\ud83d\\ude00","{HALF}"]}}'):
        answer = await client.post("/v1/checkpoints/drafts", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json"), answer.text
    whole = '{"log":"\\ud83d\\ude00"}'  # a good pair is a character like any other
    answer = await client.post("/v1/checkpoints/drafts", content=whole, headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == "invalid-input"


async def test_half_a_character_within_a_documents_text_is_no_defect_of_ours(clients: Clients, share: str) -> None:
    client = await clients.of(PROVIDER)
    text = f'{{"kind":"{HALF}","reasons":"x","salt":"AAAAAAAAAAAAAAAAAAAAAA"}}'
    act = {"type": "EndShare", "signer": "0x" + "ab" * 20, "share": share, "cause": 1, "document": "ab" * 32}
    act |= {"prior": "ab" * 32, "valid_until": 2_000_000_000}
    signed = {"act": act, "signatures": ["0x" + "00" * 65], "document": text}
    answer = await client.post("/v1/acts", json={"acts": [signed]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-document"), answer.text


async def test_numbers_beyond_what_a_database_holds(clients: Clients) -> None:
    client = await clients.of(PROVIDER)
    empty = hashlib.sha256().hexdigest()
    segments = [{"first_record": 0, "key": "ab" * 32}, {"first_record": 1 << 76, "key": "ab" * 32}]
    body = {
        "fingerprint": {
            "format": "share-file/1", "salted": True, "schema": "00" * 32, "root": empty, "records": 0, "size": 0,
        },
        "manifest": {"format": "share-manifest/1", "records": 0, "tiles": ""},
        "options": {"format": "share-file/1", "salted": True},
        "provenance": {"source": "x", "captured": 1, "method": "x"},
        "segments": segments,
    }  # fmt: skip
    answer = await client.post(f"/v1/datasets/{DATASET.replace('/', '~')}/fingerprints", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-proof"), answer.text
