"""Arrow record batches from outside, made fit to be fingerprinted: columns in order, nothing nested, nothing too large.

Whoever wrote the file is not trusted: offsets, dictionary indices and UTF-8 are checked before anything follows them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint.schema import MAX_COLUMNS, MAX_SCALE, Column, Schema
from ledger.fingerprint.sources import batch_rows, match_columns

BATCH_BYTES: Final = 1 << 23
MAX_RECORD_BYTES: Final = 1 << 25
_TESTS: Final = (
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "float"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_string_view, "text"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_large_binary, "binary"),
    (pa.types.is_binary_view, "binary"),
    (pa.types.is_fixed_size_binary, "binary"),
    (pa.types.is_null, "text"),
)
_OF_ANY_LENGTH: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
_VIEWS: Final = (pa.string_view(), pa.binary_view())


def declared_schema(found: pa.Schema, name: str) -> Schema:
    """The schema that an Arrow schema declares by its own types. Raises InvalidTable, InvalidSchema, TooLarge."""
    _check_width(found, name)
    return Schema(tuple(Column(field.name, _declared(field, name)) for field in found))


class Fitting:
    """Makes record batches of one Arrow schema into those of a declared one. `name` is for messages.

    `checked`: they come from a reader that made them itself, so that nothing but the texts can be wrong in them, and
    those the encoder looks at.
    """

    def __init__(self, found: pa.Schema, schema: Schema, name: str, *, checked: bool = False) -> None:
        """Raises InvalidTable: columns that are not the schema's, or of a type that no table has; TooLarge."""
        _check_width(found, name)
        self._order = match_columns(found.names, schema, name)
        for field in found:
            _declared(field, name)
        self._schema = schema
        self._name = name
        self._most = batch_rows(schema)
        self._checked = checked

    def cut(self, batch: pa.RecordBatch, record: int, first: int) -> Iterator[pa.RecordBatch]:
        """Batches of bounded size of the records from `first` on; `record` is the number of the batch's first.

        Raises InvalidTable naming what is damaged; TooLarge for a record of 2^25 bytes or more.
        """
        at = max(0, first - record)
        while at < batch.num_rows:
            part = batch.slice(at, min(self._most, batch.num_rows - at))
            if not self._checked:
                self._check(part, record + at)
            while part.num_rows > 1 and weight(part) > BATCH_BYTES:
                part = part.slice(0, max(1, part.num_rows // 2))
            if part.num_rows == 1 and weight(part) >= MAX_RECORD_BYTES:
                row = record + at + 1
                raise TooLarge(
                    f"{self._name}, row {row}: it has {MAX_RECORD_BYTES} bytes or more.", file=self._name, row=row
                )
            at += part.num_rows
            yield self._fitted(part)

    def _fitted(self, part: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays([part.column(at) for at in self._order], names=list(self._schema.names))

    def _check(self, part: pa.RecordBatch, record: int) -> None:
        try:
            part.validate(full=True)
        except (pa.ArrowException, ValueError):
            for place, declared in zip(self._order, self._schema.columns, strict=True):
                self._check_column(part.column(place), declared, record)
            raise InvalidTable(f"{self._name}: its contents are damaged.", file=self._name) from None

    def _check_column(self, column: pa.Array, declared: Column, record: int) -> None:
        try:
            column.validate(full=True)
        except (pa.ArrowException, ValueError):
            what: dict[str, Any] = {"file": self._name, "column": declared.name}
            at = _not_text(column)
            if at is None:
                raise InvalidTable(f"{self._name}, column {declared.name!r}: it is damaged.", **what) from None
            row = record + at + 1
            raise InvalidTable(
                f"{self._name}, row {row}, column {declared.name!r} ({declared.type}): the cell is not valid UTF-8.",
                row=row,
                record=record + at,
                **what,
            ) from None


def weight(batch: pa.RecordBatch) -> int:
    """The bytes of all cells, each counted wherever it occurs: dictionaries and views may repeat one many times."""
    return sum(map(_weight, batch.columns))


def _weight(column: pa.Array) -> int:
    kind = column.type
    if pa.types.is_dictionary(kind):
        if not _varies(kind.value_type) and kind.value_type not in _VIEWS:
            return 8 * len(column)
        return pc.sum(pc.take(_lengths(column.dictionary), column.indices)).as_py() or 0
    if kind in _VIEWS:
        return pc.sum(_lengths(column)).as_py() or 0
    return (pc.sum(pc.binary_length(column)).as_py() or 0) if _varies(kind) else int(column.nbytes)


def _lengths(column: pa.Array) -> pa.Array:
    if column.type not in _VIEWS:
        return pc.binary_length(column)
    views = np.frombuffer(column.buffers()[1], np.int32)  # of four numbers each, the first is the length
    lengths = views[4 * column.offset :: 4][: len(column)]
    return pa.array(lengths, mask=pc.is_null(column).to_numpy(zero_copy_only=False))


def _varies(kind: pa.DataType) -> bool:
    return any(test(kind) for test in _OF_ANY_LENGTH)


def _declared(field: pa.Field, name: str) -> str:
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not isinstance(kind, pa.BaseExtensionType):
        if pa.types.is_decimal(kind):
            if kind.scale > MAX_SCALE:
                raise InvalidTable(f"{name}, column {field.name!r}: its scale is over {MAX_SCALE}.", file=name)
            return f"decimal({max(kind.scale, 0)})"
        for test, declared in _TESTS:
            if test(kind):
                return declared
    what = (
        "is nested"
        if pa.types.is_nested(kind) and not pa.types.is_run_end_encoded(kind)
        else "is of a type that no table has"
    )
    raise InvalidTable(
        f"{name}, column {field.name!r}: it {what} ({_short(field.type)}).",
        remedy="Leave the column out, or write it as text, numbers, dates, timestamps or binary.",
        file=name,
        column=field.name,
    )


def _short(kind: pa.DataType) -> str:
    text = str(kind)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _check_width(found: pa.Schema, name: str) -> None:
    if len(found) > MAX_COLUMNS:
        raise TooLarge(f"{name} has {len(found)} columns; the limit is {MAX_COLUMNS}.", file=name)


def _not_text(column: pa.Array) -> int | None:
    """The place of the first cell of a text column that is not UTF-8; None if that is not what is wrong."""
    raw: dict[Any, Any] = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}
    if pa.types.is_dictionary(column.type):
        at = _not_text(column.dictionary)
        return None if at is None else pc.index(column.indices, at).as_py()
    if column.type not in raw:
        return None
    try:
        plain = column.view(raw[column.type])
        plain.validate(full=True)
        cells: Sequence[bytes | None] = plain.to_pylist()
    except (pa.ArrowException, ValueError):
        return None
    for at, cell in enumerate(cells):
        try:
            (cell or b"").decode()
        except UnicodeDecodeError:
            return at
    return None
