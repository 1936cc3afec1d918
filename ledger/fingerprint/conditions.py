"""Filters over canonical cells: each value is read once as its column's type, each comparison is one of a closed table.

Cells arrive as Arrow binary arrays of canonical bytes. Integers and decimals are compared exactly, whatever their size,
floats as binary64, texts by code point (UTF-8 has the same order), dates and timestamps by time (their canonical form
has the same order). A null cell meets `is_null` alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ledger.domain.scopes import Filter
from ledger.errors import InvalidInput
from ledger.fingerprint.cells import reader
from ledger.fingerprint.schema import Schema, decimal_scale

Mask = NDArray[np.bool_]
_ORDERED: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "in", "is_null", "not_null"})
_ALIKE: Final = frozenset({"eq", "ne", "in", "is_null", "not_null"})
_OPERATORS: Final = {
    "text": _ORDERED | {"prefix"},
    "integer": _ORDERED,
    "float": _ORDERED,
    "boolean": _ALIKE,
    "date": _ORDERED,
    "timestamp": _ORDERED,
    "binary": frozenset({"eq", "is_null", "not_null"}),
}
_COMPARED: Final[dict[str, tuple[Callable[..., Any], Callable[[Any, Any], bool]]]] = {
    "eq": (pc.equal, eq),
    "ne": (pc.not_equal, ne),
    "lt": (pc.less, lt),
    "le": (pc.less_equal, le),
    "gt": (pc.greater, gt),
    "ge": (pc.greater_equal, ge),
}
_INT64_DIGITS: Final = 18  # that many characters are a number of 64 bits
_NINES: Final = str.maketrans("0123456789", "9876543210")
_POINT: Final = "."
_Order = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter whose values were read as its column's type: bytes, or numbers where those are compared."""

    column: str
    operator: str
    values: tuple[Any, ...]  # canonical bytes, floats, or digits
    kind: str  # "bytes", "integer" (decimals too, their point left out) or "float"

    @classmethod
    def of(cls, filter: Filter, schema: Schema) -> Self:
        """Raises InvalidInput for an operator or a value that the column's type does not take; KeyError for none such.

        No message repeats a value, and none speaks of any other column.
        """
        type = {column.name: column.type for column in schema.columns}[filter.column]
        scale = decimal_scale(type)
        if filter.operator not in (_ORDERED if scale is not None else _OPERATORS[type]):
            told = f"the operator {filter.operator} is not for the column {filter.column!r}, which is of type {type}"
            raise InvalidInput(told, column=filter.column, operator=filter.operator)
        try:
            cells = tuple(_cell(type, value, filter.operator) for value in filter.values)
        except ValueError as reason:
            told = f"the value for the column {filter.column!r} ({type}) {reason}"
            raise InvalidInput(told, column=filter.column, operator=filter.operator) from None
        if type == "float":
            return cls(filter.column, filter.operator, tuple(map(float, cells)), "float")
        if type == "integer" or scale is not None:
            return cls(filter.column, filter.operator, tuple(map(_digits, cells)), "integer")
        return cls(filter.column, filter.operator, cells, "bytes")

    def holds(self, cells: pa.Array) -> Mask:
        """(n): of which of these canonical cells it holds."""
        if self.operator in ("is_null", "not_null"):
            nulls = _mask(pc.is_null(cells))
            return nulls if self.operator == "is_null" else ~nulls
        found = _mask(self._bytes(cells) if self.kind == "bytes" else self._numbers(cells))
        return found & _mask(pc.is_valid(cells))

    def _bytes(self, cells: pa.Array) -> Any:
        if self.operator == "in":
            return pc.is_in(cells, value_set=pa.array(self.values, cells.type))
        if self.operator == "prefix":
            return pc.starts_with(cells, pattern=self.values[0])
        return _COMPARED[self.operator][0](cells, pa.scalar(self.values[0], cells.type))

    def _numbers(self, cells: pa.Array) -> Any:
        """By Arrow where the numbers fit its own, else one by one: exact in both."""
        texts = cells.cast(pa.large_string() if pa.types.is_large_binary(cells.type) else pa.string())
        if self.kind == "float":
            return self._compared(texts.cast(pa.float64()), self.values)
        digits = pc.replace_substring(texts, _POINT, "")
        values = [int(value) for value in self.values if len(value) <= _INT64_DIGITS]
        if len(values) == len(self.values):
            try:
                return self._compared(digits.cast(pa.int64()), values)
            except pa.ArrowInvalid:
                pass  # one of the cells is beyond 64 bits
        met = self._comparison()
        return pa.array([cell is not None and met(_order(cell)) for cell in digits.to_pylist()], pa.bool_())

    def _compared(self, numbers: pa.Array, values: Sequence[Any]) -> Any:
        if self.operator == "in":
            return pc.is_in(numbers, value_set=pa.array(values, numbers.type))
        return _COMPARED[self.operator][0](numbers, pa.scalar(values[0], numbers.type))

    def _comparison(self) -> Callable[[_Order], bool]:
        if self.operator == "in":
            return frozenset(map(_order, self.values)).__contains__  # not one by one: there may be a thousand
        compare, value = _COMPARED[self.operator][1], _order(self.values[0])
        return lambda order: compare(order, value)


def conditions(filters: Iterable[Filter], schema: Schema) -> tuple[Condition, ...]:
    """Raises as `Condition.of`."""
    return tuple(Condition.of(one, schema) for one in filters)


def matching(found: Sequence[Condition], batch: pa.RecordBatch) -> Mask:
    """(n): of which records all of them hold; the batch has their columns, by name."""
    mask = np.ones(batch.num_rows, np.bool_)
    for one in found:
        mask &= one.holds(batch.column(one.column))
    return mask


def _cell(type: str, value: str, operator: str) -> bytes:
    """The canonical bytes of a value written as text; binary in hex. Raises ValueError."""
    if type == "binary":
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise ValueError("is not bytes in hex") from None
    return reader(type, "text", None)(value)


def _digits(cell: bytes) -> str:
    """An integer, or a decimal with its point left out: one column has one scale."""
    return cell.replace(b".", b"").decode()


def _order(digits: str) -> _Order:
    """What sorts as the number does, however long it is: linear, where turning digits into a number is not."""
    plain = digits.lstrip("-").lstrip("0")
    if not digits.startswith("-"):
        return bool(plain), len(plain), plain
    return -bool(plain), -len(plain), plain.translate(_NINES)


def _mask(found: Any) -> Mask:
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), np.bool_)
