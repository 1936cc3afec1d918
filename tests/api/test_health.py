import httpx
import pytest
from fastapi import FastAPI

from ledger.domain.acts import Duty
from tests.api.conftest import Clients
from tests.api.world import PROVIDER, World


async def test_alive_and_ready(clients: Clients, world: World) -> None:
    client = clients.anonymous()
    assert (await client.get("/healthz")).json() == {"alive": True}
    assert (await client.get("/readyz")).json()["ready"] is True
    world.stalled = True
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["facts"]["reasons"] == ["submitter: stalled"]
    assert "retry-after" in answer.headers
    assert (await client.get("/healthz")).status_code == 200


async def test_metrics_name_routes_and_nobody(clients: Clients) -> None:
    client = await clients.of(PROVIDER, Duty.OFFICER)
    await client.get(f"/v1/departments/{PROVIDER}")
    await client.request("BREW", "/v1/departments")
    text = (await clients.anonymous().get("/metrics")).text
    assert 'route="/v1/departments/{department}"' in text
    assert 'method="OTHER"' in text
    assert PROVIDER not in text


async def test_what_is_wrong_comes_with_what_to_do(
    clients: Clients, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = {"alarm": "node_gone", "stops": True, "detail": "no node answers", "next_step": "Start the node."}
    told = {"ready": False, "reasons": ["no node answers"], "alarms": [alarm]}
    monkeypatch.setattr(world, "status", lambda: told)
    answer = await clients.anonymous().get("/readyz")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["detail"], problem["next_step"]) == (
        "not-ready",
        "no node answers",
        "Start the node.",
    )
    assert problem["facts"]["alarms"] == [alarm]


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.9", 200), ("::ffff:127.0.0.1", 200), ("10.1.2.3", 403), ("::1", 403), ("unknown", 403)],
)
async def test_metrics_are_for_the_networks_that_are_named(app: FastAPI, address: str, status: int) -> None:
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://shareledger.test") as client:
        assert (await client.get("/metrics")).status_code == status
        assert (await client.get("/healthz")).status_code == 200
