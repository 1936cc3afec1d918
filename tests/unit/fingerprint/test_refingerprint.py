"""The fingerprint of a changed table from the one before: as a full run would take it, under keys of the rule."""

import pytest

from ledger.errors import InvalidInput
from ledger.fingerprint import (
    RECORD,
    RECORD_SD,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    fingerprint_table,
    inherit_keys,
    refingerprint,
)

CHUNK = 1 << 16
SCHEMA = Schema.text(["n"])
ROWS = [(str(at),) for at in range(3 * CHUNK + 700)]
KEYS = SegmentKeys([Segment(0, bytes(range(32)))])
NEW = [("new",)]


def manifest_of(format: str, keys: SegmentKeys | None):
    return fingerprint_table(RowsSource(ROWS), SCHEMA, keys, format=format)[1]


@pytest.fixture(scope="module")
def before():
    return manifest_of(RECORD, KEYS)


def with_changes(*indexes: int) -> list[tuple[str]]:
    rows = list(ROWS)
    for index in indexes:
        rows[index] = ("changed",)
    return rows


class Counting(RowsSource):
    """How many records were asked for, in whole batches."""

    read = 0

    def batches(self, schema, first=0):
        for batch in super().batches(schema, first):
            self.read += batch.num_rows
            yield batch


CHANGES = {
    "nothing": (ROWS, [], (True, True, True, True)),
    "grown": (ROWS + NEW * 300, [], (True, True, True, True)),
    "grown by a chunk": (ROWS + NEW * (CHUNK + 5), [], (True, True, True, True)),
    "two chunks": (with_changes(5, CHUNK, CHUNK + 9), [0, 1], (False, False, True, True)),
    "the middle, and grown": (with_changes(CHUNK) + NEW, [1], (True, False, True, True)),
    "the end": (with_changes(len(ROWS) - 1), [3], (True, True, True, False)),
    "the end cut off": (ROWS[:-5], [3], (True, True, True, False)),
    "the end changed, and grown": (with_changes(len(ROWS) - 1) + NEW * CHUNK, [3], (True, True, True, False)),
}


@pytest.mark.parametrize("told", [True, False], ids=["told", "found out"])
@pytest.mark.parametrize("change", list(CHANGES))
def test_it_is_what_a_full_run_takes(before, change: str, told: bool) -> None:
    rows, chunks, kept = CHANGES[change]
    made = refingerprint(before, RowsSource(rows), SCHEMA, KEYS, chunks if told else None)
    assert made.touched == tuple(chunks) and made.keys is not None
    assert (made.fingerprint, made.manifest) == fingerprint_table(RowsSource(rows), SCHEMA, made.keys)
    # Fresh where a record changed, moved or vanished, and nowhere else.
    assert tuple(made.keys.key(chunk * CHUNK) == KEYS.key(0) for chunk in range(4)) == kept
    rule = inherit_keys(RowsSource(rows), SCHEMA, KEYS, before)
    assert [rule.key(chunk * CHUNK) == KEYS.key(0) for chunk in range(6)] == [
        made.keys.key(chunk * CHUNK) == KEYS.key(0) for chunk in range(6)
    ]


@pytest.mark.parametrize(("format", "keys"), [(RECORD, None), (RECORD_SD, KEYS)], ids=["open", "by columns"])
def test_in_every_format(format: str, keys: SegmentKeys | None) -> None:
    rows, chunks, _ = CHANGES["two chunks"]
    for told in (chunks, None):
        made = refingerprint(manifest_of(format, keys), RowsSource(rows), SCHEMA, keys, told, format=format)
        full = fingerprint_table(RowsSource(rows), SCHEMA, made.keys, format=format)
        assert (made.fingerprint, made.manifest) == full and (made.keys is None) == (keys is None)


def test_only_what_is_told_is_read(before) -> None:
    source = Counting(with_changes(5))
    refingerprint(before, source, SCHEMA, KEYS, [0], spot_checks=0)
    assert source.read < CHUNK + 1000


def test_a_table_that_lost_its_records() -> None:
    small = fingerprint_table(RowsSource(ROWS[:10]), SCHEMA, KEYS)[1]
    for told in ([0], None):
        made = refingerprint(small, RowsSource([]), SCHEMA, KEYS, told)
        assert made.fingerprint.records == 0 and made.keys is not None and made.keys.key(0) != KEYS.key(0)
    empty = fingerprint_table(RowsSource([]), SCHEMA, KEYS)[1]
    assert refingerprint(empty, RowsSource(ROWS[:10]), SCHEMA, KEYS, []).manifest == small


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (with_changes(len(ROWS) - 1), []),
        (with_changes(len(ROWS) - 180), [0]),
        (ROWS[:-1], []),
        (ROWS[:CHUNK], [1]),
        (ROWS[: 3 * CHUNK], [3]),
        (ROWS[: 3 * CHUNK], []),
        (ROWS, [4]),
        (ROWS, [-1]),
    ],
    ids=["end", "end too", "shorter", "much shorter", "no end", "no end told", "no such chunk", "none at all"],
)
def test_what_cannot_be_the_old_table_changed_there(before, rows, told) -> None:
    with pytest.raises(InvalidInput):
        refingerprint(before, RowsSource(rows), SCHEMA, KEYS, told)


def test_spot_checks_find_a_chunk_that_was_not_told(before) -> None:
    wholly = [("x",) for _ in range(CHUNK)]
    with pytest.raises(InvalidInput) as refused:
        refingerprint(
            before, RowsSource([*ROWS[:CHUNK], *wholly, *ROWS[2 * CHUNK :]]), SCHEMA, KEYS, [0], spot_checks=9
        )
    assert refused.value.facts == {"chunk": 1}


def test_shredded_keys_are_not_passed_on(before) -> None:
    gone = SegmentKeys([Segment(CHUNK, bytes(32))], gone=[0])
    with pytest.raises(InvalidInput):
        refingerprint(before, RowsSource(ROWS), SCHEMA, gone, [1])


def test_a_salt_given_out_before_a_table_shrank_is_never_used_again(before) -> None:
    short = RowsSource(ROWS[:CHUNK])
    made = refingerprint(before, short, SCHEMA, KEYS)
    again = refingerprint(made.manifest, RowsSource(ROWS), SCHEMA, made.keys)
    assert made.keys is not None and again.keys is not None
    assert again.keys.key(0) == KEYS.key(0)
    assert again.keys.key(CHUNK) == made.keys.key(CHUNK) != KEYS.key(CHUNK)
