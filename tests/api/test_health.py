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
