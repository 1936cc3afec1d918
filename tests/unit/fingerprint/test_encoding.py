"""Arrow columns to canonical bytes: compiled code and the plain readers agree, and both agree with what is expected."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidTable
from ledger.fingerprint import Column, Schema, columns
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.kernel import engine, forced

EAST = timezone(timedelta(hours=8))
COMPILED = engine().name if engine().compiled else "vectors"
NO_LIMIT = settings(deadline=None, max_examples=60)


def encoded(array, type, dialect="value", **options):
    """(the cells, None) or (None, the facts of the refusal), the same from both ways of reading."""
    found = []
    for name in (COMPILED, "hashlib"):
        batch = pa.RecordBatch.from_arrays([array], names=["c"])
        with forced(name):
            try:
                read = RecordEncoder(Schema((Column("c", type),)), dialect, **options).encode(batch, 7)
            except InvalidTable as refusal:
                found.append((None, {**refusal.facts, "detail": refusal.detail}))
            else:
                assert read.count == len(array)
                assert [read.record(at) for at in range(read.count)] == read.records()
                found.append(([read.cells(at)[0] for at in range(read.count)], None))
    assert found[0] == found[1]
    return found[0]


def cells(array, type, dialect="value", **options):
    read, refusal = encoded(array, type, dialect, **options)
    assert refusal is None, refusal
    return read


def sliced(draw, values, arrow):
    """An Arrow array of the values that is a slice of a longer one."""
    before, after = draw(st.integers(0, 11)), draw(st.integers(0, 3))
    filler = [value for value in values if value is not None][:1] or [None]
    array = pa.array(filler * before + values + filler * after, arrow)
    return array.slice(before, len(values))


def columns_of(values, *types):
    return st.composite(
        lambda draw: (lambda several: (several, sliced(draw, several, draw(st.sampled_from(types)))))(
            draw(st.lists(st.none() | values, max_size=40))
        )
    )()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(columns_of(TEXTS, pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())))
@NO_LIMIT
def test_text(column):
    values, array = column
    assert cells(array, "text") == [None if value is None else value.encode() for value in values]


@given(columns_of(st.binary(max_size=40), pa.binary(), pa.large_binary(), pa.binary_view()))
@NO_LIMIT
def test_binary_and_canonical(column):
    values, array = column
    assert cells(array, "binary") == values
    assert cells(array, "integer", "canonical") == values


def test_binary_of_fixed_size():
    assert cells(pa.array([b"ab", None, b"\xff\x00"], pa.binary(2)).slice(1), "binary") == [None, b"\xff\x00"]


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_integers(bits, data):
    for low, high, arrow in (
        (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, getattr(pa, f"int{bits}")()),
        (0, 2**bits - 1, getattr(pa, f"uint{bits}")()),
    ):
        edges = st.sampled_from([low, high, 0, 9, 10, 99, 100])
        values, array = data.draw(columns_of(edges | st.integers(low, high), arrow))
        expected = [None if value is None else str(value).encode() for value in values]
        assert cells(array, "integer") == expected
        assert cells(array, "decimal(3)") == [None if text is None else text + b".000" for text in expected]
        assert cells(array, "decimal(0)") == expected


@st.composite
def decimal_columns(draw):
    arrow = draw(st.sampled_from([pa.decimal32, pa.decimal64, pa.decimal128, pa.decimal256]))
    precision = draw(st.integers(1, {pa.decimal32: 9, pa.decimal64: 18, pa.decimal128: 38, pa.decimal256: 76}[arrow]))
    scale = draw(st.integers(0, precision))
    most = 10**precision - 1
    numbers = st.sampled_from([0, 1, -1, most, -most]) | st.integers(-most, most)
    digits = draw(st.lists(st.none() | numbers, max_size=20))
    values = [None if number is None else Decimal((number < 0, tuple(map(int, str(abs(number)))), -scale))
              for number in digits]  # fmt: skip
    return scale, values, sliced(draw, values, arrow(precision, scale))


@given(decimal_columns(), st.integers(0, 76))
@settings(deadline=None, max_examples=150)
def test_decimals(column, scale):
    given, values, array = column
    read, refusal = encoded(array, f"decimal({scale})")
    if scale < given and any(value is not None for value in values):
        first = next(at for at, value in enumerate(values) if value is not None)
        assert refusal["record"] == 7 + first
        return
    assert read == [None if value is None else f"{abs(value) if value == 0 else value:.{scale}f}".encode()
                    for value in values]  # fmt: skip
    if given == 0:
        assert cells(array, "integer") == [None if value is None else str(int(value)).encode() for value in values]


@pytest.mark.parametrize("scale", [1, 2, 19, 20])
def test_decimals_at_the_edges_of_a_machine_word(scale):
    edges = [2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**19, 10**scale - 1, 10**scale, 5]
    values = [Decimal((sign, tuple(map(int, str(edge))), -scale)) for edge in edges for sign in (0, 1)]
    array = pa.array(values, pa.decimal128(38, scale))
    assert cells(array, f"decimal({scale})") == [f"{value:.{scale}f}".encode() for value in values]


FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.1, 1e21, 1e20, 123456789012345680000.0, 1e-6, 1e-7, 5e-324, 2.5, 1e15, 999999999999999.0, 1.5e300, 0.000123]
) | st.integers(-(10**16), 10**16).map(lambda number: number / 100)  # fmt: skip


@given(columns_of(FLOATS, pa.float64()))
@settings(deadline=None, max_examples=300)
def test_floats(column):
    values, array = column
    expected = [None if value is None else rfc8785.dumps(value) for value in values]
    assert cells(array, "float") == expected
    texts = pa.array([None if value is None else repr(value) for value in values], pa.string())
    assert cells(texts, "float", "text") == expected


@given(columns_of(st.floats(width=32, allow_nan=False, allow_infinity=False), pa.float32()))
@NO_LIMIT
def test_single_floats_are_widened_exactly(column):
    values, array = column
    assert cells(array, "float") == [None if value is None else rfc8785.dumps(value) for value in values]


def test_half_floats_and_integers_as_floats():
    assert cells(pa.array([np.float16(0.1), None], pa.float16()), "float") == [b"0.0999755859375", None]
    assert cells(pa.array([2**53, None, -7], pa.int64()), "float") == [b"9007199254740992", None, b"-7"]
    assert encoded(pa.array([1, 2**53 + 1], pa.int64()), "float")[1]["record"] == 8


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(bad):
    _, refusal = encoded(pa.array([1.0, None, bad, bad]), "float")
    assert (refusal["record"], refusal["row"], refusal["column"]) == (9, 10, "c")


@given(columns_of(st.booleans(), pa.bool_()))
@NO_LIMIT
def test_booleans(column):
    values, array = column
    assert cells(array, "boolean") == [None if value is None else (b"true" if value else b"false") for value in values]


@given(columns_of(st.dates(), pa.date32(), pa.date64()))
@NO_LIMIT
def test_dates(column):
    values, array = column
    expected = [None if value is None else value.isoformat().encode() for value in values]
    assert cells(array, "date") == expected
    texts = pa.array([None if text is None else text.decode() for text in expected], pa.string())
    assert cells(texts, "date", "text") == expected


def test_days_around_those_that_are_looked_up():
    days = [date(1899, 12, 31), date(1900, 1, 1), date(1900, 2, 28), date(2099, 12, 31), date(2100, 1, 1)]
    for kind in (pa.date32(), pa.date64()):
        assert cells(pa.array([*days, None, *days], kind), "date") == [
            *(text := [day.isoformat().encode() for day in days]), None, *text]  # fmt: skip


def test_days_that_are_none():
    for days in (-719163, 2932897, 2**31 - 1):
        assert encoded(pa.array([0, days], pa.int32()).view(pa.date32()), "date")[1]["record"] == 8
    assert encoded(pa.array([1], pa.int64()).view(pa.date64()), "date")[1]["record"] == 7
    assert cells(pa.array([-719162, 2932896], pa.int32()).view(pa.date32()), "date") == [b"0001-01-01", b"9999-12-31"]


def canonical(moment):
    return moment.strftime("%Y").rjust(4, "0").encode() + moment.strftime("-%m-%dT%H:%M:%S.%fZ").encode()


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))


@given(columns_of(MOMENTS, pa.timestamp("us")))
@NO_LIMIT
def test_timestamps(column):
    values, array = column
    utc = [None if value is None else canonical(value) for value in values]
    east = [None if value is None else canonical(value - timedelta(hours=8)) for value in values]
    assert cells(array, "timestamp", zone=UTC) == utc
    assert cells(array, "timestamp", zone=EAST) == east
    assert cells(array.cast(pa.timestamp("us", "Asia/Shanghai")), "timestamp", zone=EAST) == utc
    texts = pa.array([None if value is None else f"{value:%H:%M:%S.%f}" for value in values], pa.string())
    days = [None if value is None else value.date().isoformat() for value in values]
    for mark, expected in (("", east), ("Z", utc), ("+08:00", east)):
        pairs = zip(days, texts.to_pylist(), strict=True)
        joined = [None if day is None else f"{day}T{text}{mark}" for day, text in pairs]
        assert cells(pa.array(joined, pa.string()), "timestamp", "text", zone=EAST) == expected
    if any(value is not None for value in values):
        assert encoded(array, "timestamp")[1]["column"] == "c"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_of_timestamps(unit):
    each = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}[unit]
    array = pa.array([0, -each, 86400 * each, None], pa.int64()).view(pa.timestamp(unit, "UTC"))
    expected = [b"1970-01-01T00:00:00.000000Z", b"1969-12-31T23:59:59.000000Z", b"1970-01-02T00:00:00.000000Z", None]
    assert cells(array, "timestamp") == expected
    for value in (2**63 - 1, -(2**63)):
        read, refusal = encoded(pa.array([value], pa.int64()).view(pa.timestamp(unit, "UTC")), "timestamp")
        assert (refusal is not None) == (unit != "ns" or value % 1000 > 0), read
    if unit == "ns":
        finer = pa.array([1000, 1001], pa.int64()).view(pa.timestamp("ns", "UTC"))
        assert encoded(finer, "timestamp")[1]["record"] == 8


ALPHABETS = {
    "integer": "0123456789-+ .e",
    "decimal(2)": "0123-+ .e",
    "decimal(0)": "012-+.",
    "float": "0123456789-+.eE N",
    "boolean": "truefalsTF ",
    "date": "0123459-/ ",
    "timestamp": "0123459-:TZ+. ",
    "text": "aé叶\U0001f600",
}
NEARLY = {
    "integer": ["-0", "0", "12", "9" * 40],
    "decimal(2)": ["-0.00", "-0.5", "1", "1.5", "0.05", "-12.34", "1.234"],
    "decimal(0)": ["-0", "7", "1.0"],
    "float": ["1e999", "-0.0", "1e21", "123456789.123456789", "0.1", "1e-400", "2.2250738585072014e-308", "1e15",
              "9007199254740993", "00", "1.", "123456789012345678901234567890", "0e5", "1.7976931348623159e308"],
    "boolean": ["true", "false", "True", "falsetrue"],
    "date": ["2024-02-29", "2023-02-29", "0000-01-01", "1900-02-29", "2000-02-29", "9999-12-31"],
    "timestamp": ["2024-01-01T00:00:00", "2024-01-01 23:59:60Z", "2024-01-01T00:00:00.1234560Z",
                  "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567Z", "2024-01-01T24:00:00Z",
                  "0001-01-01T00:00:00+08:00",
                  "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00-23:59", "2024-01-01T00:00:00Zx"],
    "text": [""],
}  # fmt: skip


@pytest.mark.parametrize("type", ALPHABETS)
@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_texts_of_a_file(type, data):
    texts = st.sampled_from(NEARLY[type]) | st.text(ALPHABETS[type], max_size=24)
    values = data.draw(st.lists(st.none() | texts, max_size=6))
    array = sliced(data.draw, values, data.draw(st.sampled_from([pa.string(), pa.large_string(), pa.binary()])))
    options = {"zone": data.draw(st.sampled_from([None, EAST])), "null": data.draw(st.sampled_from([(), ("", "NULL")]))}
    encoded(array, type, "text", **options)


@given(st.lists(st.binary(max_size=12) | TEXTS.map(str.encode), max_size=5))
@example([b"\xed\xa0\x80"])
@example([b"\xf4\x90\x80\x80"])
@example([b"\xc0\x80"])
@example([b"\xe0\x80\x80"])
@example([b"ok", b"aaaaaaaa\xe5\x8f"])
@settings(deadline=None, max_examples=300)
def test_bytes_that_are_no_text(values):
    read, refusal = encoded(pa.array(values, pa.binary()), "text", "text")
    for at, value in enumerate(values):
        try:
            value.decode()
        except UnicodeDecodeError:
            assert refusal["record"] == 7 + at
            break
    else:
        assert read == values


def test_characters_cut_between_cells_are_no_text():
    """All cells together are UTF-8, and one or two of them are not."""
    content, bounds = pa.py_buffer("a叶b".encode()), struct.pack("<4i", 0, 2, 4, 5)
    for mask, refused in ((None, 7), (b"\x05", 7), (b"\x06", 8)):
        validity = None if mask is None else pa.py_buffer(mask)
        array = pa.Array.from_buffers(pa.binary(), 3, [validity, pa.py_buffer(bounds), content])
        assert encoded(array, "text", "text")[1]["record"] == refused


def test_null_texts():
    array = pa.array(["NULL", "", "-", "NUL", None, "x"])
    assert cells(array, "text", "text", null=("NULL", "-")) == [None, b"", None, b"NUL", None, b"x"]
    assert cells(pa.array(["", "1"]), "integer", "text", null=("",)) == [None, b"1"]
    assert encoded(array, "integer", "text", null=("NULL",))[1]["record"] == 8


def test_columns_of_nothing_but_nulls():
    for type in ("text", "integer", "decimal(2)", "float", "boolean", "date", "timestamp", "binary"):
        assert cells(pa.nulls(3), type) == [None] * 3
        assert cells(pa.nulls(0), type) == []


@pytest.mark.parametrize(
    ("arrow", "type"),
    [
        (pa.list_(pa.int64()), "text"),
        (pa.struct([("a", pa.int64())]), "text"),
        (pa.map_(pa.string(), pa.int64()), "binary"),
        (pa.int64(), "text"),
        (pa.string(), "integer"),
        (pa.float64(), "integer"),
        (pa.float64(), "decimal(2)"),
        (pa.decimal128(5, 1), "integer"),
        (pa.time64("us"), "timestamp"),
        (pa.duration("us"), "integer"),
        (pa.month_day_nano_interval(), "text"),
        (pa.date32(), "timestamp"),
        (pa.timestamp("us"), "date"),
        (pa.bool_(), "integer"),
        (pa.int8(), "boolean"),
        (pa.binary(), "text"),
        (pa.string(), "binary"),
    ],
)
def test_arrow_types_that_are_not_for_a_column(arrow, type):
    _, refusal = encoded(pa.nulls(2, arrow), type)
    assert (refusal["file"], refusal["column"]) == ("table", "c")
    assert str(arrow) in refusal["detail"]


def test_runs_are_unpacked():
    array = pa.RunEndEncodedArray.from_arrays([2, 5], pa.array(["a", None]))
    assert cells(array, "text") == [b"a", b"a", None, None, None]


def test_the_first_fault_is_by_row_and_then_by_column():
    schema = Schema((Column("x", "integer"), Column("y", "date"), Column("z", "float")))
    arrays = [pa.array(["1", "2", "+3"]), pa.array(["2024-01-01", "x", "y"]), pa.array(["1", "z", "1"])]
    batch = pa.RecordBatch.from_arrays(arrays, names=["x", "y", "z"])
    for name in (COMPILED, "hashlib"):
        with forced(name), pytest.raises(InvalidTable) as refusal:
            RecordEncoder(schema, "text", name="t.csv", first_row=2).encode(batch, 100)
        facts = refusal.value.facts
        assert (facts["file"], facts["row"], facts["record"], facts["column"]) == ("t.csv", 103, 101, "y")


def test_another_number_of_columns():
    batch = pa.RecordBatch.from_arrays([pa.array(["1"])], names=["c"])
    with pytest.raises(InvalidTable):
        RecordEncoder(Schema.text(["a", "b"])).encode(batch, 0)


def test_long_cells_beside_short_ones():
    values = ["x" * size for size in (0, 1, 15, 16, 17, 31, 4095, 4096, 4097, 70_000)]
    array = pa.array([*values, None])
    assert cells(array, "text") == [*(value.encode() for value in values), None]


def test_a_cell_too_long_for_its_marker(monkeypatch):
    monkeypatch.setattr(columns, "MAX_CELL_BYTES", 5000)
    with forced("hashlib"):
        batch = pa.RecordBatch.from_arrays([pa.array(["x" * 5000, "x" * 5001])], names=["c"])
        encoder = RecordEncoder(Schema.text(["c"]))
        assert encoder.encode(batch[:1], 0).record(0) == b"\x00\x00\x13\x88" + b"x" * 5000
        with pytest.raises(InvalidTable) as refusal:
            encoder.encode(batch, 0)
    assert refusal.value.facts["record"] == 1


def test_cells_at_the_very_end_of_their_memory():
    """Foreign buffers have nothing to spare behind them."""
    for size in range(1, 40):
        content = pa.py_buffer(b"x" * size)
        offsets = pa.py_buffer(struct.pack("<2i", 0, size))
        array = pa.Array.from_buffers(pa.string(), 1, [None, offsets, content])
        assert cells(array, "text") == [b"x" * size]


def test_dates_from_python():
    assert cells(pa.array([date(2024, 2, 29)]), "date") == [b"2024-02-29"]
