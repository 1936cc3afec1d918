"""Reading a share's records on the console: nothing is shown or kept that was not proven; pages kept are checked again
with no network."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from keys.signer import LocalSigner
from ledger.cli.failures import InvalidOption
from ledger.cli.wheres import asked_text, read_where
from ledger.domain.acts import Mark
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.scopes import Filter
from ledger.domain.values import Act
from ledger.fingerprint import RECORD_SD, Schema, SegmentKeys, fingerprint_table
from ledger.fingerprint.conditions import conditions
from ledger.fingerprint.leaves import LeafRule
from ledger.proofs.typed_data import act_digest
from ledger.services.pages import RecordsPage, read_token, token_of
from ledger.services.selecting import Wanted, select
from tests.fakes.tables import FakeTable

from .conftest import CHAIN_ID, MODULES, NOW, SHARE, Console, FakeServer, problem
from .test_version import Anchored, anchor_fields

SCHEMA = Schema.text(("code", "name", "secret"))
ROWS = [(b"%012d" % number, f"村{number}".encode(), b"hidden%d" % number) for number in range(600)]
KEYS = SegmentKeys.fresh()
SCOPE = (Filter("code", "lt", ("000000000500",)),)
Change = Callable[[RecordsPage], RecordsPage]


class Delivered(Anchored):
    """A version, and the server's pages of it; `change` has the server lie."""

    change: Change = staticmethod(lambda page: page)  # type: ignore[assignment]

    def records(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        filters = tuple(map(Filter.parse, asked.get_list("filter")))
        columns = tuple(asked.get_list("column")) or ("code", "name")
        first = read_token(asked["after"])[1] if "after" in asked else 0
        hidden = [at for at, name in enumerate(SCHEMA.names) if name not in columns]
        wanted = Wanted(first, int(asked["limit"]), conditions((*SCOPE, *filters), SCHEMA), hidden)
        made = select(FakeTable(SCHEMA, ROWS), LeafRule(RECORD_SD, self.keys), self.manifest, wanted)
        names = tuple(name for name in SCHEMA.names if name in columns)
        more = token_of(self.id, made.stop) if made.stop < len(ROWS) else None
        page = RecordsPage(SHARE, self.entry, None, names, SCOPE, filters, first, made.stop, (), made.answer, more)
        return httpx.Response(200, json=type(self).change(page).to_json())


@pytest.fixture
def delivered(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Delivered:
    signer = LocalSigner(b"\x07" * 32)
    fingerprint, manifest = fingerprint_table(FakeTable(SCHEMA, ROWS), SCHEMA, KEYS, format=RECORD_SD)
    provenance = {"source": "统计局", "captured": NOW, "method": "export"}
    told = {"dataset": "341500/tjj/codes", "number": 1, "format": RECORD_SD, "payload": {"size": 9}, "keys": "here"}
    document = Document.make("version", provenance=provenance, schema=SCHEMA.to_json(), read_options={}, **told)
    fields = anchor_fields(fingerprint, 9, document.digest)
    act = Act.from_json("AnchorVersion", {"signer": signer.address, "prior": ZERO_DIGEST, "valid_until": NOW, **fields})
    digest = act_digest(act, CHAIN_ID, MODULES["Datasets"])
    signatures = (signer.sign(bytes.fromhex(digest)),)
    entry = Entry(7, MODULES["Datasets"], act, digest, signatures, "341500.tjj", Mark(0), NOW, "0" * 64)
    made = Delivered(Path("nowhere"), entry, document, manifest, KEYS)
    server.answers["GET", f"/entries/{made.id}"] = made.entry_view()
    server.answers["GET", f"/documents/{document.digest}"] = lambda _: httpx.Response(200, content=document.body)
    server.answers["GET", f"/authorisations/{SHARE}"] = {"version": made.id}
    server.answers["GET", f"/authorisations/{SHARE}/records"] = made.records
    server.answers["GET", f"/authorisations/{SHARE}/keys"] = problem(403, "beyond-scope")
    server.answers["GET", f"/versions/{made.id}/manifest"] = problem(403, "beyond-scope")
    monkeypatch.setattr(Delivered, "change", staticmethod(lambda page: page))
    return made


def test_records_are_shown_once_they_are_proven(console: Console, delivered: Delivered) -> None:
    told = console("share", "records", SHARE, "--limit", "3", "--where", "code>=000000000498", "--json")
    assert told.code == 0, told
    assert told.value["records"] == [
        {"index": 498, "cells": ["000000000498", "村498"]},
        {"index": 499, "cells": ["000000000499", "村499"]},
    ]
    assert (told.value["ok"], told.value["next"], told.value["not_checked"]) == (True, None, ["completeness"])
    one = console("share", "records", SHARE, "--columns", "code", "--limit", "2", "--json").value
    assert (one["columns"], one["count"], one["next"]) == (["code"], 2, f"{delivered.id}.2")
    more = console("share", "records", SHARE, "--limit", "1", "--after", one["next"], "--json").value
    assert [record["index"] for record in more["records"]] == [2]
    spoken = console("share", "records", SHARE, "--limit", "2", "--lang", "zh")
    assert "村1" in spoken.out and "未核验是否完整" in spoken.err and "hidden" not in spoken.out


def test_all_pages_are_kept_with_their_proofs_and_checked_again_with_no_network(
    console: Console,
    server: FakeServer,
    delivered: Delivered,
    ledger: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, material = tmp_path / "pages.jsonl", str(tmp_path / "material.json")
    kept = console("share", "records", SHARE, "--all", "-o", str(file), "--json")
    assert (kept.code, kept.value["count"], kept.value["file"]) == (0, 500, str(file)), kept
    assert "records" not in kept.value and "hidden" not in file.read_text()
    again = console("share", "records", SHARE, "-o", str(file), "--json")
    assert (again.code, again.value["error"]["code"]) == (2, "invalid-option"), "no file is written over"
    assert console("version", "material", delivered.id, "--share", SHARE, "-o", material).code == 0

    server.answers.clear()
    server.requests.clear()

    def refused(*_: Any) -> None:
        raise AssertionError("no network is needed")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refused)
    verify = ("version", "verify", "--proof", "--version", delivered.id, "--material", material, *ledger, "--json")
    good = console(*verify, str(file))
    assert (good.code, good.value["ok"], good.value["whole_table"]) == (0, True, True), good
    assert good.value["not_checked"] == ["complete"] and good.value["stop"] == 600
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, line in enumerate(file.read_bytes().splitlines()):
        (folder / f"{number:04d}.json").write_bytes(line)
    assert console(*verify, str(folder)).value["ok"] is True
    assert not server.requests

    lines = file.read_text().splitlines()
    for before, after, failing in (
        ('"村7"', '"村八"', "included"),
        ('"columns": ["code", "name"]', '"columns": ["code"]', "columns"),
        ('"values": ["000000000500"]', '"values": ["000000000001"]', "filters"),
        ('"stop": 600', '"stop": 5', "places"),
    ):
        (folder / "0000.json").write_text(lines[0].replace(before, after))
        wrong = console(*verify, str(folder))
        codes = [check["code"] for check in wrong.value["checks"] if check["ok"] is False]
        assert (wrong.code, codes) == (1, [failing]), wrong
    for text in ("", "{}", lines[0][:-1], "[" * 5000, lines[0].replace('"share-records/1"', '"share-records/2"')):
        (folder / "0000.json").write_text(text)
        assert console(*verify, str(folder)).code == 2


LIES: dict[str, Change] = {
    "another cell": lambda page: changed(page, "cell"),
    "another record": lambda page: changed(page, "index"),
    "other columns": lambda page: replace(page, columns=("code", "secret")),
    "of another version": lambda page: replace(page, entry=replace(page.entry, digest="12" * 32)),
    "outside its place": lambda page: replace(page, first=0, stop=1),
}


def changed(page: RecordsPage, what: str) -> RecordsPage:
    assert page.answer is not None
    told = page.answer.to_json()
    if what == "cell":
        told["records"][-1]["fields"][1]["cell"] += "改"
    else:
        told["records"][-1]["index"] += 1
    return replace(page, answer=type(page.answer).from_json(told))


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_proven_is_neither_shown_nor_kept(
    console: Console, delivered: Delivered, tmp_path: Path, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Delivered, "change", staticmethod(LIES[lie]))
    file = tmp_path / "pages.jsonl"
    for output in ((), ("-o", str(file))):
        told = console("share", "records", SHARE, "--limit", "5", *output, "--json")
        assert told.code == 1 and "村" not in told.out and told.value["ok"] is False, told
    assert not file.exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "lie",
    [
        lambda page: replace(page, filters=()),
        lambda page: replace(page, share="12" * 32),
        lambda page: replace(page, columns=("code", "name")),
        lambda page: replace(page, stop=page.first, answer=None),
    ],
)
def test_another_question_is_no_answer(
    console: Console, delivered: Delivered, lie: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Delivered, "change", staticmethod(lie))
    asked = ("share", "records", SHARE, "--where", "code^=0000", "--columns", "code", "--limit", "5", "--json")
    told = console(*asked)
    assert told.value["error"]["code"] == "server-mismatch", told


def test_refusals_of_the_server_are_told(console: Console, server: FakeServer, delivered: Delivered) -> None:
    server.answers["GET", f"/authorisations/{SHARE}/records"] = problem(403, "scope-not-enforceable")
    told = console("share", "records", SHARE, "--json")
    assert (told.code, told.value["error"]["code"]) == (1, "scope-not-enforceable")
    server.answers["GET", f"/authorisations/{SHARE}"] = {"version": None}
    assert console("share", "records", SHARE).code == 2


@pytest.mark.parametrize(
    ("text", "found", "sent"),
    [
        ("code=341502", Filter("code", "eq", ("341502",)), "code:eq:341502"),
        ("code = a=b", Filter("code", "eq", (" a=b",)), "code:eq: a=b"),
        ("n!=", Filter("n", "ne", ("",)), "n:ne:"),
        ("n<=5", Filter("n", "le", ("5",)), "n:le:5"),
        ("n>5:7", Filter("n", "gt", ("5:7",)), "n:gt:5:7"),
        ("名称^=六安", Filter("名称", "prefix", ("六安",)), "名称:prefix:六安"),
        ("n is null", Filter("n", "is_null"), "n:is_null"),
        ("n IS NOT NULL", Filter("n", "not_null"), "n:not_null"),
        ('code:in:["a","b:c"]', Filter("code", "in", ("a", "b:c")), 'code:in:["a", "b:c"]'),
        (r"a\:b:eq:1", Filter("a:b", "eq", ("1",)), r"a\:b:eq:1"),
        ("code:eq:a=b", Filter("code", "eq", ("a=b",)), "code:eq:a=b"),
    ],
)
def test_how_filters_are_typed(text: str, found: Filter, sent: str) -> None:
    assert read_where(text) == found
    assert asked_text(found) == sent and Filter.parse(sent) == found


@pytest.mark.parametrize("text", ["", "code", "=5", "code like 5", "code:in:a", "drop table", "code:eq"])
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(InvalidOption):
        read_where(text)


def test_filters_narrow_the_scope_that_is_asked_for_and_agreed_to(console: Console, server: FakeServer) -> None:
    import hashlib

    where = ("--where", "code^=3415", "--where", "n is not null")
    filters = [
        {"column": "code", "operator": "prefix", "values": ["3415"]},
        {"column": "n", "operator": "not_null"},
    ]
    server.answers["GET", "/datasets/d~1"] = {"published": "77" * 32}
    request = ("share", "request", "--dataset", "d/1", "--consumer", "c", "--until", "2026-12-31")
    assert console(*request, "--scope", "code,n; 六安市", *where).code == 0
    scope = {"items": ["code", "n"], "rows": "六安市", "filters": filters}
    assert server.bodies()[-1]["document"]["scope"] == scope
    told = console(*request, *where, "--json")
    assert told.value["error"]["code"] == "invalid-option", "--where alone says not which columns"

    asked = json.dumps({"kind": "scope", "salt": "x", "scope": scope}, ensure_ascii=False).encode()
    digest = hashlib.sha256(asked).hexdigest()
    server.answers["GET", f"/authorisations/{SHARE}"] = {"scope": digest, "conditions": "0" * 64, "requested_until": 9}
    server.answers["GET", f"/documents/{digest}"] = lambda request: httpx.Response(200, content=asked)
    agree = ("share", "agree", SHARE)
    assert console(*agree).code == 0 and server.bodies()[-1]["scope"] == digest
    assert console(*agree, "--where", "n<5").code == 0
    sent = server.bodies()[-1]
    assert "scope" not in sent and len(sent["document"]["scope"]["filters"]) == 3
    assert console(*agree, "--scope", "code; 六安市", *where).code == 0
    for wider in (("--scope", "code,n,secret", *where), ("--scope", "code"), ("--scope", "code", "--where", "n<5")):
        told = console(*agree, *wider, "--json")
        assert (told.code, told.value["error"]["code"]) == (2, "invalid-option"), wider


def test_growth_of_a_part_is_proven_by_the_server(console: Console, server: FakeServer, delivered: Delivered) -> None:
    server.answers["GET", f"/versions/{delivered.id}/growth"] = {"format": "share-growth/1", "path": []}
    told = console("version", "growth", delivered.id, delivered.id, "--json")
    assert (told.code, told.value["ok"]) == (0, True), told


def test_many_records_are_proven_by_the_server(console: Console, server: FakeServer, delivered: Delivered) -> None:
    rule = LeafRule(RECORD_SD, KEYS)
    page = select(FakeTable(SCHEMA, ROWS), rule, delivered.manifest, Wanted(3, 2, (), (2,)))
    assert page.answer is not None
    server.answers["GET", f"/versions/{delivered.id}/records/proof"] = page.answer.to_json()
    asked = ("version", "prove", delivered.id, "--record", "4", "--record", "3", "--json")
    told = console(*asked)
    assert (told.code, told.value["ok"], told.value["records"]) == (0, True, [3, 4]), told
    assert server.requests[0].url.params.get_list("index") == ["3", "4"]
    assert console(*asked[:-1], "--record", "5", "--json").value["error"]["code"] == "server-mismatch"


def test_people_see_the_table_under_its_own_headings(console: Console, delivered: Delivered) -> None:
    told = console("share", "records", SHARE, "--limit", "1", "--lang", "zh")
    assert told.code == 0, told
    heading, _, row, *_ = told.out.splitlines()
    assert [each.strip() for each in heading.split("┃")] == ["序号", "code", "name"]
    assert [each.strip() for each in row.split("│")] == ["0", "000000000000", "村0"]
