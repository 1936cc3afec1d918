"""Every error is a problem document with a stable code, a status, two languages and a next step."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.responses import Response

import api
from api import problems
from keys.errors import KeysError
from ledger.domain.acts import Duty
from ledger.domain.refusals import REFUSALS
from ledger.errors import ShareLedgerError
from tests.api.conftest import Clients
from tests.api.world import CONSUMER, PROVIDER

MEMBERS = {"type", "title", "title_zh", "status", "detail", "code", "next_step", "instance", "facts"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def below(kind: type[Exception]) -> list[type[Exception]]:
    """Those of the command line apart, which is built on top and may be imported in the same run of the tests."""
    found = [one for one in kind.__subclasses__() if not one.__module__.startswith("ledger.cli")]
    return [one for direct in found for one in (direct, *below(direct))]


@pytest.mark.parametrize("kind", [*below(ShareLedgerError), *below(KeysError)], ids=lambda kind: kind.__name__)
def test_every_error_has_a_status(kind: type[Exception]) -> None:
    assert 400 <= problems.status_of(kind) < 600


def test_an_unmapped_error_is_noticed() -> None:
    with pytest.raises(LookupError):
        problems.status_of(ShareLedgerError)


def test_every_refusal_is_in_the_table() -> None:
    table = {row.code: row for row in problems.problem_table()}
    assert {kind.code for kind in REFUSALS.values()} <= set(table)
    for row in table.values():
        assert CHINESE.search(row.title_zh), row.code
        assert row.next_step and row.title and re.fullmatch(r"[a-z0-9-]+", row.code)


def test_codes_are_used_once() -> None:
    kinds = list(problems.every_problem())
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_the_readme_lists_them_all() -> None:
    text = (Path(api.__file__).parent / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    expected = [(row.code, str(row.status), row.title, row.title_zh) for row in problems.problem_table()]
    assert listed == expected


@pytest.mark.parametrize(
    ("header", "chinese"),
    [
        (None, False),
        ("zh", True),
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en,zh;q=0.5", False),
        ("zh;q=0.2, en;q=0.7", False),
        ("fr", False),
        ("zh;q=x", False),
        ("*", False),
    ],
)
def test_language(header: str | None, chinese: bool) -> None:
    assert problems.wants_chinese(header) is chinese


async def test_every_kind_of_bad_request(clients: Clients, share: str) -> None:
    client = await clients.of(PROVIDER)
    json = {"Content-Type": "application/json"}
    suspend = f"/v1/authorisations/{share}/suspension"
    deep = b'{"document":' * 40 + b"1" + b"}" * 40
    wanted = [
        (client.get("/v1/nothing"), 404, "no-such-path"),
        (client.get("/v1/departments/"), 404, "no-such-path"),
        (client.put("/v1/departments"), 405, "method-not-allowed"),
        (client.post(suspend, content=b"reasons=x"), 415, "unsupported-media-type"),
        (
            client.post(suspend, content=b"{}", headers={**json, "Content-Encoding": "gzip"}),
            415,
            "unsupported-media-type",
        ),
        (client.post(suspend, content=b"{", headers=json), 400, "malformed-json"),
        (client.post(suspend, content=b'{"a":NaN}', headers=json), 400, "malformed-json"),
        (client.post(suspend, content=b'{"a":1,"a":2}', headers=json), 400, "malformed-json"),
        (client.post(suspend, content=b'"\xff"', headers=json), 400, "malformed-json"),
        (client.post(suspend, content=b"1" * 5000, headers=json), 400, "malformed-json"),
        (client.post(suspend, content=deep, headers=json), 400, "malformed-json"),
        (client.post(suspend, content=b" " * (1 << 20) + b"{}", headers=json), 413, "too-large"),
        (client.post(suspend, json={"surprise": 1}), 422, "invalid-input"),
        (client.post(suspend, json=[]), 422, "invalid-input"),
        (client.post("/v1/authorisations/xyz/suspension", json={}), 422, "invalid-input"),
        (client.get("/v1/departments", params={"limit": 0}), 422, "invalid-input"),
        (client.get("/v1/departments", params={"after": "not a code"}), 422, "invalid-code"),
        (client.get("/v1/departments/nowhere"), 404, "not-found"),
        (client.get("/v1/entries/minus"), 422, "invalid-input"),
        (client.get("/v1/departments", headers={"X-Long": "x" * 40_000}), 431, "headers-too-large"),
        (client.post(suspend, json={}, headers={"Idempotency-Key": "a b"}), 400, "malformed-header"),
    ]
    for waiting, status, code in wanted:
        answer = await waiting
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert set(body) == MEMBERS
        assert body["type"] == f"urn:shareledger:problem:{code}"
        assert body["status"] == status
        assert body["instance"].endswith(answer.headers["x-request-id"])


async def test_a_wrong_method_is_told_the_right_ones(clients: Clients) -> None:
    answer = await (await clients.of(PROVIDER)).delete("/v1/ledger")
    assert answer.status_code == 405 and answer.headers["allow"] == "GET"


async def test_validation_says_where_and_never_repeats_what_was_sent(clients: Clients, share: str) -> None:
    client = await clients.of(PROVIDER)
    answer = await client.post(f"/v1/authorisations/{share}/end", json={"cause": "very private", "document": 7})
    assert answer.status_code == 422
    assert "very private" not in answer.text
    assert any(one["where"] == "body.cause" for one in answer.json()["facts"]["errors"])


async def test_chinese_titles(clients: Clients) -> None:
    client = await clients.of(PROVIDER)
    answer = await client.get("/v1/departments/nowhere", headers={"Accept-Language": "zh-CN"})
    assert answer.json()["title"] == answer.json()["title_zh"] == "未找到"
    assert answer.headers["content-language"] == "zh"


async def test_a_refusal_keeps_its_code_and_facts(clients: Clients, share: str) -> None:
    client = await clients.of(CONSUMER, Duty.LEAD)
    answer = await client.post(f"/v1/authorisations/{share}/suspension", json={"document": {"reasons": "无"}})
    assert answer.status_code == 409
    assert answer.json()["code"] == "authorisations-party"
    assert answer.json()["facts"]["share"] == share


async def test_a_defect_tells_nothing_but_its_request_id(app: FastAPI, clients: Clients) -> None:
    async def broken() -> Response:
        raise RuntimeError("the secret is 12345")

    app.add_api_route("/v1/broken", broken)
    client = await clients.of(PROVIDER)
    answer = await client.get("/v1/broken", headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal-error"
    assert "12345" not in answer.text and "RuntimeError" not in answer.text
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
