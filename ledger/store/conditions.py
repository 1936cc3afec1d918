"""Conditions of queries: equality or membership of `where` members, and membership in a list of any length.

`among` asks for a list as one parameter, so that the statement's text does not change with its length: it is made, and
prepared by the database, once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


def matching(table: sa.Table, where: Mapping[str, Any]) -> Iterator[sa.ColumnElement[bool]]:
    """None as a value means "any". An unknown column is a programming error: KeyError."""
    for name, value in where.items():
        if value is None:
            continue
        if isinstance(value, (tuple, list, set, frozenset)):
            yield table.c[name].in_(list(value))
        else:
            yield table.c[name] == value


class _Items(sa.types.TypeDecorator[Iterable[Any]]):
    """A collection as one parameter: a JSON array."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Any] | None, dialect: sa.Dialect) -> str:
        return orjson.dumps(list(value or ())).decode()


class _Among(FunctionElement[Any]):
    inherit_cache = True
    name = "among"
    type = sa.types.NULLTYPE  # a boolean would be compared with 1 where there are none, and no index would serve


def among(name: str, *columns: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether the column's value is one of the parameter `name`, a collection; of several columns, one of its tuples.

    For texts and integers.
    """
    return _Among(sa.bindparam(name, type_=_Items()), *columns)


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    items, *columns = [compiler.process(part, **options) for part in element.clauses]
    if len(columns) == 1:
        return f"{columns[0]} IN (SELECT value FROM json_each({items}))"  # noqa: S608 - of the compiler's own parts
    parts = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(columns)))
    return f"({', '.join(columns)}) IN (SELECT {parts} FROM json_each({items}))"  # noqa: S608


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    items, *columns = [compiler.process(part, **options) for part in element.clauses]
    kinds = [part.type for part in element.clauses][1:]
    texts = ["item #>> '{}'"] if len(columns) == 1 else [f"item ->> {place}" for place in range(len(columns))]
    pairs = zip(texts, kinds, strict=True)
    parts = [f"CAST({text} AS BIGINT)" if isinstance(kind, sa.BigInteger) else text for text, kind in pairs]
    source = f"jsonb_array_elements(CAST({items} AS JSONB)) AS item"
    return f"({', '.join(columns)}) IN (SELECT {', '.join(parts)} FROM {source})"  # noqa: S608
