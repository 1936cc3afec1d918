"""Rows leave either database and come into the other as they were."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.errors import Conflict, Corrupt, WrongSchema
from ledger.store.dump import DumpedTable, clear, dumped_table, kept_tables, load, snapshot
from ledger.store.engine import open_engine
from ledger.store.schema import check_schema, newest
from ledger.store.tables import REBUILDABLE, metadata
from tests.harness.databases import url_of

EDGES: dict[str, list[Any]] = {
    "text": ["", "六安市 \x01 \u2028 𠀀'\"\\", "x" * 5000],
    "integer": [0, -(2**63), 2**63 - 1],
    "flag": [True, False, True],
    "bytes": [b"", bytes(range(256)), b"\n\r\0"],
    "json": [{"六": [1, None, True, 1.5, "\u2028"]}, [], "text"],
}


def edge_row(table: sa.Table, number: int, *, empty: bool) -> dict[str, Any]:
    """A row of extreme values, or of nulls where they may stand; keys and references are plain."""
    row: dict[str, Any] = {}
    for (name, kind), column in zip(dumped_table(table).columns, table.columns, strict=True):
        if column.foreign_keys or column.primary_key or column.unique:
            row[name] = number + 1 if kind == "integer" else f"key {number}"
        elif empty and column.nullable:
            row[name] = None
        else:
            row[name] = EDGES[kind][number % 3]
    return row


async def dumped(engine: AsyncEngine) -> dict[str, list[bytes]]:
    async with snapshot(engine) as moment:
        return {table.name: [line async for line in moment.lines(table)] for table in kept_tables()}


def source(lines: dict[str, list[bytes]]) -> list[tuple[DumpedTable, Any]]:
    def reading(name: str) -> Any:
        def stripped() -> Iterator[bytes]:
            yield from (line.rstrip(b"\n") for line in lines[name])

        return stripped

    return [(dumped_table(table), reading(table.name)) for table in kept_tables()]


@pytest.fixture
async def filled(database: str) -> AsyncEngine:
    engine = open_engine(database)
    async with engine.begin() as connection:
        for table in kept_tables():
            rows = [edge_row(table, number, empty=number == 2) for number in range(3)]
            insert = sa.insert(table)
            for row in rows:
                given = {name: sa.null() if value is None else value for name, value in row.items()}
                await connection.execute(insert.values(given))
    return engine


async def test_every_row_comes_back_in_either_database(filled: AsyncEngine, postgres: Any, tmp_path: Path) -> None:
    lines = await dumped(filled)
    assert all(len(found) == 3 for found in lines.values()) and len(lines) >= 10
    await filled.dispose()
    with postgres.database() as other:
        for url in (url_of(tmp_path / "other.sqlite3"), other):
            engine = open_engine(url)
            await load(engine, newest(), source(lines))
            await check_schema(engine)
            assert await dumped(engine) == lines
            with pytest.raises(Conflict, match="tables already"):
                await load(engine, newest(), source(lines))
            async with engine.begin() as connection:  # numbers go on after the ones that came along
                insert = sa.insert(metadata.tables["uses"]).values(
                    at=1, share="s", version="v", department="d", caller="c", action="a"
                )
                assert (await connection.execute(insert)).inserted_primary_key == (4,)
            await clear(engine)
            await load(engine, newest(), source(lines))
            await engine.dispose()


async def test_what_is_kept_is_all_that_no_chain_brings_back() -> None:
    names = {table.name for table in kept_tables()}
    assert names == set(metadata.tables) - {table.name for table in REBUILDABLE} - {"leases"}
    assert names >= {"documents", "submissions", "courier_transactions", "api_keys", "payloads", "segment_keys", "uses"}


async def test_rows_of_a_newer_program_or_of_none_are_refused(tmp_path: Path) -> None:
    engine = open_engine(url_of(tmp_path / "new.sqlite3"))
    with pytest.raises(WrongSchema, match="newer"):
        await load(engine, "9999", [])
    table = DumpedTable("uses", (("id", "integer"), ("at", "integer")))
    for line in (b"[1]", b"[1, 2, 3]", b'["1", 2]', b"[1, true]", b"{}", b"[1,", b"[1, 1.5]"):
        with pytest.raises(Corrupt):
            await load(engine, newest(), [(table, lambda line=line: iter([line]))])
    for columns in ([], [["id", "colour"]], [["id"]], 7, None):
        with pytest.raises(Corrupt):
            DumpedTable.from_json("uses", columns)
    await load(engine, newest(), [])  # what failed left nothing behind
    await engine.dispose()
