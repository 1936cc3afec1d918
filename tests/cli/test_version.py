"""Anchoring and verifying: what leaves this machine, what is checked on it."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from keys.signer import LocalSigner
from ledger.cli.key_files import read_key_file
from ledger.domain.acts import Mark
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.values import Act
from ledger.fingerprint import (
    CsvSource,
    Fingerprint,
    Manifest,
    ReadOptions,
    Schema,
    SegmentKeys,
    fingerprint_table,
    prove_record,
    tile_leaves,
)
from ledger.proofs.typed_data import act_digest
from ledger.services.material import Material, entry_to_json

from .conftest import CHAIN_ID, MODULES, NOW, SHARE, Console, FakeServer, KeyFile, problem

DATASET = "341500/tjj/codes"
AT = "/datasets/341500~tjj~codes"
SCHEMA = Schema.text(("code", "name"))
ANCHOR = ("--dataset", DATASET, "--source", "统计局数据库")


def table(path: Path, *, changed: int | None = None) -> Path:
    rows = [f"{number:012d},村{number}" for number in range(600)]
    if changed is not None:
        rows[changed] += "改"
    path.write_text("\n".join(["code,name", *rows]) + "\n")
    return path


def document_of(size: int, number: int = 1) -> Document:
    provenance = {"source": "统计局数据库", "captured": NOW, "method": "export"}
    payload = {"size": size, "name": "codes.csv", "media_type": "text/csv"}
    told = {"dataset": DATASET, "number": number, "format": "share-record/1", "payload": payload, "keys": "here"}
    read = ReadOptions().to_json()
    return Document.make("version", provenance=provenance, schema=SCHEMA.to_json(), read_options=read, **told)


def anchor_fields(fingerprint: Fingerprint, size: int, document: str) -> dict[str, Any]:
    told = fingerprint.to_json()
    names = ("format", "salted", "schema", "root")
    same = {name: told[name] for name in names}
    counts = {"records": str(fingerprint.records), "size": str(size)}
    return {"dataset": DATASET, "number": 1, **same, **counts, "twin": ZERO_DIGEST, "document": document}


@dataclass
class Anchored:
    """A version as a server would hold it."""

    file: Path
    entry: Entry
    document: Document
    manifest: Manifest
    keys: SegmentKeys

    @property
    def id(self) -> str:
        return self.entry.digest

    def material(self, **changes: Any) -> dict[str, Any]:
        return replace(Material(self.entry, self.document.body, self.manifest, self.keys), **changes).to_json()

    def entry_view(self) -> dict[str, Any]:
        told = entry_to_json(self.entry)
        return {**told, "act": {"type": "AnchorVersion", **told["act"]}, "marks": [], "signer": self.entry.signer}

    def publish(self, server: FakeServer) -> None:
        server.answers["GET", f"/authorisations/{SHARE}/keys"] = self.material()
        server.answers["GET", f"/entries/{self.id}"] = self.entry_view()
        server.answers["GET", f"/versions/{self.id}/manifest"] = {**self.manifest.to_json(), "as_of": None}
        body = self.document.body
        server.answers["GET", f"/documents/{self.document.digest}"] = lambda _: httpx.Response(200, content=body)
        for tile in range(len(self.manifest.tiles)):
            leaves = tile_leaves(CsvSource(self.file), SCHEMA, self.keys, tile)
            server.answers["GET", f"/versions/{self.id}/tiles/{tile}"] = {"leaves": [leaf.hex() for leaf in leaves]}


@pytest.fixture
def anchored(tmp_path: Path) -> Anchored:
    file = table(tmp_path / "right.csv")
    size = file.stat().st_size
    keys, signer = SegmentKeys.fresh(), LocalSigner(b"\x07" * 32)
    fingerprint, manifest = fingerprint_table(CsvSource(file), SCHEMA, keys)
    document = document_of(size)
    fields = anchor_fields(fingerprint, size, document.digest)
    act = Act.from_json("AnchorVersion", {"signer": signer.address, "prior": ZERO_DIGEST, "valid_until": NOW, **fields})
    digest = act_digest(act, CHAIN_ID, MODULES["Datasets"])
    signatures = (signer.sign(bytes.fromhex(digest)),)
    entry = Entry(4, MODULES["Datasets"], act, digest, signatures, "341500.tjj", Mark(0), NOW, "0" * 64)
    return Anchored(file, entry, document, manifest, keys)


def test_a_right_copy_passes(console: Console, server: FakeServer, anchored: Anchored) -> None:
    anchored.publish(server)
    told = console("version", "verify", str(anchored.file), "--version", anchored.id, "--share", SHARE, "--json")
    assert (told.code, told.value["ok"], told.value["differences"]) == (0, True, [])
    assert {check["code"] for check in told.value["checks"] if check["ok"]} >= {"document", "act", "signature", "root"}
    assert "✓" in console("version", "verify", str(anchored.file), "--version", anchored.id, "--share", SHARE).out


def test_a_changed_cell_is_named(console: Console, server: FakeServer, anchored: Anchored, tmp_path: Path) -> None:
    anchored.publish(server)
    copy = table(tmp_path / "copy.csv", changed=317)
    verify = ("version", "verify", str(copy), "--version", anchored.id, "--share", SHARE, "--json")
    told = console(*verify)
    assert (told.code, told.value["differences"], told.value["complete"]) == (1, [317], True)
    server.answers["GET", f"/versions/{anchored.id}/tiles/1"] = problem(404, "payload-elsewhere")
    told = console(*verify)
    assert (told.code, told.value["differences"]) == (1, [])


def test_a_row_that_breaks_the_schema_is_named(console: Console, server: FakeServer, anchored: Anchored) -> None:
    anchored.publish(server)
    with anchored.file.open("a") as file:
        file.write("one cell only\n")
    verify = ("version", "verify", str(anchored.file), "--version", anchored.id, "--share", SHARE, "--json")
    told = console(*verify)
    assert (told.code, told.value["first_difference"]) == (1, 600)


def test_a_provider_checks_with_its_own_keys(
    console: Console, server: FakeServer, anchored: Anchored, tmp_path: Path
) -> None:
    anchored.publish(server)
    keys = tmp_path / "keys.json"
    keys.touch(0o600)
    segments = [{"first_record": 0, "key": anchored.keys.segments[0].key.hex()}]
    keys.write_text(json.dumps({"format": "share-segment-keys/1", "root": None, "segments": segments}))
    verify = ("version", "verify", str(anchored.file), "--version", anchored.id, "--json")
    assert console(*verify, "--key-file", str(keys)).value["ok"] is True
    without = console(*verify)
    assert (without.code, without.value["ok"]) == (1, False) and "root" in without.value["not_checked"]


@pytest.mark.parametrize("lie", ["another version", "another contract", "another chain", "another root"])
def test_what_contradicts_the_ledger_never_passes(
    console: Console, server: FakeServer, anchored: Anchored, lie: str
) -> None:
    anchored.publish(server)
    version, entry = anchored.id, anchored.entry
    if lie == "another version":
        version = "12" * 32
    elif lie == "another contract":
        entry = replace(entry, module="0x" + "9" * 40)
    elif lie == "another chain":
        server.answers["GET", "/ledger"] = {"chain_id": CHAIN_ID + 1, "modules": MODULES}
    else:
        entry = replace(entry, act=entry.act.replace(root="34" * 32))
    server.answers["GET", f"/authorisations/{SHARE}/keys"] = anchored.material(entry=entry)
    assert console("version", "verify", str(anchored.file), "--version", version, "--share", SHARE).code == 1


def test_a_records_proof_is_checked_here(
    console: Console, server: FakeServer, anchored: Anchored, tmp_path: Path
) -> None:
    anchored.publish(server)
    proof = prove_record(CsvSource(anchored.file), SCHEMA, anchored.keys, anchored.manifest, 42).to_json()
    at = ("GET", f"/versions/{anchored.id}/records/42/proof")
    server.answers[at] = proof
    out = tmp_path / "proof.json"
    told = console("version", "prove", anchored.id, "--record", "42", "-o", str(out), "--json")
    assert (told.code, told.value["ok"], json.loads(out.read_text())) == (0, True, proof)
    server.answers[at] = {**proof, "cells": [proof["cells"][0], "别的村"]}
    told = console("version", "prove", anchored.id, "--record", "42", "--json")
    assert (told.code, told.value["ok"]) == (1, False)
    server.answers[at] = prove_record(CsvSource(anchored.file), SCHEMA, anchored.keys, anchored.manifest, 41).to_json()
    assert console("version", "prove", anchored.id, "--record", "42").code == 1


def test_a_payload_is_streamed_with_how_to_read_it(console: Console, server: FakeServer, tmp_path: Path) -> None:
    file = table(tmp_path / "codes.csv")

    def prepare(request: httpx.Request) -> httpx.Response:
        told = dict(request.url.params)
        assert request.content == file.read_bytes() and request.headers["Content-Type"] == "text/csv"
        assert json.loads(told["schema"]) == SCHEMA.to_json() and told["form"] == "csv" and told["salted"] == "true"
        assert json.loads(told["provenance"])["source"] == "统计局数据库"
        fingerprint, _ = fingerprint_table(CsvSource(file), SCHEMA, SegmentKeys.fresh())
        fields = anchor_fields(fingerprint, file.stat().st_size, "56" * 32)
        return httpx.Response(201, json={"document": "56" * 32, "act_fields": fields})

    server.answers["POST", f"{AT}/payloads"] = prepare
    assert console("version", "anchor", str(file), *ANCHOR).code == 0
    assert server.requests[-1].url.raw_path.decode() == f"/v1{AT}/versions"
    assert json.loads(server.requests[-1].content) == {"prepared": "56" * 32}


def prepare_elsewhere(request: httpx.Request) -> httpx.Response:
    told = json.loads(request.content)
    fingerprint = Fingerprint.from_json(told["fingerprint"])
    assert Manifest.from_json(told["manifest"]).matches(fingerprint)
    fields = anchor_fields(fingerprint, fingerprint.size or 0, "56" * 32)
    return httpx.Response(201, json={"document": "56" * 32, "act_fields": fields})


def test_without_the_payload_neither_file_nor_keys_leave(console: Console, server: FakeServer, tmp_path: Path) -> None:
    file, keys = table(tmp_path / "codes.csv"), tmp_path / "keys.json"
    server.answers["POST", f"{AT}/fingerprints"] = prepare_elsewhere
    anchor = ("version", "anchor", str(file), *ANCHOR, "--no-payload", "--key-file", str(keys))
    assert console(*anchor).code == 0
    sent = server.requests[0].content.decode()
    held, root = read_key_file(keys)
    assert keys.stat().st_mode & 0o777 == 0o600
    assert held.segments[0].key.hex() not in sent and "村" not in sent
    assert json.loads(sent)["fingerprint"]["root"] == root
    assert console(*anchor).code == 0  # the same table again, under the same keys
    assert json.loads(server.requests[2].content)["fingerprint"]["root"] == root
    table(file, changed=3)
    told = console(*anchor, "--json")
    assert (told.code, told.value["error"]["code"]) == (2, "invalid-option")
    assert console("version", "anchor", str(file), *ANCHOR, "--no-payload").code == 2
    assert console("version", "anchor", str(file), *ANCHOR, "--no-payload", "--open").code == 0


def test_what_was_prepared_must_be_of_this_file(console: Console, server: FakeServer, tmp_path: Path) -> None:
    file, keys = table(tmp_path / "codes.csv"), tmp_path / "keys.json"

    def other_root(request: httpx.Request) -> httpx.Response:
        told = prepare_elsewhere(request).json()
        return httpx.Response(201, json=told | {"act_fields": told["act_fields"] | {"root": "99" * 32}})

    server.answers["POST", f"{AT}/fingerprints"] = other_root
    told = console("version", "anchor", str(file), *ANCHOR, "--no-payload", "--key-file", str(keys), "--json")
    assert (told.code, told.value["error"]["code"], len(server.requests)) == (1, "server-mismatch", 1)


def test_a_prepared_version_is_signed_here(console: Console, server: FakeServer, tmp_path: Path, make_key: Any) -> None:
    file, keys = table(tmp_path / "codes.csv"), tmp_path / "keys.json"
    own: KeyFile = make_key("own")
    document = document_of(file.stat().st_size)
    digest = document.digest
    assert hashlib.sha256(document.body).hexdigest() == digest

    def prepare(request: httpx.Request) -> httpx.Response:
        told = prepare_elsewhere(request).json()
        return httpx.Response(201, json={"document": digest, "act_fields": told["act_fields"] | {"document": digest}})

    server.answers["POST", f"{AT}/fingerprints"] = prepare
    server.answers["GET", f"/documents/{digest}"] = lambda _: httpx.Response(200, content=document.body)
    anchor = ("version", "anchor", str(file), *ANCHOR, "--no-payload", "--key-file", str(keys), *own.options)
    told = console(*anchor)
    assert told.code == 0, told.err
    (signed,) = server.bodies()[-1]["acts"]
    assert signed["act"]["document"] == digest and "统计局数据库" in told.err


def test_any_other_file_is_anchored_in_chunks(console: Console, server: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "map.bin"
    file.write_bytes(b"\x00" * 3_000_000)
    server.answers["POST", f"{AT}/fingerprints"] = prepare_elsewhere
    keys = str(tmp_path / "keys.json")
    assert console("version", "anchor", str(file), *ANCHOR, "--no-payload", "--key-file", keys).code == 0
    told = json.loads(server.requests[0].content)
    assert (told["fingerprint"]["format"], told["fingerprint"]["records"]) == ("share-file/1", 3)
    assert "schema" not in told["options"]


def test_a_key_file_others_can_read_is_refused(console: Console, tmp_path: Path) -> None:
    file, keys = table(tmp_path / "codes.csv"), tmp_path / "keys.json"
    keys.write_text("{}")
    keys.chmod(0o644)
    anchor = ("version", "anchor", str(file), *ANCHOR, "--no-payload", "--key-file", str(keys), "--json")
    assert console(*anchor).value["error"]["code"] == "unsafe-permissions"
    keys.chmod(0o600)
    assert console(*anchor).value["error"]["code"] == "invalid-option"
    assert console("version", "anchor", str(tmp_path / "none.csv"), *ANCHOR, "--json").code == 2
