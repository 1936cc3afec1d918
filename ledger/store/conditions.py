"""`where` members → SQL conditions: equality, or membership where the value is a collection."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa


def matching(table: sa.Table, where: Mapping[str, Any]) -> Iterator[sa.ColumnElement[bool]]:
    """None as a value means "any". An unknown column is a programming error: KeyError."""
    for name, value in where.items():
        if value is None:
            continue
        if isinstance(value, (tuple, list, set, frozenset)):
            yield table.c[name].in_(list(value))
        else:
            yield table.c[name] == value
