"""The scope of a share: which columns and which rows may leave, as far as a machine can hold to it.

A scope document names data items, says in words which rows, and may hold filters: a closed list of column, operator and
texts, all of which must hold of a row. There is no language in it, so nothing is ever parsed, planned or executed. A
text is read by its column's type, once the table is known.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from ledger.domain.document_kinds import PARTS
from ledger.domain.nesting import nests_deeper
from ledger.domain.shapes import OPERATORS, faults, members_of
from ledger.errors import InvalidDocument, InvalidInput, ScopeNotEnforceable, TooLarge

ALL_ROWS: Final = frozenset({"全部", "all"})
MOST_FILTERS: Final = 32
MOST_VALUES: Final = 1000  # of one `in`
LONGEST_VALUE: Final = 4096  # characters
WITHOUT_VALUE: Final = frozenset({"is_null", "not_null"})
_PARTED: Final = re.compile(r"((?:[^:\\]|\\.)*):([a-z_]*)(?::(.*))?", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Filter:
    """Holds of a row whose cell of `column` compares so with `values`. A null cell meets `is_null` alone."""

    column: str
    operator: str
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidInput unless the operator is known and has as many values as it takes; TooLarge."""
        if self.operator not in OPERATORS:
            raise InvalidInput(f"a filter's operator is one of {', '.join(OPERATORS)}", known=list(OPERATORS))
        least, most = (0, 0) if self.operator in WITHOUT_VALUE else (1, MOST_VALUES if self.operator == "in" else 1)
        if not least <= len(self.values):
            raise InvalidInput(f"the operator {self.operator} needs a value")
        if len(self.values) > most:
            told = f"{self.operator} takes {'no value' if most == 0 else f'at most {most} values'}"
            raise (TooLarge if self.operator == "in" else InvalidInput)(f"the operator {told}", limit=most)
        if any(len(value) > LONGEST_VALUE for value in self.values):
            raise TooLarge(f"a filter's value has at most {LONGEST_VALUE} characters", limit=LONGEST_VALUE)

    @classmethod
    def parse(cls, text: str) -> Self:
        r"""From `column:operator:value`. Only the first two colons part it; one in the column's name is written `\:`,
        a backslash there `\\`. `is_null` and `not_null` take no value, `in` a JSON list of texts. Raises InvalidInput.
        """
        parts = _PARTED.fullmatch(text)
        if parts is None or not parts[1]:
            raise InvalidInput("a filter is written column:operator:value")
        column, operator, value = _ESCAPED.sub(r"\1", parts[1]), parts[2], parts[3]
        if value is None:
            return cls(column, operator)
        return cls(column, operator, _listed(value) if operator == "in" else (value,))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Of a document's part `filter`. Raises InvalidInput, TooLarge."""
        return cls(value["column"], value["operator"], tuple(value.get("values", ())))

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"column": self.column, "operator": self.operator}
        return told | ({"values": list(self.values)} if self.values else {})


def _listed(text: str) -> tuple[str, ...]:
    """A JSON list of texts, read without recursion to speak of. Raises InvalidInput."""
    try:
        values = None if nests_deeper(text, 1) else json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidInput('the values of `in` are written as a JSON list of texts: ["a","b"]')
    return tuple(values)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a scope lets out of one table: these columns, in the table's order, of the rows that meet all filters."""

    columns: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    every_column: bool = True

    @property
    def every_row(self) -> bool:
        return not self.filters

    @property
    def whole(self) -> bool:
        return self.every_column and self.every_row


@dataclass(frozen=True, slots=True)
class Scope:
    items: tuple[str, ...]
    rows: str
    filters: tuple[Filter, ...] = ()

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Of a document's part `scope`. Raises InvalidDocument naming every fault, TooLarge."""
        wrong = (
            faults(value, members_of(PARTS["scope"]), "scope.") if isinstance(value, dict) else ["scope is no object"]
        )
        wrong = wrong or scope_faults(value)
        if wrong:
            raise InvalidDocument(f"scope: {'; '.join(wrong)}", faults=wrong)
        return cls(tuple(value["items"]), value["rows"], tuple(map(Filter.from_json, value.get("filters", ()))))

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"items": list(self.items), "rows": self.rows}
        return told | ({"filters": [one.to_json() for one in self.filters]} if self.filters else {})

    def granted(self, columns: Sequence[str]) -> Granted:
        """What of a table with these columns. An item that is no column of it grants nothing.

        Raises ScopeNotEnforceable: the rows are said in words alone, no item is a column, or a filter rests on a
        column that the table does not have.
        """
        items = set(self.items)
        given = tuple(name for name in columns if name in items)
        if not given:
            raise ScopeNotEnforceable("the scope names no column of the delivered table", items=list(self.items)[:50])
        if not self.filters and self.rows.strip() not in ALL_ROWS:
            raise ScopeNotEnforceable("the scope says in words which rows, and holds no filters")
        if not {one.column for one in self.filters} <= set(columns):
            raise ScopeNotEnforceable("a filter of the scope rests on a column that the delivered table does not have")
        return Granted(given, self.filters, every_column=len(given) == len(columns))


def scope_faults(value: Mapping[str, Any]) -> list[str]:
    """What the tables of documents cannot say of a scope: how many filters, and what each operator takes."""
    filters = value.get("filters", [])
    if len(filters) > MOST_FILTERS:
        return [f"scope.filters holds more than {MOST_FILTERS}"]
    wrong = []
    for position, one in enumerate(filters):
        try:
            Filter.from_json(one)
        except InvalidInput as fault:
            wrong.append(f"scope.filters[{position}]: {fault.detail}")
    return wrong


def widened(asked: Scope, agreed: Scope) -> list[str]:
    """How an agreed scope goes beyond the one asked for, each as one sentence: agreeing may only narrow.

    Filters narrow each other only if all those asked for stay; what words say of rows is for people to compare.
    """
    wrong = [f"the item {item!r} was not asked for" for item in agreed.items if item not in asked.items]
    kept = set(map(_key, agreed.filters))
    wrong += [f"the filter on {one.column!r} was dropped" for one in asked.filters if _key(one) not in kept]
    if not asked.filters and not agreed.filters and asked.rows.strip() not in ALL_ROWS:
        same = agreed.rows.strip() == asked.rows.strip()
        wrong += [] if same or agreed.rows.strip() not in ALL_ROWS else ["all rows, where only some were asked for"]
    return wrong


def _key(one: Filter) -> tuple[str, str, frozenset[str]]:
    return one.column, one.operator, frozenset(one.values)
