"""Many rows in one statement.

SQLAlchemy's own way of inserting many rows costs several times what the database needs for them, and SQLite's driver
gives the interpreter away and takes it back for every row. Here all rows are the parameters of one `INSERT … VALUES`,
whose text is made once; the same text, but for how parameters are written, does for both databases.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ledger.store.tables import Unsigned64
from ledger.store.together import Asked

MOST_PARAMETERS: Final = 8_000  # of one statement; SQLite takes 32,766, PostgreSQL 32,767


class Known(Enum):
    """What happens where a row with the same key is there already."""

    REFUSED = ""
    KEPT = "kept"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class _Plan:
    before: str
    after: str
    casts: tuple[str, ...]
    converted: tuple[tuple[int, Callable[[Any], Any]], ...]

    def text(self, rows: int, *, numbered: bool) -> str:
        width = len(self.casts)
        if numbered:
            marks = [f"(${', $'.join(self._numbers(row * width))})" for row in range(rows)]
        else:
            marks = ["(" + ", ".join("?" * width) + ")"] * rows
        return self.before + ", ".join(marks) + self.after

    def _numbers(self, start: int) -> list[str]:
        return [f"{start + place}::{cast}" for place, cast in enumerate(self.casts, 1)]


def inserting(
    dialect: str,
    table: sa.Table,
    columns: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    known: Known = Known.REFUSED,
) -> Iterator[Asked]:
    """Statements that insert `rows`, each with the values of `columns` in order; no two may have the same key."""
    plan = _plan(table, columns, known, dialect)
    at_once = MOST_PARAMETERS // len(columns)
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        parameters: list[Any] = []
        for row in some:
            place = len(parameters)
            parameters.extend(row)
            for column, convert in plan.converted:
                parameters[place + column] = convert(parameters[place + column])
        yield _text(table, columns, known, dialect, len(some)), parameters


@cache
def _plan(table: sa.Table, columns: tuple[str, ...], known: Known, dialect: str) -> _Plan:
    own = (postgresql if dialect == "postgresql" else sqlite).dialect()
    quoted = {name: own.identifier_preparer.quote(name) for name in columns}
    key = [column.name for column in table.primary_key]
    after = ""
    if known is Known.KEPT:
        after = " ON CONFLICT DO NOTHING"
    elif known is Known.REPLACED:
        others = ", ".join(f"{quoted[name]} = excluded.{quoted[name]}" for name in columns if name not in key)
        after = f" ON CONFLICT ({', '.join(quoted[name] for name in key)}) DO UPDATE SET {others}"
    types = [table.c[name].type for name in columns]
    return _Plan(
        before=f"INSERT INTO {table.name} ({', '.join(quoted.values())}) VALUES ",  # noqa: S608 - our own names
        after=after,
        casts=tuple(kind.compile(own) for kind in types),
        converted=tuple((place, convert) for place, kind in enumerate(types) if (convert := _converter(kind))),
    )


@cache
def _text(table: sa.Table, columns: tuple[str, ...], known: Known, dialect: str, rows: int) -> str:
    return _plan(table, columns, known, dialect).text(rows, numbered=dialect == "postgresql")


def _converter(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(kind, sa.JSON):
        return lambda value: orjson.dumps(value).decode()
    if isinstance(kind, Unsigned64):
        return kind.signed
    return None
