"""Pages of records and their proofs, against an oracle in plain Python; what a page may read, hold and take."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.scopes import Filter
from ledger.errors import InvalidProof, TooLarge
from ledger.fingerprint import (
    RECORD,
    RECORD_SD,
    Column,
    Disclosure,
    Fingerprint,
    Manifest,
    Schema,
    Segment,
    SegmentKeys,
    fingerprint_table,
    verify_answer,
)
from ledger.fingerprint.conditions import conditions
from ledger.fingerprint.leaves import LeafRule
from ledger.services import selecting
from ledger.services.selecting import Bounds, Selected, Wanted, prove, select
from tests.fakes.tables import FakeTable

CHUNK = 1 << 16
SCHEMA = Schema((Column("id", "integer"), Column("name"), Column("n", "integer"), Column("secret")))
KEYS = SegmentKeys.fresh()


class Kept:
    """A table, its fingerprint, and its pages one after the other."""

    def __init__(
        self, rows: Sequence[Sequence[bytes | None]], format: str = RECORD_SD, keys: SegmentKeys | None = KEYS
    ):
        self.rows, self.table, self.rule = rows, FakeTable(SCHEMA, rows), LeafRule(format, keys)
        self.fingerprint: Fingerprint
        self.tree: Manifest
        self.fingerprint, self.tree = fingerprint_table(FakeTable(SCHEMA, rows), SCHEMA, keys, format=format)

    def page(self, filters=(), hidden=(), first=0, limit=100, bounds=None) -> Selected:
        wanted = Wanted(first, limit, conditions(filters, SCHEMA), hidden)
        made = select(self.table, self.rule, self.tree, wanted, bounds)
        if made.answer is not None:
            assert verify_answer(self.fingerprint, made.answer, SCHEMA), made
        return made

    def pages(self, **asked) -> list[Selected]:
        found = [self.page(**asked)]
        while found[-1].stop < self.table.records:
            assert len(found) < 100_000
            found.append(self.page(**asked, first=found[-1].stop))
        return found


def rows(number: int, **of: int) -> list[tuple[bytes | None, ...]]:
    return [(b"%d" % at, "村".encode(), b"%d" % (at % of.get("kinds", 7)), b"hidden%d" % at) for at in range(number)]


def numbers(pages: Sequence[Selected]) -> list[int]:
    return [one.index for page in pages if page.answer is not None for one in page.answer.records]


ROW = st.tuples(
    st.integers(-3, 3).map(lambda n: b"%d" % n),
    st.none() | st.sampled_from([b"", b"a", b"ab", b"b"]),
    st.none() | st.integers(-(10**20), 10**20).map(lambda n: b"%d" % n),
    st.integers(0, 10**9).map(lambda n: b"<marker-%d>" % n),
)
FILTER = st.one_of(
    st.builds(Filter, st.just("id"), st.sampled_from(["eq", "ne", "lt", "ge"]), st.tuples(st.integers(-3, 3).map(str))),
    st.builds(Filter, st.just("name"), st.sampled_from(["eq", "prefix", "gt"]), st.tuples(st.sampled_from(["", "a"]))),
    st.builds(Filter, st.just("n"), st.sampled_from(["is_null", "not_null"])),
    st.builds(Filter, st.just("n"), st.just("gt"), st.tuples(st.integers(-5, 10**19).map(str))),
)
MEANT = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b, "prefix": lambda a, b: a.startswith(b),
}  # fmt: skip


def holds(one: Filter, row: Sequence[bytes | None]) -> bool:
    cell = row[SCHEMA.names.index(one.column)]
    if one.operator in ("is_null", "not_null"):
        return (cell is None) == (one.operator == "is_null")
    if cell is None:
        return False
    read = (lambda text: text) if one.column == "name" else int
    return MEANT[one.operator](read(cell.decode()), read(one.values[0]))


@settings(max_examples=120, deadline=None)
@given(
    st.lists(ROW, min_size=1, max_size=700),
    st.lists(FILTER, max_size=3),
    st.sets(st.integers(0, 3), max_size=3),
    st.integers(1, 300),
    st.integers(300, 20_000),
    st.integers(1, 1000),
)
def test_the_union_of_pages_is_what_the_scope_lets_out_and_nothing_else(table, filters, hidden, limit, size, group):
    kept = Kept(table)
    kept.table.group = group
    pages = kept.pages(filters=filters, hidden=hidden, limit=limit, bounds=Bounds(size=size))
    expected = [at for at, row in enumerate(table) if all(holds(one, row) for one in filters)]
    assert numbers(pages) == expected
    for page in pages:
        if page.answer is None:
            continue
        assert len(page.answer.records) <= limit
        for record in page.answer.records:
            assert isinstance(record, Disclosure)
            assert record.cells == {at: cell for at, cell in enumerate(table[record.index]) if at not in hidden}
        told = orjson.dumps(page.answer.to_json())
        allowed = set() if 3 in hidden else {one.index for one in page.answer.records}
        for at, row in enumerate(table):
            assert at in allowed or row[3] not in told or any(row[3] == table[other][3] for other in allowed)
        for record in page.answer.records:
            for at in hidden:
                assert KEYS.field_salts(record.index, 1, 4)[0][at].hex().encode() not in told


def test_only_what_is_needed_is_read():
    kept = Kept(rows(2 * CHUNK + 5))
    page = kept.page(filters=[Filter("n", "eq", ("3",)), Filter("id", "ge", ("70000",))], limit=3)
    assert numbers([page]) == [70003, 70010, 70017]
    assert kept.table.reads == [
        (0, CHUNK, ("n", "id")),
        (CHUNK, CHUNK, ("n", "id")),
        (69888, 256, SCHEMA.names),  # the one tile that they are in
    ]
    kept.table.reads.clear()
    assert numbers([kept.page(first=10, limit=5)]) == [10, 11, 12, 13, 14]
    assert kept.table.reads == [(0, 256, SCHEMA.names)], "without filters nothing is looked for"


def test_a_page_looks_at_so_much_and_then_says_where_to_go_on():
    kept = Kept(rows(3 * CHUNK))
    never = [Filter("n", "lt", ("0",))]
    page = kept.page(filters=never, bounds=Bounds(looked_at=CHUNK))
    assert (page.answer, page.stop) == (None, CHUNK)
    assert [one.stop for one in kept.pages(filters=never, bounds=Bounds(looked_at=CHUNK))] == [
        CHUNK,
        2 * CHUNK,
        3 * CHUNK,
    ]
    rare = [Filter("id", "in", ("5", str(CHUNK + 5), str(2 * CHUNK + 5)))]
    pages = kept.pages(filters=rare, bounds=Bounds(chunks=2))
    assert [numbers([one]) for one in pages] == [[5, CHUNK + 5], [2 * CHUNK + 5]]
    ticks = count()
    hurried = select(
        kept.table,
        kept.rule,
        kept.tree,
        Wanted(0, 9, conditions(never, SCHEMA)),
        Bounds(seconds=1.5),
        lambda: next(ticks),
    )
    assert hurried.stop == 2 * CHUNK


def test_time_is_up_within_a_chunk_too_and_only_where_a_tile_ends(monkeypatch: pytest.MonkeyPatch):
    """Where a row group ends depends on hidden cells: it must not be what `stop` tells."""
    kept = Kept(rows(5000))
    kept.table.group = 700
    some = conditions([Filter("n", "eq", ("3",))], SCHEMA)
    stops, found = [0], []
    while stops[-1] < 5000:
        page = select(
            kept.table, kept.rule, kept.tree, Wanted(stops[-1], 5000, some), Bounds(seconds=0), count().__next__
        )
        stops.append(page.stop)
        found += numbers([page])
    assert found == list(range(3, 5000, 7)) and len(stops) > 5
    assert all(stop % 256 == 0 for stop in stops[:-1])

    monkeypatch.setattr(selecting, "_CELLS_AT_ONCE", 1)  # a tile, then the clock is looked at
    page = select(kept.table, kept.rule, kept.tree, Wanted(0, 5000, ()), Bounds(seconds=0), count().__next__)
    assert (numbers([page]), page.stop) == (list(range(256)), 256)


def test_a_full_page_reads_no_further(monkeypatch: pytest.MonkeyPatch):
    kept = Kept(rows(5000))
    kept.table.group, names = 512, SCHEMA.names
    monkeypatch.setattr(selecting, "_CELLS_AT_ONCE", 1)
    assert numbers([kept.page(bounds=Bounds(size=100), limit=1000)]) == [0]
    assert kept.table.reads == [(0, 256, names)], "1000 records fit no page of 100 bytes"
    kept.table.reads.clear()
    assert numbers([kept.page([Filter("n", "ge", ("0",))], limit=3)]) == [0, 1, 2]
    assert kept.table.reads == [(0, 512, ("n",)), (0, 256, names)]


def test_a_proof_of_records_far_apart_or_large_is_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch):
    kept = Kept(rows(5000))
    monkeypatch.setattr(selecting, "_CELLS_PROVEN", 2 * 4 * 256)
    assert prove(kept.table, kept.rule, kept.tree, [0, 255, 511]) is not None
    kept.table.reads.clear()
    with pytest.raises(TooLarge, match="in 3 tiles"):
        prove(kept.table, kept.rule, kept.tree, [0, 300, 4000])
    assert kept.table.reads == []
    small = Bounds(size=1500)
    assert prove(kept.table, kept.rule, kept.tree, [1], bounds=small) is not None
    with pytest.raises(TooLarge, match="too large"):
        prove(kept.table, kept.rule, kept.tree, [0, 1, 2, 3, 4, 5], bounds=small)
    with pytest.raises(TooLarge, match="too far apart"):
        prove(kept.table, kept.rule, kept.tree, [0], bounds=Bounds(seconds=0), clock=count().__next__)


def test_a_page_has_so_many_bytes_but_always_a_record(monkeypatch: pytest.MonkeyPatch):
    large = [(b"%d" % at, b"x" * 1000, b"1", b"s") for at in range(10)]
    kept = Kept(large)
    pages = kept.pages(bounds=Bounds(size=3000))
    assert numbers(pages) == list(range(10)) and [len(numbers([one])) for one in pages] == [2] * 5
    assert [len(numbers([one])) for one in kept.pages(bounds=Bounds(size=1))] == [1] * 10
    monkeypatch.setattr(selecting, "_LARGEST", 500)
    with pytest.raises(TooLarge, match="record 0"):
        kept.page()
    assert numbers([kept.page(hidden=(1,))]) == list(range(10)), "what is not shown does not count"


def test_shredded_records_are_passed_over_and_said_so():
    table = rows(3 * CHUNK + 10)
    keys = SegmentKeys([Segment.fresh(0), Segment.fresh(CHUNK), Segment.fresh(2 * CHUNK)])
    kept = Kept(table, keys=keys)
    left = SegmentKeys([keys.segments[0], keys.segments[2]], gone=[CHUNK])
    kept.table.gone, kept.rule = range(CHUNK, 2 * CHUNK), LeafRule(RECORD_SD, left)
    wanted = [Filter("id", "in", (str(CHUNK - 1), str(CHUNK), str(2 * CHUNK)))]
    page = kept.page(filters=wanted)
    assert (numbers([page]), page.shredded) == ([CHUNK - 1, 2 * CHUNK], ((CHUNK, 2 * CHUNK),))
    page = kept.page(first=CHUNK - 1, limit=2)
    assert (numbers([page]), page.shredded, page.stop) == ([CHUNK - 1, 2 * CHUNK], ((CHUNK, 2 * CHUNK),), 2 * CHUNK + 1)
    within = kept.page(first=CHUNK + 7, limit=1)
    assert (numbers([within]), within.shredded) == ([2 * CHUNK], ((CHUNK + 7, 2 * CHUNK),))
    assert kept.page(first=0, limit=1).shredded == ()


@pytest.mark.parametrize(("format", "keys"), [(RECORD, KEYS), (RECORD, None), (RECORD_SD, KEYS)])
def test_every_format_is_answered_from(format, keys):
    kept = Kept(rows(600), format, keys)
    assert numbers(kept.pages(limit=250)) == list(range(600))
    assert kept.page(first=600).answer is None and kept.page(first=1 << 62).stop == 1 << 62
    assert prove(kept.table, kept.rule, kept.tree, [599, 600]) is None
    assert prove(kept.table, kept.rule, kept.tree, [-1]) is None and prove(kept.table, kept.rule, kept.tree, []) is None
    met = conditions([Filter("n", "eq", ("3",))], SCHEMA)
    found = prove(kept.table, kept.rule, kept.tree, [3, 10, 591], met)
    assert found is not None and verify_answer(kept.fingerprint, found, SCHEMA)
    assert prove(kept.table, kept.rule, kept.tree, [3, 4], met) is None


def test_a_kept_table_that_is_another_proves_nothing():
    kept = Kept(rows(600))
    other = [*rows(599), (b"599", b"x", b"0", b"y")]
    kept.table = FakeTable(SCHEMA, other)
    with pytest.raises(InvalidProof):
        kept.page(first=590)
    assert numbers([kept.page(limit=10)]) == list(range(10)), "the other tiles are right"
    kept.tree = replace(kept.tree, tiles=(bytes(32), *kept.tree.tiles[1:]))
    with pytest.raises(InvalidProof):
        kept.page(limit=10)
