"""The demonstration is the product's main job: every member of its answer, and the world it leaves, is checked.

It is played once, by the same command as the README's.
"""

import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "scripts/demo"
SHARELEDGER = REPOSITORY / ".venv/bin/shareledger"
MEMBERS = {
    "ok", "records", "root", "entries", "head", "verified", "shares", "tampered", "refusals", "audit", "seconds",
}  # fmt: skip
HEX = re.compile(r"[0-9a-f]{64}")
VILLAGES = 620_573

pytestmark = pytest.mark.timeout(420)


@dataclass(frozen=True)
class Played:
    home: Path
    secrets: Path
    told: str  # stderr
    result: dict[str, Any]
    served: str  # what a health check said while it was left running, its status first


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHARELEDGER_")}
    return kept | settings


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Played with every option. `--keep` is meant from where the caller stands; temporary files go where we look."""
    folder = tmp_path_factory.mktemp("demo")
    temporary = tmp_path_factory.mktemp("temporary")
    told = folder / "stderr"
    with told.open("w") as stderr, started(temporary, folder, stderr, "--keep", "kept/ledger", "--serve") as demo:
        assert demo.stdout is not None
        answer = demo.stdout.readline()
        assert answer, told.read_text()
        served = answers(told, demo)
        os.killpg(demo.pid, signal.SIGINT)
        rest, _ = demo.communicate(timeout=60)
    assert (demo.returncode, rest) == (0, ""), "with --json, stdout is for the one object"
    assert list(temporary.iterdir()) == [] and processes_of(folder) == []
    home = folder / "kept/ledger"
    return Played(home, home.with_name("ledger-secrets"), told.read_text(), json.loads(answer), served)


def started(temporary: Path, folder: Path, stderr: IO[str], *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [DEMO, "--json", *options],
        cwd=folder,
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )


def answers(told: Path, demo: "subprocess.Popen[str]") -> str:
    """What the health check says at the address that --serve prints."""
    while demo.poll() is None:
        if found := re.search(r"服务运行于 (http://127\.0\.0\.1:[0-9]+)", told.read_text()):
            deadline = time.monotonic() + 30  # a busy machine may be behind its own chain for a moment
            while True:
                said = httpx.get(f"{found[1]}/readyz", trust_env=False)
                if said.status_code == 200 or time.monotonic() > deadline:
                    return f"{said.status_code} {said.text}"
                select.select([], [], [], 0.5)
        select.select([], [], [], 0.05)
    raise AssertionError(told.read_text())


def replay(home: Path) -> tuple[int, dict[str, Any]]:
    """The auditor's command, with no passphrase."""
    done = subprocess.run(
        [SHARELEDGER, "audit", "replay", "--json"],
        env=environment(SHARELEDGER_HOME=str(home)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def row_of(home: Path, query: str) -> Any:
    with closing(sqlite3.connect(f"file:{home}/store/ledger.sqlite3?mode=ro", uri=True)) as database:
        return database.execute(query).fetchone()


def test_the_answer_has_exactly_its_members(played: Played) -> None:
    result = played.result
    assert result.keys() == MEMBERS
    assert result["ok"] is True
    assert result["records"] == VILLAGES
    assert HEX.fullmatch(result["root"]) and HEX.fullmatch(result["head"])
    assert result["entries"] > 200
    assert result["verified"] == {"table": True, "record": True, "on_chain": True}
    assert result["shares"] == {"agreed": 2, "granted": 1}
    assert result["tampered"] == {"detected": True, "record_index": 215_674}
    assert result["refusals"] == ["departments-key-retired", "no-share", "share-expired"]
    assert 0 < result["seconds"] < 400
    assert played.served.startswith("200 "), played.served


def test_the_audit_is_clean_and_names_what_was_tampered_with(played: Played) -> None:
    audit = played.result["audit"]
    assert audit.keys() == {"clean_findings", "head_matches", "tamper_findings"}
    assert audit["clean_findings"] == 0 and audit["head_matches"] is True
    (granted,) = row_of(played.home, "SELECT id FROM shares WHERE granted")
    found = {finding["code"]: finding["subject"] for finding in audit["tamper_findings"]}
    (stored,) = row_of(played.home, "SELECT object FROM payloads WHERE object IS NOT NULL")
    assert found == {"row-changed": f"shares/{granted}", "payload-changed": stored}


def test_the_story_is_told_in_two_languages(played: Played) -> None:
    told = played.told
    for step in range(1, 7):
        assert re.search(rf"^{step}  .+ · .+", told, re.MULTILINE), f"step {step} is missing"
    for words in ("霍山县", "六安经济开发区 341502400", "without the provider's consent", "未经提供部门同意"):
        assert words in told
    assert "1,241,146" in told and "620,573" in told, "A and B are printed"
    assert "Traceback" not in told


def test_the_tree_is_the_real_one_four_levels_deep(played: Played) -> None:
    counted = "SELECT count(*) FROM departments WHERE level = {} AND parent {}"
    assert row_of(played.home, counted.format(3, "= '341500'")) == (8,)
    assert row_of(played.home, "SELECT parent, level FROM departments WHERE code = '341502400'") == ("341500", 3)
    assert row_of(played.home, counted.format(4, "= '341525'")) == (17,)
    assert row_of(played.home, counted.format(5, "LIKE '341525%'")) == (145,)


def test_one_department_keeps_its_own_keys(played: Played) -> None:
    held = row_of(played.home, "SELECT count(*), min(custody), max(custody) FROM keys WHERE department = '341500-GJJ'")
    assert held == (4, 1, 1)
    files = {path.name for path in (played.home / "keystore").iterdir()}
    own = {path.name for path in (played.secrets / "own-keys").iterdir()}
    assert len(own) == 4 and not own & files


def test_the_kept_world_is_private_and_complete(played: Played) -> None:
    for path in (played.home, played.secrets):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (played.secrets / "passphrase").stat().st_mode & 0o777 == 0o600
    assert not (played.secrets / "scratch").exists()
    passphrase = (played.secrets / "passphrase").read_bytes().strip()
    assert not any(passphrase in path.read_bytes() for path in played.home.rglob("*") if path.is_file())


def test_the_kept_world_replays_then_tampering_is_found(played: Played) -> None:
    code, report = replay(played.home)
    assert code == 0 and report["clean"] and report["findings"] == []
    assert (report["entries"], report["head"]) == (played.result["entries"], played.result["head"])

    with closing(sqlite3.connect(played.home / "store/ledger.sqlite3")) as database, database:
        changed = database.execute("UPDATE departments SET roles = 31 WHERE code = '341525100001'")
        assert changed.rowcount == 1
    code, report = replay(played.home)
    assert code == 1 and not report["clean"]
    assert [finding["subject"] for finding in report["findings"]] == ["departments/341525100001"]


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = subprocess.run(
        [DEMO, "--json", "--keep", str(tmp_path)], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ok"] is False and answer.keys() == MEMBERS
    assert "--keep" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """As a terminal does it: the signal goes to the whole foreground group."""
    with (tmp_path.parent / "interrupted").open("w+") as stderr, started(tmp_path, tmp_path, stderr) as demo:
        while "#2 " not in Path(stderr.name).read_text() and demo.poll() is None:
            select.select([], [], [], 0.05)
        os.killpg(demo.pid, signal.SIGINT)
        answer, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert json.loads(answer)["ok"] is False
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def processes_of(folder: Path) -> list[str]:
    """The processes whose environment or command line names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue  # ended meanwhile, or somebody else's
        if str(folder).encode() in said:
            found.append(process.name)
    return found
