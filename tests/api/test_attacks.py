"""Requests that nobody sends by accident. Each is refused for what it is, says nothing that it should not, and breaks
nothing."""

import gzip
import itertools
import json
import re

import httpx
import pytest

from api.act_table import ACT_ROUTES
from api.schemas.acts import body_of
from ledger.domain.acts import Duty
from ledger.services import api_keys
from tests.api.conftest import Clients
from tests.api.test_callers import FILLED, fill, routes_of
from tests.api.test_payloads import COLUMNS, PROVENANCE
from tests.api.world import AUDITOR, CONSUMER, DATASET, PROVIDER, ROOT, World

REFUSED = {400, 401, 403, 404, 405, 409, 410, 413, 414, 415, 422, 431}
JSON = {"Content-Type": "application/json"}
ODD_SEGMENTS = (
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cwindows",
    "~%2e%2e~%2e%2e~etc~passwd",
    "%00",
    "a%00b",
    "a%0d%0aX-Evil:%20yes",
    "%ff%fe",
    "%ed%a0%80",  # half a character in UTF-8
    "%",
    "%zz",
    "341500%20",
    "341500%0a",
    "%EF%BC%93%EF%BC%94%EF%BC%91%EF%BC%95%EF%BC%90%EF%BC%90",  # full-width 341500
    "341500%E2%80%8B",  # and a space of no width
    "%E2%80%AE005143",  # written from the right
    "34150%D0%9E",  # a Cyrillic О
    "a" * 5000,
    "${jndi:ldap:}",
    "'%20OR%20'1'='1",
    "%3Cscript%3E",
    ";drop",
    "0x" + "g" * 40,
    "0" * 63,
    "A" * 64,
    "-1",
    "1e9",
    "%D9%A3",  # a digit, but not one of ours
    "99999999999999999999999999999999",
)


async def test_odd_names_in_every_path(clients: Clients, world: World, share: str) -> None:
    """In each parameter of each path. None is found, none is a defect, none gets into a header."""
    client = await clients.of(AUDITOR)
    tried = 0
    paths = {path: method for method, path, _ in routes_of(client._transport.app) if "{" in path}  # type: ignore[attr-defined]
    for number, (path, method) in enumerate(sorted(paths.items())):
        for name in re.findall(r"{(\w+)}", path):
            for odd in itertools.islice(itertools.cycle(ODD_SEGMENTS), number, number + len(ODD_SEGMENTS), 3):
                filled = fill(path.replace(f"{{{name}}}", "\x00", 1), share).replace("\x00", odd)
                answer = await client.request(method, filled, json={} if method == "POST" else None)
                assert answer.status_code in REFUSED, (method, filled, answer.status_code, answer.text)
                assert "x-evil" not in answer.headers
                assert answer.headers["content-type"] == "application/problem+json"
                tried += 1
    assert tried > 400 and FILLED


CODES = (
    "", " ", "341500 ", " 341500", "341500\n", "341500\x00", "３４１５００", "341500\u200b", "\u202e005143", "34150О",
    "é", "e\u0301", "a" * 33, "a~b", "a\\b", "a%2fb", "a b", "名", "a\tb", "a:b", "a\u2044b", "a\uff0fb",
)  # fmt: skip


@pytest.mark.parametrize("code", CODES)
async def test_codes_that_look_like_others_are_none(code: str, clients: Clients) -> None:
    client = await clients.of(ROOT)
    body = {"department": code, "parent": ROOT, "level": 3, "roles": 2}
    for spoilt in (body, {**body, "department": "341599", "parent": code}):
        answer = await client.post("/v1/departments", json=spoilt)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), answer.text
    if code:  # in an act, none at all is how a code is left out
        draft = {"act": "RegisterDepartment", "fields": {**body, "document": "00" * 32}}
        assert (await client.post("/v1/drafts", json=draft)).status_code == 422


NUMBERS = (
    "1e400", "-1e400", "1e-400", "-0.0", "1E2", "0.1", "1" + "0" * 300, str(2**64), str(2**63), "-1", "true",
)  # fmt: skip
COUNTS = {"since", "start", "valid_until", "until", "number", "score", "size", "roles", "level"}


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:8])
async def test_numbers_that_are_none_of_ours(number: str, clients: Clients, world: World, share: str) -> None:
    """In every field of every act, and within documents: infinities, fractions, what no database holds."""
    client = await clients.of(ROOT)
    until = int(world.clock.now()) + 86_400
    for line in ACT_ROUTES:
        (example,) = body_of(line).model_config["json_schema_extra"]["examples"]  # type: ignore[index,call-overload]
        fields = [name for name, value in example.items() if name != "document"]
        for name in (*fields, "valid_until", "document"):
            odd = {**example, **({"until": until} if "until" in example else {}), name: "\x00"}
            text = json.dumps(odd).replace('"\\u0000"', number)
            answer = await client.post("/v1" + fill(line.path, share), content=text, headers=JSON)
            sound = name in COUNTS or (number == "true" and isinstance(example.get(name), bool))
            assert answer.status_code in REFUSED | ({202} if sound else set()), (line.act, name, answer.text)
    for text in (
        f'{{"act":"EndShare","fields":{{"share":"{share}","cause":{number}}}}}',
        f'{{"act":"EndShare","fields":{{"share":"{share}","cause":1}},"document":{{"reasons":{number}}}}}',
        f'{{"act":"EndShare","fields":{{"share":"{share}","cause":1}},"document":{{"reasons":"x","extra":{number}}}}}',
    ):
        answer = await client.post("/v1/drafts", content=text, headers=JSON)
        assert answer.status_code in (409, 422), (text, answer.text)


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf{}",
        '{"log":"entries"}'.encode("utf-16"),
        b'{"log":"entries"}\x00',
        b'{"log":"entries"} {"log":"x"}',
        b'{"log":"entries","log":"x"}',
        b'{"log":"entries","\\u006cog":"x"}',  # the same member, written otherwise
        b"{'log':'entries'}",
        b'{"log":"entries",}',
        b'{"log":"ent\nries"}',
        b'{"log":"\\u0000"}',
        b'{"__proto__":{"log":"x"},"constructor":{"prototype":{}}}',
        b'{"log":{"$ne":null}}',
        b'{"log":["entries"]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 33 + b"]" * 33,
        b'"' + b"\\" * 100_001,
        b"-",
        b"1e",
        b"nul",
        b"\xff",
        b"",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_bodies_that_are_no_json_of_ours(body: bytes, clients: Clients) -> None:
    client = await clients.of(PROVIDER)
    answer = await client.post("/v1/checkpoints/drafts", content=body, headers=JSON)
    assert answer.status_code in (400, 422), answer.text


async def test_small_bodies_that_are_large_inside(clients: Clients, share: str) -> None:
    client = await clients.of(PROVIDER)
    swollen = b"[" + b"{}," * 400_000 + b"{}]"
    packed = gzip.compress(b" " * (64 << 20), 9)
    assert len(packed) < 1 << 17
    for path in ("/v1/acts", f"/v1/authorisations/{share}/end"):
        answer = await client.post(path, content=swollen[: 1 << 20] if "end" in path else swollen, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large"), answer.text[:200]
        for encoding in ("gzip", "deflate", "br", "zstd", "x-gzip", "identity, gzip"):
            answer = await client.post(path, content=packed, headers={**JSON, "Content-Encoding": encoding})
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
    query = {"format": "share-file/1", "provenance": json.dumps(PROVENANCE)}
    path = f"/v1/datasets/{DATASET.replace('/', '~')}/payloads"
    answer = await client.post(path, params=query, content=packed, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


async def test_a_body_full_of_surprises_is_told_of_a_few(clients: Clients, share: str) -> None:
    client = await clients.of(PROVIDER)
    body = {f"surprise{number}": number for number in range(20_000)}
    answer = await client.post(f"/v1/authorisations/{share}/end", json=body)
    assert answer.status_code == 422 and len(answer.content) < 50_000
    assert len(answer.json()["facts"]["errors"]) == 100


# ---- headers --------------------------------------------------------------------------------------------------------

EVIL = "evil.example"


async def test_nothing_that_was_sent_gets_into_a_header(clients: Clients) -> None:
    client = await clients.of(ROOT)
    sent = {
        "Host": EVIL,
        "X-Forwarded-Host": EVIL,
        "X-Forwarded-Proto": EVIL,
        "Forwarded": f"host={EVIL}",
        "Origin": f"https://{EVIL}",
        "Referer": f"https://{EVIL}/",
        "X-Original-URL": f"/{EVIL}",
        "X-Request-ID": f"{EVIL}\t<script>",
        "Accept-Language": EVIL,
        "Range": f"{EVIL}=0-1",
        "Prefer": f"wait={EVIL}",
    }
    answer = await client.get("/v1/departments?limit=1&x=%0d%0aX-Evil:%201&after=", headers=sent)
    assert answer.status_code == 422
    answer = await client.get(f'/v1/departments?limit=1&x=%0d%0aX-Evil:%201&y=>;rel="next"&z={EVIL}%00', headers=sent)
    assert answer.status_code == 200 and answer.links["next"]["url"].startswith("/v1/departments?")
    assert "x-evil" not in answer.headers and len(answer.links) == 1
    assert "\r" not in answer.headers["link"] and "%0D%0A" in answer.headers["link"]
    body = {"department": "341525", "parent": ROOT, "level": 4, "roles": 2}
    made = await client.post("/v1/departments", json=body, headers=sent)
    assert made.status_code == 202 and re.fullmatch(r"/v1/submissions/[0-9a-f]{64}", made.headers["location"])
    for one in (answer, made):
        assert EVIL not in str({**one.headers, "link": ""})


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", 'a"; filename=b.exe', "a\r\nX-Evil: 1", "a\x00b", "名.csv", "\u202egpj.exe", "a;b", "'", "%"],
)
async def test_a_file_is_given_under_its_name_and_does_nothing(name: str, clients: Clients) -> None:
    """Whatever its name and type say: it is an attachment, of exactly that type, that may load nothing."""
    client = await clients.of(PROVIDER)
    query = {"schema": json.dumps(COLUMNS), "provenance": json.dumps(PROVENANCE), "name": name}
    path = f"/v1/datasets/{DATASET.replace('/', '~')}"
    content = b"code,name\n341525,<script>alert(1)</script>\n"
    prepared = await client.post(
        f"{path}/payloads", params=query, content=content, headers={"Content-Type": "text/html"}
    )
    if prepared.status_code == 422:
        assert not name.isprintable()
        return
    body = {"prepared": prepared.json()["document"]}
    version = (await client.post(f"{path}/versions", json=body, headers={"Prefer": "wait=9"})).json()["digest"]
    answer = await client.get(f"/v1/versions/{version}/payload")
    assert answer.content == content and answer.headers["content-type"].startswith("text/html")
    disposition = answer.headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9%._~-]+", disposition), disposition
    assert answer.headers["x-content-type-options"] == "nosniff" and "x-evil" not in answer.headers
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for asked in (
        "bytes=0-0,1-1,2-2",
        "bytes=-5",
        "bytes=5-4",
        "bytes=99999999999999999999-",
        "bytes=１-",
        "bytes=--",
        "x",
    ):
        whole = await client.get(f"/v1/versions/{version}/payload", headers={"Range": asked.encode()})
        assert (whole.status_code, whole.content) == (200, content), asked
    many = ",".join(f"{number}-" for number in range(3000))
    assert (await client.get(f"/v1/versions/{version}/payload", headers={"Range": f"bytes={many}"})).content == content
    rest = await client.get(f"/v1/versions/{version}/payload", headers={"Range": "bytes=5-"})
    assert (rest.status_code, rest.content) == (206, content[5:])
    other = await client.get(f"/v1/versions/{version}/payload", headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, content)


async def test_two_of_a_header_are_not_one_of_them(clients: Clients, world: World, share: str) -> None:
    token = await world.token(PROVIDER, Duty.LEAD)
    client = clients.anonymous()
    path = f"/v1/authorisations/{share}/suspension"
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {await world.token(CONSUMER)}")]
    assert (await client.post(path, json={}, headers=twice)).status_code == 401
    keys = [("Authorization", f"Bearer {token}"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await client.post(path, json={}, headers=keys)).status_code == 400
    types = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"), ("Content-Type", "text/csv")]
    answer = await client.post(path, content=b"{}", headers=types)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-header")
    assert answer.json()["facts"] == {"header": "content-type"}
    codings = [("Authorization", f"Bearer {token}"), *JSON.items(), ("Content-Encoding", "identity")]
    assert (await client.post(path, content=b"{}", headers=[*codings, ("Content-Encoding", "gzip")])).status_code == 400


# ---- other callers --------------------------------------------------------------------------------------------------


async def test_an_idempotency_key_tells_nobody_elses_answer(clients: Clients, share: str) -> None:
    """The same key from another API key, even of the same department, is another request."""
    body, key = {"document": {"reasons": "核查机密"}}, {"Idempotency-Key": "guess-me"}
    path = f"/v1/authorisations/{share}/suspension"
    first = await (await clients.of(PROVIDER)).post(path, json=body, headers=key)
    assert first.status_code == 202
    for department in (CONSUMER, AUDITOR, ROOT, PROVIDER):
        answer = await (await clients.of(department)).post(path, json=body, headers=key)
        assert "idempotency-replayed" not in answer.headers
        if department != PROVIDER:
            assert first.json()["digest"] not in answer.text


async def test_a_revoked_key_replays_nothing(clients: Clients, world: World, share: str) -> None:
    token = await world.token(PROVIDER)
    client = clients.anonymous(Authorization=f"Bearer {token}")
    body, key = {"document": {"reasons": "核查"}}, {"Idempotency-Key": "one"}
    assert (await client.post(f"/v1/authorisations/{share}/suspension", json=body, headers=key)).status_code == 202
    await api_keys.revoke(world.store, world.clock, token.split("_")[1])
    answer = await client.post(f"/v1/authorisations/{share}/suspension", json=body, headers=key)
    assert answer.status_code == 401 and "idempotency-replayed" not in answer.headers


async def test_cases_and_encodings_of_a_path_are_one_door(clients: Clients) -> None:
    """No spelling of a guarded path is unguarded, and none is another route."""
    client = clients.anonymous()
    for path in (
        "/v1/ledger", "/v1//ledger", "//v1/ledger", "/V1/ledger", "/v1/ledger/", "/v1%2fledger", "/%76%31/ledger",
        "/./v1/ledger", "/x/../v1/ledger", "/v1/./ledger", "/v1;x/ledger", "/v1/ledger;x", "/v1/ledger%00",
        "/healthz/../v1/ledger", "/healthz%2f..%2fv1%2fledger", "/v1/ledger%20", "/v1/ledger.json", "/v1\\ledger",
    ):  # fmt: skip
        answer = await raw(client, path)
        assert answer.status_code in (401, 404), (path, answer.status_code)
        assert "chain_id" not in answer.text


async def raw(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """As it is written: no library tidies it up."""
    url = client.base_url.copy_with(raw_path=path.encode())
    answer: httpx.Response = await client.send(httpx.Request("GET", url, headers=client.headers))
    return answer
