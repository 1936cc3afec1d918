"""A ledger that is only its console: founded, served and used by commands, as somebody would who read the README."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.cli.client import Client, read_api_key, segment
from ledger.domain.acts import Duty, Grade, Level, Method, Role, ShareType

SHARELEDGER = Path(__file__).parents[2] / ".venv/bin/shareledger"
START_SECONDS = 60
ROOT, PROVIDER, CONSUMER = "341500", "341500-TJJ", "341500-GJJ"
DATASET = f"{PROVIDER}/areas"
ITEM = {
    "name": "统计用区划代码",
    "abstract": "代码和名称",
    "provider": "市统计局",
    "items": [{"name": name, "type": "text", "description": name} for name in ("code", "name")],
    "data_format": 2,
    "update_cycle": "yearly",
    "share_method": "文件下载",
    "library": {"class": "base", "name": "自然资源和地理空间"},
    "assessments": {"secrecy": "00" * 32, "personal": "00" * 32},
    "source_department": "国家统计局",
}
WHY = {
    "basis": [{"law": "政务数据共享条例", "article": "第二十条"}],
    "scenario": "核对所在区划",
    "scope": {"items": ["code", "name"], "rows": "全部"},
    "method": int(Method.STORE),
    "purpose": "核对，不作他用",
}


@dataclass
class Ledger:
    """A home, and how commands find it. `owner` and `user` are URLs of the same database; empty: SQLite."""

    folder: Path
    owner: str
    user: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def passphrase(self) -> Path:
        return self.folder / "passphrase"

    def environment(self, url: str, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHARELEDGER_")}
        home = {"SHARELEDGER_HOME": str(self.folder / "home"), "SHARELEDGER_DATABASE_URL": url}
        return kept | home | self.settings | more

    def cli(self, *arguments: str | Path, owner: bool = False, expected: int = 0, by: str = "") -> Any:
        """What it prints. `by`: the department whose API key it uses."""
        more = {"SHARELEDGER_API_KEY_FILE": str(self.folder / f"{by}.key")} if by else {}
        done = subprocess.run(
            [SHARELEDGER, *arguments, "--json"], env=self.environment(self.owner if owner else self.user, **more),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == expected, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    @contextmanager
    def serving(self) -> Iterator[None]:
        with (self.folder / "log").open("a") as log:
            server = subprocess.Popen(
                [SHARELEDGER, "serve", "--passphrase-file", self.passphrase, "--json"],
                env=self.environment(self.user, SHARELEDGER_PORT="0"),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        late = threading.Timer(START_SECONDS, server.kill)
        late.start()
        with server:
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                late.cancel()
                assert line, (self.folder / "log").read_text()
                self.settings["SHARELEDGER_SERVER"] = json.loads(line)["address"]
                yield
            finally:
                server.terminate()
                server.wait(60)


def share_a_table(ledger: Ledger) -> str:
    """Register, publish, anchor, request, agree, deliver, download, verify, confirm; the share's id."""
    folder = ledger.folder

    def issue(department: str, role: str) -> None:
        key = folder / f"{department}.key"
        ledger.cli(
            "api-key", "issue", "--department", department, "--duty", "director", "--roles", role, "-o", key
        )  # fmt: skip

    def act(by: str, path: str, **body: Any) -> str:
        """Signed by the key that the host holds for the department; the act's digest, once it is final."""
        client = Client(ledger.settings["SHARELEDGER_SERVER"], read_api_key(folder / f"{by}.key"))
        with closing(client):
            done = client.post(path, body, wait=30)
        assert done["state"] == "final", done
        return str(done["digest"])

    issue(ROOT, "authority")
    for department, role in ((PROVIDER, Role.PROVIDER), (CONSUMER, Role.CONSUMER)):
        act(ROOT, "/departments", department=department, parent=ROOT, level=int(Level.CITY), roles=int(role))
        act(ROOT, f"/departments/{department}/keys", duty=int(Duty.DIRECTOR))
        issue(department, str(role.name).lower())
    of, kinds = {"dataset": DATASET}, {"share_type": int(ShareType.UNCONDITIONAL), "grade": int(Grade.GENERAL_1)}
    item = {**of, "department": PROVIDER, **kinds}
    revision = act(PROVIDER, "/datasets", **item, document=ITEM | item)
    act(ROOT, at("datasets", DATASET, "publication"))

    (folder / "areas.csv").write_text("code,name\n" + "".join(f"{341502000000 + n},村{n}\n" for n in range(500)))
    anchor = ("version", "anchor", folder / "areas.csv", "--dataset", DATASET, "--source", "统计局")
    version = ledger.cli(*anchor, by=PROVIDER)["digest"]
    asked = {"consumer": CONSUMER, **of, "revision": revision, "until": int(time.time()) + 86_400}
    share = act(CONSUMER, "/authorisations", **asked, document=asked | WHY)
    until = {"until": asked["until"]}
    act(PROVIDER, at("authorisations", share, "agreement"), **until, document={"scope": WHY["scope"]})
    method = int(Method.STORE)
    act(PROVIDER, at("authorisations", share, "deliveries"), version=version, method=method, document={})
    ledger.cli("share", "download", share, "-o", folder / "copy.csv", by=CONSUMER)
    assert (folder / "copy.csv").read_bytes() == (folder / "areas.csv").read_bytes()
    named = ("--version", version, "--share", share)
    assert ledger.cli("version", "verify", folder / "copy.csv", *named, by=CONSUMER)["ok"]
    act(CONSUMER, at("authorisations", share, "confirmation"), document={"version": version, "verified": True})
    return share


def at(noun: str, name: str, what: str) -> str:
    return f"/{noun}/{segment(name)}/{what}"
