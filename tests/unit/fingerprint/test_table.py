"""Tables of all sizes to roots, by every engine; resuming; what happens when something breaks off."""

import threading

import pytest

from ledger.errors import InvalidTable
from ledger.fingerprint import (
    RECORD,
    RECORD_SD,
    Column,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    fingerprint_table,
    kernel,
)
from ledger.fingerprint.kernel.intrinsics import has_sha_extensions
from ledger.fingerprint.merkle import sm3
from ledger.fingerprint.pipeline import AHEAD, in_order
from tests.conformance import reference

ENGINES = ["hashlib", "vectors", *(["sha-ni"] if has_sha_extensions() else [])]
CHUNK = 1 << 16
SCHEMA = Schema((Column("n", "integer"), Column("name")))
KEYS = [bytes(range(32)), bytes(reversed(range(32)))]
SEGMENTS = SegmentKeys([Segment(0, KEYS[0]), Segment(CHUNK, KEYS[1])])


def rows(count):
    return [(at * 7 - 3, None if at % 5 == 0 else f"村{at}") for at in range(count)]


def cells(row):
    return [None if cell is None else str(cell).encode() for cell in row]


def expected(count, rule=reference.leaf, H=reference.sha256, salted=True):
    leaves = [rule(KEYS[at >= CHUNK] if salted else None, at, cells(row), H) for at, row in enumerate(rows(count))]
    return reference.root(leaves, H)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 513])
def test_tables_of_few_records(name, count):
    source = RowsSource(rows(count))
    with kernel.forced(name):
        plain, manifest = fingerprint_table(source, SCHEMA, SEGMENTS, twin=True)
        assert plain.root == expected(count) == manifest.root
        assert plain.twin_root == expected(count, H=sm3)
        assert fingerprint_table(source, SCHEMA, None)[0].root == expected(count, salted=False)
        disclosing, _ = fingerprint_table(source, SCHEMA, SEGMENTS, format=RECORD_SD, twin=True)
        assert disclosing.root == expected(count, reference.leaf_sd)
        assert disclosing.twin_root == expected(count, reference.leaf_sd, sm3)


@pytest.mark.parametrize("format", [RECORD, RECORD_SD])
def test_a_table_that_goes_past_its_first_chunk_and_segment(format):
    source = RowsSource(rows(CHUNK + 1))
    right = expected(CHUNK + 1, reference.leaf if format == RECORD else reference.leaf_sd)
    for name in ENGINES[1:]:
        with kernel.forced(name):
            fingerprint, manifest = fingerprint_table(source, SCHEMA, SEGMENTS, format=format)
        assert (fingerprint.root, fingerprint.records, len(manifest.tiles)) == (right, CHUNK + 1, 257)


def test_a_pass_goes_on_where_an_earlier_one_ended():
    source = RowsSource(rows(70_000))
    kept = []
    whole = fingerprint_table(source, SCHEMA, SEGMENTS, twin=True, kept=lambda begun: kept.append(begun()))
    assert [len(each.tiles) for each in kept] == [256, 273]
    for begun in kept:
        assert fingerprint_table(source, SCHEMA, SEGMENTS, twin=True, begun=begun) == whole
    seen = []
    alone, _ = fingerprint_table(source, SCHEMA, SEGMENTS, begun=kept[0], progress=seen.append)
    assert (alone.root, seen) == (whole[0].root, [70_000])
    fingerprint_table(source, SCHEMA, SEGMENTS, kept=lambda begun: kept.append(begun()))
    with pytest.raises(ValueError, match="SM3"):
        fingerprint_table(source, SCHEMA, SEGMENTS, twin=True, begun=kept[-1])


class Breaking:
    """A source whose batches are watched."""

    name = "breaking"

    def __init__(self, source, after):
        self.source, self.after, self.closed, self.read = source, after, False, 0

    def encoder(self, schema):
        return self.source.encoder(schema)

    def batches(self, schema, first=0):
        try:
            for batch in self.source.batches(schema, first):
                for at in range(0, batch.num_rows, 100):
                    if self.read == self.after:
                        raise InvalidTable("the disk is gone", file=self.name)
                    self.read += 1
                    yield batch.slice(at, 100)
        finally:
            self.closed = True


def test_what_breaks_off_the_reading_comes_after_the_records_before_it():
    seen = []
    source = Breaking(RowsSource(rows(5000)), 7)
    with pytest.raises(InvalidTable, match="disk"):
        fingerprint_table(source, SCHEMA, None, progress=seen.append)
    assert (seen[-1], source.closed) == (700, True)


def test_an_interruption_leaves_no_thread_and_closes_the_source():
    source = Breaking(RowsSource(rows(5000)), 99)

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fingerprint_table(source, SCHEMA, None, progress=stop)
    assert source.closed
    assert source.read <= AHEAD + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fingerprint")]


def test_results_come_in_order_and_the_first_error_is_the_one_raised():
    second = threading.Event()

    def work(item):
        if item == 3:
            second.wait(5)
            raise ValueError("three")
        if item == 4:
            second.set()
            raise KeyError("four")
        return item

    found = []
    with pytest.raises(ValueError, match="three"):
        for each in in_order(work, range(9)):
            found.append(each)
    assert found == [0, 1, 2]
    assert list(in_order(str, [])) == []
