"""Taking the fingerprint of a file as its version's document says it is to be read; the same here and on a client."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from ledger.errors import InvalidInput, InvalidSchema
from ledger.fingerprint import (
    FILE,
    RECORD,
    RECORD_SD,
    Fingerprint,
    Manifest,
    Origin,
    ReadOptions,
    Schema,
    SegmentKeys,
    Source,
    fingerprint_file,
    fingerprint_table,
    open_source,
)
from ledger.fingerprint.canonical import EncodedBatch
from ledger.fingerprint.leaves import LeafRule, encoded, leaf_array
from ledger.fingerprint.manifest import TILE_RECORDS
from ledger.fingerprint.salts import CHUNK_RECORDS

Progress = Callable[[int], None]
DEFAULT_LIMIT = 64 << 30  # bytes of one payload


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What a version is to be: its format, its columns, how its file is read. `limit` is in bytes."""

    format: str = RECORD
    schema: Schema | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    salted: bool = True
    twin: bool = False
    name: str = "payload"
    media_type: str = "application/octet-stream"
    limit: int = DEFAULT_LIMIT
    fresh_keys: bool = False  # take over none of the version before

    def __post_init__(self) -> None:
        """Raises InvalidSchema, InvalidInput."""
        if self.format not in (RECORD, RECORD_SD, FILE):
            raise InvalidInput(f"a version's format is {RECORD}, {RECORD_SD} or {FILE}", format=self.format)
        if self.format == FILE and self.schema is not None:
            raise InvalidSchema(f"{FILE} takes no schema: the file is not read as a table")
        if self.format != FILE and self.schema is None:
            raise InvalidSchema(f"{self.format} needs a schema: declare the columns and their types")
        if self.format == RECORD_SD and not self.salted:
            raise InvalidInput(f"{RECORD_SD} is always salted")

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """From `{"format", "schema", "read", "salted", "twin", "name", "media_type"}`, each of which may be absent."""
        if not isinstance(value, dict):
            raise InvalidInput("the options of a version are an object")
        known = {"format": str, "schema": dict, "read": dict, "salted": bool, "twin": bool, "name": str}
        known["media_type"] = str
        for name, given in value.items():
            if name not in known:
                raise InvalidInput(f"unknown option {name!r}", known=sorted(known))
            if given is not None and not isinstance(given, known[name]):
                raise InvalidInput(f"the option {name} is not of its type", option=name)
        given = {name: member for name, member in value.items() if member is not None}
        if "schema" in given:
            given["schema"] = Schema.from_json(given["schema"])
        if "read" in given:
            given["read"] = ReadOptions.from_json(given["read"])
        return cls(**given)


def fingerprint_source(
    origin: Origin, options: PrepareOptions, keys: SegmentKeys | None, progress: Progress | None = None
) -> tuple[Fingerprint, Manifest]:
    """One pass over the file. `keys` must be given if and only if the version is salted.

    Raises what `ledger.fingerprint.fingerprint_table` and `fingerprint_file` raise; InvalidInput.
    """
    if (keys is not None) != options.salted:
        raise InvalidInput("a salted version needs segment keys, an open one takes none")
    if options.schema is None:
        return fingerprint_file(origin, keys, twin=options.twin, progress=progress)
    source = open_source(origin, options.read, name=options.name)
    return fingerprint_table(source, options.schema, keys, format=options.format, twin=options.twin, progress=progress)


class TileReader:
    """Leaf hashes of the right table, tile by tile: one pass as long as tiles are asked for in rising order."""

    def __init__(
        self, source: Source, schema: Schema, format: str, keys: SegmentKeys | None, *, finds: bool = False
    ) -> None:
        """`finds`: the source finds a record without reading those before it, so what is far ahead is looked up."""
        self._source, self._schema = source, schema
        self._rule = LeafRule(format, keys)
        self._far = CHUNK_RECORDS if finds else None
        self._batches: Iterator[tuple[int, EncodedBatch]] | None = None
        self._first = 0  # number of the first leaf held
        self._held: list[bytes] = []

    def __call__(self, tile: int) -> list[bytes]:
        """The leaf hashes of the tile: 256 of them, fewer at the end, none past it."""
        start = tile * TILE_RECORDS
        ahead = start - self._first - len(self._held)
        if self._batches is None or start < self._first or (self._far is not None and ahead >= self._far):
            self._batches, self._first, self._held = encoded(self._source, self._schema, start), start, []
        while self._first + len(self._held) < start + TILE_RECORDS:
            found = next(self._batches, None)
            if found is None:
                break
            first, batch = found
            if first + batch.count <= start:  # wholly before the tile: not even hashed
                self._first, self._held = first + batch.count, []
            else:
                self._held += map(bytes, leaf_array(self._rule, batch, first))
        gone = start - self._first
        self._first, self._held = max(start, self._first), self._held[max(gone, 0) :]
        return self._held[:TILE_RECORDS]
