"""share-record-sd/1: a record shown column by column.

Each field has its own salt, so a consumer allowed some columns gets their cells and salts, the bare digests of the
rest, and still proves the record against the root. Says nothing about records that are not shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.errors import InvalidProof, NotFound
from ledger.fingerprint.canonical import frame
from ledger.fingerprint.fingerprint import DIGEST_BYTES, RECORD_SD, Fingerprint, from_hex, object_members
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.manifest import TILE_RECORDS, Manifest
from ledger.fingerprint.merkle import leaf_hash, sha256
from ledger.fingerprint.record_proof import (
    Cell,
    Verdict,
    cell_json,
    cell_of,
    check_path,
    check_schema,
    index_of,
    path_of,
)
from ledger.fingerprint.salts import SALT_BYTES, SegmentKeys
from ledger.fingerprint.schema import MAX_COLUMNS, Schema
from ledger.fingerprint.selected import read_records
from ledger.fingerprint.sources import Source
from ledger.fingerprint.tile_tree import TileTree


@dataclass(frozen=True, slots=True)
class OpenField:
    """A field that is shown: its canonical cell (None is null) and its salt of 16 bytes."""

    cell: Cell
    salt: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256(0x02 || fsalt || u32(length) || bytes)."""
        return sha256(b"\x02" + self.salt + frame(self.cell))


@dataclass(frozen=True, slots=True)
class HiddenField:
    """A field that is not shown: its digest alone."""

    digest: bytes


Field = OpenField | HiddenField


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Record `index`, one field for each column in schema order, and its path."""

    index: int
    fields: tuple[Field, ...]
    path: tuple[bytes, ...]

    @property
    def leaf(self) -> bytes:
        """leaf(i) = SHA-256(0x00 || the fields' digests)."""
        return leaf_hash(b"".join(field.digest for field in self.fields), sha256)

    @property
    def cells(self) -> dict[int, Cell]:
        """Column number -> canonical cell, of the fields that are shown."""
        return {at: field.cell for at, field in enumerate(self.fields) if isinstance(field, OpenField)}

    def hiding(self, columns: Iterable[int]) -> "Disclosure":
        """The same proof with the fields of these columns reduced to their digests."""
        hidden = set(columns)
        fields = (HiddenField(field.digest) if at in hidden else field for at, field in enumerate(self.fields))
        return Disclosure(self.index, tuple(fields), self.path)

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "fields": [
                {"cell": cell_json(field.cell), "salt": field.salt.hex()}
                if isinstance(field, OpenField)
                else {"digest": field.digest.hex()}
                for field in self.fields
            ],
            "path": [node.hex() for node in self.path],
        }

    @classmethod
    def from_json(cls, value: Any) -> "Disclosure":
        """Read what `to_json` wrote. Raises InvalidProof."""
        members = object_members(value, {"index", "fields", "path"})
        fields = members["fields"]
        if not isinstance(fields, list) or not 0 < len(fields) <= MAX_COLUMNS:
            raise InvalidProof("fields must be a list with one member for each column.", member="fields")
        return cls(index_of(members), tuple(map(_field, fields)), path_of(members))


def _field(value: Any) -> Field:
    if isinstance(value, dict) and "digest" in value:
        return HiddenField(from_hex(object_members(value, {"digest"})["digest"], "digest", DIGEST_BYTES))
    members = object_members(value, {"cell", "salt"})
    return OpenField(cell_of(members["cell"]), from_hex(members["salt"], "salt", SALT_BYTES))


def disclose_record(
    source: Source,
    schema: Schema,
    keys: SegmentKeys,
    manifest: Manifest | TileTree,
    index: int,
    columns: Iterable[str],
) -> Disclosure:
    """The proof of record `index` that shows `columns` (names) and hides the others.

    Raises:
        NotFound: no such record or column.
        InvalidProof: the source, the schema or the keys are not those of the manifest.
        InvalidTable, Shredded: as for a fingerprint.
    """
    hidden = columns_to_hide(schema, columns)
    cells, leaves = read_records(source, schema, LeafRule(RECORD_SD, keys), manifest.records, [index])
    path = manifest.path(index, leaves[index // TILE_RECORDS])
    salts = keys.field_salts(index, 1, len(schema.columns))[0]
    return Disclosure(index, tuple(map(OpenField, cells[index], salts)), path).hiding(hidden)


def columns_to_hide(schema: Schema, shown: Iterable[str]) -> tuple[int, ...]:
    """The numbers of all columns but those named. Raises NotFound if the table has no column of such a name."""
    names = set(shown)
    unknown = sorted(names - set(schema.names))
    if unknown:
        raise NotFound(f"The table has no column {', '.join(map(repr, unknown))}.", columns=unknown)
    return tuple(at for at, name in enumerate(schema.names) if name not in names)


def verify_disclosure(fingerprint: Fingerprint, disclosure: Disclosure, schema: Schema | None = None) -> Verdict:
    """Are the shown cells those of record `disclosure.index` of the table with that fingerprint?

    The caller takes every member of `fingerprint` from the ledger. Without the schema the shown cells are known by
    column number only.
    """
    wrong = check_fields(fingerprint, disclosure, schema)
    if wrong is not None:
        return wrong
    return check_path(fingerprint, disclosure.index, disclosure.leaf, disclosure.path)


def check_fields(fingerprint: Fingerprint, disclosure: Disclosure, schema: Schema | None) -> Verdict | None:
    """A failed verdict if the record cannot be one of that fingerprint, whatever its path; None if all is well."""
    if fingerprint.format != RECORD_SD:
        return Verdict(False, "format", f"The fingerprint is of format {fingerprint.format}, the proof of {RECORD_SD}.")
    mismatch = check_schema(fingerprint, schema, len(disclosure.fields))
    if mismatch is not None:
        return mismatch
    for field in disclosure.fields:
        if isinstance(field, OpenField) and len(field.salt) != SALT_BYTES:
            return Verdict(False, "salt", "A field's salt has 16 bytes.")
        if isinstance(field, HiddenField) and len(field.digest) != DIGEST_BYTES:
            return Verdict(False, "digest", "A field's digest has 32 bytes.")
    return None
