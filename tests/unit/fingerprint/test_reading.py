"""Schemas, read options and sources: what is read, and what is refused by name."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from io import BytesIO

import pytest

from ledger.errors import InvalidInput, InvalidSchema, InvalidTable, TooLarge
from ledger.fingerprint import (
    Column,
    CsvSource,
    JsonLinesSource,
    ReadOptions,
    RowsSource,
    Schema,
    compiled_csv,
    fingerprint_table,
    open_source,
    sources,
)

AB = Schema.text(["a", "b"])


def csv_of(content, **options):
    return CsvSource(lambda: BytesIO(content), ReadOptions(**options), name="t.csv")


def rows_of(source, schema, first=0):
    from ledger.fingerprint import rows_of

    assert first == 0 or not list(source.batches(schema, 1 << 40))
    return [row for rows in rows_of(Later(source, first), schema) for row in rows]


class Later:
    """A source from some record on."""

    def __init__(self, source, first):
        self.source, self.first = source, first

    def batches(self, schema):
        return self.source.batches(schema, self.first)


def cells_of(source, schema):
    encoder = source.encoder(schema)
    return [
        batch.cells(at)
        for rows in source.batches(schema)
        for batch in [encoder.encode(rows, 0)]
        for at in range(batch.count)
    ]


def refused(source, schema):
    with pytest.raises(InvalidTable) as refusal:
        fingerprint_table(source, schema, None)
    return refusal.value


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"columns": {}},
        {"columns": []},
        {"columns": ["a"]},
        {"columns": [{"type": "text"}]},
        {"columns": [{"name": ""}]},
        {"columns": [{"name": 1}]},
        {"columns": [{"name": "\ud800"}]},
        {"columns": [{"name": "a", "type": "string"}]},
        {"columns": [{"name": "a", "type": "decimal(77)"}]},
        {"columns": [{"name": "a", "type": "decimal(02)"}]},
        {"columns": [{"name": "a", "type": "decimal"}]},
        {"columns": [{"name": "a", "type": ["text"]}]},
        {"columns": [{"name": "a", "null": "NULL"}]},
        {"columns": [{"name": "a", "null": [None]}]},
        {"columns": [{"name": "a", "nul": []}]},
        {"columns": [{"name": "a"}, {"name": "a"}]},
        {"columns": [{"name": "a"}], "more": 1},
        {"columns": [{"name": "a"}], "format": "share-record/2"},
    ],
)
def test_schemas_refused(value):
    with pytest.raises(InvalidSchema):
        Schema.from_json(value)


def test_schema_limits():
    with pytest.raises(TooLarge):
        Schema.from_json({"columns": [{"name": f"c{at}"} for at in range(4097)]})
    with pytest.raises(TooLarge):
        Column("x" * 1025)


def test_schema_round_trip_and_null_texts_outside_the_digest():
    value = {"columns": [{"name": "编号", "type": "decimal(2)", "null": ["", "-"]}, {"name": "b", "type": "text"}]}
    schema = Schema.from_json(value)
    assert schema.to_json() == value
    assert schema.digest() == Schema((Column("编号", "decimal(2)"), Column("b"))).digest()
    assert schema.digest() != Schema((Column("b"), Column("编号", "decimal(2)"))).digest()


def test_read_options_round_trip():
    options = ReadOptions(encoding="GB18030", delimiter="\t", null=("NULL",), zone_offset="-03:30", header=False)
    value = options.to_json()
    assert value["encoding"] == "gb18030-2022"
    assert ReadOptions.from_json(value) == options
    assert options.zone == timezone(-timedelta(hours=3, minutes=30))
    assert ReadOptions.from_json({}) == ReadOptions()


@pytest.mark.parametrize(
    "value",
    [
        {"encoding": "latin-1"},
        {"encoding": None},
        {"delimiter": ""},
        {"delimiter": '"'},
        {"delimiter": ",,"},
        {"delimiter": "\n"},
        {"header": 1},
        {"null": "NULL"},
        {"null": [1]},
        {"zone_offset": "Asia/Shanghai"},
        {"zone_offset": "+8"},
        {"zone_offset": "+24:00"},
        {"form": "xml"},
        {"form": "jsonl", "encoding": "gb18030"},
        {"quote": "'"},
        [],
    ],
)
def test_read_options_refused(value):
    with pytest.raises(InvalidInput):
        ReadOptions.from_json(value)


def test_csv_matches_columns_by_name_and_drops_the_bom():
    source = csv_of('\ufeffb,a\r\n1,2\r\n"x\ny",""""\r\n'.encode())
    assert source.header() == ("b", "a")
    assert rows_of(source, AB) == [("2", "1"), ('"', "x\ny")]
    assert rows_of(csv_of(b"1;2\n3;4", header=False, delimiter=";"), AB) == [("1", "2"), ("3", "4")]
    one = Schema.text(["b"])
    assert rows_of(csv_of(b"b\n1\n"), one) == [("1",)]


def test_a_bom_is_dropped_from_gb18030_too():
    assert csv_of("\ufeffa,b\n".encode("gb18030"), encoding="gb18030").header() == ("a", "b")


@pytest.mark.parametrize(
    ("header", "facts"),
    [
        (b"a", {"missing": ["b"]}),
        (b"a,b,c", {"extra": ["c"]}),
        (b"a,b,a", {"doubled": ["a"]}),
        (b"a,B", {"missing": ["b"], "extra": ["B"]}),
    ],
)
def test_csv_headers_refused_by_name(header, facts):
    refusal = refused(csv_of(header + b"\n1,2\n"), AB)
    assert {name: refusal.facts[name] for name in ("missing", "extra", "doubled") if refusal.facts[name]} == facts
    assert (refusal.facts["file"], refusal.facts["row"]) == ("t.csv", 1)


def test_a_record_where_the_header_should_be_is_not_repeated():
    refusal = refused(csv_of(b"341502198001011234,secret\n"), AB)
    assert "341502" not in f"{refusal.detail}{refusal.facts}"
    assert (refusal.facts["row"], refusal.facts["missing"]) == (1, ["a", "b"])


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"", 1),
        (b"\n", 1),
        (b"\xff,b\n", 1),
        (b"a,b\n1,2\n1\n", 3),
        (b"a,b\n1,2,3\n", 2),
        (b"a,b\n1,2\n\n3,4\n", 3),
        (b"a,b\n1,2\n\n", 3),
        (b'a,b\n1,"2"x\n', 2),
        (b'a,b\n1,2\n1,"2\n3,4\n', 3),
        (b'"a,b\n', 1),
        (b"a,b\n1,2\n\xe5\x8f,4\n", 3),
        (b"a,b\n1,\xed\xa0\x80\n", 2),
        (b"a,b\n1,2\n3,\xe5", 3),
    ],
)
def test_csv_rows_refused(content, row):
    refusal = refused(csv_of(content), AB)
    assert (refusal.facts["file"], refusal.facts["row"]) == ("t.csv", row)


def test_the_first_fault_is_the_one_reported():
    schema = Schema((Column("a", "integer"), Column("b")))
    refusal = refused(csv_of(b"a,b\n1,x\n+2,y\n3\n"), schema)
    assert (refusal.facts["row"], refusal.facts["column"], refusal.facts["record"]) == (3, "a", 1)
    refusal = refused(csv_of(b'a,b\n1,x\n+2,y\n3,"z"z\n'), schema)
    assert refusal.facts["row"] == 3


def test_messages_never_repeat_a_cell():
    refusal = refused(csv_of(b"a,b\nsecret-341502,x\n"), Schema((Column("a", "integer"), Column("b"))))
    assert "secret" not in f"{refusal.detail}{refusal.facts}"
    refusal = refused(JsonLinesSource(lambda: BytesIO(b'{"a": secret}\n'), name="t"), Schema.text(["a"]))
    assert "secret" not in f"{refusal.detail}{refusal.facts}"


def test_a_blank_line_is_an_empty_cell_of_one_column():
    assert rows_of(csv_of(b"a\nx\n\n\n"), Schema.text(["a"])) == [("x",), ("",), ("",)]
    assert rows_of(csv_of(b"\n", header=False), Schema.text(["a"])) == [("",)]


def test_null_texts_compare_after_unquoting_and_a_column_may_have_its_own():
    schema = Schema.from_json(
        {"columns": [{"name": "a"}, {"name": "b", "null": ["-"]}, {"name": "n", "type": "integer"}]}
    )
    source = csv_of(b'a,b,n\n"NULL",NULL,"NULL"\n-,"-",1\n', null=("NULL",))
    assert cells_of(source, schema) == [(None, b"NULL", None), (b"-", None, b"1")]


def test_a_text_file_has_no_binary_cells():
    assert refused(csv_of(b"a\nx\n"), Schema((Column("a", "binary"),))).facts["column"] == "a"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_reading_from_a_record_on_across_batches(monkeypatch, encoding):
    monkeypatch.setattr(sources, "BATCH_ROWS", 7)
    content = "a,b\n" + "".join(f"{at},金\n" for at in range(50))
    source = csv_of(content.encode(encoding), encoding=encoding)
    for again in range(2):  # the second time from bookmarks
        for first in (50, 0, 6, 7, 8, 49, 60):
            assert [row[0] for row in rows_of(source, AB, first)] == [str(at) for at in range(first, 50)], again
    assert source.bookmarks.before(21).record == 21
    begun = CsvSource(source._origin, source.options, begun=source.bookmarks.before(30))
    assert [row[0] for row in rows_of(begun, AB, 31)] == [str(at) for at in range(31, 50)]


def test_batches_end_early_when_rows_are_large():
    content = b"a,b\n" + b"".join(b"%d,%s\n" % (at, b"x" * 4_000_000) for at in range(9))
    assert max(len(batch) for batch in csv_of(content).batches(AB)) <= 4
    assert len(rows_of(csv_of(content), AB)) == 9


@pytest.mark.parametrize("content", [b"a,b\n1,2\n" + b"1" * 200 + b",2\n", b'a,b\n1,2\n"' + b"1\n" * 200 + b'",2\n'])
def test_a_row_over_the_limit(monkeypatch, content):
    monkeypatch.setattr(compiled_csv, "BLOCK_BYTES", 50)
    monkeypatch.setattr(compiled_csv, "MAX_ROW_BYTES", 100)
    with pytest.raises(TooLarge) as refusal:
        rows_of(csv_of(content), AB)
    assert (refusal.value.facts["file"], refusal.value.facts["row"]) == ("t.csv", 3)


def test_a_header_over_the_limit():
    with pytest.raises(TooLarge):
        csv_of(b",".join(b"%d" % at for at in range(4097)) + b"\n").header()


def test_a_line_of_json_over_the_limit(monkeypatch):
    monkeypatch.setattr(sources, "MAX_ROW_BYTES", 10)
    with pytest.raises(TooLarge):
        rows_of(jsonl('{"a": "0123456789"}'), Schema.text(["a"]))


def test_a_missing_file_is_a_refusal_without_its_folder(tmp_path):
    refusal = refused(CsvSource(tmp_path / "none.csv"), AB)
    assert refusal.facts["file"] == "none.csv"
    assert str(tmp_path) not in refusal.detail


JSON = Schema.from_json(
    {
        "columns": [
            {"name": "t"},
            {"name": "i", "type": "integer"},
            {"name": "d", "type": "decimal(2)"},
            {"name": "f", "type": "float"},
            {"name": "b", "type": "boolean"},
            {"name": "day", "type": "date"},
            {"name": "at", "type": "timestamp"},
        ]
    }
)
GOOD = '{"t":"a","i":12345678901234567890,"d":1.5,"f":1e2,"b":true,"day":"2024-01-01","at":"2024-01-01T00:00:00Z"}'


def jsonl(content):
    return open_source(lambda: BytesIO(content.encode()), ReadOptions(form="jsonl"), name="t.jsonl")


def test_json_lines():
    expected = (b"a", b"12345678901234567890", b"1.50", b"100", b"true", b"2024-01-01", b"2024-01-01T00:00:00.000000Z")
    assert cells_of(jsonl("\ufeff" + GOOD + "\n" + GOOD.replace("1.5", '"1.5"')), JSON) == [expected, expected]
    assert cells_of(jsonl(GOOD.replace('"a"', "null")), JSON)[0][0] is None
    assert rows_of(jsonl('{"a":"1"}\n{"a":"2"}\n'), Schema.text(["a"]), 1) == [("2",)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"t":"a"', '"t":1'),
        ('"t":"a"', '"t":true'),
        ('"t":"a"', '"t":["a"]'),
        ('"t":"a"', '"t":{"a":1}'),
        ('"t":"a"', '"t":"\\ud800"'),
        ('"t":"a",', ""),
        ('"t":"a"', '"t":"a","more":null'),
        ('"t":"a"', '"t":"a","t":"a"'),
        ("12345678901234567890", "1.0"),
        ("12345678901234567890", "true"),
        ("1.5", "1.555"),
        ("1.5", "15e-1"),
        ("1e2", '"1e2"'),
        ("1e2", "1e999"),
        ("1e2", "NaN"),
        ("true", '"true"'),
        ("true", "1"),
        ('"2024-01-01"', "20240101"),
        ('"2024-01-01T00:00:00Z"', '"2024-01-01T00:00:00"'),
        (GOOD, ""),
        (GOOD, "[]"),
        (GOOD, "[" * 100_000),
        (GOOD, GOOD + GOOD),
    ],
)
def test_json_lines_refused(old, new):
    refusal = refused(jsonl(GOOD + "\n" + GOOD.replace(old, new, 1) + "\n"), JSON)
    assert (refusal.facts["file"], refusal.facts["row"]) == ("t.jsonl", 2)


EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        ("text", "a", b"a"),
        ("integer", -20, b"-20"),
        ("integer", 10**30, b"1" + b"0" * 30),
        ("decimal(2)", Decimal("-0.00"), b"0.00"),
        ("decimal(2)", Decimal("1E+3"), b"1000.00"),
        ("decimal(2)", Decimal("0E+3"), b"0.00"),
        ("decimal(2)", -7, b"-7.00"),
        ("decimal(8)", Decimal("1E-8"), b"0.00000001"),
        ("float", -0.0, b"0"),
        ("float", 2**53, b"9007199254740992"),
        ("float", 1e-7, b"1e-7"),
        ("boolean", False, b"false"),
        ("date", date(1, 1, 1), b"0001-01-01"),
        ("timestamp", datetime(2024, 1, 1, 8, tzinfo=EAST), b"2024-01-01T00:00:00.000000Z"),
        ("timestamp", datetime(2024, 1, 1, 8), b"2024-01-01T00:00:00.000000Z"),
        ("binary", b"\xff\x00", b"\xff\x00"),
        ("binary", memoryview(b""), b""),
        ("integer", None, None),
        ("text", None, None),
    ],
)
def test_python_values(type, value, expected):
    source = RowsSource([[value]], zone_offset="+08:00")
    assert cells_of(source, Schema((Column("a", type),))) == [(expected,)]


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("text", 1),
        ("text", b"a"),
        ("text", "\ud800"),
        ("integer", True),
        ("integer", 1.0),
        ("integer", "1"),
        ("integer", Decimal(1)),
        ("decimal(2)", 1.5),
        ("decimal(2)", True),
        ("decimal(2)", Decimal("1.500")),
        ("decimal(2)", Decimal("NaN")),
        ("decimal(2)", Decimal("1E+999999")),
        ("float", float("nan")),
        ("float", float("-inf")),
        ("float", 2**53 + 1),
        ("float", 10**400),
        ("float", "1"),
        ("float", True),
        ("boolean", 1),
        ("date", datetime(2024, 1, 1)),
        ("date", "2024-01-01"),
        ("timestamp", date(2024, 1, 1)),
        ("timestamp", datetime(2024, 1, 1)),
        ("timestamp", datetime(1, 1, 1, tzinfo=EAST)),
        ("binary", "a"),
        ("binary", [1]),
        ("text", ["a"]),
        ("text", {"a": 1}),
    ],
)
def test_python_values_refused(type, value):
    schema = Schema((Column("x"), Column("a", type)))
    facts = refused(RowsSource([["ok", None]] * 11 + [["ok", value]], name="q"), schema).facts
    assert (facts["file"], facts["row"], facts["record"], facts["column"]) == ("q", 12, 11, "a")


def test_rows_of_another_length_are_refused():
    for rows in ([["1"]], [["1", "2"], ["1", "2", "3"]]):
        assert refused(RowsSource(rows), AB).facts["row"] == len(rows)


def test_rows_may_come_from_a_callable_again_and_again():
    rows = [("a", datetime(2024, 1, 1, tzinfo=UTC)), ("b", None)]
    schema = Schema((Column("a"), Column("at", "timestamp")))
    again, once = RowsSource(lambda: iter(rows)), RowsSource(rows)
    first, _ = fingerprint_table(again, schema, None)
    assert first == fingerprint_table(again, schema, None)[0] == fingerprint_table(once, schema, None)[0]
