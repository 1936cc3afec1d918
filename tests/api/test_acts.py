from ledger.domain.acts import Duty
from tests.api.conftest import Clients
from tests.api.world import CONSUMER, PROVIDER, ROOT, World


async def test_a_host_signed_act_is_queued_and_found(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    answer = await client.post(
        f"/v1/authorisations/{share}/suspension", json={"document": {"reasons": "核查"}}
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "queued"
    await world.carry()
    found = await client.get(answer.headers["Location"])
    assert found.json()["state"] == "final"
    assert found.json()["as_of"]["entry"] == found.json()["entry"]
