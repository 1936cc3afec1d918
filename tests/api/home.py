"""A home of its own, founded and served by the real program; the story that is played there, and what it must hide."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from keys.envelope import unseal
from keys.keystore import Keystore, read_key_file
from keys.passphrases import Passphrase, generate
from ledger.domain.acts import Duty, Level, Role
from ledger.founding import found
from ledger.host import SystemClock
from ledger.runtime import VAULT, open_runtime
from ledger.services import api_keys
from ledger.services.versions import data_key_context, part_key_context
from ledger.settings import Settings
from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore
from ledger.store.vault import Vault
from tests.api.test_callers import ITEM

PROGRAM = Path(__file__).parents[2] / ".venv/bin/shareledger"
ROOT, PROVIDER, CONSUMER = "341500", "341500.tjj", "341500.gjj"
DATASET = "341500/tjj/persons"
ALL = Role(31)
BOTH = Role.PROVIDER | Role.CONSUMER
ROWS = 300
PEOPLE = [(f"34152519{number:010d}", f"密村民{number:04d}号") for number in range(ROWS)]
TABLE = "id,name\n" + "".join(f"{id},{name}\n" for id, name in PEOPLE)
COLUMNS = {"columns": [{"name": "id", "type": "text"}, {"name": "name", "type": "text"}]}
PROVENANCE = {"source": "统计局", "captured": 1_767_225_600, "method": "download"}
CITATION = [{"law": "政务数据共享条例", "article": "第二十条"}]
PURPOSE = "核对住房公积金缴存人"
UNTIL = 4_000_000_000


@dataclass
class Home:
    path: Path
    passphrase: Passphrase
    logs: Path
    argv: list[str] = field(default_factory=list)  # of every process of the product, while it ran
    tokens: list[str] = field(default_factory=list)
    secrets: dict[str, bytes] = field(default_factory=dict)  # what it is → the secret, raw
    share: str = ""
    version: str = ""
    request_ids: dict[str, str] = field(default_factory=dict)  # request id → act digest


def founded(folder: Path) -> Home:
    """Its passphrase lies beside the home, never in it."""
    secret = generate()
    beside = folder / "passphrase"
    beside.touch(mode=0o600)
    beside.write_bytes(secret.reveal())
    home = Home(folder / "home", secret, folder / "log")
    settings = Settings.load(home=home.path)

    async def open_once() -> None:
        await found(settings, lambda: secret, code=ROOT, level=Level.CITY, roles=ALL)
        async with open_runtime(settings, lambda: secret) as runtime:
            await runtime.catch_up()  # entry 0, so that the root authority can have an API key

    asyncio.run(open_once())
    return home


@contextmanager
def serving(home: Home) -> Iterator[str]:
    """The address of the program, which logs everything it ever would."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHARELEDGER_")}
    settings = {"HOME": str(home.path), "PORT": "0", "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json"}
    command = [PROGRAM, "serve", "--json", "--passphrase-file", str(home.path.with_name("passphrase"))]
    with home.logs.open("ab") as told:
        server = subprocess.Popen(
            command,
            env=kept | {f"SHARELEDGER_{name}": value for name, value in settings.items()},
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
        )
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line, home.logs.read_text()
            yield str(json.loads(line)["address"])
            home.argv += argv_of(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            rest, _ = server.communicate(timeout=60)
    assert (server.returncode, rest) == (0, "")


def argv_of(pid: int) -> list[str]:
    """Arguments and environment of a process and of those that it started."""
    top = psutil.Process(pid)
    family = [top, *top.children(recursive=True)]
    return [part for one in family for part in (*one.cmdline(), *(f"{k}={v}" for k, v in one.environ().items()))]


# ---- the story ------------------------------------------------------------------------------------------------------


class Caller:
    """A department's director, over HTTP; every request has an id of its own."""

    def __init__(self, home: Home, address: str, token: str) -> None:
        self._home = home
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False)

    def post(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        id = f"story-{len(self._home.request_ids)}"
        answer = self.http.post("/v1" + path, json=body, headers={"Prefer": "wait=50", "X-Request-ID": id})
        assert answer.status_code in (200, 201), (path, answer.text)
        assert answer.headers["x-request-id"] == id
        told: dict[str, Any] = answer.json()
        if "digest" in told and "state" in told:
            self._home.request_ids[id] = told["digest"]
        return told

    def get(self, path: str) -> httpx.Response:
        answer = self.http.get("/v1" + path)
        assert answer.status_code == 200, (path, answer.text)
        return answer


async def issued(home: Home, department: str, roles: Role) -> str:
    engine = open_engine(Settings.load(home=home.path).database)
    try:
        store = SqlStore(engine, Settings.load(home=home.path).chain_id)
        made = await api_keys.issue(store, SystemClock(), department, Duty.DIRECTOR, roles, "theft", 30)
    finally:
        await engine.dispose()
    home.tokens.append(made.token)
    return made.token


def play(home: Home, address: str) -> None:
    """Everything that touches a secret: keys made, payload uploaded, anchored, shared, delivered, read, verified."""

    def caller(department: str, roles: Role) -> Caller:
        return Caller(home, address, asyncio.run(issued(home, department, roles)))

    root = caller(ROOT, ALL)
    for code in (PROVIDER, CONSUMER):
        root.post("/departments", {"department": code, "parent": ROOT, "level": int(Level.CITY), "roles": int(BOTH)})
        mandate = {"department": code, "holder": "数据科", "purpose": "日常"}
        root.post(f"/departments/{code}/keys", {"duty": int(Duty.DIRECTOR), "mandate": mandate})
    provider, consumer = caller(PROVIDER, BOTH), caller(CONSUMER, BOTH)
    item = {"dataset": DATASET, "department": PROVIDER, "share_type": 1, "grade": 2, "document": ITEM}
    revision = provider.post("/datasets", item)["digest"]
    path = f"/datasets/{DATASET.replace('/', '~')}"
    root.post(f"{path}/publication", {})
    query = {"schema": json.dumps(COLUMNS), "provenance": json.dumps(PROVENANCE), "name": "persons.csv"}
    sent = provider.http.post(
        f"/v1{path}/payloads", params=query, content=TABLE.encode(), headers={"Content-Type": "text/csv"}
    )
    assert sent.status_code == 201, sent.text
    home.version = provider.post(f"{path}/versions", {"prepared": sent.json()["document"]})["digest"]
    asked = {"consumer": CONSUMER, "dataset": DATASET, "revision": revision, "until": UNTIL}
    said = {"basis": CITATION, "scope": {"items": ["id", "name"], "rows": "全部"}, "purpose": PURPOSE}
    asked["document"] = {**said, "scenario": "核验", "method": 1}
    home.share = consumer.post("/authorisations", asked)["digest"]
    provider.post(f"/authorisations/{home.share}/agreement", {"until": UNTIL, "document": {"scope": said["scope"]}})
    provider.post(f"/authorisations/{home.share}/deliveries", {"version": home.version, "method": 1, "document": {}})
    assert consumer.get(f"/authorisations/{home.share}/payload").content == TABLE.encode()
    for segment in consumer.get(f"/authorisations/{home.share}/keys").json()["segments"]:
        home.secrets[f"segment key from record {segment['first_record']}"] = bytes.fromhex(segment["key"])
    proof = consumer.get(f"/versions/{home.version}/records/42/proof").json()
    home.secrets["salt of record 42"] = bytes.fromhex(proof["salt"])
    report = consumer.http.post("/v1/verifications", params={"version": home.version}, content=TABLE.encode())
    assert report.json()["ok"] is True
    # what goes wrong is logged too
    assert consumer.http.get(
        f"/v1/authorisations/{home.share}/payload?x=%00", headers={"Range": "bytes=9-1"}
    ).is_success
    assert provider.http.post("/v1/acts", content=TABLE.encode()).status_code == 415
    assert provider.http.post("/v1/acts", json={"acts": [{"surprise": PEOPLE[1][1]}]}).status_code == 422
    assert (
        provider.http.get("/v1/ledger", headers={"Authorization": f"Bearer {home.tokens[1][:-1]}"}).status_code == 401
    )
    for one in (root, provider, consumer):
        one.http.close()


async def learn_secrets(home: Home) -> None:
    """With the passphrase: private keys, the vault's key, the payload's key."""
    keystore = Keystore(home.path / "keystore")
    for address in keystore.addresses():
        home.secrets[f"private key of {address}"] = private_key(keystore, address, home.passphrase)
    vault = keystore.secret(VAULT, home.passphrase)
    home.secrets["vault's key"] = vault
    settings = Settings.load(home=home.path)
    engine = open_engine(settings.database)
    try:
        async with SqlStore(engine, settings.chain_id).read() as work:
            for document, _ in await work.payload_objects():
                row = await work.payload(document)
                assert row is not None and row.wrapped_key is not None
                home.secrets[f"key of payload {document}"] = Vault(vault).unwrap(
                    row.wrapped_key, data_key_context(document)
                )
                for part in row.parts:
                    assert part.wrapped_key is not None
                    home.secrets[f"key of part {part.object}"] = Vault(vault).unwrap(
                        part.wrapped_key, part_key_context(document, part.first_record)
                    )
    finally:
        await engine.dispose()
    home.secrets["passphrase"] = home.passphrase.reveal()
    for token in home.tokens:
        home.secrets[f"API key {token.split('_')[1]}"] = bytes.fromhex(token.rpartition("_")[2])
    for number in (0, 42, ROWS - 1):
        id, name = PEOPLE[number]
        home.secrets[f"id of record {number}"], home.secrets[f"name of record {number}"] = id.encode(), name.encode()


def private_key(keystore: Keystore, address: str, passphrase: Passphrase) -> bytes:
    return bytes(unseal(read_key_file(keystore.folder / f"{address}.json"), passphrase))
