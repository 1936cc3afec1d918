"""Parquet and Arrow IPC as sources: every type, every refusal, nothing believed, nothing held that need not be."""

import datetime as dt
import io
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint import (
    ArrowSource,
    ParquetSource,
    ReadOptions,
    RowsSource,
    Schema,
    arrow_columns,
    fingerprint_table,
    open_source,
    rows_of,
)

EAST = dt.timezone(dt.timedelta(hours=8))
STAMP = dt.datetime(2024, 5, 1, 8, 0, 0, 123456, tzinfo=EAST)
TEXTS = ["x", "金安区", None, "", "y" * 40]
DAYS = [dt.date(2024, 2, 29), dt.date(1, 1, 1), None, dt.date(9999, 12, 31), dt.date(1969, 12, 31)]
PLAIN = {
    "s": (TEXTS, pa.string(), "text"),
    "ls": (TEXTS, pa.large_string(), "text"),
    "i8": ([1, -2, None, 0, 127], pa.int8(), "integer"),
    "u64": ([1, 2**64 - 1, None, 0, 7], pa.uint64(), "integer"),
    "f32": ([0.5, -0.0, None, 2.0**-24, 3.0], pa.float32(), "float"),
    "f64": ([0.1, 1e21, None, 1e-7, 5e-324], pa.float64(), "float"),
    "dec": ([Decimal("-1.50"), Decimal("-0.00"), None, Decimal(7), Decimal("0.01")], pa.decimal128(9, 2), "decimal(2)"),
    "big": ([Decimal(10**60), None, None, Decimal(-1), Decimal(0)], pa.decimal256(70, 0), "decimal(0)"),
    "b": ([True, False, None, True, False], pa.bool_(), "boolean"),
    "day": (DAYS, pa.date32(), "date"),
    "at": ([STAMP, STAMP, None, STAMP, STAMP], pa.timestamp("us", "+08:00"), "timestamp"),
    "bin": ([b"\xff\x00", b"", None, b"a", b"b"], pa.binary(), "binary"),
    "fix": ([b"ab", b"cd", None, b"ef", b"gh"], pa.binary(2), "binary"),
    "none": ([None] * 5, pa.null(), "text"),
}  # fmt: skip
ONLY_ARROW = {
    "d64": (DAYS, pa.date64(), "date"),
    "f16": ([0.5, None, 2.0, -1.5, 0.0], pa.float16(), "float"),
    "sv": (TEXTS, pa.string_view(), "text"),
    "bv": ([b"x", b"y" * 40, None, b"", b"z"], pa.binary_view(), "binary"),
    "lb": ([b"x", b"y" * 40, None, b"", b"z"], pa.large_binary(), "binary"),
}


def table_of(columns):
    arrays = {name: pa.array(cells, type) for name, (cells, type, _) in columns.items()}
    return pa.table({**arrays, "code": pa.array(["a", "b", None, "a", "b"]).dictionary_encode()})


def values_of(columns):
    rows = zip(*(cells for cells, _, _ in columns.values()), ["a", "b", None, "a", "b"], strict=True)
    schema = Schema.from_json(
        {"columns": [*({"name": name, "type": type} for name, (_, _, type) in columns.items()), {"name": "code"}]}
    )
    return RowsSource([list(row) for row in rows]), schema


def parquet(table, **settings):
    sink = io.BytesIO()
    pq.write_table(table, sink, **settings)
    return sink.getvalue()


def ipc(table, *, stream=False, rows=None, options=None):
    sink = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema, options=options) as writer:
        writer.write_table(table, rows)
    return sink.getvalue()


def opened(content, form, **options):
    return open_source(lambda: io.BytesIO(content), ReadOptions(form=form, **options), name=f"t.{form}")


FORMS = {
    "parquet": lambda table: parquet(table, row_group_size=2),
    "arrow file": lambda table: ipc(table, rows=2),
    "arrow stream": lambda table: ipc(table, stream=True),
    "arrow zstd": lambda table: ipc(table, options=pa.ipc.IpcWriteOptions(compression="zstd")),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_types_give_what_the_same_values_give(form, tmp_path):
    columns = PLAIN if form == "parquet" else PLAIN | ONLY_ARROW
    table, (plain, schema) = table_of(columns), values_of(columns)
    content = FORMS[form](table)
    source = opened(content, form.partition(" ")[0])
    assert source.schema() == schema
    expected, _ = fingerprint_table(plain, schema, None)
    assert fingerprint_table(source, schema, None)[0] == expected
    file = tmp_path / "t"
    file.write_bytes(content)
    kept = type(source)(file)
    assert fingerprint_table(kept, schema, None)[0] == expected
    assert kept.total == len(content)
    assert 0 < kept.done <= kept.total
    turned = table.select(table.column_names[::-1])
    assert fingerprint_table(opened(FORMS[form](turned), form.partition(" ")[0]), schema, None)[0] == expected


@pytest.mark.parametrize("form", FORMS)
def test_reading_from_a_record_on(form):
    table = pa.table({"n": pa.array(range(1000))})
    schema = Schema.from_json({"columns": [{"name": "n", "type": "integer"}]})
    content = parquet(table, row_group_size=300) if form == "parquet" else FORMS[form](table)
    source = opened(content, form.partition(" ")[0])
    for first in (0, 1, 299, 300, 301, 999, 1000, 5000):
        found = [row for batch in source.batches(schema, first) for row in batch.column(0).to_pylist()]
        assert found == list(range(first, 1000)), first
    assert next(rows_of(source, schema))[0] == (0,)


NESTED = {
    "list": pa.array([["x"]]),
    "struct": pa.array([{"a": 1}]),
    "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "dictionary of lists": pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([["x"]])),
}
STRANGE = {
    "time": pa.array([dt.time(1)]),
    "duration": pa.array([dt.timedelta(1)]),
    "runs": pa.RunEndEncodedArray.from_arrays([1], ["x"]),
    "uuid": pa.array([b"x" * 16], pa.uuid()),
}


@pytest.mark.parametrize("kind", [*NESTED, *STRANGE])
def test_types_that_no_table_has(kind):
    column = (NESTED | STRANGE)[kind]
    source = opened(ipc(pa.table({"a": [1], "c": column})), "arrow")
    for read in (source.schema, lambda: list(source.batches(Schema.text(["a", "c"])))):
        with pytest.raises(InvalidTable) as refusal:
            read()
        assert (refusal.value.facts["file"], refusal.value.facts["column"]) == ("t.arrow", "c")
        assert ("is nested" in refusal.value.detail) == (kind in NESTED)


def test_nested_parquet_is_refused():
    source = opened(parquet(pa.table({"a": [1], "c": NESTED["struct"]})), "parquet")
    with pytest.raises(InvalidTable, match=r"column 'c': it is nested"):
        list(source.batches(Schema.text(["a", "c"])))


@pytest.mark.parametrize(
    ("names", "facts"),
    [(["a"], {"missing": ["b"]}), (["a", "b", "c"], {"extra": ["c"]}), (["a", "b", "a"], {"doubled": ["a"]})],
)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_columns_are_matched_by_name(form, names, facts):
    table = pa.Table.from_arrays([pa.array(["x"])] * len(names), names=names)
    content = parquet(table) if form == "parquet" else ipc(table)
    with pytest.raises(InvalidTable) as refusal:
        list(opened(content, form).batches(Schema.text(["a", "b"])))
    told = {name: refusal.value.facts[name] for name in ("missing", "extra", "doubled") if refusal.value.facts[name]}
    assert (told, refusal.value.facts["file"]) == (facts, f"t.{form}")


def damaged_text(kind):
    bodies = b"abc\xff"
    wide = kind == pa.large_string()
    offsets = np.array([0, 3, 4], np.int64 if wide else np.int32)
    return pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(offsets), pa.py_buffer(bodies)])


REFUSED = [
    ("float", pa.array([1.0, float("nan")])),
    ("float", pa.array([1.0, float("inf")])),
    ("float", pa.array([1, 2**53 + 1])),
    ("decimal(1)", pa.array([None, Decimal("1.25")])),
    ("timestamp", pa.array([0, 1], pa.timestamp("ns", "UTC"))),
    ("date", pa.array([0, 1 << 30], pa.date32())),
    ("timestamp", pa.array([0, 1 << 62], pa.timestamp("us", "UTC"))),
    ("text", damaged_text(pa.string())),
    ("text", damaged_text(pa.large_string())),
]


@pytest.mark.parametrize(("type", "column"), REFUSED, ids=str)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_cells_refused_by_row_and_column(form, type, column):
    table = pa.Table.from_arrays([pa.array(["x", "y"]), column], names=["a", "b"])
    schema = Schema.from_json({"columns": [{"name": "b", "type": type}, {"name": "a"}]})
    content = parquet(table) if form == "parquet" else ipc(table)
    with pytest.raises(InvalidTable) as refusal:
        fingerprint_table(opened(content, form), schema, None)
    facts = refusal.value.facts
    assert (facts["file"], facts["row"], facts["record"], facts["column"]) == (f"t.{form}", 2, 1, "b")


@pytest.mark.parametrize(
    ("type", "column"),
    [
        ("text", pa.array([1])),
        ("integer", pa.array(["1"])),
        ("integer", pa.array([1.0])),
        ("boolean", pa.array([1])),
        ("date", pa.array(["2024-01-01"])),
        ("binary", pa.array(["x"])),
        ("text", pa.array([b"x"])),
        ("decimal(2)", pa.array([1.5])),
    ],
)
def test_a_type_is_declared_never_converted(type, column):
    schema = Schema.from_json({"columns": [{"name": "a", "type": type}]})
    with pytest.raises(InvalidTable) as refusal:
        fingerprint_table(opened(ipc(pa.table({"a": column})), "arrow"), schema, None)
    assert (refusal.value.facts["file"], refusal.value.facts["column"]) == ("t.arrow", "a")


def test_a_zone_is_needed_for_a_timestamp_without():
    table = pa.table({"at": pa.array([dt.datetime(2024, 1, 1, 8)], pa.timestamp("us"))})
    schema = Schema.from_json({"columns": [{"name": "at", "type": "timestamp"}]})
    with pytest.raises(InvalidTable) as refusal:
        fingerprint_table(opened(parquet(table), "parquet"), schema, None)
    assert (refusal.value.facts["row"], refusal.value.facts["column"]) == (1, "at")
    east, _ = fingerprint_table(opened(parquet(table), "parquet", zone_offset="+08:00"), schema, None)
    utc = RowsSource([[dt.datetime(2024, 1, 1, tzinfo=dt.UTC)]])
    assert east == fingerprint_table(utc, schema, None)[0]


def test_what_is_no_file_of_its_form(tmp_path):
    good = {"parquet": parquet(pa.table({"a": ["x"] * 99})), "arrow": ipc(pa.table({"a": ["x"] * 99}))}
    schema = Schema.text(["a"])
    for form, content in good.items():
        bent = bytearray(content)
        bent[len(bent) // 2 - 40 : len(bent) // 2 + 40] = b"\xff" * 80
        for bad in (
            b"",
            b"x",
            b"PAR1",
            b"ARROW1\0\0",
            content[: len(content) // 2],
            content[len(content) // 3 :],
            bent,
        ):
            with pytest.raises(InvalidTable) as refusal:
                list(opened(bytes(bad), form).batches(schema))
            assert refusal.value.facts["file"] == f"t.{form}"
            file = tmp_path / "secret-folder-341502"
            file.write_bytes(bad)
            with pytest.raises(InvalidTable) as refusal:
                list(open_source(file, ReadOptions(form=form), name="x").batches(schema))
            assert "secret" not in refusal.value.detail
        with pytest.raises(InvalidTable, match=r"cannot be read: No such file"):
            list(open_source(tmp_path / "none", ReadOptions(form=form)).batches(schema))


def test_a_pipe_is_refused_where_one_must_seek():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    for form, content in (("parquet", parquet(pa.table({"a": ["x"]}))), ("arrow", ipc(pa.table({"a": ["x"]})))):
        source = open_source(lambda content=content: Pipe(content), ReadOptions(form=form), name="t")
        with pytest.raises(InvalidTable, match="from a pipe"):
            list(source.batches(Schema.text(["a"])))


@pytest.mark.parametrize("kind", ["plain", "dictionary", "view"])
def test_batches_are_small_however_often_a_cell_repeats(kind, monkeypatch):
    monkeypatch.setattr(arrow_columns, "BATCH_BYTES", 1 << 16)
    column = pa.array(["x" * 1000] * 5000)
    if kind == "dictionary":
        column = column.dictionary_encode()
    elif kind == "view":
        column = column.cast(pa.string_view())
    source = opened(ipc(pa.table({"a": column})), "arrow")
    sizes = [batch.num_rows for batch in source.batches(Schema.text(["a"]))]
    assert sum(sizes) == 5000
    assert max(sizes) <= 65


def test_a_record_over_the_limit(monkeypatch):
    monkeypatch.setattr(arrow_columns, "BATCH_BYTES", 100)
    monkeypatch.setattr(arrow_columns, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(TooLarge) as refusal:
        list(opened(ipc(pa.table({"a": ["x", "y" * 2000]})), "arrow").batches(Schema.text(["a"])))
    assert refusal.value.facts == {"file": "t.arrow", "row": 2}


def test_options_of_another_form_are_refused():
    for source in (ParquetSource, ArrowSource):
        with pytest.raises(InvalidTable):
            source("x", ReadOptions())
    with pytest.raises(InvalidTable):
        ReadOptions(form="parquet", encoding="gb18030")
