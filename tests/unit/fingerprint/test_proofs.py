"""Salts, record proofs, disclosure, locating differences, inheriting keys."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidInput, InvalidProof, NotFound, Shredded
from ledger.fingerprint import (
    RECORD_SD,
    Disclosure,
    Fingerprint,
    Manifest,
    RecordProof,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    disclose_record,
    fingerprint_file,
    fingerprint_table,
    inherit_keys,
    leaves,
    locate,
    prove_record,
    tile_leaves,
    verify_disclosure,
    verify_record,
)
from ledger.fingerprint.merkle import inclusion_path, verify_inclusion
from tests.conformance import reference

CHUNK = 1 << 16
SCHEMA = Schema.text(["code", "name", "note"])
ROWS = [(str(at), f"村{at}", None if at % 5 else "") for at in range(1000)]
KEYS = SegmentKeys([Segment(0, bytes(range(32)))])
SOURCE = RowsSource(ROWS)
FINGERPRINT, MANIFEST = fingerprint_table(SOURCE, SCHEMA, KEYS)
SD_FINGERPRINT, SD_MANIFEST = fingerprint_table(SOURCE, SCHEMA, KEYS, format=RECORD_SD)


def changed(**members):
    values = {name: getattr(FINGERPRINT, name) for name in Fingerprint.__dataclass_fields__}
    return Fingerprint(**{**values, **members})


def test_segments_share_out_their_records():
    other = bytes(32)
    keys = SegmentKeys([Segment(0, bytes(range(32))), Segment(CHUNK, other), Segment(3 * CHUNK, bytes(range(32)))])
    for index in (0, 1, CHUNK - 1, CHUNK, 3 * CHUNK - 1, 3 * CHUNK, 9 * CHUNK):
        key = other if CHUNK <= index < 3 * CHUNK else bytes(range(32))
        assert keys.key(index) == key
        assert keys.salt(index) == reference.salt(key, index)
        assert keys.field_salts(index, 1, 5)[0] == [reference.field_salt(key, index, column) for column in range(5)]
    around = keys.salt_array(CHUNK - 3, 6)
    assert [bytes(salt) for salt in around] == [keys.salt(index) for index in range(CHUNK - 3, CHUNK + 3)]
    assert SegmentKeys.from_bytes(keys.to_bytes()) == keys


def test_keys_are_fresh_and_never_shown():
    keys = SegmentKeys.fresh()
    assert keys != SegmentKeys.fresh()
    for text in (repr(keys), repr(keys.segments), str(keys.segments[0])):
        assert keys.key(0).hex() not in text
        assert repr(keys.key(0)) not in text


@pytest.mark.parametrize("firsts", [[], [CHUNK], [0, 0], [CHUNK, 0]])
def test_segments_out_of_order(firsts):
    with pytest.raises(InvalidInput):
        SegmentKeys([Segment.fresh(first) for first in firsts])


def test_segments_that_cannot_be():
    for first, key in ((1, bytes(32)), (-CHUNK, bytes(32)), (CHUNK + 256, bytes(32)), (0, bytes(31))):
        with pytest.raises(InvalidInput):
            Segment(first, key)
    with pytest.raises(InvalidInput):
        SegmentKeys.from_bytes(bytes(41))
    with pytest.raises(InvalidInput):
        KEYS.key(-1)


def test_a_shredded_segment_is_gone_and_the_others_stay():
    keys = SegmentKeys([Segment(CHUNK, bytes(32))], gone=[0])
    assert keys.salt(CHUNK)
    with pytest.raises(Shredded):
        keys.salt(CHUNK - 1)
    with pytest.raises(Shredded):
        fingerprint_table(SOURCE, SCHEMA, keys)
    with pytest.raises(InvalidInput):
        inherit_keys(SOURCE, SCHEMA, keys, MANIFEST)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 700, 999])
@pytest.mark.parametrize("keys", [KEYS, None], ids=["salted", "open"])
def test_a_record_is_proven(index, keys):
    fingerprint, manifest = fingerprint_table(SOURCE, SCHEMA, keys)
    proof = prove_record(SOURCE, SCHEMA, keys, manifest, index)
    assert proof.cells == tuple(None if cell is None else cell.encode() for cell in ROWS[index])
    again = RecordProof.from_json(json.loads(json.dumps(proof.to_json())))
    assert again == proof
    verdict = verify_record(fingerprint, again, SCHEMA)
    assert (verdict.passed, verdict.code) == (True, "included")
    every = list(leaves(SOURCE, SCHEMA, keys))
    assert (proof.leaf, list(proof.path)) == (every[index], inclusion_path(every, index))
    assert verify_inclusion(proof.leaf, index, fingerprint.records, proof.path, fingerprint.root)


@given(st.integers(0, 999), st.data())
@settings(deadline=None, max_examples=30)
def test_a_changed_proof_fails(index, choices):
    proof = prove_record(SOURCE, SCHEMA, KEYS, MANIFEST, index)
    bit = choices.draw(st.integers(0, 127))

    def flip(value):
        return bytes([*value[: bit // 8], value[bit // 8] ^ 1 << bit % 8, *value[bit // 8 + 1 :]])

    at = choices.draw(st.integers(0, len(proof.path) - 1))
    wrong = [
        RecordProof((index + 1) % 1000, proof.cells, proof.salt, proof.path),
        RecordProof(index, (b"x", *proof.cells[1:]), proof.salt, proof.path),
        RecordProof(index, (*proof.cells[:2], b"" if proof.cells[2] is None else None), proof.salt, proof.path),
        RecordProof(index, proof.cells, flip(proof.salt), proof.path),
        RecordProof(index, proof.cells, proof.salt, (*proof.path[:at], flip(proof.path[at]), *proof.path[at + 1 :])),
    ]
    assert [verify_record(FINGERPRINT, proof).code for proof in wrong] == ["root"] * len(wrong)


def test_every_member_of_the_fingerprint_counts():
    proof = prove_record(SOURCE, SCHEMA, KEYS, MANIFEST, 999)
    assert verify_record(changed(root=bytes(32)), proof).code == "root"
    assert verify_record(changed(records=999), proof).code == "index"
    assert verify_record(changed(records=4000), proof).code == "root"
    assert verify_record(changed(salted=False), proof).code == "salt"
    assert verify_record(changed(format=RECORD_SD), proof).code == "format"
    assert verify_record(changed(schema=bytes(32)), proof, SCHEMA).code == "schema"
    assert verify_record(FINGERPRINT, proof, Schema.text(["a", "b", "c"])).code == "schema"
    short = RecordProof(999, proof.cells[:2], proof.salt, proof.path)
    assert verify_record(FINGERPRINT, short, SCHEMA).code == "columns"
    # A salt moved into the record of a table said to be open must not pass.
    moved = RecordProof(999, proof.cells, b"", proof.path)
    assert verify_record(FINGERPRINT, moved).code == "salt"


def test_a_proof_needs_the_right_table():
    with pytest.raises(NotFound):
        prove_record(SOURCE, SCHEMA, KEYS, MANIFEST, 1000)
    with pytest.raises(InvalidProof):
        prove_record(SOURCE, SCHEMA, None, MANIFEST, 5)
    with pytest.raises(InvalidProof):
        prove_record(RowsSource([("x", "y", "z"), *ROWS[1:]]), SCHEMA, KEYS, MANIFEST, 5)
    with pytest.raises(InvalidProof):
        prove_record(RowsSource(ROWS[:100]), SCHEMA, KEYS, MANIFEST, 500)


PROOF = prove_record(SOURCE, SCHEMA, KEYS, MANIFEST, 3).to_json()


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {**PROOF, "root": "00"},
        {**PROOF, "index": -1},
        {**PROOF, "index": True},
        {**PROOF, "index": 1 << 64},
        {**PROOF, "cells": []},
        {**PROOF, "cells": "x"},
        {**PROOF, "cells": [1]},
        {**PROOF, "cells": ["\ud800"]},
        {**PROOF, "cells": [{"hex": "0"}]},
        {**PROOF, "salt": "ZZ"},
        {**PROOF, "salt": None},
        {**PROOF, "path": ["00"]},
        {**PROOF, "path": [PROOF["path"][0].upper()]},
        {**PROOF, "path": PROOF["path"] * 9},
        {**PROOF, "path": None},
    ],
)
def test_proofs_that_cannot_be_read(value):
    with pytest.raises(InvalidProof):
        RecordProof.from_json(value)


def test_binary_cells_in_a_proof():
    proof = RecordProof(0, (b"\xff\x00", None, b""), b"", ())
    assert RecordProof.from_json(proof.to_json()) == proof


def test_fingerprint_and_manifest_round_trip():
    twin, _ = fingerprint_table(SOURCE, SCHEMA, KEYS, twin=True, size=77)
    for fingerprint in (twin, FINGERPRINT):
        assert Fingerprint.from_json(json.loads(json.dumps(fingerprint.to_json()))) == fingerprint
    assert Manifest.from_json(json.loads(json.dumps(MANIFEST.to_json()))) == MANIFEST
    assert Manifest.from_bytes(MANIFEST.to_bytes()) == MANIFEST
    assert len(MANIFEST.tiles) == 4
    assert MANIFEST.chunks == (MANIFEST.root,)
    for content in (b"", MANIFEST.to_bytes()[:-1], MANIFEST.to_bytes()[:-32], b"x" + MANIFEST.to_bytes()):
        with pytest.raises(InvalidProof):
            Manifest.from_bytes(content)
    for value in ({**FINGERPRINT.to_json(), "records": -1}, {**FINGERPRINT.to_json(), "salted": 1}, {}, []):
        with pytest.raises(InvalidProof):
            Fingerprint.from_json(value)


def test_chunk_roots_are_the_tree_of_their_records():
    many = Manifest(3 * CHUNK - 5, tuple(reference.sha256(bytes([at % 251])) for at in range(3 * 256)))
    assert len(many.chunks) == 3
    assert reference.root(list(many.chunks)) == many.root == reference.root(list(many.tiles))


def test_progress_counts_records():
    seen = []
    fingerprint_table(RowsSource([("a", "b", "c")] * 70_000), SCHEMA, None, progress=seen.append)
    assert seen == [1 << 16, 70_000]


def test_columns_are_disclosed_and_the_rest_is_hidden():
    proof = disclose_record(SOURCE, SCHEMA, KEYS, SD_MANIFEST, 500, ["name"])
    assert proof.cells == {1: "村500".encode()}
    text = json.dumps(proof.to_json(), ensure_ascii=False)
    assert '"500"' not in text
    again = Disclosure.from_json(json.loads(text))
    assert again == proof
    assert verify_disclosure(SD_FINGERPRINT, again, SCHEMA)
    assert verify_disclosure(SD_FINGERPRINT, again.hiding([1]), SCHEMA)
    assert verify_disclosure(SD_FINGERPRINT, disclose_record(SOURCE, SCHEMA, KEYS, SD_MANIFEST, 500, SCHEMA.names))


def test_a_changed_disclosure_fails():
    proof = disclose_record(SOURCE, SCHEMA, KEYS, SD_MANIFEST, 500, ["name"])
    value = proof.to_json()

    def verdict(**members):
        return verify_disclosure(SD_FINGERPRINT, Disclosure.from_json({**value, **members}), SCHEMA).code

    shown, hidden = value["fields"][1], value["fields"][0]
    assert verdict(fields=[hidden, {**shown, "cell": "x"}, value["fields"][2]]) == "root"
    assert verdict(fields=[hidden, {**shown, "salt": "00" * 16}, value["fields"][2]]) == "root"
    assert verdict(fields=[{"digest": "00" * 32}, *value["fields"][1:]]) == "root"
    assert verdict(fields=[shown, hidden, value["fields"][2]]) == "root"
    assert verdict(index=501) == "root"
    assert verdict(index=1000) == "index"
    assert verdict(fields=value["fields"][:2]) == "columns"
    assert verify_disclosure(FINGERPRINT, proof).code == "format"
    for fields in ([{"cell": "x"}], [{"cell": "x", "salt": "00"}], [{"digest": "00"}], [], [1]):
        with pytest.raises(InvalidProof):
            Disclosure.from_json({**value, "fields": fields})
    with pytest.raises(NotFound):
        disclose_record(SOURCE, SCHEMA, KEYS, SD_MANIFEST, 500, ["phone"])
    with pytest.raises(InvalidInput):
        fingerprint_table(SOURCE, SCHEMA, None, format=RECORD_SD)


def right(tile):
    return tile_leaves(SOURCE, SCHEMA, KEYS, tile)


def located(rows, **options):
    return locate(RowsSource(rows), SCHEMA, KEYS, MANIFEST, right, **options)


def with_changes(*indexes):
    return [("x", "y", "z") if at in indexes else row for at, row in enumerate(ROWS)]


@pytest.mark.parametrize("indexes", [(0,), (255, 256), (3, 4, 999), (999,), tuple(range(1000))])
def test_changed_records_are_named(indexes):
    found = located(with_changes(*indexes))
    assert found
    assert (found.indexes, found.first, found.complete) == (indexes, indexes[0], True)
    assert found.tiles == tuple(sorted({index // 256 for index in indexes}))
    copy = fingerprint_table(RowsSource(with_changes(*indexes)), SCHEMA, KEYS)[1]
    assert MANIFEST.differing_tiles(copy) == found.tiles


def test_the_same_table_has_no_difference():
    found = located(ROWS)
    assert not found
    assert (found.indexes, found.complete, found.first) == ((), True, None)


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        (ROWS[:-1], 999),
        ([*ROWS, ROWS[0]], 1000),
        (ROWS[:512], 512),
        ([], 0),
        ([*ROWS[:300], ("n", "e", "w"), *ROWS[300:]], 300),
        ([*ROWS[:300], *ROWS[301:]], 300),
        ([*ROWS[:300], *ROWS[301:], ROWS[0], ROWS[1]], 300),
    ],
)
def test_another_number_of_records(rows, first):
    found = located(rows)
    assert found
    assert (found.expected, found.found, found.first, found.complete) == (1000, len(rows), first, False)


def test_a_search_stops_at_its_limit_and_asks_for_few_tiles():
    asked = []

    def counted(tile):
        asked.append(tile)
        return right(tile)

    rows = with_changes(*range(1000))
    found = locate(RowsSource(rows), SCHEMA, KEYS, MANIFEST, counted, limit=10)
    assert (found.indexes, found.complete, asked) == (tuple(range(10)), False, [0])
    assert found.tiles == (0, 1, 2, 3)


def test_without_leaf_hashes_the_answer_is_tiles():
    found = locate(RowsSource(with_changes(300)), SCHEMA, KEYS, MANIFEST, None)
    assert (found.tiles, found.indexes, found.complete) == ((1,), (), False)
    with pytest.raises(InvalidProof):
        locate(RowsSource(with_changes(300)), SCHEMA, KEYS, MANIFEST, lambda tile: [bytes(32)] * 256)


def test_leaves_of_a_range():
    every = list(leaves(SOURCE, SCHEMA, KEYS))
    assert list(leaves(SOURCE, SCHEMA, KEYS, first=300, count=7)) == every[300:307]
    assert list(leaves(SOURCE, SCHEMA, KEYS, first=990, count=99)) == every[990:]
    assert list(leaves(SOURCE, SCHEMA, KEYS, first=5, count=0)) == []


ONE = Schema.text(["n"])
LONG = [(str(at),) for at in range(2 * CHUNK + 10)]
LONG_KEYS = SegmentKeys([Segment(0, bytes(range(32)))])


@pytest.fixture(scope="module")
def long_manifest():
    return fingerprint_table(RowsSource(LONG), ONE, LONG_KEYS)[1]


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (LONG, (True, True, True, True)),
        ([*LONG, ("new",)], (True, True, True, True)),
        ([("x",), *LONG[1:]], (False, True, True, True)),
        ([*LONG[:CHUNK], ("x",), *LONG[CHUNK:]], (True, False, False, False)),
        (LONG[:-1], (True, True, False, False)),
        ([*LONG[:-1], ("x",), ("y",)], (True, True, False, False)),
        (LONG[: CHUNK + 1], (True, False, False, False)),
        ([], (False, False, False, False)),
    ],
    ids=["same", "grown", "changed", "moved", "cut", "last changed", "shrunk", "emptied"],
)
def test_keys_of_touched_chunks_are_fresh(long_manifest, rows, kept):
    keys = inherit_keys(RowsSource(rows), ONE, LONG_KEYS, long_manifest)
    assert tuple(keys.key(chunk * CHUNK) == LONG_KEYS.key(0) for chunk in range(4)) == kept


def test_a_salt_given_out_before_a_table_shrank_is_never_used_again(long_manifest):
    short = RowsSource(LONG[:CHUNK])
    keys = inherit_keys(short, ONE, LONG_KEYS, long_manifest)
    short_manifest = fingerprint_table(short, ONE, keys)[1]
    again = inherit_keys(RowsSource(LONG), ONE, keys, short_manifest)
    assert again.key(0) == LONG_KEYS.key(0)
    assert again.key(CHUNK) == keys.key(CHUNK) != LONG_KEYS.key(CHUNK)


def test_files_are_read_whole_from_streams_that_give_little(tmp_path):
    content = bytes(range(256)) * 20_000

    class Slow:
        def __init__(self):
            self.at = 0

        def read(self, wanted):
            part = content[self.at : self.at + min(wanted, 100_000)]
            self.at += len(part)
            return part

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    path = tmp_path / "scan.pdf"
    path.write_bytes(content)
    seen = []
    assert fingerprint_file(Slow, KEYS) == fingerprint_file(path, KEYS, progress=seen.append)
    assert seen == [4 << 20, len(content)]
    with pytest.raises(InvalidInput):
        fingerprint_file(tmp_path / "none.pdf", None)
