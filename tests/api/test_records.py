"""Records of a share over HTTP: what the scope lets out comes with its proof, and nothing else by any way round.

The table has a code that is granted for a hundred records, and a name and a number that are not; every name is a marker
that no answer to the consumer may hold.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from ledger.domain.acts import Duty
from ledger.fingerprint import Schema, SegmentKeys, verify_answer
from ledger.fingerprint.merkle import sha256
from ledger.services.material import fingerprint_of
from ledger.services.pages import RecordsPage
from tests.api.conftest import Clients
from tests.api.furnished import CITATION
from tests.api.test_payloads import PAYLOADS, PROVENANCE, VERSIONS, WAIT
from tests.api.world import AUDITOR, CONSUMER, DATASET, PROVIDER, STRANGER, Template, World

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCHEMA = Schema.from_json(
    {"columns": [{"name": "code", "type": "text"}, {"name": "name", "type": "text"}, {"name": "n", "type": "integer"}]}
)
ROWS = [(f"3415{number:08d}", f"隐{number:04d}名", number * 7) for number in range(700)]
TABLE = "code,name,n\n" + "".join(f"{code},{name},{n}\n" for code, name, n in ROWS)
GRANTED = [at for at, row in enumerate(ROWS) if row[0] < "341500000100"]
FILTER = {"column": "code", "operator": "lt", "values": ["341500000100"]}
NARROW = {"items": ["code"], "rows": "编号 100 以下", "filters": [FILTER]}
SD = "share-record-sd/1"
FOREIGN = ["name", "n", "zzz"]
ALIASES = [
    "name", "NAME", "Name", "name ", " name", "\tname", "ｎａｍｅ", '"name"', "'name'", "`name`", "[name]",
    "name as code", "code as name", "code name", "t.name", "*", "name;", "name--", "name\x00", "name\ufeff", "nаme",
    "lower(name)", "%6eame", "1", "0", "", "code.", "CODE", "code\u200b",
]  # fmt: skip


@dataclass
class Narrow:
    share: str
    version: str
    provider: httpx.AsyncClient
    consumer: httpx.AsyncClient

    @property
    def path(self) -> str:
        return f"/v1/authorisations/{self.share}/records"

    async def ask(self, **params: Any) -> httpx.Response:
        return await self.consumer.get(self.path, params=params)

    async def page(self, **params: Any) -> RecordsPage:
        answer = await self.ask(**params)
        assert answer.status_code == 200, answer.text
        assert not marked(answer)
        return proven(answer)


def proven(answer: httpx.Response) -> RecordsPage:
    page = RecordsPage.from_json(answer.json())
    if page.answer is not None:
        assert verify_answer(fingerprint_of(page.entry), page.answer, SCHEMA)
    return page


def marked(answer: httpx.Response) -> list[str]:
    """Markers in an answer, plain, escaped or in hex, in its body or headers."""
    text = answer.text + str(answer.headers)
    text += json.dumps(answer.json(), ensure_ascii=False) if "json" in answer.headers["content-type"] else ""
    return re.findall("隐[0-9]{4}名|e99a90(?:3[0-9]){4}e5908d", text)


def numbers(page: RecordsPage) -> list[int]:
    return [] if page.answer is None else [record.index for record in page.answer.records]


async def anchored(provider: httpx.AsyncClient, table: str = TABLE, **more: Any) -> str:
    query = {"schema": json.dumps(SCHEMA.to_json()), "provenance": json.dumps(PROVENANCE), "format": SD, **more}
    sent = await provider.post(PAYLOADS, params=query, content=table.encode(), headers={"Content-Type": "text/csv"})
    assert sent.status_code == 201, sent.text
    made = await provider.post(VERSIONS, json={"prepared": sent.json()["document"]}, headers=WAIT)
    assert made.status_code == 201, made.text
    version: str = made.json()["digest"]
    return version


async def agreed(clients: Clients, world: World, scope: Mapping[str, Any], consumer: str = CONSUMER) -> str:
    lead, office = await clients.of(consumer, Duty.LEAD), await clients.of(PROVIDER, Duty.LEAD)
    revision = (await lead.get(f"/v1/datasets/{DATASET.replace('/', '~')}")).json()["published"]
    until = int(world.clock.now()) + 100_000
    said = {"basis": CITATION, "scope": scope, "purpose": "核对", "scenario": "核验", "method": 1}
    body = {"consumer": consumer, "dataset": DATASET, "revision": revision, "until": until, "document": said}
    asked = await lead.post("/v1/authorisations", json=body, headers=WAIT)
    assert asked.status_code == 201, asked.text
    share: str = asked.json()["digest"]
    reply = {"until": until, "document": {"scope": scope}}
    answer = await office.post(f"/v1/authorisations/{share}/agreement", json=reply, headers=WAIT)
    assert answer.status_code == 201, answer.text
    return share


async def shared(
    clients: Clients,
    world: World,
    scope: Mapping[str, Any] = NARROW,
    version: str = "",
    consumer: str = CONSUMER,
    **more: Any,
) -> Narrow:
    share, provider = await agreed(clients, world, scope, consumer), await clients.of(PROVIDER, Duty.OFFICER)
    version = version or await anchored(provider, **more)
    body = {"version": version, "method": 1, "document": {}}
    delivered = await provider.post(f"/v1/authorisations/{share}/deliveries", json=body, headers=WAIT)
    assert delivered.status_code == 201, delivered.text
    return Narrow(share, version, provider, await clients.of(consumer, Duty.OFFICER))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(template: Template, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    made = template.copy(tmp_path_factory.mktemp("records"))
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(world: World) -> AsyncIterator[Clients]:
    made = Clients(create_app(world), world)  # type: ignore[arg-type]
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow(clients: Clients, world: World) -> Narrow:
    """For tests that change nothing."""
    return await shared(clients, world)


@pytest_asyncio.fixture(loop_scope="module")
async def own(narrow: Narrow, clients: Clients, world: World) -> Narrow:
    """The same version under a share of the test's own."""
    return await shared(clients, world, version=narrow.version)


# ---- what is let out -------------------------------------------------------------------------------------------------


async def test_pages_follow_each_other_and_each_is_proven(own: Narrow) -> None:
    found: list[int] = []
    following: str | None = f"{own.path}?limit=33"
    while following:
        answer = await own.consumer.get(following)
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store" and not marked(answer)
        page = proven(answer)
        assert page.answer is None or all(record.cells.keys() == {0} for record in page.answer.records)  # type: ignore[union-attr]
        assert (page.version, page.columns) == (own.version, ("code",))
        assert "completeness" in answer.json()["not_checked"]
        found += numbers(page)
        following = answer.links.get("next", {}).get("url")
        assert (following is None) == (answer.json()["next"] is None)
    assert found == GRANTED
    uses = (await own.provider.get(f"/v1/authorisations/{own.share}/uses")).json()["items"]
    assert {(one["department"], one["action"]) for one in uses} == {(CONSUMER, "records")}


async def test_the_provider_sees_what_its_consumer_sees(narrow: Narrow) -> None:
    own, theirs = await narrow.provider.get(narrow.path), await narrow.ask()
    assert own.json() == theirs.json()


async def test_columns_come_in_the_tables_order(clients: Clients, world: World) -> None:
    whole = await shared(clients, world, {"items": ["n", "code", "name"], "rows": "全部"})
    for params in ({"columns": "n,code"}, {"columns": "code,n,code"}, {"column": ["n", "code"]}):
        answer = await whole.ask(limit=1, **params)
        assert answer.json()["columns"] == ["code", "n"] and not marked(answer)
    named = await whole.ask(filter=["name:eq:隐0007名", "n:ge:49"])
    assert numbers(proven(named)) == [7] and set(marked(named)) == {"隐0007名"}


# ---- another column --------------------------------------------------------------------------------------------------


async def test_whole_records_are_not_cut(clients: Clients, world: World) -> None:
    whole = {"items": ["code", "name", "n"], "rows": "全部"}
    share = await shared(clients, world, whole, format="share-record/1")
    answer = await share.ask(columns="code")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input") and "whole records" in answer.text
    assert numbers(proven(await share.ask(limit=3))) == [0, 1, 2]


def without(answer: httpx.Response, name: str) -> tuple[Any, ...]:
    """All that an answer tells but its request id and the name that was sent."""
    body = {**answer.json(), "instance": ""}
    headers = {key: value for key, value in answer.headers.items() if key not in ("x-request-id", "content-length")}
    return answer.status_code, json.dumps(body).replace(json.dumps(repr(name))[1:-1], "NAME"), headers


@pytest.mark.parametrize("alias", ALIASES)
async def test_another_column_by_alias(narrow: Narrow, alias: str) -> None:
    for params in ({"columns": alias}, {"columns": f"code,{alias}"}, {"column": alias}, {"column": ["code", alias]}):
        answer = await narrow.ask(**params)
        assert answer.status_code == 404 and not marked(answer), (params, answer.text)


@pytest.mark.parametrize("parameter", ["columns", "column"])
async def test_a_column_that_is_not_granted_is_like_one_that_is_not_there(narrow: Narrow, parameter: str) -> None:
    told = [without(await narrow.ask(**{parameter: name}), name) for name in FOREIGN]
    assert told[0] == told[1] == told[2] and told[0][0] == 404


@pytest.mark.parametrize(
    "more",
    [
        "sort=name", "order=name", "order_by=name", "sort=-n", "format=csv", "group_by=name", "distinct=name",
        "count=name", "select=name", "fields=name", "q=1", "where=1%3D1", "offset=5", "page=2", "version=0",
        "Columns=name", "limit=1001", "limit=0", "limit=-1", "columns=code&columns=name", "after=&after=x",
    ],
)  # fmt: skip
async def test_another_column_by_sort_or_another_parameter(narrow: Narrow, more: str) -> None:
    answer = await narrow.consumer.get(f"{narrow.path}?{more}")
    assert answer.status_code in (404, 422) and not marked(answer), answer.text


FILTERS = [
    "{}:eq:隐0007名", "{}:ne:x", "{}:lt:5", "{}:gt:not a number", "{}:prefix:隐", '{}:in:["隐0007名"]', "{}:is_null",
    "{}:not_null", "{}:in:[", "{}:like:%", "{}:eq", "{}", "{}:is_null:", "{}:eq:\x00", "{}:EQ:1", "{}:regex:.*",
]  # fmt: skip


@pytest.mark.parametrize("text", FILTERS)
async def test_another_column_by_filter_error(narrow: Narrow, text: str) -> None:
    """Neither its values, nor its type, nor that it is there."""
    told = [without(await narrow.ask(filter=text.format(name)), name) for name in FOREIGN]
    assert told[0] == told[1] == told[2] and told[0][0] in (404, 422)
    mixed = [without(await narrow.ask(filter=["code:ge:3", text.format(name)]), name) for name in FOREIGN]
    assert mixed[0] == mixed[1] == mixed[2] and mixed[0][0] in (404, 422)


@pytest.mark.parametrize(
    "value", ["' or '1'='1", "3415%", "_", "1) or name like '%", ".*", "${name}", "{{name}}", "\\x00", "name"]
)
async def test_a_filter_is_no_language(narrow: Narrow, value: str) -> None:
    for operator in ("eq", "prefix"):
        assert numbers(await narrow.page(filter=f"code:{operator}:{value}")) == []
    page = await narrow.page(filter=["code:ge:341500000098", "code:lt:341500000500"])
    assert numbers(page) == [98, 99], "filters narrow, and never widen"
    assert (await narrow.ask(filter=["code:ge:3"] * 33)).status_code == 422


# ---- page tokens, ranges, siblings -----------------------------------------------------------------------------------


async def test_another_record_by_page_token(narrow: Narrow, clients: Clients, world: World) -> None:
    token = (await narrow.page(limit=5)).next
    assert token is not None
    for first in (100, 350, 699, 700, 1 << 62):
        assert numbers(await narrow.page(after=f"{narrow.version}.{first}")) == []
    assert numbers(await narrow.page(after=f"{narrow.version}.95")) == [95, 96, 97, 98, 99]
    for forged in (
        "-1",
        "{}.-1",
        "{}.",
        "{}",
        "{}.1.5",
        "{}. 1",
        "{}.99999999999999999999",
        "{}.0x1",
        "{}.¹",
        "{}.1;",
        "%00",
    ):
        answer = await narrow.ask(after=forged.format(narrow.version))
        assert answer.status_code == 422 and not marked(answer), forged
    other = await shared(clients, world, {**NARROW, "items": ["code", "name"]})
    elsewhere = (await other.ask(limit=5)).json()["next"]
    answer = await narrow.ask(after=elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict") and not marked(answer)
    same = await shared(clients, world, {"items": ["name"], "rows": "全部"}, narrow.version, STRANGER)
    far = (await same.ask(limit=300)).json()["next"]
    assert numbers(await narrow.page(after=far)) == [], "whose it was does not matter: it opens nothing"


async def test_other_bytes_by_range_request(narrow: Narrow) -> None:
    for asked in ("bytes=0-", "bytes=5-", "bytes=-5", "bytes=0-9", "records=100-", "bytes=9-1"):
        headers = {"Range": asked}
        answer = await narrow.consumer.get(narrow.path, headers=headers)
        assert answer.status_code == 200 and not marked(answer) and numbers(proven(answer)) == GRANTED
        payload = await narrow.consumer.get(
            f"/v1/authorisations/{narrow.share}/payload", headers={**headers, "If-Range": f'"{narrow.version}"'}
        )
        assert (payload.status_code, payload.json()["code"]) == (403, "beyond-scope") and not marked(payload)
    tagged = await narrow.consumer.get(
        f"/v1/authorisations/{narrow.share}/payload", headers={"If-None-Match": f'"{narrow.version}"'}
    )
    assert tagged.status_code == 403


def every_hex(value: Any) -> Iterator[str]:
    """Every text of an answer that is hex."""
    if isinstance(value, dict):
        for member in value.values():
            yield from every_hex(member)
    elif isinstance(value, list):
        for member in value:
            yield from every_hex(member)
    elif isinstance(value, str) and re.fullmatch("(?:[0-9a-f]{2})+", value):
        yield value


async def test_another_cell_by_proof_sibling(narrow: Narrow) -> None:
    """Digests of what is hidden are salted, and of their salts none is there: not the field's, not the leaf's."""
    answer = await narrow.ask(limit=3, after=f"{narrow.version}.40")
    material = (await narrow.provider.get(f"/v1/versions/{narrow.version}/keys")).json()
    keys = SegmentKeys.from_bytes(
        b"".join(one["first_record"].to_bytes(8, "big") + bytes.fromhex(one["key"]) for one in material["segments"])
    )
    told = set(every_hex(answer.json()))
    shown = {
        field["salt"] for record in answer.json()["answer"]["records"] for field in record["fields"] if "salt" in field
    }
    salts = [[salt.hex() for salt in record] for record in keys.field_salts(0, len(ROWS), 3)]
    assert shown == {salts[at][0] for at in (40, 41, 42)} <= told
    hidden = {
        salt for at, record in enumerate(salts) for place, salt in enumerate(record) if place or at not in (40, 41, 42)
    }
    assert not hidden & told
    assert not {keys.salt(at).hex() for at in range(len(ROWS))} & told
    assert not {one["key"] for one in material["segments"]} & told
    guesses = set()
    for code, name, n in ROWS:
        framed = [len(cell).to_bytes(4, "big") + cell for cell in (code.encode(), name.encode(), b"%d" % n)]
        guesses |= {sha256(prefix + cell).hex() for cell in framed for prefix in (b"", b"\x00", b"\x02")}
        guesses |= {sha256(prefix + b"".join(framed)).hex() for prefix in (b"", b"\x00", b"\x02")}
    assert not guesses & told


# ---- other doors -----------------------------------------------------------------------------------------------------


async def test_every_other_door_keeps_to_the_scope(narrow: Narrow) -> None:
    version, share = f"/v1/versions/{narrow.version}", f"/v1/authorisations/{narrow.share}"
    for path in (
        f"{share}/payload",
        f"{share}/keys",
        f"{version}/manifest",
        f"{version}/tiles/0",
        f"{version}/tiles/2",
    ):
        answer = await narrow.consumer.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "beyond-scope"), (path, answer.text)
        assert not marked(answer) and "records" in answer.json()["next_step"]
    for params in ({"version": narrow.version}, {"share": narrow.share}):
        answer = await narrow.consumer.post("/v1/verifications", params=params, content=TABLE.encode())
        assert (answer.status_code, answer.json()["code"]) == (403, "beyond-scope"), "guesses could be tried"
    for path in (f"{version}/payload", f"{version}/keys"):
        assert (await narrow.consumer.get(path)).status_code == 409


async def test_a_proof_of_one_record_keeps_to_the_scope(narrow: Narrow, clients: Clients) -> None:
    at = f"/v1/versions/{narrow.version}/records"
    proof = await narrow.consumer.get(f"{at}/42/proof")
    assert [sorted(field) for field in proof.json()["fields"]] == [["cell", "salt"], ["digest"], ["digest"]]
    body = {"version": narrow.version, "proof": proof.json()}
    assert (await (await clients.of(STRANGER)).post("/v1/verifications/records", json=body)).json()["ok"] is True
    told = []
    for record in (100, 699, 700, 10**12):
        answer = await narrow.consumer.get(f"{at}/{record}/proof")
        status, text, headers = without(answer, "")
        told.append((status, text.replace(str(record), "N"), headers))
    assert len({json.dumps(one) for one in told}) == 1 and told[0][0] == 404
    columns = [without(await narrow.consumer.get(f"{at}/42/proof", params={"columns": name}), name) for name in FOREIGN]
    assert columns[0] == columns[1] == columns[2] and columns[0][0] == 404
    many = await narrow.consumer.get(f"{at}/proof", params={"index": [3, 99, 42]})
    assert [one["index"] for one in many.json()["records"]] == [3, 42, 99] and not marked(many)
    body = {"version": narrow.version, "proof": many.json()}
    assert (await (await clients.of(STRANGER)).post("/v1/verifications/records", json=body)).json()["ok"] is True
    for wrong in ({"index": [42, 100]}, {"index": [42, 700]}, {"index": 42, "columns": "name"}):
        assert (await narrow.consumer.get(f"{at}/proof", params=wrong)).status_code == 404
    for wrong in ({}, {"index": -1}, {"index": list(range(1001))}):
        assert (await narrow.consumer.get(f"{at}/proof", params=wrong)).status_code == 422


async def test_growth_is_proven_over_http(narrow: Narrow, clients: Clients, world: World) -> None:
    later = await shared(clients, world, table=TABLE + "999,隐9999名,1\n")
    proof = await later.consumer.get(f"/v1/versions/{later.version}/growth", params={"since": narrow.version})
    assert proof.status_code == 200 and proof.json()["format"] == "share-growth/1", proof.text
    back = await later.consumer.get(f"/v1/versions/{narrow.version}/growth", params={"since": later.version})
    assert (back.status_code, back.json()["code"]) == (422, "invalid-proof")
    stranger = await clients.of(STRANGER)
    other = await stranger.get(f"/v1/versions/{later.version}/growth", params={"since": narrow.version})
    assert (other.status_code, other.json()["code"]) == (403, "no-share")
    assert (await later.consumer.get(f"/v1/versions/{later.version}/growth")).status_code == 422


# ---- whose share, and when -------------------------------------------------------------------------------------------


async def test_another_consumers_share(narrow: Narrow, clients: Clients) -> None:
    told = []
    for department in (STRANGER, AUDITOR):
        client = await clients.of(department)
        for share in (narrow.share, "7" * 64):
            answer = await client.get(f"/v1/authorisations/{share}/records")
            assert (answer.status_code, answer.json()["code"]) == (403, "no-share") and not marked(answer)
            told.append((department, answer.json()["detail"].replace(share, "SHARE")))
    assert len(set(told)) == 2, "one answer for a share of others and for none"
    assert (await clients.anonymous().get(narrow.path)).status_code == 401


async def test_suspended_and_expired_in_the_middle_of_paging(own: Narrow, clients: Clients, world: World) -> None:
    token = (await own.page(limit=10)).next
    lead = await clients.of(PROVIDER, Duty.LEAD)
    share, reasons = f"/v1/authorisations/{own.share}", {"document": {"reasons": "核查"}}
    assert (await lead.post(f"{share}/suspension", json=reasons, headers=WAIT)).status_code == 201
    answer = await own.ask(after=token)
    assert (answer.status_code, answer.json()["code"]) == (403, "share-suspended") and not marked(answer)
    assert (await lead.post(f"{share}/resumption", json=reasons, headers=WAIT)).status_code == 201
    assert numbers(await own.page(after=token, limit=2)) == [10, 11]
    world.clock.time += 200_000
    try:
        assert (await own.ask(after=token)).json()["code"] == "share-expired"
    finally:
        world.clock.time -= 200_000


async def test_another_version_in_the_middle_of_paging(own: Narrow) -> None:
    token = (await own.page(limit=10)).next
    body = {"version": await anchored(own.provider), "method": 1, "document": {}}
    path = f"/v1/authorisations/{own.share}/deliveries"
    assert (await own.provider.post(path, json=body, headers=WAIT)).status_code == 201
    assert (await own.ask(after=token)).status_code == 409
    assert (await own.page(limit=1)).version == body["version"]


@pytest.mark.parametrize(
    ("scope", "more", "code"),
    [
        ({"items": ["code"], "rows": "六安市"}, {}, "scope-not-enforceable"),
        ({"items": ["区划代码"], "rows": "全部"}, {}, "scope-not-enforceable"),
        ({"items": ["code"], "rows": "全部"}, {"format": "share-record/1"}, "scope-not-provable"),
    ],
)
async def test_a_scope_that_cannot_be_held_to_says_what_to_do(
    clients: Clients, world: World, scope: dict[str, Any], more: dict[str, Any], code: str
) -> None:
    made = await shared(clients, world, scope, **more)
    answer = await made.ask()
    assert (answer.status_code, answer.json()["code"]) == (403, code) and answer.json()["next_step"]
    assert (await made.consumer.get(f"/v1/authorisations/{made.share}/payload")).status_code == 403


# ---- any question ----------------------------------------------------------------------------------------------------

QUERY = st.fixed_dictionaries(
    {"limit": st.integers(1, 200)},
    optional={
        "columns": st.sampled_from(["code", "code,code"]),
        "filter": st.lists(
            st.tuples(st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "prefix"]), st.integers(0, 120)).map(
                lambda one: f"code:{one[0]}:3415{one[1]:08d}"
            ),
            max_size=3,
        ),
    },
)
MEANT = {
    "eq": str.__eq__, "ne": str.__ne__, "lt": str.__lt__, "le": str.__le__, "gt": str.__gt__, "ge": str.__ge__,
    "prefix": str.startswith,
}  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERY)
async def test_any_question_is_answered_from_what_is_granted(narrow: Narrow, query: dict[str, Any]) -> None:
    expected = GRANTED
    for text in query.get("filter", ()):
        _, operator, value = text.split(":")
        expected = [at for at in expected if MEANT[operator](ROWS[at][0], value)]
    page = await narrow.page(**query)
    found = numbers(page)
    while page.next is not None:
        page = await narrow.page(**query, after=page.next)
        found += numbers(page)
    assert found == expected
