"""That a table only grew: consistency proofs between two versions' roots."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidProof
from ledger.fingerprint import (
    RECORD_SD,
    GrowthProof,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    fingerprint_table,
    prove_growth,
    tile_leaves,
    verify_growth,
)
from ledger.fingerprint.growth import boundary_tile
from ledger.fingerprint.merkle import consistency_path

SCHEMA = Schema.text(["code"])
ROWS = [(f"{at:06d}",) for at in range(1300)]
KEYS = SegmentKeys([Segment(0, bytes(range(32)))])
LEAVES = [leaf for tile in range(6) for leaf in tile_leaves(RowsSource(ROWS), SCHEMA, KEYS, tile)]


def taken(count: int, keys: SegmentKeys | None = KEYS):
    return fingerprint_table(RowsSource(ROWS[:count]), SCHEMA, keys)


def proven(first: int, size: int) -> GrowthProof:
    tile = boundary_tile(first)
    return prove_growth(first, taken(size)[1], None if tile is None else LEAVES[:size][tile * 256 : tile * 256 + 256])


@given(st.integers(0, 1300), st.integers(0, 1300))
@settings(deadline=None, max_examples=40)
def test_a_grown_table_is_proven(one: int, other: int) -> None:
    first, size = min(one, other), max(one, other)
    proof = GrowthProof.from_json(json.loads(json.dumps(proven(first, size).to_json())))
    assert list(proof.path) == consistency_path(LEAVES[:size], first)
    verdict = verify_growth(taken(first)[0], taken(size)[0], proof)
    assert (verdict.passed, verdict.code) == (True, "grown")


@given(st.integers(1, 1299), st.data())
@settings(deadline=None, max_examples=8)
def test_any_other_beginning_is_refused(first: int, choices: st.DataObject) -> None:
    earlier, later, proof = taken(first)[0], taken(1300)[0], proven(first, 1300)
    at, bit = choices.draw(st.integers(0, len(proof.path) - 1)), choices.draw(st.integers(0, 255))
    flipped = bytearray(proof.path[at])
    flipped[bit // 8] ^= 1 << bit % 8
    others = [
        proof.path[:at] + proof.path[at + 1 :],
        (*proof.path[:at], bytes(flipped), *proof.path[at + 1 :]),
        (*proof.path, proof.path[-1]),
        (),
    ]
    for path in others:
        assert verify_growth(earlier, later, GrowthProof(path)).code == "root"
    changed = list(ROWS)
    changed[choices.draw(st.integers(0, first - 1))] = ("changed",)
    assert verify_growth(earlier, fingerprint_table(RowsSource(changed), SCHEMA, KEYS)[0], proof).code == "root"
    assert verify_growth(replace(earlier, root=bytes(32)), later, proof).code == "root"


def test_what_differs_is_said() -> None:
    proof, earlier, later = proven(700, 1300), taken(700)[0], taken(1300)[0]
    assert verify_growth(later, earlier, proof).code == "records"
    assert verify_growth(replace(earlier, format=RECORD_SD), later, proof).code == "format"
    assert verify_growth(replace(earlier, salted=False), later, proof).code == "salted"
    assert verify_growth(replace(earlier, schema=bytes(32)), later, proof).code == "schema"
    other = taken(1300, SegmentKeys.fresh())[0]
    assert verify_growth(earlier, other, proof).code == "root", "under other keys it is another table"


def test_the_leaf_hashes_of_one_tile_are_needed() -> None:
    grown = taken(1300)[1]
    for leaves in (None, LEAVES[:256], LEAVES[512:700]):
        with pytest.raises(InvalidProof) as refused:
            prove_growth(700, grown, leaves)
        assert refused.value.facts == {"tile": 2}
    assert prove_growth(512, grown) == proven(512, 1300)
    assert prove_growth(1300, grown) == GrowthProof(())
    with pytest.raises(InvalidProof):
        prove_growth(1301, grown)


@pytest.mark.parametrize(
    "value",
    [None, {}, {"format": "share-growth/2", "path": []}, {"format": "share-growth/1", "path": ["00"]},
     {"format": "share-growth/1", "path": ["00" * 32] * 66}, {"format": "share-growth/1", "path": [], "size": 1}],
)  # fmt: skip
def test_proofs_that_cannot_be_read(value) -> None:
    with pytest.raises(InvalidProof):
        GrowthProof.from_json(value)
