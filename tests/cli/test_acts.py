"""What the acts' commands send when the host signs: route, body, document."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.act_table import ACT_ROUTES
from ledger.cli.acts import ActCommand
from ledger.cli.failures import InvalidOption
from ledger.cli.members import read_citation, read_scope
from ledger.cli.values import named, read_json, read_roles, read_time
from ledger.domain.acts import Cause, Level

from .conftest import NOW, SHARE, Console, FakeServer

VERSION = "ee" * 32


def sent(server: FakeServer) -> tuple[str, Any]:
    request = server.requests[-1]
    return request.url.raw_path.decode().removeprefix("/v1"), json.loads(request.content)


def test_every_act_has_a_command_on_the_apis_own_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for those of the ledger itself, which its root signs once in its life."""
    import importlib

    from ledger.cli import acts

    made: list[ActCommand] = []
    original = acts.act_command
    monkeypatch.setattr(acts, "act_command", lambda app, verb, told: (made.append(told), original(app, verb, told)))
    for noun in ("department", "key", "dataset", "version", "share", "attest", "correction", "rule", "checkpoint"):
        spec = importlib.util.find_spec(f"ledger.cli.{noun}")
        assert spec is not None and spec.loader is not None
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    routes = {told.act: told.route for told in made} | {"AnchorVersion": "/datasets/{dataset}/versions"}
    expected = {route.act: route.path for route in ACT_ROUTES if route.tag != "ledger"}
    assert routes == expected


def test_fields_and_members_become_a_body(console: Console, server: FakeServer) -> None:
    department = ("department", "register", "341500.tjj", "--parent", "341500", "--level", "city")
    assert console(*department, "--roles", "provider,consumer", "--name", "市统计局").code == 0
    assert sent(server) == (
        "/departments",
        {"department": "341500.tjj", "parent": "341500", "level": 2, "roles": 6, "document": {"name": "市统计局"}},
    )
    assert console("share", "end", SHARE, "--cause", "purpose-ended", "--reasons", "已完成").code == 0
    assert sent(server) == (f"/authorisations/{SHARE}/end", {"cause": 1, "document": {"reasons": "已完成"}})
    assert console("key", "enrol", "341500.tjj", "--duty", "lead", "--holder", "科长").code == 0
    body = {"kind": 1, "duty": 2, "custody": 2, "start": 0, "until": 0, "mandate": {"holder": "科长"}}
    assert sent(server) == ("/departments/341500.tjj/keys", body)
    assert console("key", "retire", "0x" + "a" * 40, "--reasons", "轮换", "--reason", "left").code == 0
    assert sent(server) == (
        f"/keys/0x{'a' * 40}/retirement",
        {"since": NOW, "reason": 2, "document": {"reasons": "轮换"}},
    )
    assert console("dataset", "publish", "341500/tjj/codes").code == 0
    assert sent(server) == ("/datasets/341500~tjj~codes/publication", {})


def test_options_go_before_the_documents_file(console: Console, server: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "refusal.json"
    file.write_text(json.dumps({"kind": "refusal", "reasons": "旧", "basis": [{"law": "条例"}]}))
    assert console("share", "refuse", SHARE, "--document", str(file), "--reasons", "新").code == 0
    assert sent(server)[1]["document"] == {"kind": "refusal", "reasons": "新", "basis": [{"law": "条例"}]}


def test_agreeing_takes_over_what_was_requested(console: Console, server: FakeServer) -> None:
    import hashlib

    scope = b'{"kind":"scope","salt":"x","scope":{"items":["code"],"rows":"all"}}'
    digest = hashlib.sha256(scope).hexdigest()
    server.answers["GET", f"/authorisations/{SHARE}"] = {"scope": digest, "conditions": "0" * 64, "requested_until": 9}
    server.answers["GET", f"/documents/{digest}"] = lambda request: httpx.Response(200, content=scope)
    assert console("share", "agree", SHARE).code == 0
    expected = {"until": 9, "scope": digest, "document": {"scope": {"items": ["code"], "rows": "all"}}}
    assert sent(server) == (f"/authorisations/{SHARE}/agreement", expected)
    assert console("share", "agree", SHARE, "--scope", "code; some", "--until", "8").code == 0
    assert sent(server)[1] == {"until": 8, "document": {"scope": {"items": ["code"], "rows": "some"}}}
    server.answers["GET", f"/documents/{digest}"] = lambda request: httpx.Response(200, content=scope + b" ")
    assert console("share", "agree", SHARE, "--json").value["error"]["code"] == "corrupt"


def test_delivering_takes_the_newest_version_that_stands(console: Console, server: FakeServer) -> None:
    versions = [{"id": "a", "number": 1, "shredded": False}, {"id": "b", "number": 2, "shredded": True}]
    server.answers["GET", f"/authorisations/{SHARE}"] = {"dataset": "d/1"}
    server.answers["GET", "/datasets/d~1/versions"] = {"items": versions, "as_of": None}
    assert console("share", "deliver", SHARE).code == 0
    assert sent(server) == (f"/authorisations/{SHARE}/deliveries", {"version": "a", "method": 1})
    server.answers["GET", "/datasets/d~1/versions"] = {"items": [], "as_of": None}
    assert console("share", "deliver", SHARE).code == 2


def test_requesting_names_the_published_revision(console: Console, server: FakeServer) -> None:
    request = ("share", "request", "--dataset", "d/1", "--consumer", "c", "--until", "2026-12-31", "--scope", "a")
    server.answers["GET", "/datasets/d~1"] = {"published": "77" * 32}
    assert console(*request, "--renews", SHARE).code == 0
    path, body = sent(server)
    assert (path, body["revision"], body["prior"]) == ("/authorisations", "77" * 32, SHARE)
    server.answers["GET", "/datasets/d~1"] = {"published": None}
    assert console(*request).code == 2


def test_attesting_measures_unless_a_report_is_given(console: Console, server: FakeServer) -> None:
    rules = "88" * 32
    report = {"kind": "quality-report", "version": VERSION, "rules": rules, "score": 990_000}
    server.answers["POST", f"/versions/{VERSION}/measurements"] = {"document": report, "score": 990_000}
    assert console("attest", "make", VERSION, "--rules", rules).code == 0
    body = {"rules": rules, "score": 990_000, "self_attested": False, "document": report}
    assert sent(server) == (f"/versions/{VERSION}/attestations", body)
    assert console("attest", "make", VERSION).code == 2


def test_shredding_is_of_the_whole_version_or_of_segments(console: Console, server: FakeServer) -> None:
    assert console("version", "shred", VERSION, "--reasons", "到期").code == 2  # all of it has to be said
    assert console("version", "shred", VERSION, "--whole", "--reasons", "到期").code == 0
    assert server.bodies() == [{"whole": True, "document": {"reasons": "到期"}}]
    server.requests.clear()
    server.state = "queued"
    assert console("version", "shred", VERSION, "--reasons", "到期", "--segments", "65536", "--wait", "0").code == 0
    assert server.bodies() == [{"whole": False, "document": {"reasons": "到期", "segments": [65536]}}]
    assert console("version", "shred", VERSION, "--whole", "--segments", "0").code == 2


def test_a_checkpoint_is_of_the_entry_log_as_it_stands(console: Console, server: FakeServer) -> None:
    fields = {"log": "entries", "size": "12", "root": "1" * 64, "state": "2" * 64}
    server.answers["POST", "/checkpoints/drafts"] = {"act_fields": fields}
    assert console("checkpoint", "publish", "entries").code == 0
    assert sent(server) == ("/checkpoints", fields)


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("+90d", False, NOW + 90 * 86_400),
        ("+3s", False, NOW + 3),
        ("1798732799", False, 1798732799),
        ("2026-12-31", True, 1798732799),
        ("2026-12-31", False, 1798646400),
        ("2026-12-31T18:00", False, 1798711200),
        ("2026-12-31T10:00+00:00", False, 1798711200),
    ],
)
def test_times(text: str, end: bool, expected: int) -> None:
    assert read_time(text, NOW, end=end) == expected


@pytest.mark.parametrize("text", ["", "soon", "+d", "-1d", "2026-02-30", "20261231T", "+1y"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidOption):
        read_time(text, NOW)


def test_names_roles_scopes_and_citations() -> None:
    assert named(Cause)("purpose-ended") == named(Cause)("1") == named(Cause)("Purpose_Ended") == 1
    assert read_roles("none") == 0 and read_roles("authority, auditor") == 17
    for read, text in ((named(Level), "county-ish"), (named(Level), "9"), (read_roles, "king")):
        with pytest.raises(InvalidOption):
            read(text)
    assert read_scope("code，name", NOW) == {"items": ["code", "name"], "rows": "全部"}
    with pytest.raises(InvalidOption):
        read_scope("; rows", NOW)
    assert read_citation("统计法", NOW) == {"law": "统计法"}
    assert read_citation("政务数据共享条例 第二十一条第二款", NOW)["article"] == "第二十一条第二款"


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_a_documents_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "d.json"
    file.write_bytes(content)
    with pytest.raises(InvalidOption):
        read_json(file)


def test_a_missing_documents_file(console: Console) -> None:
    told = console("share", "refuse", SHARE, "--document", "/nowhere/d.json", "--json")
    assert (told.code, told.value["error"]["code"]) == (2, "unreadable-file")
