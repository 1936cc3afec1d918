"""An Idempotency-Key: the same answer again, nothing twice, whatever happens between."""

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from api.idempotency import KEPT_SECONDS
from ledger.domain.acts import Duty
from ledger.processes import own_name
from ledger.services import acting
from ledger.store.tables import idempotency
from tests.api.conftest import Clients
from tests.api.world import PROVIDER, ROOT, World
from tests.harness.databases import kind  # noqa: F401 (both databases)

KEY = {"Idempotency-Key": "one"}
BODY = {"document": {"reasons": "核查"}}


async def suspend(client: httpx.AsyncClient, share: str, **headers: str) -> httpx.Response:
    return await client.post(f"/v1/authorisations/{share}/suspension", json=BODY, headers={**KEY, **headers})


async def count(world: World) -> int:
    async with world.store.read() as work:
        return len(await work.submissions(limit=1000))


async def test_the_same_again(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    first = await suspend(client, share)
    world.clock.time += 5  # another second would make another act
    second = await suspend(client, share)
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers and second.headers["idempotency-replayed"] == "true"
    assert await count(world) == 1


async def test_a_final_answer_is_kept_as_it_was(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    first = await suspend(client, share, Prefer="wait=5")
    second = await suspend(client, share)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()


async def test_another_body_is_refused(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    await suspend(client, share)
    for path, body in (
        (f"/v1/authorisations/{share}/suspension", {"document": {"reasons": "另一理由"}}),
        (f"/v1/authorisations/{share}/end", {"cause": 1, **BODY}),
    ):
        answer = await client.post(path, json=body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")
    assert await count(world) == 1


async def test_keys_are_each_callers_own(clients: Clients, world: World, share: str) -> None:
    await suspend(await clients.of(PROVIDER, Duty.LEAD), share)
    answer = await suspend(await clients.of(ROOT, Duty.LEAD), share)
    assert "idempotency-replayed" not in answer.headers


async def test_two_at_once_make_one_act(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    answers = await asyncio.gather(*(suspend(client, share) for _ in range(5)))
    assert await count(world) == 1
    for answer in answers:
        assert answer.status_code in (202, 409)
        if answer.status_code == 409:
            assert answer.json()["code"] == "still-running"
            assert int(answer.headers["retry-after"]) >= 1


async def test_a_request_that_made_nothing_gives_its_key_back(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    path = f"/v1/authorisations/{share}/end"
    refused = await client.post(path, json={"cause": 1, "document": {"kind": "reply"}}, headers=KEY)
    assert refused.status_code == 422
    again = await client.post(path, json={"cause": 1, **BODY}, headers=KEY)
    assert again.status_code == 202, again.text


async def test_a_claim_left_by_a_crash_is_given_up_in_time(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    token_id = (await _keys(world))[0]
    answer = await suspend(client, share)
    async with world.store.write() as work:  # as it stood after the claim, before anything else
        await work.answer(token_id, "one", None, None)  # type: ignore[arg-type]
        await work.commit()
    waiting = await suspend(client, share)
    assert waiting.json()["code"] == "still-running"
    world.clock.time += 3701
    later = await suspend(client, share)
    assert later.status_code == 202
    assert later.json()["digest"] != answer.json()["digest"]


async def _keys(world: World) -> list[str]:
    async with world.store.read() as work:
        return [key.id for key in await work.api_keys()]


async def test_a_crash_after_the_act_was_stored_makes_no_second_one(
    clients: Clients, world: World, share: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    real = acting.act_for

    async def crash(*given: object, **named: object) -> None:
        await real(*given, **named)  # type: ignore[arg-type]
        raise RuntimeError("the process died here")

    monkeypatch.setattr(acting, "act_for", crash)
    assert (await suspend(client, share)).status_code == 500
    monkeypatch.setattr(acting, "act_for", real)
    world.clock.time += 5
    again = await suspend(client, share)
    assert again.status_code == 202
    assert again.json()["state"] == "queued"
    assert again.headers["location"].endswith(again.json()["digest"])
    assert await count(world) == 1


async def test_a_lost_answer_is_repeated_exactly(clients: Clients, world: World, share: str) -> None:
    """Failed while waiting: the problem is the answer, and stays it."""
    client = await clients.of(PROVIDER, Duty.LEAD)
    first = await client.post(f"/v1/authorisations/{share}/suspension", json=BODY)
    doomed = await suspend(client, share, Prefer="wait=5")  # the first suspension lands before it
    assert first.status_code == 202
    assert doomed.status_code == 409, doomed.text
    assert doomed.json()["facts"]["state"] == "failed"
    again = await suspend(client, share)
    assert again.status_code == 409
    assert again.json() == doomed.json()


async def test_a_claim_of_a_process_that_died_is_taken_over_at_once(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    await suspend(client, share)  # for the digest of the request
    where, _, when = own_name().rsplit(":", 2)
    for holder, expected in ((own_name(), 409), (f"{where}:999999999:{when}", 202)):
        async with world.store.write() as work:
            row = sa.update(idempotency).values(status=None, answer=None, holder=holder)
            await work._connection.execute(row)
            await work.commit()
        world.clock.time += 1
        assert (await suspend(client, share)).status_code == expected


async def test_an_answer_is_forgotten_after_a_week(clients: Clients, world: World, share: str) -> None:
    client = await clients.of(PROVIDER, Duty.LEAD)
    first = await suspend(client, share)
    world.clock.time += KEPT_SECONDS - 1
    assert (await suspend(client, share)).headers["idempotency-replayed"] == "true"
    world.clock.time += 2
    again = await suspend(client, share)
    assert "idempotency-replayed" not in again.headers
    assert again.json()["digest"] != first.json()["digest"]
