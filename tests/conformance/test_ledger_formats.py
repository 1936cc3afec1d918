"""Heads, typed data, entries, checkpoints, documents: against vectors made from the formats with foreign libraries."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from ledger.domain.acts import BY_ENTRY, Mark
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.values import Act
from ledger.errors import InvalidDocument
from ledger.proofs.head import first_head, next_head
from ledger.proofs.log import CheckpointBody, entry_leaf, log_origin, log_root
from ledger.proofs.typed_data import act_digest, typed_message

VECTORS = Path(__file__).parent / "vectors"


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text("utf-8"))


def test_heads() -> None:
    given = vectors("head.json")
    head = first_head(given["chain_id"], given["journal"])
    assert head == given["first"]
    for step in given["entries"]:
        signatures = [bytes.fromhex(signature) for signature in step["signatures"]]
        head = next_head(head, step["index"], step["module"], step["digest"], signatures, step["time"])
        assert head == step["head"]


def test_typed_data() -> None:
    given = vectors("typed_data.json")
    for case in given["acts"]:
        act = Act.from_json(case["act"], case["fields"])
        assert act.type.encoded_type == case["encode_type"]
        assert act_digest(act, given["chain_id"], case["module"]) == case["digest"]
        message = encode_typed_data(full_message=typed_message(act, given["chain_id"], case["module"]))
        assert Account.recover_message(message, signature=bytes.fromhex(case["signature"])).lower() == given["signer"]


def entry_of(case: dict[str, Any]) -> Entry:
    return Entry(
        index=case["index"],
        module=case["module"],
        act=Act.from_json(case["act"], case["fields"]),
        digest="00" * 32,
        signatures=tuple(bytes.fromhex(signature) for signature in case["signatures"]),
        department="",
        marks=Mark.NONE,
        time=case["time"],
        head=case["head"],
    )


def test_entry_bytes_and_checkpoint() -> None:
    given = vectors("entries.json")
    entries = [entry_of(case) for case in given["entries"]]
    for entry, case in zip(entries, given["entries"], strict=True):
        assert entry.entry_bytes().decode() == case["bytes"]
        assert entry_leaf(entry).hex() == case["leaf"]
        assert BY_ENTRY[entry.kind] is entry.act.type
    assert [log_root(entries[:size]) for size in range(5)] == given["roots"]
    stated = given["checkpoint"]
    body = CheckpointBody(log_origin(stated["chain_id"], stated["journal"]), stated["size"], stated["root"])
    assert body.to_bytes().decode() == stated["body"]


def test_documents() -> None:
    for case in vectors("documents.json")["good"]:
        document = Document.parse(case["text"].encode(), case["kind"])
        assert document.digest == case["digest"]
        assert Document.from_json(json.loads(case["text"])).body.decode() == case["text"]


@pytest.mark.parametrize("case", vectors("documents.json")["bad"], ids=lambda case: case["why"])
def test_no_documents(case: dict[str, str]) -> None:
    with pytest.raises(InvalidDocument):
        Document.parse(case["text"].encode())
