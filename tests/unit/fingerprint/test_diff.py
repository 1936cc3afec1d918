"""Which records were added, removed and changed: exact whatever happened, and named in order."""

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidTable
from ledger.fingerprint import (
    Column,
    CsvSource,
    JsonLinesSource,
    ReadOptions,
    RowsSource,
    Schema,
    Source,
    TableDifference,
    compare_tables,
    diff_join,
)

SCHEMA = Schema.text(["code", "name"])
ROWS = [(f"{at:05d}", f"村{at}") for at in range(3000)]
NEW = [(f"n{at}", "new") for at in range(100)]
Rows = list[tuple[str, str]]


def csv(rows: Rows) -> CsvSource:
    text = "code,name\n" + "".join(f"{code},{name}\n" for code, name in rows)
    return CsvSource(lambda: io.BytesIO(text.encode()))


def compared(old: Rows, new: Rows, form: Callable[[Rows], Source] = csv, **options: object) -> TableDifference:
    return compare_tables(form(old), form(new), SCHEMA, **options)  # type: ignore[arg-type]


def exact(old: Rows, new: Rows, found: TableDifference) -> None:
    """What is named is the difference of the two multisets, every record once."""
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    assert Counter([*(old[at] for at, _ in found.changed), *(old[at] for at in found.removed)]) == gone
    assert Counter([*(new[at] for _, at in found.changed), *(new[at] for at in found.added)]) == come
    assert (found.old_records, found.new_records) == (len(old), len(new))
    assert list(found.changed) == sorted(found.changed)
    assert (list(found.removed), list(found.added)) == (sorted(set(found.removed)), sorted(set(found.added)))
    assert found.complete and bool(found) == (old != new)


@pytest.mark.parametrize("form", [csv, RowsSource], ids=["by cells", "by digests"])
@pytest.mark.parametrize(
    ("new", "changed", "removed", "added"),
    [
        (ROWS, [], [], []),
        ([*ROWS[:7], NEW[0], *ROWS[8:]], [(7, 7)], [], []),
        ([NEW[1], *ROWS[1:-1], NEW[0]], [(0, 0), (2999, 2999)], [], []),
        ([*ROWS[:700], *NEW, *ROWS[700:]], [], [], list(range(700, 800))),
        ([*NEW, *ROWS], [], [], list(range(100))),
        ([*ROWS, *NEW], [], [], list(range(3000, 3100))),
        ([*ROWS[:10], *ROWS[20:]], [], list(range(10, 20)), []),
        (ROWS[:-3], [], [2997, 2998, 2999], []),
        (ROWS[5:], [], [0, 1, 2, 3, 4], []),
        ([], [], list(range(3000)), []),
        ([*ROWS[5:1000], NEW[0], *ROWS[1001:2000], *NEW[1:3], *ROWS[2000:]], [(1000, 995)], [0, 1, 2, 3, 4],
         [1995, 1996]),
        ([*ROWS[:50], *NEW[:20], *ROWS[60:]], [(50 + at, 50 + at) for at in range(10)], [], list(range(60, 70))),
    ],
    ids=["same", "one changed", "first and last", "put in", "put before", "put behind", "taken out", "cut off",
         "taken from the start", "emptied", "all at once", "replaced by more"],
)  # fmt: skip
def test_records_are_named(form, new: Rows, changed, removed, added) -> None:
    found = compared(ROWS, new, form)
    assert (list(found.changed), list(found.removed), list(found.added)) == (changed, removed, added)
    assert found.moved == 0
    exact(ROWS, new, found)
    back = compared(new, ROWS, form)
    assert (list(back.removed), list(back.added), len(back.changed)) == (added, removed, len(changed))


def test_records_that_only_moved_are_no_change() -> None:
    turned = ROWS[::-1]
    found = compared(ROWS, turned)
    assert (found.changed, found.removed, found.added) == ((), (), ()) and found and found.moved > 0
    swapped = compared(ROWS, [*ROWS[1000:], *ROWS[:1000]])
    assert not swapped.changed and swapped.moved == 1000


WHAT = st.sampled_from(["put in", "take out", "change", "move", "repeat"])
EDITS = st.lists(st.tuples(WHAT, st.integers(0, 400), st.integers(0, 60)), max_size=25)


@given(st.integers(1, 400), st.sampled_from([2, 40, 10**6]), EDITS, st.sampled_from([csv, RowsSource]))
@settings(deadline=None, max_examples=150)
def test_whatever_happened_is_found(size: int, alphabet: int, edits, form) -> None:
    old = [(f"{at * 7919 % alphabet}", "a") for at in range(size)]
    new = list(old)
    for what, at, count in edits:
        at = min(at, max(len(new) - 1, 0))
        if what == "put in":
            new[at:at] = [(f"{each % alphabet}", "new") for each in range(count)]
        elif what == "take out":
            del new[at : at + count]
        elif what == "change":
            new[at : at + 1] = [("changed", str(count))]
        elif what == "move":
            new.append(new.pop(at) if new else ("x", "y"))
        else:
            new[at:at] = new[:count]
    exact(old, new, compared(old, new, form))


def test_what_is_on_disk_is_found_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(diff_join, "IN_MEMORY", 100)
    new = [*ROWS[::2], *NEW, *ROWS[1::2][::-1]]
    found = compared(ROWS, new, folder=tmp_path)
    exact(ROWS, new, found)
    spelt = [(code, f"{name}改") for code, name in ROWS]
    all_changed = compared(ROWS, spelt, folder=tmp_path)
    assert list(all_changed.changed) == [(at, at) for at in range(3000)]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_names_stop_at_the_limit_and_counts_do_not() -> None:
    new = [*ROWS[:100], *NEW, *((code, "x") for code, _ in ROWS[100:200]), *ROWS[300:]]
    found = compared(ROWS, new, limit=10)
    assert not found.complete
    assert max(len(found.changed), len(found.removed), len(found.added)) == 10
    whole = compared(ROWS, new)
    assert whole.complete and whole.changed[:10] == found.changed
    assert found.changed_count == whole.changed_count == len(whole.changed)
    assert len(compared(ROWS, new, limit=0).changed) == 0
    told = found.to_json()
    assert told["counts"]["changed"] == found.changed_count and not told["complete"] and not told["same"]
    assert told["differences"][0] == {"change": "changed", "old": 100, "new": 100}


def test_the_same_records_from_another_form_of_file() -> None:
    lines = "".join(f'{{"name": "{name}", "code": "{code}"}}\n' for code, name in ROWS)
    other = JsonLinesSource(lambda: io.BytesIO(lines.encode()))
    assert not compare_tables(csv(ROWS), other, SCHEMA)
    assert not compare_tables(csv(ROWS), RowsSource(ROWS), SCHEMA)


def test_cells_written_otherwise_are_the_same() -> None:
    amounts = Schema((Column("n", "decimal(2)"), Column("f", "float")))
    one, other = (
        CsvSource(lambda text=text: io.BytesIO(text)) for text in (b"n,f\n1,1\n2,2\n", b"n,f\n1.0,1e0\n2.50,2\n")
    )
    found = compare_tables(one, other, amounts)
    assert (found.changed, found.moved) == (((1, 1),), 0)


def test_null_texts_count_for_each_table_by_itself() -> None:
    plain, none = b"code,name\n1,\n2,-\n", ReadOptions(null=("-",))
    mine, others = CsvSource(lambda: io.BytesIO(plain)), CsvSource(lambda: io.BytesIO(plain), none)
    assert compare_tables(mine, others, SCHEMA).changed == ((1, 1),)
    assert not compare_tables(others, others, SCHEMA)


def test_a_cell_the_schema_refuses_is_named() -> None:
    numbers = Schema((Column("code", "integer"), Column("name")))
    bad = [*ROWS[:2000], ("x", "bad"), *ROWS[2001:]]
    plain = [(str(int(code)), name) for code, name in ROWS]
    bad = [*plain[:2000], ("x", "bad"), *plain[2001:]]
    with pytest.raises(InvalidTable) as refused:
        compare_tables(csv(plain), csv(bad), numbers)
    assert (refused.value.facts["row"], refused.value.facts["column"]) == (2002, "code")
    with pytest.raises(InvalidTable):
        compare_tables(csv(plain), csv(ROWS), Schema.text(["code", "phone"]))


def test_progress_counts_the_new_table() -> None:
    seen: list[int] = []
    compared(ROWS, [*NEW, *ROWS], progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 3100
