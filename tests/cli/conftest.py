"""A console, and a server it speaks to that records what it was asked and can be told to lie."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from keys.keystore import Keystore
from keys.passphrases import Passphrase, generate
from ledger.cli.main import run
from ledger.cli.run import Surroundings
from ledger.domain.acts import Module
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.values import Act
from ledger.proofs.typed_data import act_digest, typed_message
from ledger.services import drafting

CHAIN_ID = 7001
MODULES = {str(module): f"0x{number:040x}" for number, module in enumerate(Module, 1)}
NOW = 1_800_000_000
SHARE = "ab" * 32
Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class FakeServer:
    """Answers by (method, path below /v1); drafts and signed acts as the real one does."""

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    state: str = "final"
    lie: Callable[[dict[str, Any]], dict[str, Any]] = lambda draft: draft

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v1")
        answer = self.answers.get((request.method, path))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if callable(answer):
            return answer(request)
        if isinstance(answer, httpx.Response | Exception):
            if isinstance(answer, Exception):
                raise answer
            return answer
        if answer is not None:
            return httpx.Response(200, json=answer)
        return self._usual(request, path)

    def bodies(self, method: str = "POST") -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.method == method]

    def _usual(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/ledger":
            return httpx.Response(200, json={"chain_id": CHAIN_ID, "modules": MODULES, "as_of": None})
        if path == "/drafts":
            return httpx.Response(200, json=self.lie(draft(json.loads(request.content))))
        if path == "/acts":
            return httpx.Response(
                201, json={"items": [self._submission(one) for one in json.loads(request.content)["acts"]]}
            )
        if request.method == "POST":
            return httpx.Response(201, json={"digest": "cd" * 32, "state": self.state, "entry": 5})
        return problem(404, "not-found")

    def _submission(self, signed: dict[str, Any]) -> dict[str, Any]:
        told = dict(signed["act"])
        act = Act.from_json(told.pop("type"), told)
        digest = act_digest(act, CHAIN_ID, MODULES[act.type.module])
        return {
            "digest": digest,
            "act": signed["act"],
            "state": self.state,
            "entry": 5,
            "signatures": signed["signatures"],
        }


def draft(body: dict[str, Any]) -> dict[str, Any]:
    """What the real service drafts from the same body, for an object that nothing was done to yet."""
    values, documents = drafting._documents_in_place(body["act"], body["fields"], body.get("document"))
    act = Act.from_json(body["act"], {"signer": body.get("signer", "0x" + "0a" * 20), "prior": ZERO_DIGEST, **values})
    module = MODULES[act.type.module]
    texts = [document.body.decode() for document in documents]
    return {
        "act": {"type": act.name, **act.to_json()},
        "digest": act_digest(act, CHAIN_ID, module),
        "document": texts[0] if len(texts) == 1 else None,
        "documents": texts,
        "typed": typed_message(act, CHAIN_ID, module),
        "signers": [act.signer],
    }


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    """A problem document as the API writes it."""
    body = {"code": code, "title": code.title(), "status": status, "detail": f"it is {code}", "next_step": "do", **more}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON value on stdout."""
        assert self.out.endswith("\n") and self.out.count("\n") == 1
        return json.loads(self.out)


@dataclass
class Console:
    server: FakeServer
    capsys: pytest.CaptureFixture[str]
    clock: float = NOW
    slept: list[float] = field(default_factory=list)

    def __call__(self, *arguments: str) -> Outcome:
        code = run(
            arguments,
            Surroundings(transport=httpx.MockTransport(self.server), sleep=self._sleep, now=lambda: self.clock),
        )
        captured = self.capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the machine, English, no terminal."""
    for name in ("SERVER", "API_KEY_FILE", "LEDGER_FILE", "PKCS11_MODULE", "PKCS11_TOKEN"):
        monkeypatch.delenv(f"SHARELEDGER_{name}", raising=False)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def console(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(server, capsys)


@pytest.fixture
def api_key(tmp_path: Path) -> Path:
    path = tmp_path / "api-key"
    path.touch(0o600)
    path.write_text("slk_0123456789abcdef_" + "0" * 64 + "\n")
    return path


@dataclass(frozen=True)
class KeyFile:
    path: Path
    passphrase: Path
    address: str

    @property
    def options(self) -> tuple[str, ...]:
        return ("--keystore", str(self.path), "--passphrase-file", str(self.passphrase))


@pytest.fixture
def make_key(tmp_path: Path) -> Callable[[str], KeyFile]:
    def make(name: str) -> KeyFile:
        secret: Passphrase = generate()
        passphrase = tmp_path / f"{name}.passphrase"
        passphrase.touch(0o600)
        passphrase.write_bytes(secret.reveal())
        store = Keystore(tmp_path / name, cost=2)
        address = store.create(secret)
        return KeyFile(store.folder / f"{address}.json", passphrase, address)

    return make


@pytest.fixture
def ledger(tmp_path: Path) -> tuple[str, ...]:
    """Where the ledger is, got from somewhere the caller trusts."""
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps({"chain_id": CHAIN_ID, "modules": MODULES}))
    return "--ledger", str(path)
