"""API keys: what opens, what does not, and what never leaves."""

import re

import pytest

from ledger.domain.acts import Duty, Level, Role
from ledger.errors import InvalidInput, NotAuthenticated, NotFound
from ledger.services import api_keys
from tests.api.conftest import Clients
from tests.api.world import CONSUMER, PROVIDER, ROLES, ROOT, World

DAY = 86_400


async def test_a_token_speaks_for_its_department(world: World) -> None:
    made = await api_keys.issue(world.store, world.clock, CONSUMER, Duty.LEAD, Role.CONSUMER, "counter 3", 30)
    assert re.fullmatch(r"slk_[0-9a-f]{16}_[0-9a-f]{64}", made.token)
    caller = await api_keys.authenticate(world.store, world.clock, made.token)
    assert (caller.id, caller.department, caller.duty, caller.roles) == (
        made.key.id,
        CONSUMER,
        Duty.LEAD,
        Role.CONSUMER,
    )
    secret = made.token.rpartition("_")[2]
    assert secret not in repr(made) and secret not in repr(made.key)
    assert secret.encode() not in (world.folder / "ledger.sqlite3").read_bytes()


async def test_what_opens_nothing(world: World) -> None:
    made = await api_keys.issue(world.store, world.clock, CONSUMER, Duty.LEAD, Role.CONSUMER, "a", 1)
    other = await api_keys.issue(world.store, world.clock, PROVIDER, Duty.LEAD, Role.PROVIDER, "b", 1)
    secret = made.token.rpartition("_")[2]
    for token in (
        "",
        "slk_",
        made.token[:-1],
        made.token + "0",
        made.token.upper(),
        f"slk_{'0' * 16}_{secret}",
        f"slk_{other.key.id}_{secret}",
        f"slk_{made.key.id}_{'0' * 64}",
    ):
        with pytest.raises(NotAuthenticated):
            await api_keys.authenticate(world.store, world.clock, token)


async def test_expiry_and_revocation(world: World) -> None:
    made = await api_keys.issue(world.store, world.clock, CONSUMER, Duty.LEAD, Role.CONSUMER, "a", 1)
    other = await api_keys.issue(world.store, world.clock, CONSUMER, Duty.LEAD, Role.CONSUMER, "b", 1)
    await api_keys.revoke(world.store, world.clock, other.key.id)
    with pytest.raises(NotAuthenticated, match="revoked"):
        await api_keys.authenticate(world.store, world.clock, other.token)
    await api_keys.revoke(world.store, world.clock, other.key.id)
    world.clock.time += DAY
    with pytest.raises(NotAuthenticated, match="expired"):
        await api_keys.authenticate(world.store, world.clock, made.token)
    with pytest.raises(NotFound):
        await api_keys.revoke(world.store, world.clock, "nobody")
    listed = await api_keys.listed(world.store, CONSUMER)
    assert {one.id for one in listed} == {made.key.id, other.key.id}
    assert await api_keys.listed(world.store, ROOT) == []


async def test_bad_keys_are_not_issued(world: World) -> None:
    for department, roles, label, days, error in (
        ("nowhere", Role(0), "a", 1, NotFound),
        (CONSUMER, Role.AUDITOR, "a", 1, InvalidInput),
        (CONSUMER, Role.CONSUMER, "", 1, InvalidInput),
        (CONSUMER, Role.CONSUMER, "a\n", 1, InvalidInput),
        (CONSUMER, Role.CONSUMER, "a", 0, InvalidInput),
        (CONSUMER, Role.CONSUMER, "a", 9999, InvalidInput),
    ):
        with pytest.raises(error):
            await api_keys.issue(world.store, world.clock, department, Duty.LEAD, roles, label, days)


async def test_a_role_the_department_lost_is_lost_to_its_keys(world: World) -> None:
    made = await api_keys.issue(world.store, world.clock, PROVIDER, Duty.LEAD, ROLES[PROVIDER], "a", 1)
    await world.do(
        "ChangeDepartment",
        ROOT,
        Duty.DIRECTOR,
        department=PROVIDER,
        parent=ROOT,
        level=Level.CITY,
        roles=Role.PROVIDER,
    )
    caller = await api_keys.authenticate(world.store, world.clock, made.token)
    assert caller.roles == Role.PROVIDER


async def test_headers(clients: Clients, world: World) -> None:
    token = await world.token(PROVIDER)
    for sent in ({}, {"Authorization": "Basic x"}, {"Authorization": f"Bearer {token}x"}, {"Authorization": "Bearer"}):
        answer = await clients.anonymous(**sent).get("/v1/departments")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert token not in answer.text
    twice = await clients.anonymous().get(
        "/v1/departments", headers=[("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    )
    assert twice.status_code == 401
    assert (await clients.anonymous(Authorization=f"bearer {token}").get("/v1/departments")).status_code == 200


async def test_a_stranger_learns_nothing_of_bodies_or_paths(clients: Clients) -> None:
    client = clients.anonymous()
    for answer in (
        await client.post("/v1/departments", content=b"not json", headers={"Content-Type": "application/json"}),
        await client.get("/v1/nothing"),
        await client.put("/v1/departments"),
        await client.get("/v1"),
    ):
        assert answer.status_code == 401
