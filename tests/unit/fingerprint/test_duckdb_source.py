"""A query on DuckDB: one order, its own types, and nothing in reach but the database."""

import os

import duckdb
import pytest

from ledger.errors import InvalidInput, InvalidTable
from ledger.fingerprint import Schema, fingerprint_table
from ledger.fingerprint.duckdb_source import DuckDbSource

MADE = """
CREATE TABLE t AS SELECT i AS id, 'n' || i AS name, DATE '2024-01-01' AS day, i % 2 = 0 AS even,
  (i / 100)::DECIMAL(10, 2) AS part, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS made, i::DOUBLE / 3 AS third,
  ['x'] AS several, 'a'::ENUM('a', 'b') AS kind, i::HUGEINT AS huge, TIME '10:00' AS clock,
  CASE WHEN i = 7 THEN 'NaN'::DOUBLE ELSE 1 END AS odd, CASE WHEN i = 7 THEN 'x' ELSE '1' END AS digits
FROM range(100000) r(i)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("duck") / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(MADE)
    return path


def test_types_and_order(database):
    query = "SELECT id, name, day, even, part, made, third, kind, huge FROM t WHERE id < 70000;"
    down = DuckDbSource(database, query.replace("FROM t", "FROM (SELECT * FROM t ORDER BY id DESC)"), ["id"])
    source = DuckDbSource(database, query, ["id"])
    schema = source.schema()
    types = ["integer", "text", "date", "boolean", "decimal(2)", "timestamp", "float", "text", "decimal(0)"]
    assert [column.type for column in schema.columns] == types
    first, _ = fingerprint_table(source, schema, None)
    assert first.records == 70_000
    assert fingerprint_table(down, schema, None)[0] == first
    assert [batch.num_rows for batch in source.batches(schema, 69_998)] == [2]
    assert os.listdir(database.parent) == ["t.duckdb"]


@pytest.mark.parametrize(
    ("query", "order", "expected"),
    [
        ("SELECT even FROM t", ["even"], "two rows of the query have the same 'even'"),
        ("SELECT id FROM t", ["nope"], "no column 'nope'"),
        ("SELECT nope FROM t", ["id"], "the query failed: Binder Error"),
        ("SELECT several, id FROM t", ["id"], "column 'several': it is nested"),
        ("SELECT clock, id FROM t", ["id"], "column 'clock'"),
        ("SELECT * FROM read_csv('/etc/passwd')", ["column0"], "disabled by configuration"),
        ("SELECT * FROM 'https://example.com/x.parquet'", ["id"], "disabled by configuration"),
        ("SELECT digits::INT AS n, id FROM t", ["id"], "ConversionException"),
        ("DROP TABLE t", ["id"], "the query failed"),
        ("SELECT 1 AS a) AS x; ATTACH '/tmp/x.db' AS x; SELECT * FROM (SELECT 2 AS a", ["a"], "the query failed"),
        ("SELECT 1 AS a) AS x; SET memory_limit = '9GB'; SELECT * FROM (SELECT 2 AS a", ["a"], "the query failed"),
    ],
)
def test_queries_refused(database, query, order, expected):
    source = DuckDbSource(database, query, order)
    with pytest.raises(InvalidTable, match=expected.replace("(", r"\(")) as refusal:
        list(source.batches(source.schema()))
    assert refusal.value.facts["file"] == "t.duckdb"
    assert "'x'" not in refusal.value.detail or "several" in query


def test_cells_refused_by_row_and_column(database):
    schema = Schema.from_json({"columns": [{"name": "odd", "type": "float"}, {"name": "id", "type": "integer"}]})
    with pytest.raises(InvalidTable) as refusal:
        fingerprint_table(DuckDbSource(database, "SELECT id, odd FROM t", ["id"]), schema, None)
    assert refusal.value.facts == {"file": "t.duckdb", "row": 8, "record": 7, "column": "odd"}


def test_a_query_needs_a_key_and_a_database(database, tmp_path):
    for query, order in (("", ["id"]), (" ; ", ["id"]), ("SELECT 1", []), ("SELECT 1", [""])):
        with pytest.raises(InvalidInput):
            DuckDbSource(database, query, order)
    (tmp_path / "bad.duckdb").write_bytes(b"not a database" * 1000)
    for path in (tmp_path / "none.duckdb", tmp_path / "bad.duckdb"):
        with pytest.raises(InvalidTable) as refusal:
            DuckDbSource(path, "SELECT 1 AS a", ["a"]).schema()
        assert refusal.value.facts["file"] == path.name
    assert not (tmp_path / "none.duckdb").exists()
