"""The declared columns of a table. Types are never guessed; what is not declared otherwise is text."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rfc8785

from ledger.errors import InvalidSchema, TooLarge

MAX_COLUMNS = 4096
MAX_NAME_BYTES = 1024
MAX_SCALE = 76
PLAIN_TYPES = frozenset({"text", "integer", "float", "boolean", "date", "timestamp", "binary"})
_DECIMAL = re.compile(r"decimal\((0|[1-9][0-9]?)\)", re.ASCII)


def decimal_scale(type: str) -> int | None:
    """s of `decimal(s)`; None for every other type name."""
    match = _DECIMAL.fullmatch(type)
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class Column:
    """One named, typed column.

    `null` lists the texts that mean null in this column of a text source; None leaves it to the read options. It says
    how a file is read, not what the table is, so it is no part of the digest.
    """

    name: str
    type: str = "text"
    null: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Raises InvalidSchema if the name or the type cannot be."""
        if not isinstance(self.name, str) or not self.name:
            raise InvalidSchema("A column needs a name that is not empty.")
        try:
            length = len(self.name.encode())
        except UnicodeEncodeError:
            raise InvalidSchema("A column's name holds a lone surrogate.") from None
        if length > MAX_NAME_BYTES:
            raise TooLarge(f"A column's name has {length} bytes; the limit is {MAX_NAME_BYTES}.")
        if not isinstance(self.type, str) or not self._known():
            raise InvalidSchema(
                f"Column {self.name!r} has no known type: use text, integer, decimal(s) with s up to {MAX_SCALE}, "
                "float, boolean, date, timestamp or binary.",
                column=self.name,
            )
        if self.null is not None and not all(isinstance(text, str) for text in self.null):
            raise InvalidSchema(f"The null texts of column {self.name!r} must be texts.", column=self.name)

    def _known(self) -> bool:
        scale = decimal_scale(self.type)
        return self.type in PLAIN_TYPES or (scale is not None and scale <= MAX_SCALE)


@dataclass(frozen=True, slots=True)
class Schema:
    """The ordered columns of a table; at least one, at most 4096, names unique."""

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        """Raises InvalidSchema or TooLarge."""
        if not self.columns:
            raise InvalidSchema("A table has at least one column.")
        if len(self.columns) > MAX_COLUMNS:
            raise TooLarge(f"The schema has {len(self.columns)} columns; the limit is {MAX_COLUMNS}.")
        seen: set[str] = set()
        for name in self.names:
            if name in seen:
                raise InvalidSchema(f"The column name {name!r} is given twice.", column=name)
            seen.add(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @classmethod
    def text(cls, names: Iterable[str]) -> "Schema":
        """A schema of text columns only: what a CSV file is until somebody declares otherwise."""
        return cls(tuple(Column(name) for name in names))

    @classmethod
    def from_json(cls, value: Any) -> "Schema":
        """Read `{"columns": [{"name": …, "type": …, "null": […]}]}`; `type` defaults to text, `null` may be absent.

        Raises:
            InvalidSchema: another shape, an unknown member, a bad name or type, a name given twice.
            TooLarge: more than 4096 columns.
        """
        if not isinstance(value, dict) or not isinstance(value.get("columns"), list):
            raise InvalidSchema('A schema is an object with a list "columns".')
        _only(value, {"columns", "format"}, "schema")
        if value.get("format", "share-record/1") != "share-record/1":
            raise InvalidSchema('The schema\'s "format" must be "share-record/1".')
        if len(value["columns"]) > MAX_COLUMNS:
            raise TooLarge(f"The schema has {len(value['columns'])} columns; the limit is {MAX_COLUMNS}.")
        return cls(tuple(_column(member) for member in value["columns"]))

    def to_json(self) -> dict[str, Any]:
        """The object `from_json` reads, null texts included."""
        columns: list[dict[str, Any]] = []
        for column in self.columns:
            member: dict[str, Any] = {"name": column.name, "type": column.type}
            if column.null is not None:
                member["null"] = list(column.null)
            columns.append(member)
        return {"columns": columns}

    def digest(self) -> bytes:
        """SHA-256 over the RFC 8785 form of names, types and format: 32 bytes, the `schema` of a fingerprint."""
        columns = [{"name": column.name, "type": column.type} for column in self.columns]
        return hashlib.sha256(rfc8785.dumps({"columns": columns, "format": "share-record/1"})).digest()


def _column(value: Any) -> Column:
    if not isinstance(value, dict) or "name" not in value:
        raise InvalidSchema('Each column is an object with a "name".')
    _only(value, {"name", "type", "null"}, "column")
    null = value.get("null")
    if null is not None and not isinstance(null, list):
        raise InvalidSchema('"null" is a list of texts.')
    return Column(value["name"], value.get("type", "text"), None if null is None else tuple(null))


def _only(value: dict[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(map(str, value)) - known)
    if unknown:
        raise InvalidSchema(f"Unknown member of a {what}: {', '.join(map(repr, unknown))}.", unknown=unknown)
