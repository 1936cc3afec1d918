"""A query on a database SQLAlchemy knows: one moment, one order, nothing changed, nothing guessed."""

import asyncio
import datetime as dt
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger.errors import InvalidInput, InvalidTable
from ledger.fingerprint import RowsSource, Schema, fingerprint_table
from ledger.store.query_source import QuerySource, has_password
from tests.harness.postgres import Server

ROWS = 5000
SCHEMA = Schema.from_json(
    {
        "columns": [
            {"name": "name"},
            {"name": "id", "type": "integer"},
            {"name": "ok", "type": "boolean"},
            {"name": "day", "type": "date"},
            {"name": "part", "type": "decimal(2)"},
            {"name": "made", "type": "timestamp"},
            {"name": "third", "type": "float"},
            {"name": "raw", "type": "binary"},
        ]
    }
)
MADE = dt.datetime(2024, 5, 1, 8, 0, 0, 123456, tzinfo=dt.UTC)
QUERY = "SELECT id, name, ok, day, part, made, third, raw FROM t WHERE name IS NULL OR name LIKE '%::int:%'"


def row(at: int) -> tuple[Any, ...]:
    part = Decimal(at) / 4
    name = None if at % 3 == 0 else f"金{at}::int:x %s"
    return name, at, at % 2 == 0, dt.date(2024, 2, 29), part.quantize(Decimal("0.01")), MADE, at / 3, bytes([at % 256])


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("lite") / "t.sqlite"
    with sqlite3.connect(path) as made:
        made.execute(
            "CREATE TABLE t (name TEXT, id INTEGER PRIMARY KEY, ok BOOLEAN, day TEXT, part TEXT, made TEXT, third REAL,"
            " raw BLOB, loose TEXT COLLATE NOCASE, odd)"
        )
        for at in range(ROWS):
            name, number, ok, day, part, moment, third, raw = row(at)
            texts = (str(day), str(part), moment.isoformat(), third, raw, "Aa"[at % 2], 2 if at == 7 else 1)
            made.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (name, number, int(ok), *texts))
    made.close()
    return f"sqlite:///{path}"


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE t (name text, id bigint PRIMARY KEY, ok boolean, day date, part numeric(9, 2), made timestamptz,"
        " third double precision, raw bytea)"
    )
    await connection.copy_records_to_table("t", records=[row(at) for at in range(ROWS)])
    await connection.close()


@pytest.fixture
def served(postgres: Server) -> Iterator[str]:
    with postgres.database() as url:
        asyncio.run(_fill(url.replace("postgresql+asyncpg", "postgresql")))
        yield url


def check(url: str) -> None:
    source = QuerySource(url, QUERY, ["id"])
    expected, _ = fingerprint_table(RowsSource([row(at) for at in range(ROWS)]), SCHEMA, None)
    assert fingerprint_table(source, SCHEMA, None)[0] == expected
    assert [batch.num_rows for batch in source.batches(SCHEMA, ROWS - 3)] == [3]
    down = QuerySource(url, QUERY + " ORDER BY id DESC", ["day", "id"])
    assert fingerprint_table(down, SCHEMA, None)[0] == expected
    with pytest.raises(InvalidTable, match="two rows of the query have the same 'ok', 'day'"):
        list(QuerySource(url, QUERY, ["ok", "day"]).batches(SCHEMA))
    with pytest.raises(InvalidTable, match="no column 'nope'"):
        list(QuerySource(url, QUERY, ["nope"]).batches(SCHEMA))
    with pytest.raises(InvalidTable, match="missing 'name'"):
        list(QuerySource(url, "SELECT id FROM t", ["id"]).batches(SCHEMA))
    for wrong in ("SELECT nope FROM t", "DELETE FROM t", "SELECT 1 AS id) AS a; DELETE FROM t; --", "SELECT * FROM ("):
        with pytest.raises(InvalidTable, match="failed: "):
            list(QuerySource(url, wrong, ["id"]).batches(SCHEMA))
    assert fingerprint_table(source, SCHEMA, None)[0] == expected


def test_sqlite(lite: str) -> None:
    check(lite)


def test_postgresql(served: str) -> None:
    check(served)


@pytest.mark.parametrize(
    ("column", "type"), [("odd", "boolean"), ("odd", "text"), ("name", "integer"), ("part", "float")]
)
def test_cells_refused_by_row_and_column(lite: str, column: str, type: str) -> None:
    schema = Schema.from_json({"columns": [{"name": column, "type": type}, {"name": "id", "type": "integer"}]})
    with pytest.raises(InvalidTable) as refusal:
        fingerprint_table(QuerySource(lite, f"SELECT id, {column} FROM t", ["id"]), schema, None)  # noqa: S608
    record = {"boolean": 7, "integer": 1}.get(type, 0)
    assert refusal.value.facts == {
        "file": "the query on sqlite", "row": record + 1, "record": record, "column": column
    }  # fmt: skip
    assert "金" not in refusal.value.detail


def test_keys_that_tie_in_the_databases_own_order_are_not_unique(lite: str) -> None:
    query = QuerySource(lite, "SELECT loose FROM t WHERE id < 2", ["loose"])
    with pytest.raises(InvalidTable, match="two rows of the query have the same 'loose'"):
        list(query.batches(Schema.text(["loose"])))


def test_a_database_is_never_made(tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"
    with pytest.raises(InvalidTable, match="no such file"):
        list(QuerySource(f"sqlite:///{path}", "SELECT 1 AS a", ["a"]).batches(Schema.text(["a"])))
    assert not path.exists()


def test_addresses() -> None:
    for bad in ("none", "http//x", "foo://x/y", "postgresql+nothing://x/y"):
        with pytest.raises(InvalidInput):
            QuerySource(bad, "SELECT 1 AS a", ["a"])
    assert has_password("postgresql://a:b@c/d")
    assert has_password("postgresql://a@c/d?password=b")
    assert not has_password("postgresql://a@c/d")


def test_nobody_there_is_a_refusal_without_the_password() -> None:
    source = QuerySource("postgresql://a:s3cret@127.0.0.1:1/d", "SELECT 1 AS a", ["a"])
    with pytest.raises(InvalidTable) as refusal:
        list(source.batches(Schema.text(["a"])))
    assert "s3cret" not in str(refusal.value)
