"""Signing here: an honest draft is signed so that the chain accepts it; a lying one never is."""

import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keys.signer import recover
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.values import Act
from ledger.proofs.typed_data import act_digest, typed_message

from .conftest import CHAIN_ID, MODULES, NOW, SHARE, Console, FakeServer, KeyFile

SUSPEND = ("share", "suspend", SHARE, "--reasons", "用于目的之外")
Lie = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def key(make_key: Callable[[str], KeyFile]) -> KeyFile:
    return make_key("own")


def test_an_honest_draft_is_signed_and_sent(console: Console, server: FakeServer, key: KeyFile) -> None:
    done = console(*SUSPEND, *key.options, "--json")
    assert (done.code, done.value["state"]) == (0, "final")
    (draft, sent) = server.bodies()
    assert draft["signer"] == key.address and draft["fields"] == {"share": SHARE, "valid_until": NOW + 900}
    (signed,) = sent["acts"]
    act = Act.from_json("SuspendShare", {name: value for name, value in signed["act"].items() if name != "type"})
    digest = act_digest(act, CHAIN_ID, MODULES["Authorisations"])
    (signature,) = signed["signatures"]
    assert recover(bytes.fromhex(digest), bytes.fromhex(signature[2:])) == key.address
    assert hashlib.sha256(signed["document"].encode()).hexdigest() == act["document"]
    assert json.loads(signed["document"])["reasons"] == "用于目的之外"
    assert server.requests[-1].headers["Idempotency-Key"]


def test_act_and_document_are_shown_before_they_are_signed(console: Console, key: KeyFile) -> None:
    done = console(*SUSPEND, *key.options)
    assert "This act will be signed" in done.err and key.address in done.err and "用于目的之外" in done.err


def _redigested(draft: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The draft as a clever liar would make it: another act, with everything that follows from it right."""
    told = {**draft["act"], **fields}
    act = Act.from_json(told["type"], {name: value for name, value in told.items() if name != "type"})
    module = MODULES[act.type.module]
    return draft | {
        "act": told,
        "digest": act_digest(act, CHAIN_ID, module),
        "typed": typed_message(act, CHAIN_ID, module),
    }


def _with_document(draft: dict[str, Any], text: str) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return _redigested(draft, document=digest) | {"document": text, "documents": [text]}


def _other_chain(draft: dict[str, Any]) -> dict[str, Any]:
    act = Act.from_json("SuspendShare", {name: value for name, value in draft["act"].items() if name != "type"})
    module = MODULES["Authorisations"]
    return draft | {"digest": act_digest(act, CHAIN_ID + 1, module), "typed": typed_message(act, CHAIN_ID + 1, module)}


def _other_reasons(draft: dict[str, Any]) -> dict[str, Any]:
    return _with_document(draft, draft["document"].replace("用于目的之外", "已改正"))


def _more_said(draft: dict[str, Any]) -> dict[str, Any]:
    return _with_document(draft, _canonical({**json.loads(draft["document"]), "notes": "并且同意"}))


def _said_twice(draft: dict[str, Any]) -> dict[str, Any]:
    return _with_document(draft, draft["document"].replace('{"kind"', '{"reasons":"其他","kind"'))


def _canonical(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


LIES: dict[str, Lie] = {
    "another digest": lambda draft: draft | {"digest": "12" * 32},
    "another chain": _other_chain,
    "another share": lambda draft: _redigested(draft, share="ef" * 32),
    "another signer": lambda draft: _redigested(draft, signer="0x" + "1" * 40),
    "valid for longer": lambda draft: _redigested(draft, valid_until=NOW + 90_000),
    "another act": lambda draft: _redigested(draft, type="ResumeShare"),
    "a document shown but another signed": lambda draft: _redigested(draft, document="34" * 32),
    "a document swapped": _other_reasons,
    "a document that says more": _more_said,
    "a document with a member twice": _said_twice,
    "a document nobody asked for": lambda draft: draft | {"documents": [*draft["documents"], '{"kind":"x"}']},
    "the document left out": lambda draft: _redigested(draft, document=ZERO_DIGEST) | {"documents": []},
    "other typed data": lambda draft: draft | {"typed": draft["typed"] | {"primaryType": "EndShare"}},
    "nonsense": lambda draft: {"act": 1},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_draft_is_never_signed(console: Console, server: FakeServer, key: KeyFile, lie: str) -> None:
    server.lie = LIES[lie]
    done = console(*SUSPEND, *key.options, "--json")
    assert done.code == 1
    assert done.value["error"]["code"] == "server-mismatch"
    assert [request.url.path for request in server.requests if request.method == "POST"] == ["/v1/drafts"]


def test_a_pinned_ledger_is_held_against_the_servers(
    console: Console, server: FakeServer, key: KeyFile, tmp_path: Path
) -> None:
    pin = tmp_path / "manifest.json"
    pin.write_text(json.dumps({"chain_id": CHAIN_ID, "modules": MODULES}))
    assert console(*SUSPEND, *key.options, "--ledger", str(pin)).code == 0
    server.answers["GET", "/ledger"] = {"chain_id": CHAIN_ID + 1, "modules": MODULES}
    assert console(*SUSPEND, *key.options, "--ledger", str(pin), "--json").value["error"]["code"] == "server-mismatch"
    moved = MODULES | {"Authorisations": "0x" + "9" * 40}
    server.answers["GET", "/ledger"] = {"chain_id": CHAIN_ID, "modules": moved}
    assert console(*SUSPEND, *key.options, "--ledger", str(pin)).code == 1


def test_parts_of_a_document_are_checked_as_well(console: Console, server: FakeServer, key: KeyFile) -> None:
    revision = "77" * 32
    server.answers["GET", "/datasets/341500~tjj~codes"] = {"published": revision}
    server.answers["GET", f"/keys/{key.address}"] = {"department": "341500.gjj"}
    request = (
        *("share", "request", "--dataset", "341500/tjj/codes", "--basis", "政务数据共享条例第二十条"),
        *("--scenario", "缴存核验", "--scope", "code,name; 六安市", "--method", "store", "--until", "+90d"),
        *("--purpose", "核验", *key.options, "--json"),
    )
    done = console(*request)
    assert done.code == 0, done.err
    (signed,) = server.bodies()[-1]["acts"]
    documents = {hashlib.sha256(text.encode()).hexdigest(): json.loads(text) for text in signed["documents"]}
    assert documents[signed["act"]["scope"]]["scope"] == {"items": ["code", "name"], "rows": "六安市"}
    whole = documents[signed["act"]["document"]]
    assert whole["basis"] == [{"law": "政务数据共享条例", "article": "第二十条"}]
    assert (whole["consumer"], whole["revision"], whole["method"]) == ("341500.gjj", revision, 1)
    assert signed["act"]["until"] == NOW + 90 * 86_400

    def widened(draft: dict[str, Any]) -> dict[str, Any]:
        texts = [text.replace("六安市", "全省") if '"kind":"scope"' in text else text for text in draft["documents"]]
        (scope,) = (text for text in texts if '"kind":"scope"' in text)
        digest = hashlib.sha256(scope.encode()).hexdigest()
        return _redigested(draft, scope=digest) | {"documents": texts}

    server.lie = widened
    assert console(*request).value["error"]["code"] == "server-mismatch"


def test_a_new_key_signs_its_own_enrolment(
    console: Console, server: FakeServer, key: KeyFile, make_key: Callable[[str], KeyFile]
) -> None:
    new = make_key("new")
    new_options = ("--new-keystore", str(new.path), "--new-passphrase-file", str(new.passphrase))
    told = ("--duty", "officer", "--holder", "数据管理科", "--purpose", "数据共享")
    enrol = ("key", "enrol", "341500.gjj", *told)
    assert console(*enrol, *key.options, *new_options).code == 0
    (signed,) = server.bodies()[-1]["acts"]
    act = Act.from_json("EnrolKey", {name: value for name, value in signed["act"].items() if name != "type"})
    digest = bytes.fromhex(act_digest(act, CHAIN_ID, MODULES["Departments"]))
    signers = [recover(digest, bytes.fromhex(signature[2:])) for signature in signed["signatures"]]
    assert signers == [key.address, new.address] and act["key"] == new.address and act["custody"] == 1
    assert console(*enrol, *key.options).code == 2

    assert console(*enrol, *new_options).code == 0, "the server holds the director's key and signs beside the new one"
    (signed,) = server.bodies()[-1]["acts"]
    assert signed["signatures"][0] is None and signed["signatures"][1] is not None
    assert (signed["act"]["key"], signed["act"]["custody"]) == (new.address, 1)
    assert console(*enrol, *key.options, *new_options, "--custody", "host").code == 2


def test_the_answer_must_be_about_the_signed_act(console: Console, server: FakeServer, key: KeyFile) -> None:
    server.answers["POST", "/acts"] = {"items": [{"digest": "99" * 32, "state": "final"}]}
    assert console(*SUSPEND, *key.options).code == 1


def test_a_wrong_passphrase_and_a_readable_key_file_are_refused(
    console: Console, server: FakeServer, key: KeyFile, make_key: Callable[[str], KeyFile]
) -> None:
    other = make_key("other")
    wrong = ("--keystore", str(key.path), "--passphrase-file", str(other.passphrase))
    assert console(*SUSPEND, *wrong, "--json").value["error"]["code"] == "wrong-passphrase"
    key.path.chmod(0o644)
    assert console(*SUSPEND, *key.options, "--json").value["error"]["code"] == "unsafe-permissions"
    assert "/v1/acts" not in {request.url.path for request in server.requests}


def test_no_passphrase_is_asked_for_without_a_terminal(console: Console, key: KeyFile) -> None:
    assert console(*SUSPEND, "--keystore", str(key.path), "--json").value["error"]["code"] == "no-passphrase"


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("是\n", 0), ("n\n", 2), ("", 2)])
def test_in_a_terminal_it_asks_before_it_signs(
    console: Console, server: FakeServer, key: KeyFile, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert console(*SUSPEND, *key.options, "--json").code == code
    assert (server.requests[-1].url.path == "/v1/acts") == (code == 0)
