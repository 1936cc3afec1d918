"""Arrow columns to canonical cells: compiled code over Arrow's buffers, and the plain readers for what it leaves.

Which Arrow types a declared type takes is one table (`fits`). Whatever compiled code refuses is read again by the plain
readers, which either accept it or say why not, so that there is one place that words a refusal.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta, timezone
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ledger.fingerprint.cells import Reader, date_number, reader, timestamp_number
from ledger.fingerprint.kernel.engine import Octets, Places
from ledger.fingerprint.schema import decimal_scale

Dialect = Literal["text", "value", "canonical"]
Markers = NDArray[np.uint32]
Cell = bytes | None
MAX_CELL_BYTES = 2**32 - 2
NULL = 0xFFFFFFFF
_PER_DAY = {pa.date32(): 1, pa.date64(): 86_400_000}
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


class Refused(ValueError):
    """Cell `row` of a column is refused: `str()` completes the sentence "the cell …"."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def fits(type: str, arrow: pa.DataType, dialect: Dialect) -> bool:
    """Can cells of this Arrow type be cells of a column declared as `type`? Null columns fit every type."""
    if pa.types.is_null(arrow):
        return True
    texts = is_text(arrow)
    binaries = is_binary(arrow)
    if dialect != "value":
        return texts or binaries
    if type == "text":
        return texts
    if type == "binary":
        return binaries
    if type == "integer":
        return bool(pa.types.is_integer(arrow) or (pa.types.is_decimal(arrow) and arrow.scale == 0))
    if type == "float":
        return bool(pa.types.is_floating(arrow) or pa.types.is_integer(arrow))
    if type == "boolean":
        return bool(pa.types.is_boolean(arrow))
    if type == "date":
        return bool(pa.types.is_date(arrow))
    if type == "timestamp":
        return bool(pa.types.is_timestamp(arrow))
    return bool(pa.types.is_decimal(arrow) or pa.types.is_integer(arrow))


def is_text(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow))


def is_binary(arrow: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(arrow)
        or pa.types.is_large_binary(arrow)
        or pa.types.is_binary_view(arrow)
        or pa.types.is_fixed_size_binary(arrow)
    )


def value_type(arrow: pa.DataType) -> pa.DataType:
    """The type of the cells: what a dictionary or a run-end encoding stands for."""
    while pa.types.is_dictionary(arrow) or pa.types.is_run_end_encoded(arrow):
        arrow = arrow.value_type
    return arrow


def unpacked(array: pa.Array) -> pa.Array:
    """The same cells, laid out plainly: no dictionary, no runs, no views."""
    while pa.types.is_dictionary(array.type) or pa.types.is_run_end_encoded(array.type):
        is_runs = pa.types.is_run_end_encoded(array.type)
        array = pc.run_end_decode(array) if is_runs else array.dictionary_decode()
    arrow = array.type
    if pa.types.is_null(arrow):
        return pa.nulls(len(array), pa.binary())
    if pa.types.is_string_view(arrow):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(arrow) or pa.types.is_fixed_size_binary(arrow):
        return array.cast(pa.large_binary())
    return array


class ColumnReader:
    """One declared column, in one dialect; `nulls` are the texts that mean null, `zone` that of timestamps without."""

    def __init__(self, type: str, dialect: Dialect, zone: timezone | None, nulls: frozenset[str]) -> None:
        """Raises ValueError if the dialect has no cells of this type; its text completes "column …"."""
        self.type = type
        self.dialect = dialect
        self.scale = decimal_scale(type)
        self._zone = zone
        self._nulls = {text.encode() for text in nulls} if dialect == "text" else set()
        self._read: Reader = bytes if dialect == "canonical" else reader(type, dialect, zone)
        bounds = np.cumsum([0, *map(len, self._nulls)], dtype=np.int64)
        self._null_texts = (np.frombuffer(b"".join(self._nulls) or b"\x00", np.uint8), bounds)

    def plain(self, array: pa.Array) -> list[Cell]:
        """Canonical cells, one after the other. Raises Refused for the first that its type refuses."""
        read = self._plain_reader(array.type)
        found: list[Cell] = []
        for row, cell in enumerate(_values(array)):
            try:
                body = None if cell is None or cell in self._nulls else read(cell)
                if body is not None and len(body) > MAX_CELL_BYTES:
                    raise ValueError("has 2^32 - 1 bytes or more")
            except ValueError as reason:
                raise Refused(row, str(reason)) from None
            found.append(body)
        return found

    def _plain_reader(self, arrow: pa.DataType) -> Callable[[Any], bytes]:
        if self.dialect == "text" or (self.dialect == "value" and self.type == "text"):
            return lambda cell: self._read(_decoded(cell))
        if self.dialect == "value" and pa.types.is_date(arrow):
            return lambda cell: date_number(cell, _PER_DAY[arrow])
        if self.dialect == "value" and pa.types.is_timestamp(arrow):
            zone = self._zone if arrow.tz is None else UTC
            return lambda cell: timestamp_number(cell, _PER_SECOND[arrow.unit], zone)
        if self.type == "integer" and pa.types.is_decimal(arrow):
            return lambda cell: self._read(int(cell))
        return self._read

    def compiled(self, array: pa.Array, starts: Places, lengths: Markers) -> Any:
        """Fill in addresses and lengths of the canonical cells by compiled code.

        Returns what must be kept until they have been read; None if this column, or a cell of it, is not for compiled
        code. Raises nothing but what Arrow raises.
        """
        from ledger.fingerprint import compiled_columns

        return compiled_columns.read(self, array, starts, lengths)

    @property
    def offset(self) -> int | None:
        """Microseconds that timestamps without a zone are ahead of UTC; None if nobody said."""
        return None if self._zone is None else self._zone.utcoffset(None) // timedelta(microseconds=1)

    @property
    def null_texts(self) -> tuple[Octets, Places] | None:
        """The texts that mean null, joined, and their bounds; None if there are none."""
        return self._null_texts if self._nulls else None


def _values(array: pa.Array) -> Sequence[Any]:
    arrow = array.type
    if pa.types.is_string(arrow):
        array = array.view(pa.binary())
    elif pa.types.is_large_string(arrow):
        array = array.view(pa.large_binary())
    elif pa.types.is_date32(arrow):
        array = array.view(pa.int32())
    elif pa.types.is_date64(arrow) or pa.types.is_timestamp(arrow):
        array = array.view(pa.int64())
    elif pa.types.is_floating(arrow):
        array = array.cast(pa.float64())
    values: list[Any] = array.to_pylist()
    return values


def _decoded(cell: bytes) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        raise ValueError("is not valid text in the file's encoding, or holds a lone surrogate") from None
