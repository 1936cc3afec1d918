"""How often, how many at once, how slowly: each limit, by a clock that the test holds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import Busy, SlowRequest, TooManyRequests
from api.limits import BURST_SECONDS, Limits
from api.pacing import Pacing, Stalled, allowed
from api.rates import Rate, network
from api.routing import SMALL
from api.turns import Turns
from ledger.domain.acts import Duty
from ledger.services import api_keys
from ledger.settings import Settings
from tests.api.world import CONSUMER, PROVIDER, World

ADDRESS = ("203.0.113.7", 5000)


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


Client = Callable[..., httpx.AsyncClient]


@asynccontextmanager
async def clients_of(world: World, hand: Hand, **limits: Any) -> AsyncIterator[Client]:
    """Clients of an application with these limits: (token, address) → client."""
    app = create_app(world, replace(Limits.of(world.settings), **limits), now=hand)
    made: list[httpx.AsyncClient] = []

    def client(token: str | None, address: tuple[str, int] = ADDRESS) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=address)
        made.append(httpx.AsyncClient(transport=transport, base_url="http://shareledger.test", headers=headers))
        return made[-1]

    try:
        yield client
    finally:
        for one in made:
            await one.aclose()


# ---- rates ----------------------------------------------------------------------------------------------------------


def test_a_rate_holds_a_burst_and_refills(hand: Hand) -> None:
    rate = Rate(2, 3, hand)
    for _ in range(3):
        assert rate.wait("a") == 0
        rate.take("a")
    assert rate.wait("a") == pytest.approx(0.5) and rate.wait("b") == 0
    hand.now += 0.25
    assert rate.wait("a") == pytest.approx(0.25)
    hand.now += 0.25
    assert rate.wait("a") == 0
    rate.take("a")
    hand.now += 3600  # no more than the burst is saved up
    for _ in range(3):
        rate.take("a")
    assert rate.wait("a") > 0


def test_a_rate_of_nothing_is_none(hand: Hand) -> None:
    rate = Rate(0, 0, hand)
    for _ in range(10):
        rate.take("a")
    assert rate.wait("a") == 0


def test_a_rate_forgets_who_was_there_longest_ago(hand: Hand) -> None:
    rate = Rate(1, 1, hand, most_keys=2)
    for key in "aba":
        rate.take(key)
    rate.take("c")  # b goes
    assert (rate.wait("b"), rate.wait("a") > 0, rate.wait("c") > 0) == (0, True, True)


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_whom_an_address_stands_for(address: str | None, whole: str) -> None:
    assert network(address) == whole


async def test_an_api_key_has_a_rate(world: World, hand: Hand) -> None:
    one, other = await world.token(PROVIDER), await world.token(CONSUMER)
    async with clients_of(world, hand, requests_per_second=2) as client:
        mine, theirs = client(one), client(other)
        for _ in range(2 * BURST_SECONDS):
            assert (await mine.get("/v1/ledger")).status_code == 200
        answer = await mine.get("/v1/ledger")
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
        assert answer.headers["retry-after"] == "1" and answer.headers["content-type"] == "application/problem+json"
        assert (await theirs.get("/v1/ledger")).status_code == 200
        assert (await mine.get("/healthz")).status_code == 200
        hand.now += int(answer.headers["retry-after"])
        assert (await mine.get("/v1/ledger")).status_code == 200


async def test_requests_are_counted_and_not_the_acts_in_them(world: World, hand: Hand) -> None:
    """A burst of the least rate there is carries more acts than a whole department makes in a day."""
    async with clients_of(world, hand, requests_per_second=1) as client:
        mine = client(await world.token(PROVIDER))
        for turn in range(BURST_SECONDS):
            acts = []
            for number in range(100):
                fields = {"log": f"log-{turn}-{number}", "size": 1, "root": "ab" * 32}
                act, _, signatures = world.signed("PublishCheckpoint", PROVIDER, Duty.LEAD, **fields)
                signed = {"act": {"type": act.name, **act.to_json()}, "signatures": ["0x" + signatures[0].hex()]}
                acts.append(signed)
            assert (await mine.post("/v1/acts", json={"acts": acts})).status_code == 202
        assert (await mine.get("/v1/ledger")).status_code == 429


async def test_guessing_makes_an_address_wait(world: World, hand: Hand) -> None:
    good = await world.token(PROVIDER)
    late = await world.token(CONSUMER)
    wrong = good[:-64] + "0" * 64
    async with clients_of(world, hand, failures_per_minute=6) as client:
        known, guessing, fresh = client(good), client(wrong), client(late)
        assert (await known.get("/v1/ledger")).status_code == 200
        for _ in range(6):
            assert (await guessing.get("/v1/ledger")).status_code == 401
        answer = await guessing.get("/v1/ledger")
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
        assert answer.headers["retry-after"] == "10" and "www-authenticate" not in answer.headers
        assert (await client(None).get("/v1/ledger")).status_code == 429
        # a key that was good here goes on; one that nobody has seen waits with its neighbours, and only with them
        assert (await known.get("/v1/ledger")).status_code == 200
        assert (await fresh.get("/v1/ledger")).status_code == 429
        assert (await client(late, ("198.51.100.1", 1)).get("/v1/ledger")).status_code == 200
        hand.now += 10
        assert (await guessing.get("/v1/ledger")).status_code == 401
        hand.now += 60
        assert (await client(await world.token(CONSUMER)).get("/v1/ledger")).status_code == 200


async def test_a_refused_guess_asks_no_database(world: World, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    genuine = api_keys.authenticate

    async def counted(*given: Any) -> Any:
        asked.append(given)
        return await genuine(*given)

    monkeypatch.setattr(api_keys, "authenticate", counted)
    async with clients_of(world, hand, failures_per_minute=1) as client:
        guessing = client(f"slk_{'0' * 16}_{'0' * 64}")
        assert [(await guessing.get("/v1/ledger")).status_code for _ in range(5)] == [401, 429, 429, 429, 429]
    assert len(asked) == 1


def test_defaults_do_not_get_in_the_way_of_work() -> None:
    limits = Limits.of(Settings())
    assert limits.requests_per_second * BURST_SECONDS >= 1000
    assert limits.bulk_bytes >= 1000 * 8 * 1024  # a thousand acts with documents
    assert limits.claim_seconds > max(limits.request_seconds, limits.transfer_seconds)


# ---- how many at once -----------------------------------------------------------------------------------------------


async def hold(turns: Turns, caller: str, inside: list[str], leave: asyncio.Event) -> None:
    async with turns.taken(caller):
        inside.append(caller)
        await leave.wait()


async def settled() -> None:
    """Whatever can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_nobody_takes_all_the_places() -> None:
    turns, inside, leave = Turns(4), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(hold(turns, "a", inside, leave)) for _ in range(6)]
    await settled()
    assert inside == ["a", "a"]
    tasks += [asyncio.create_task(hold(turns, caller, inside, leave)) for caller in "bbbc"]
    await settled()
    assert inside == ["a", "a", "b", "b"]
    leave.set()
    await asyncio.gather(*tasks)
    assert sorted(inside) == [*"aaaaaa", *"bbb", "c"]
    with turns.at_once("a") as first, turns.at_once("a") as second, turns.at_once("a") as third:
        assert (first, second, third) == (True, True, False)


async def test_waiting_for_a_place_ends() -> None:
    turns, leave = Turns(1, patience=0.01, most_waiting=1), asyncio.Event()
    holder = asyncio.create_task(hold(turns, "a", [], leave))
    await settled()
    waiting = asyncio.create_task(hold(turns, "a", [], leave))
    await settled()
    with pytest.raises(TooManyRequests):
        await hold(turns, "a", [], leave)
    with pytest.raises(Busy):
        await waiting
    given_up = asyncio.create_task(hold(turns, "b", [], leave))
    await settled()
    given_up.cancel()
    await asyncio.wait([given_up])
    leave.set()
    await holder
    async with asyncio.timeout(5), turns.taken("c"):
        pass  # nobody that gave up still holds a place


async def test_a_place_given_to_one_that_just_left_goes_on() -> None:
    turns, leave = Turns(1), asyncio.Event()
    holder = asyncio.create_task(hold(turns, "a", [], leave))
    await settled()
    waiting = asyncio.create_task(hold(turns, "b", [], leave))
    await settled()
    leave.set()
    await asyncio.wait([holder])  # the place is b's now, who has not run yet
    waiting.cancel()
    await asyncio.wait([waiting])
    async with asyncio.timeout(5), turns.taken("c"):
        pass


async def test_costly_routes_take_turns(world: World, hand: Hand, share: str) -> None:
    token = await world.token(PROVIDER)
    async with clients_of(world, hand, costly=1) as client:
        mine = client(token)
        app = mine._transport.app  # type: ignore[attr-defined]
        leave, inside = asyncio.Event(), list[str]()
        holder = asyncio.create_task(hold(app.state.turns.costly, "somebody", inside, leave))
        await settled()
        asked = asyncio.create_task(mine.get(f"/v1/authorisations/{share}/evidence"))
        other = await mine.get(f"/v1/authorisations/{share}")
        assert other.status_code == 200 and not asked.done()
        leave.set()
        assert (await asked).status_code == 200
        await holder


async def test_too_many_waits_do_not_wait(world: World, hand: Hand, share: str) -> None:
    """A preference may be passed over: the answer is 202, at once."""
    token = await world.token(PROVIDER)
    async with clients_of(world, hand, waits=1) as client:
        mine = client(token)
        app = mine._transport.app  # type: ignore[attr-defined]
        with app.state.turns.waits.at_once("somebody") as free:
            assert free
            answer = await mine.post("/v1/checkpoints", json=CHECKPOINT | {"log": "a"}, headers={"Prefer": "wait=9"})
            assert answer.status_code == 202 and "preference-applied" not in answer.headers
        answer = await mine.post("/v1/checkpoints", json=CHECKPOINT | {"log": "b"}, headers={"Prefer": "wait=9"})
        assert answer.status_code == 201 and answer.headers["preference-applied"] == "wait=9"


async def test_much_json_waits_for_a_place_before_it_is_parsed(world: World, hand: Hand) -> None:
    token = await world.token(PROVIDER)
    async with clients_of(world, hand, bulk=1) as client:
        mine = client(token)
        app = mine._transport.app  # type: ignore[attr-defined]
        leave, inside = asyncio.Event(), list[str]()
        holder = asyncio.create_task(hold(app.state.turns.bulk, "somebody", inside, leave))
        await settled()
        kind = {"Content-Type": "application/json"}
        much = asyncio.create_task(mine.post("/v1/acts", content=b"[" + b" " * SMALL + b"!", headers=kind))
        little = await mine.post("/v1/acts", content=b"!", headers=kind)
        assert little.status_code == 400 and not much.done()
        leave.set()
        assert (await much).status_code == 400
        await holder


async def test_a_place_can_be_left_before_the_end() -> None:
    turns = Turns(1)
    async with turns.taken("a") as leave:
        leave()
        async with asyncio.timeout(5), turns.taken("b"):
            leave()  # once more is the same as once: the place is b's
            with turns.at_once("c") as free:
                assert not free
    with turns.at_once("c") as free:
        assert free


CHECKPOINT = {"size": "1", "root": "ab" * 32}


FROM = '{"source":"x","captured":1,"method":"x"}'


# ---- how slowly -----------------------------------------------------------------------------------------------------


def test_a_bigger_body_may_take_longer() -> None:
    limits = Limits(body_seconds=20, slowest=1024)
    assert (allowed(0, limits), allowed(10 * 1024, limits)) == (20, 30)


def body_of(pieces: list[bytes], *, end: bool) -> Callable[[], Any]:
    """A receiver that gives these pieces, and then the end, or nothing ever more."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if left:
            piece = left.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(left) or not end}
        await asyncio.Event().wait()
        raise AssertionError

    return receive


async def test_a_body_that_stops_is_given_up() -> None:
    got: list[bytes] = []

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            got.append(message["body"])
            if not message["more_body"]:
                return

    paced = Pacing(reads, Limits(body_seconds=0.01, slowest=1 << 30))
    with pytest.raises(SlowRequest, match="2 bytes came"):
        await paced({"type": "http"}, body_of([b"a", b"b"], end=False), None)  # type: ignore[arg-type]
    assert got == [b"a", b"b"]


async def test_once_a_body_is_there_the_caller_may_stay_as_long_as_it_likes() -> None:
    async def reads(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        async with asyncio.timeout(0.05):
            await receive()

    paced = Pacing(reads, Limits(body_seconds=0.001))
    with pytest.raises(TimeoutError):
        await paced({"type": "http"}, body_of([b"a"], end=True), None)  # type: ignore[arg-type]


async def test_an_answer_that_nobody_reads_is_broken_off() -> None:
    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.body"})

    async def stuck(message: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stalled):
        await Pacing(answers, Limits(stall_seconds=0.01))({"type": "http"}, body_of([], end=True), stuck)


async def test_a_slow_body_is_told_so(world: World, hand: Hand, share: str) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with clients_of(world, hand, body_seconds=0.01) as client:
        mine = client(await world.token(PROVIDER))
        for path, kind in (
            (f"/v1/authorisations/{share}/suspension", "application/json"),
            (f"/v1/datasets/341500~tjj~area-codes/payloads?format=share-file/1&provenance={FROM}", "text/csv"),
        ):
            answer = await mine.post(path, content=slow(), headers={"Content-Type": kind})
            assert (answer.status_code, answer.json()["code"]) == (408, "slow-request"), answer.text
            assert answer.headers["connection"] == "close"


# ---- how much -------------------------------------------------------------------------------------------------------


async def test_many_acts_may_be_larger_than_one(world: World, hand: Hand, share: str) -> None:
    async with clients_of(world, hand, body_bytes=1000, bulk_bytes=5000) as client:
        mine = client(await world.token(PROVIDER))
        for path, most in (("/v1/acts", 5000), (f"/v1/authorisations/{share}/suspension", 1000)):
            for size, status in ((most, 422), (most + 1, 413)):
                body = b'{"x":"' + b"a" * (size - 8) + b'"}'
                answer = await mine.post(path, content=body, headers={"Content-Type": "application/json"})
                assert answer.status_code == status, (path, size, answer.text)


async def test_a_target_may_be_too_long(world: World, hand: Hand) -> None:
    async with clients_of(world, hand, target_bytes=2000) as client:
        mine = client(await world.token(PROVIDER))
        answer = await mine.get("/v1/departments", params={"parent": "a" * 2000})
        assert (answer.status_code, answer.json()["code"]) == (414, "target-too-long")
