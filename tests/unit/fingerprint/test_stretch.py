"""Stretches of a table, worked out apart, give the table's own root wherever the borders lie."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidTable, Shredded
from ledger.fingerprint import RECORD, RECORD_SD, Column, RowsSource, Schema, Segment, SegmentKeys, fingerprint_table
from ledger.fingerprint.key_order import check_order, out_of_order
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.merkle import sha256, sm3
from ledger.fingerprint.stretch import Reading, Stretch, check_ends, row_of, stretch_from, stretch_of
from ledger.fingerprint.tile_builder import TileBuilder

SCHEMA = Schema((Column("name"), Column("id", "integer")))
READING = Reading(SCHEMA, ("id",), (1,), "table")
RULE = LeafRule(RECORD, SegmentKeys([Segment(0, bytes(range(32)))]))
COUNT = 1100
ROWS = [(f"r{number}", number) for number in range(COUNT)]


def batches(rows: list[tuple[str, int | None]], size: int = 300) -> Iterator[pa.RecordBatch]:
    for at in range(0, len(rows), size):
        names, ids = zip(*rows[at : at + size], strict=True)
        yield pa.RecordBatch.from_pydict({"c0": names, "c1": pa.array(ids, pa.int64())})
        yield pa.RecordBatch.from_pydict({"c0": pa.array([], pa.string()), "c1": pa.array([], pa.int64())})


def sent(stretch: Stretch) -> Stretch:
    found = stretch_from(row_of(stretch).to_pylist()[0])
    assert isinstance(found, Stretch)
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, COUNT), max_size=12), st.sampled_from([1, 7, 256, 300]))
def test_any_borders(borders: list[int], size: int) -> None:
    bounds = [0, *sorted(borders), COUNT]
    stretches = [
        sent(stretch_of(batches(ROWS[start:stop], size), start, READING, RULE, (sha256,)))
        for start, stop in pairwise(bounds)
    ]
    check_ends(stretches, READING)
    tree = TileBuilder()
    for stretch in stretches:
        tree.add(stretch.runs[0])
    whole, manifest = fingerprint_table(RowsSource(ROWS), SCHEMA, RULE.keys)
    assert tree.root() == whole.root and tree.tiles() == manifest.tiles
    assert [stretch.records for stretch in stretches] == [stop - start for start, stop in pairwise(bounds)]


@pytest.mark.parametrize("format", [RECORD, RECORD_SD])
def test_both_hashes_in_one_pass(format: str) -> None:
    rule = LeafRule(format, RULE.keys)
    trees = TileBuilder(sha256), TileBuilder(sm3)
    for start, stop in ((0, 90), (90, 600)):
        stretch = sent(stretch_of(batches(ROWS[start:stop]), start, READING, rule, (sha256, sm3)))
        for tree, run in zip(trees, stretch.runs, strict=True):
            tree.add(run)
    whole, _ = fingerprint_table(RowsSource(ROWS[:600]), SCHEMA, RULE.keys, format=format, twin=True)
    assert (trees[0].root(), trees[1].root()) == (whole.root, whole.twin_root)


def test_what_is_sent_is_small() -> None:
    stretch = stretch_of(batches(ROWS * 1, 500), 77, READING, RULE, (sha256,))
    assert row_of(stretch).nbytes < 2 * 255 * 32 + COUNT // 8 + 1000


def test_a_refusal_is_sent_too() -> None:
    rows: list[Any] = [("a", 1), ("b", None)]
    with pytest.raises(InvalidTable) as caught:
        stretch_of(batches(rows), 70, READING, RULE, (sha256,))
    found = stretch_from(row_of(caught.value).to_pylist()[0])
    assert isinstance(found, InvalidTable)
    assert (found.detail, found.next_step, found.facts) == (
        caught.value.detail,
        caught.value.next_step,
        {"file": "table", "row": 72, "record": 71, "column": "id"},
    )
    gone = Shredded("gone", first_record=3)
    assert isinstance(stretch_from(row_of(gone).to_pylist()[0]), Shredded)


@pytest.mark.parametrize(
    ("ids", "record", "words"),
    [
        ([1, 2, 2, 3], 2, "has the same 'id'"),
        ([1, 3, 2], 2, "comes before"),
        ([0, 1, 2, 3, 4, 3], 5, "comes before"),
        ([0, 1, 2, 3, 3], 4, "has the same"),
    ],
)
def test_keys_that_are_not_in_order(ids: list[int], record: int, words: str) -> None:
    """Within a batch, from batch to batch, and from stretch to stretch."""
    rows: list[Any] = [("x", number) for number in ids]
    for size in (1, 2, 3, 100):
        with pytest.raises(InvalidTable, match=words) as caught:
            stretch_of(batches(rows, size), 0, READING, RULE, (sha256,))
        assert caught.value.facts == {"file": "table", "row": record + 1, "record": record, "order": ["id"]}
    apart = [
        stretch_of(batches(rows[start:stop]), start, READING, RULE, (sha256,))
        for start, stop in pairwise([0, record, len(ids)])
    ]
    with pytest.raises(InvalidTable, match=words) as caught:
        check_ends(apart, READING)
    assert caught.value.facts["record"] == record


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.text(max_size=2), st.binary(max_size=2), st.booleans()), min_size=1, max_size=9
    )
)
def test_the_order_of_several_columns_is_that_of_tuples(rows: list[tuple[int, str, bytes, bool]]) -> None:
    keys = pa.RecordBatch.from_pydict(dict(zip("abcd", map(list, zip(*rows, strict=True)), strict=True)))
    plain = [(number, text.encode(), raw, flag) for number, text, raw, flag in rows]
    wrong = [at for at, (before, after) in enumerate(pairwise(plain), 1) if after <= before]
    assert out_of_order(keys) == (wrong[0] if wrong else None)


def test_decimals_and_moments_can_be_keys() -> None:
    moments = [datetime(1969, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
    keys = pa.RecordBatch.from_pydict({"a": [Decimal("-1.50"), Decimal("2.00")], "b": moments})
    check_order(keys, 0, ("a", "b"), "table")
    with pytest.raises(InvalidTable, match="comes before"):
        check_order(keys.take(pa.array([1, 0])), 0, ("a", "b"), "table")
