"""JSON Lines as a source: one object per line, its members matched to columns by name."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from ledger.domain.nesting import nests_deeper
from ledger.errors import InvalidTable
from ledger.fingerprint.canonical import RecordEncoder, Row
from ledger.fingerprint.cells import JsonNumber
from ledger.fingerprint.read_options import ReadOptions
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Meter, Origin, batch_rows, in_batches, label, lines, opened_text

NESTED = 16  # levels parsed at all; any nested value is refused by its column


class JsonLinesSource:
    """A JSON Lines file, or a callable that opens one as a binary stream.

    Null is JSON's null. A number in a text column, a missing, extra or doubled member and a nested value are refused.
    Integers and decimals may also come as strings; dates and timestamps always do.
    """

    def __init__(self, origin: Origin, options: ReadOptions | None = None, *, name: str | None = None) -> None:
        """Raises InvalidTable if the options are not for JSON Lines."""
        self.options = options or ReadOptions(form="jsonl")
        if self.options.form != "jsonl":
            raise InvalidTable("These read options are not for JSON Lines.", option="form")
        self.name = label(origin, name)
        self._origin = origin

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "json", zone=self.options.zone, name=self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[Sequence[Row]]:
        meter = Meter()
        with opened_text(self._origin, self.name, "utf-8", "\n") as text:
            rows = self._rows(lines(text, self.name, meter.add), schema.names, first)
            yield from in_batches(rows, batch_rows(schema), meter)

    def _rows(self, texts: Iterator[str], names: tuple[str, ...], first: int) -> Iterator[tuple[Any, ...]]:
        wanted = set(names)
        for at, line in enumerate(texts):
            if at < first:
                continue
            record = self._parse(line, at)
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


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members
