"""JSON Lines as a source: one object per line, its members matched to columns by name."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NoReturn

import pyarrow as pa

from ledger.domain.nesting import nests_deeper
from ledger.errors import InvalidTable
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.cells import JsonNumber
from ledger.fingerprint.file_source import TextSource
from ledger.fingerprint.rows import RowEncoder
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Bookmark, batch_rows, lines, opened, skip

NESTED: Final = 16  # levels parsed at all; any nested value is refused by its column
MARKED: Final = 4096  # records between two bookmarks
_BOM: Final = b"\xef\xbb\xbf"


class JsonLinesSource(TextSource):
    """A JSON Lines file, or a callable that opens one as a binary stream.

    Null is JSON's null. A number in a text column, a missing, extra or doubled member and a nested value are refused.
    Integers and decimals may also come as strings; dates and timestamps always do.
    """

    form, form_name = "jsonl", "JSON Lines"

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "canonical", name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        encoder = RowEncoder(schema, "json", zone=self.options.zone, name=self.name)
        with opened(self._origin, self.name) as stream:
            yield from encoder.batches(self._rows(stream, schema.names, first), first, batch_rows(schema))

    def _rows(self, stream: BinaryIO, names: tuple[str, ...], first: int) -> Iterator[tuple[Any, ...]]:
        wanted = set(names)
        mark = self.bookmarks.before(first) or Bookmark(0, 0)
        if mark.offset:
            skip(stream, mark.offset)
        self.done = mark.offset
        for at, line in enumerate(lines(stream, self.name), mark.record):
            if at % MARKED == 0:
                self.bookmarks.note(at, self.done)
            self.done += len(line)
            if at < first:
                continue
            record = self._parse(_text(line.removeprefix(_BOM) if at == 0 else line), at)
            if record.keys() != wanted:
                missing, extra = sorted(wanted - record.keys()), sorted(record.keys() - wanted)
                kinds = (("no", missing), ("unknown", extra))
                named = " and ".join(f"{word} member {members[0]!a}" for word, members in kinds if members)
                self._refuse(at, named, missing=missing[:20], extra=[ascii(member) for member in extra[:20]])
            yield tuple(record[name] for name in names)

    def _parse(self, line: str, at: int) -> dict[str, Any]:
        if nests_deeper(line, NESTED):
            self._refuse(at, "nested deeper than a record may be")
        try:
            value = json.loads(
                line,
                parse_int=JsonNumber,
                parse_float=JsonNumber,
                parse_constant=_no_constant,
                object_pairs_hook=_unique,
            )
        except (ValueError, RecursionError):
            # The reason would quote the line; its place is enough to find it.
            self._refuse(at, "not one JSON object with members that differ in name")
        if not isinstance(value, dict):
            self._refuse(at, "not a JSON object")
        return value

    def _refuse(self, at: int, what: str, **facts: Any) -> NoReturn:
        raise InvalidTable(
            f"{self.name}, row {at + 1}: {what}.", file=self.name, row=at + 1, record=at, **facts
        ) from None


def _text(line: bytes) -> str:
    """The line, with lone surrogates for bytes that are not UTF-8: their cell is refused by row and column."""
    return line.decode("utf-8", "surrogateescape")


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members
