"""One proof for the records of an answer: made, written, read and refused."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidInput, InvalidProof, NotFound, TooLarge
from ledger.fingerprint import (
    RECORD,
    RECORD_SD,
    AnswerProof,
    Disclosure,
    Fingerprint,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    fingerprint_table,
    prove_record,
    prove_records,
    verify_answer,
)
from ledger.fingerprint.answer_proof import MAX_RECORDS

SCHEMA = Schema.text(["code", "name", "note"])
ROWS = [(str(at), f"村{at}", None if at % 5 else "") for at in range(1000)]
KEYS = SegmentKeys([Segment(0, bytes(range(32)))])
SOURCE = RowsSource(ROWS)
MADE = {
    (RECORD, True): fingerprint_table(SOURCE, SCHEMA, KEYS),
    (RECORD, False): fingerprint_table(SOURCE, SCHEMA, None),
    (RECORD_SD, True): fingerprint_table(SOURCE, SCHEMA, KEYS, format=RECORD_SD),
}
SOME = [3, 4, 255, 256, 700, 999]


def proven(indexes: list[int] = SOME, format: str = RECORD, salted: bool = True, **more: Any) -> AnswerProof:
    keys = KEYS if salted else None
    return prove_records(SOURCE, SCHEMA, keys, MADE[format, salted][1], indexes, format=format, **more)


@pytest.mark.parametrize(("format", "salted"), list(MADE))
def test_many_records_are_proven_at_once(format: str, salted: bool) -> None:
    proof = proven([*SOME, 3], format, salted)
    assert [record.index for record in proof.records] == SOME
    again = AnswerProof.parse(json.dumps(proof.to_json(), ensure_ascii=False).encode())
    assert again == proof
    verdict = verify_answer(MADE[format, salted][0], again, SCHEMA)
    assert (verdict.passed, verdict.code) == (True, "included") and "completeness is not checked" in verdict.detail


@given(st.sets(st.integers(0, 999), min_size=1, max_size=40))
@settings(deadline=None, max_examples=25)
def test_any_choice_of_records(indexes: set[int]) -> None:
    proof = proven(list(indexes))
    assert verify_answer(MADE[RECORD, True][0], proof)
    single = [prove_record(SOURCE, SCHEMA, KEYS, MADE[RECORD, True][1], at) for at in sorted(indexes)]
    assert [one.cells for one in proof.records] == [one.cells for one in single]  # type: ignore[union-attr]
    assert len(proof.path) <= len({node for one in single for node in one.path})


def test_only_the_columns_granted_are_shown() -> None:
    proof = proven(SOME, RECORD_SD, columns=["name"])
    text = json.dumps(proof.to_json(), ensure_ascii=False)
    assert "村700" in text and '"700"' not in text
    assert verify_answer(MADE[RECORD_SD, True][0], AnswerProof.parse(text.encode()), SCHEMA)
    assert all(isinstance(record, Disclosure) and set(record.cells) == {1} for record in proof.records)


def flipped(value: str, at: int) -> str:
    digit = "0123456789abcdef"[int(value[at], 16) ^ 1]
    return value[:at] + digit + value[at + 1 :]


def mutations(told: dict[str, Any], choose: Any) -> list[dict[str, Any]]:
    """The same proof with one thing in it another: every member of a record, every node, their number and order."""
    found = []

    def changed(**members: Any) -> None:
        found.append({**told, **members})

    records, path = told["records"], told["path"]
    at = choose(0, len(records) - 1)
    one = records[at]
    for other in (one["index"] + 1, one["index"] - 1, (one["index"] + 500) % 1000):
        changed(records=[*records[:at], {**one, "index": other}, *records[at + 1 :]])
    if "cells" in one:
        column = choose(0, 2)
        cell = "x" if one["cells"][column] is None else None
        changed(records=[*records[:at], {**one, "cells": [*one["cells"][:column], cell, *one["cells"][column + 1 :]]}])
        changed(records=[*records[:at], {**one, "cells": one["cells"][::-1]}, *records[at + 1 :]])
        changed(records=[*records[:at], {**one, "salt": flipped(one["salt"], choose(0, 31))}, *records[at + 1 :]])
        changed(records=[*records[:at], {**one, "salt": ""}, *records[at + 1 :]])
    else:
        field = choose(0, 2)
        member, length = ("digest", 63) if "digest" in one["fields"][field] else ("salt", 31)
        spoilt = {**one["fields"][field], member: flipped(one["fields"][field][member], choose(0, length))}
        fields = [*one["fields"][:field], spoilt, *one["fields"][field + 1 :]]
        changed(records=[*records[:at], {**one, "fields": fields}, *records[at + 1 :]])
        changed(records=[*records[:at], {**one, "fields": one["fields"][1:]}, *records[at + 1 :]])
    changed(records=[*records[:at], *records[at + 1 :]])
    changed(records=[*records, one])
    changed(records=records[::-1])
    node = choose(0, len(path) - 1)
    changed(path=[*path[:node], flipped(path[node], choose(0, 63)), *path[node + 1 :]])
    changed(path=[*path[:node], *path[node + 1 :]])
    changed(path=[*path[:node], path[node], *path[node:]])
    changed(path=[*path, path[node]])
    changed(path=path[::-1])
    return found


@pytest.mark.parametrize("format", [RECORD, RECORD_SD])
@given(st.data())
@settings(deadline=None, max_examples=25)
def test_every_mutation_is_refused(format: str, choices: st.DataObject) -> None:
    columns = ["name"] if format == RECORD_SD else None
    told = proven(SOME, format, columns=columns).to_json()
    fingerprint = MADE[format, True][0]
    assert verify_answer(fingerprint, AnswerProof.from_json(told), SCHEMA)
    for wrong in mutations(told, lambda low, high: choices.draw(st.integers(low, high))):
        try:
            proof = AnswerProof.from_json(wrong)
        except InvalidProof:
            continue
        assert not verify_answer(fingerprint, proof, SCHEMA), wrong


def test_every_member_of_the_fingerprint_counts() -> None:
    proof, fingerprint = proven(), MADE[RECORD, True][0]

    def code(**members: Any) -> str:
        return verify_answer(replace(fingerprint, **members), proof, SCHEMA).code

    assert code() == "included"
    assert code(root=bytes(32)) == "root"
    assert code(records=999) == "index"
    assert code(records=5000) == "root"
    assert code(salted=False) == "salt"
    assert code(format=RECORD_SD) == "format"
    assert code(schema=bytes(32)) == "schema"
    assert verify_answer(MADE[RECORD_SD, True][0], proof).code == "format"
    assert verify_answer(fingerprint, proven(SOME, RECORD_SD)).code == "format"
    assert verify_answer(fingerprint, AnswerProof((), ())).code == "index"


TOLD = proven().to_json()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {**TOLD, "format": "share-answer/2"},
        {**TOLD, "root": "00"},
        {**TOLD, "records": []},
        {**TOLD, "records": {}},
        {**TOLD, "records": [1]},
        {**TOLD, "records": [{**TOLD["records"][0], "path": []}]},
        {**TOLD, "records": [{**TOLD["records"][0], "index": "3"}]},
        {**TOLD, "records": [{**TOLD["records"][0], "cells": []}]},
        {**TOLD, "records": [TOLD["records"][0], {"index": 4, "fields": [{"digest": "00" * 32}] * 3}]},
        {**TOLD, "path": None},
        {**TOLD, "path": ["00"]},
        {**TOLD, "path": [TOLD["path"][0].upper()]},
        {**TOLD, "path": ["00" * 32] * (64 * len(SOME) + 1)},
    ],
)
def test_proofs_that_cannot_be_read(value: Any) -> None:
    with pytest.raises(InvalidProof):
        AnswerProof.from_json(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"format": "share-answer/1", "format": "share-answer/1", "records": [], "path": []}',
        b'{"format": NaN}',
        json.dumps(TOLD).encode() + b"{}",
    ],
)
def test_texts_that_are_no_proof(text: bytes) -> None:
    with pytest.raises(InvalidProof):
        AnswerProof.parse(text)


def test_a_proof_is_bounded() -> None:
    with pytest.raises(TooLarge):
        AnswerProof.from_json({**TOLD, "records": [TOLD["records"][0]] * (MAX_RECORDS + 1)})
    with pytest.raises(TooLarge):
        AnswerProof.parse(b" " * ((64 << 20) + 1))
    with pytest.raises(TooLarge):
        proven(list(range(MAX_RECORDS + 1)))


def test_what_cannot_be_proven() -> None:
    manifest = MADE[RECORD, True][1]
    for indexes in ([], [1000], [5, -1]):
        with pytest.raises(NotFound):
            proven(indexes)
    with pytest.raises(InvalidInput):
        proven(SOME, columns=["name"])
    with pytest.raises(NotFound):
        proven(SOME, RECORD_SD, columns=["phone"])
    with pytest.raises(InvalidProof) as refused:
        prove_records(RowsSource([*ROWS[:700], ("x", "y", "z"), *ROWS[701:]]), SCHEMA, KEYS, manifest, SOME)
    assert refused.value.facts["tile"] == 2
    with pytest.raises(InvalidProof):
        prove_records(RowsSource(ROWS[:500]), SCHEMA, KEYS, manifest, SOME)
    with pytest.raises(InvalidProof):
        prove_records(SOURCE, SCHEMA, None, manifest, SOME)


def test_a_fingerprint_of_no_records() -> None:
    empty, _ = fingerprint_table(RowsSource([]), SCHEMA, KEYS)
    assert isinstance(empty, Fingerprint) and verify_answer(empty, proven()).code == "index"
