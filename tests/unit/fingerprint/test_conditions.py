"""Filters over canonical cells, against plain Python; exact for any number, nulls met by null tests alone."""

from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.scopes import Filter
from ledger.errors import InvalidInput
from ledger.fingerprint import Column, Schema
from ledger.fingerprint import conditions as found_conditions
from ledger.fingerprint.cells import reader
from ledger.fingerprint.conditions import Condition, conditions, matching

TYPES = ("text", "integer", "decimal(2)", "float", "boolean", "date", "timestamp", "binary")
SCHEMA = Schema(tuple(Column(type, type) for type in TYPES))
COMPARED = {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}
HUGE = 10**30
MEANT = {"integer": int, "decimal(2)": Decimal, "float": float, "text": str, "date": str, "timestamp": str}
INTEGERS = st.one_of(st.integers(-5, 5), st.integers(-HUGE, HUGE), st.integers(-(2**63) - 2, -(2**63) + 2))
WRITTEN = {
    "text": st.text(alphabet="ab村\U0001f600\uffee", max_size=3),
    "integer": INTEGERS.map(str),
    "decimal(2)": INTEGERS.map(lambda whole: f"{Decimal(whole) / 4:f}" if abs(whole) < 10**20 else f"{whole}.25"),
    "float": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "date": st.dates().map(str),
    "timestamp": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
}


def canonical(type, text):
    return None if text is None else reader(type, "text", None)(text)


@st.composite
def asked(draw):
    type = draw(st.sampled_from(list(WRITTEN)))
    cells = draw(st.lists(st.none() | WRITTEN[type], max_size=12))
    operator = draw(st.sampled_from([*COMPARED, "in", "is_null", "not_null"]))
    one = WRITTEN[type] | st.sampled_from([cell for cell in cells if cell is not None] or ["0000-"]).filter(
        lambda text: text != "0000-"
    )
    count = 0 if operator.endswith("null") else draw(st.integers(1, 3)) if operator == "in" else 1
    return type, cells, operator, tuple(draw(one) for _ in range(count))


@settings(max_examples=300, deadline=None)
@given(asked())
def test_filters_mean_what_python_means(case):
    type, cells, operator, values = case
    meant = MEANT[type]

    def number(text):
        return meant(canonical(type, text).decode())

    def holds(cell):
        if operator in ("is_null", "not_null"):
            return (cell is None) == (operator == "is_null")
        if cell is None:
            return False
        if operator == "in":
            return number(cell) in [number(value) for value in values]
        return COMPARED[operator](number(cell), number(values[0]))

    array = pa.array([canonical(type, cell) for cell in cells], pa.binary())
    found = Condition.of(Filter(type, operator, values), SCHEMA).holds(array)
    assert found.tolist() == [holds(cell) for cell in cells]
    large = Condition.of(Filter(type, operator, values), SCHEMA).holds(array.cast(pa.large_binary()))
    assert large.tolist() == found.tolist()


def test_numbers_of_any_length_are_compared_in_linear_time():
    long = b"9" * 1_000_000
    cells = pa.array([long, b"-" + long, b"0", long[:-1] + b"8"], pa.binary())
    for operator, value, holds in (("gt", "7", [1, 0, 0, 1]), ("lt", "-7", [0, 1, 0, 0]), ("ge", "0", [1, 0, 1, 1])):
        assert Condition.of(Filter("integer", operator, (value,)), SCHEMA).holds(cells).tolist() == list(
            map(bool, holds)
        )


def test_a_long_list_of_long_numbers_is_looked_up_and_not_gone_through(monkeypatch: pytest.MonkeyPatch):
    """Each of 65,536 cells against each of 1,000 values, 64 filters a page, would take minutes."""
    seen: list[object] = []

    class Order(tuple):  # type: ignore[type-arg]
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            seen.append(other)
            return tuple.__eq__(self, other)

        __hash__ = tuple.__hash__

    plain = found_conditions._order
    monkeypatch.setattr(found_conditions, "_order", lambda digits: Order(plain(digits)))
    values = (*(str(at) for at in range(900)), "9" * 19)
    cells = pa.array([b"%d" % at for at in range(2000)] + [b"9" * 19], pa.binary())
    met = Condition.of(Filter("integer", "in", values), SCHEMA).holds(cells)
    assert met.tolist() == [at < 900 for at in range(2000)] + [True]
    assert len(seen) < 20_000


@pytest.mark.parametrize(
    ("column", "operator", "value", "cells", "holds"),
    [
        ("boolean", "eq", "true", [b"true", b"false", None], [True, False, False]),
        ("boolean", "in", "false", [b"true", b"false", None], [False, True, False]),
        ("binary", "eq", "ff00", [b"\xff\x00", b"", None], [True, False, False]),
        ("text", "prefix", "3415", [b"341502", b"3416", None], [True, False, False]),
        ("text", "prefix", "", [b"341502", b"", None], [True, True, False]),
        ("text", "eq", "a%_.*", [b"a%_.*", b"abcde"], [True, False]),
        ("decimal(2)", "eq", "1.5", [b"1.50", b"1.05"], [True, False]),
        ("timestamp", "eq", "2026-01-01 08:00:00+08:00", [b"2026-01-01T00:00:00.000000Z"], [True]),
    ],
)
def test_other_types(column, operator, value, cells, holds):
    found = Condition.of(Filter(column, operator, (value,)), SCHEMA).holds(pa.array(cells, pa.binary()))
    assert found.tolist() == holds


@pytest.mark.parametrize(
    ("column", "operator", "value"),
    [
        ("integer", "eq", "１"),
        ("integer", "eq", "01"),
        ("integer", "prefix", "1"),
        ("decimal(2)", "lt", "1.005"),
        ("float", "gt", "nan"),
        ("date", "eq", "2026-02-30"),
        ("timestamp", "eq", "2026-01-01T00:00:00"),
        ("boolean", "lt", "true"),
        ("binary", "ne", "00"),
        ("binary", "eq", "0"),
        ("text", "eq", "\ud800"),
    ],
)
def test_what_a_type_does_not_take_is_refused_without_repeating_it(column, operator, value):
    with pytest.raises(InvalidInput) as told:
        Condition.of(Filter(column, operator, (value,)), SCHEMA)
    assert value not in str(told.value.facts) and repr(value) not in told.value.detail


def test_all_of_them_must_hold():
    filters = [Filter("integer", "ge", ("2",)), Filter("text", "not_null")]
    batch = pa.RecordBatch.from_arrays(
        [pa.array([b"1", b"2", b"3"], pa.binary()), pa.array([b"a", None, b"c"], pa.binary())], ["integer", "text"]
    )
    assert matching(conditions(filters, SCHEMA), batch).tolist() == [False, False, True]
    assert matching((), batch).tolist() == [True, True, True]
