"""Comparing stored rows with what they should be, column by column, for the audit.

Values are read as the database holds them, not decoded: a row that was changed by hand may not be readable at all, and
the audit has to name it, not to stumble over it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ledger.domain.entries import Entry
from ledger.domain.state import State, StateObject
from ledger.ports import RowDifference
from ledger.store.read_model import row_of
from ledger.store.rows import Rows
from ledger.store.tables import STATE_TABLES, entries, undecoded

PAGE = 500
MISSING, EXTRA = "", "*"


class AuditRows(Rows):
    async def differing_entries(self, right: Sequence[Entry]) -> list[RowDifference]:
        found: list[RowDifference] = []
        for start in range(0, len(right), PAGE):
            wanted = {entry.index: row_of(entry) for entry in right[start : start + PAGE]}
            query = sa.select(*undecoded(entries)).where(entries.c.index.in_(list(wanted)))
            stored = {row["index"]: row for row in (await self._connection.execute(query)).mappings()}
            for index, values in wanted.items():
                row = stored.get(index)
                columns = [MISSING] if row is None else list(_differing(entries, dict(row), values))
                found += [RowDifference(entries.name, str(index), column) for column in columns]
        return found

    async def stray_entries(self, size: int, limit: int) -> list[RowDifference]:
        query = sa.select(entries.c.index).where(sa.or_(entries.c.index < 0, entries.c.index >= size))
        indices = (await self._connection.execute(query.order_by(entries.c.index).limit(limit))).scalars()
        return [RowDifference(entries.name, str(index), EXTRA) for index in indices]

    async def differing_objects(self, shape: type[StateObject], right: State, limit: int) -> list[RowDifference]:
        table = STATE_TABLES[shape]
        key = [table.c[name] for name in shape.KEY]
        found: list[RowDifference] = []
        seen: set[tuple[Any, ...]] = set()
        after: tuple[Any, ...] | None = None
        while len(found) < limit:
            query = sa.select(*undecoded(table)).order_by(*key).limit(PAGE)
            if after is not None:
                query = query.where(sa.tuple_(*key) > sa.tuple_(*after) if len(key) > 1 else key[0] > after[0])
            rows = (await self._connection.execute(query)).mappings().all()
            for row in rows:
                after = tuple(row[name] for name in shape.KEY)
                seen.add(after)
                item = right.get(shape, *after)
                values = None if item is None else dict(zip(table.columns.keys(), item.row(), strict=True))
                columns = [EXTRA] if values is None else list(_differing(table, dict(row), values))
                found += [RowDifference(table.name, _named(after), column) for column in columns]
            if len(rows) < PAGE:
                break
        else:
            return found[:limit]  # rows after the last one looked at are not missing, only not looked at
        missing = (item.key for item in right.all(shape) if item.key not in seen)
        found += [RowDifference(table.name, _named(lost), MISSING) for lost in missing]
        return found[:limit]


def _differing(table: sa.Table, stored: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    for column in table.columns:
        value, wanted = stored[column.name], right[column.name]
        if isinstance(column.type, sa.JSON):
            value = _parsed(value)
        # True and 1, or 1 and 1.0, are equal to Python, but a text is never a number
        if value != wanted or isinstance(value, str) is not isinstance(wanted, str):
            yield column.name


def _parsed(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _named(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key)
