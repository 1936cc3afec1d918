"""Proofs made, saved and checked with no server; tables compared; a fingerprint gone on from the one before."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from keys.signer import LocalSigner
from ledger.cli.key_files import keep_keys, read_key_file
from ledger.domain.acts import Mark
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.values import Act
from ledger.fingerprint import CsvSource, Manifest, SegmentKeys, fingerprint_table
from ledger.proofs.typed_data import act_digest

from .conftest import CHAIN_ID, MODULES, NOW, Answer, Console, FakeServer, problem
from .test_version import ANCHOR, AT, DATASET, SCHEMA, Anchored, anchor_fields, document_of, prepare_elsewhere

KEYS = SegmentKeys.fresh()


def written(path: Path, count: int, *, changed: int | None = None) -> Path:
    rows = [f"{number:012d},村{number}" for number in range(count)]
    if changed is not None:
        rows[changed] += "改"
    path.write_text("\n".join(["code,name", *rows]) + "\n")
    return path


def anchored_as(file: Path, number: int, keys: SegmentKeys = KEYS) -> Anchored:
    size, signer = file.stat().st_size, LocalSigner(b"\x07" * 32)
    fingerprint, manifest = fingerprint_table(CsvSource(file), SCHEMA, keys)
    document = document_of(size, number)
    fields = {**anchor_fields(fingerprint, size, document.digest), "number": number}
    act = Act.from_json("AnchorVersion", {"signer": signer.address, "prior": ZERO_DIGEST, "valid_until": NOW, **fields})
    digest = act_digest(act, CHAIN_ID, MODULES["Datasets"])
    signatures = (signer.sign(bytes.fromhex(digest)),)
    entry = Entry(number, MODULES["Datasets"], act, digest, signatures, "341500.tjj", Mark(0), NOW, "0" * 64)
    return Anchored(file, entry, document, manifest, keys)


@pytest.fixture
def first(tmp_path: Path, server: FakeServer) -> Anchored:
    made = anchored_as(written(tmp_path / "first.csv", 600), 1)
    made.publish(server)
    return made


@pytest.fixture
def second(tmp_path: Path, server: FakeServer) -> Anchored:
    made = anchored_as(written(tmp_path / "second.csv", 900), 2)
    made.publish(server)
    return made


@pytest.fixture
def saved(console: Console, server: FakeServer, first: Anchored, tmp_path: Path) -> str:
    """The first version's material, with keys, as saved from the server."""
    path = tmp_path / "material.json"
    server.answers["GET", f"/versions/{first.id}/keys"] = first.material()
    assert console("version", "material", first.id, "--keys", "-o", str(path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return str(path)


def streamed(content: bytes) -> Answer:
    return lambda _: httpx.Response(200, stream=httpx.ByteStream(content))


def unplugged(server: FakeServer) -> None:
    """No server answers any more."""
    server.answers.clear()
    for path in ("/ledger",):
        server.answers["GET", path] = problem(503, "unavailable")
    server.requests.clear()


def test_many_records_are_proven_from_a_copy_and_checked_offline(
    console: Console, server: FakeServer, first: Anchored, saved: str, ledger: tuple[str, ...], tmp_path: Path
) -> None:
    unplugged(server)
    proof = str(tmp_path / "proof.json")
    offline = ("--material", saved, *ledger, "--json")
    records = ("--record", "5", "--record", "599", "--record", "5")
    made = console("version", "prove", first.id, *records, "--file", str(first.file), "-o", proof, *offline)
    assert (made.code, made.value["ok"], made.value["records"]) == (0, True, [5, 599])
    told = json.loads(Path(proof).read_text())
    assert [one["index"] for one in told["records"]] == [5, 599] and told["format"] == "share-answer/1"
    verify = ("version", "verify", proof, "--proof", "--version", first.id, *offline)
    assert console(*verify).value["ok"] is True
    told["records"][1]["cells"][1] = "别的村"
    Path(proof).write_text(json.dumps(told))
    wrong = console(*verify)
    assert (wrong.code, wrong.value["ok"], wrong.value["differences"]) == (1, False, [5, 599])
    assert not server.requests


def test_one_record_is_proven_from_a_copy(
    console: Console, server: FakeServer, first: Anchored, saved: str, ledger: tuple[str, ...], tmp_path: Path
) -> None:
    unplugged(server)
    proof = str(tmp_path / "proof.json")
    offline = ("--material", saved, *ledger, "--json")
    made = console("version", "prove", first.id, "--record", "42", "--file", str(first.file), "-o", proof, *offline)
    assert made.value["ok"] is True
    assert console("version", "verify", proof, "--proof", "--version", first.id, *offline).value["ok"] is True
    for records in (["600"], ["3", "600"]):
        asked = [word for record in records for word in ("--record", record)]
        told = console("version", "prove", first.id, *asked, "--file", str(first.file), *offline)
        assert (told.code, told.value["error"]["code"]) == (2, "not-found")
    other = written(tmp_path / "other.csv", 600, changed=42)
    told = console("version", "prove", first.id, "--record", "42", "--file", str(other), *offline)
    assert (told.code, told.value["error"]["code"]) == (2, "invalid-proof")


def test_a_copy_and_a_folder_of_parts_are_checked_offline(
    console: Console, server: FakeServer, first: Anchored, saved: str, ledger: tuple[str, ...], tmp_path: Path
) -> None:
    unplugged(server)
    offline = ("--version", first.id, "--material", saved, *ledger, "--json")
    assert console("version", "verify", str(first.file), *offline).value["ok"] is True
    lines = first.file.read_text().splitlines(keepends=True)
    parts = tmp_path / "parts"
    parts.mkdir()
    for number in range(3):
        (parts / f"part-{number}.csv").write_text("".join([lines[0], *lines[1 + number * 200 : 201 + number * 200]]))
    told = console("version", "verify", str(parts), *offline)
    assert (told.code, told.value["ok"]) == (0, True)
    (parts / "part-1.csv").unlink()
    assert console("version", "verify", str(parts), *offline).code == 1
    assert not server.requests


def test_without_a_server_the_ledger_must_be_pinned(console: Console, first: Anchored, saved: str) -> None:
    told = console("version", "verify", str(first.file), "--version", first.id, "--material", saved, "--json")
    assert (told.code, told.value["error"]["code"]) == (2, "invalid-option")


def test_saved_material_is_not_believed(
    console: Console, first: Anchored, saved: str, ledger: tuple[str, ...], tmp_path: Path
) -> None:
    verify = ("version", "verify", str(first.file), "--version", first.id, "--material", saved, *ledger, "--json")
    entry = replace(first.entry, act=first.entry.act.replace(root="34" * 32))
    for material in (first.material(entry=entry), first.material(manifest=Manifest(1, [bytes(32)]))):
        Path(saved).write_text(json.dumps(material))
        assert console(*verify).code == 1
    for text in ("{", "[" * 5000, json.dumps({**first.material(), "more": 1})):
        Path(saved).write_text(text)
        assert console(*verify).code == 2
    assert console("version", "material", first.id, "-o", saved).code == 2, "no file is written over"


def test_growth_is_proven_and_checked_offline(
    console: Console, server: FakeServer, first: Anchored, second: Anchored, ledger: tuple[str, ...], tmp_path: Path
) -> None:
    proof, materials = tmp_path / "growth.json", []
    told = console("version", "growth", first.id, second.id, "-o", str(proof), "--json")
    assert (told.code, told.value["ok"]) == (0, True), told
    for number, one in enumerate((first, second)):
        materials.append(str(tmp_path / f"{number}.json"))
        server.answers["GET", f"/versions/{one.id}/keys"] = problem(403, "not-permitted")
        assert console("version", "material", one.id, "-o", materials[-1]).code == 0
    verify = ("version", "verify", str(proof), "--proof", "--version", second.id, "--json")
    assert console(*verify, "--since", first.id).value["ok"] is True
    unplugged(server)
    offline = ("--material", materials[1], "--since-material", materials[0], *ledger)
    good = console(*verify, "--since", first.id, *offline)
    assert (good.code, good.value["ok"], {one["code"] for one in good.value["checks"] if one["ok"]}) == (
        0, True, {"act", "signature", "earlier-act", "earlier-signature", "dataset", "proof", "grown"},
    )  # fmt: skip
    assert console(*verify, *offline).value["error"]["code"] == "invalid-option"
    changed = json.loads(proof.read_text())
    changed["path"][0] = "00" * 32
    proof.write_text(json.dumps(changed))
    wrong = console(*verify, "--since", first.id, *offline)
    assert (wrong.code, [one["code"] for one in wrong.value["checks"] if one["ok"] is False]) == (1, ["grown"])


def test_a_version_that_changed_is_no_growth(
    console: Console, server: FakeServer, first: Anchored, tmp_path: Path
) -> None:
    other = anchored_as(written(tmp_path / "other.csv", 900, changed=3), 2)
    other.publish(server)
    assert console("version", "growth", first.id, other.id).code == 1
    shorter = anchored_as(written(tmp_path / "shorter.csv", 10), 3)
    shorter.publish(server)
    assert console("version", "growth", first.id, shorter.id, "--json").value["error"]["code"] == "invalid-proof"


def test_what_is_not_a_proof_is_not_taken_for_one(console: Console, first: Anchored, tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    for content in (b"", b"{}", b"[" * 9000, b"\xff", b'{"format": "share-growth/2", "path": []}'):
        path.write_bytes(content)
        told = console("version", "verify", str(path), "--proof", "--version", first.id, "--json")
        assert (told.code, told.value["error"]["code"]) == (2, "invalid-proof")
    assert console("version", "verify", str(path), "--version", first.id, "--since", first.id).code == 2
    assert console("version", "prove", first.id, "--record", "1", "--record", "2").code == 2


def test_two_files_are_compared(console: Console, server: FakeServer, tmp_path: Path) -> None:
    old, new = written(tmp_path / "old.csv", 600), tmp_path / "new.csv"
    lines = old.read_text().splitlines(keepends=True)
    new.write_text("".join([*lines[:11], "put in,1\n", *lines[11:101], "changed,2\n", *lines[102:-1]]))
    told = console("version", "diff", str(old), str(new), "--json")
    assert (told.code, told.value["counts"]) == (1, {"changed": 1, "removed": 1, "added": 1, "moved": 0})
    assert told.value["differences"] == [
        {"change": "changed", "old": 100, "new": 101},
        {"change": "removed", "old": 599, "new": None},
        {"change": "added", "old": None, "new": 10},
    ]
    spoken = console("version", "diff", str(old), str(new), "--lang", "zh")
    assert "变更" in spoken.out and "删除" in spoken.out and "新增 1 条" in spoken.err
    english = console("version", "diff", str(old), str(new), "--limit", "0")
    assert "1 changed, 1 removed, 1 added" in english.err and english.code == 1
    same = console("version", "diff", str(old), str(old), "--json")
    assert (same.code, same.value["same"], same.value["differences"]) == (0, True, [])
    assert not server.requests
    assert console("version", "diff", str(old), str(tmp_path / "none.csv")).code == 2
    lines_only = tmp_path / "rows.jsonl"
    lines_only.write_text('{"code": "1", "name": "2"}\n')
    assert console("version", "diff", str(lines_only), str(lines_only)).code == 2
    assert console("version", "diff", str(lines_only), str(old)).code == 1


def test_a_version_is_compared_with_a_file(
    console: Console, server: FakeServer, first: Anchored, second: Anchored, tmp_path: Path
) -> None:
    for one in (first, second):
        server.answers["GET", f"/versions/{one.id}/payload"] = streamed(one.file.read_bytes())
    told = console("version", "diff", first.id, second.id, "--folder", str(tmp_path), "--json")
    assert "counts" in told.value, told
    assert (told.code, told.value["counts"]["added"], told.value["counts"]["removed"]) == (1, 300, 0)
    copy = written(tmp_path / "copy.csv", 600, changed=317)
    told = console("version", "diff", first.id, str(copy), "--json")
    assert told.value["differences"] == [{"change": "changed", "old": 317, "new": 317}]
    server.answers["GET", f"/versions/{first.id}/payload"] = streamed(b"code,name\n")
    assert console("version", "diff", first.id, str(copy)).code == 1, "not the payload's size"
    server.answers["GET", f"/versions/{first.id}/payload"] = problem(404, "payload-elsewhere")
    assert console("version", "diff", first.id, str(copy), "--json").value["error"]["code"] == "payload-elsewhere"
    assert not list(tmp_path.glob("shareledger-diff-*"))


@pytest.mark.parametrize("chunks", [("--changed-chunk", "0"), ()], ids=["told", "found out"])
def test_a_fingerprint_goes_on_from_the_version_before(
    console: Console, server: FakeServer, first: Anchored, tmp_path: Path, chunks: tuple[str, ...]
) -> None:
    server.answers["POST", f"{AT}/fingerprints"] = prepare_elsewhere
    old, new = tmp_path / "old-keys.json", tmp_path / "new-keys.json"
    keep_keys(old, KEYS, first.manifest.root.hex())
    grown = written(tmp_path / "grown.csv", 700, changed=3)
    again = ("version", "anchor", str(grown), *ANCHOR, "--no-payload", "--after", first.id, *chunks)
    told = console(*again, "--after-key-file", str(old), "--key-file", str(new))
    assert told.code == 0, told.err
    keys, root = read_key_file(new)
    assert keys.key(0) != KEYS.key(0), "a record of the chunk changed"
    sent = json.loads(next(one for one in server.requests if one.url.path.endswith("/fingerprints")).content)
    fingerprint, manifest = fingerprint_table(CsvSource(grown), SCHEMA, keys)
    assert sent["fingerprint"]["root"] == root == fingerprint.root.hex()
    assert Manifest.from_json(sent["manifest"]) == manifest
    assert console(*again, "--after-key-file", str(old), "--key-file", str(new)).code == 2, (
        "keys are never written over"
    )


def test_what_a_fingerprint_cannot_go_on_from(
    console: Console, server: FakeServer, first: Anchored, tmp_path: Path
) -> None:
    old, new = tmp_path / "old-keys.json", tmp_path / "new-keys.json"
    keep_keys(old, KEYS, "12" * 32)
    anchor = ("version", "anchor", str(first.file), *ANCHOR, "--no-payload", "--key-file", str(new), "--json")
    for options in (
        ("--after", first.id),
        ("--changed-chunk", "0"),
        ("--after", first.id, "--after-key-file", str(old), "--twin"),
        ("--after", first.id, "--after-key-file", str(old)),  # the keys of another table
    ):
        told = console(*anchor, *options)
        assert (told.code, told.value["error"]["code"]) == (2, "invalid-option"), options
    assert not new.exists() and DATASET
