"""The proof that one record is in a table, and its verification.

A proof carries the record, its own salt and a path, nothing that says what it is to be checked against: root, record
count, format, salted flag and schema all come from the caller, who has them from the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import InvalidProof
from ledger.fingerprint.canonical import frame
from ledger.fingerprint.climb import leads_to
from ledger.fingerprint.fingerprint import DIGEST_BYTES, RECORD, Fingerprint, from_hex, is_count, object_members
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.manifest import TILE_RECORDS, Manifest
from ledger.fingerprint.merkle import leaf_hash, sha256
from ledger.fingerprint.salts import SALT_BYTES, SegmentKeys
from ledger.fingerprint.schema import MAX_COLUMNS, Schema
from ledger.fingerprint.selected import read_records
from ledger.fingerprint.sources import Source
from ledger.fingerprint.tile_tree import TileTree

Cell = bytes | None
MAX_PATH = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a verification: a failed proof is an answer, not an error. True in a condition if it passed."""

    passed: bool
    code: str
    detail: str

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True, slots=True)
class RecordProof:
    """Record `index` as canonical cells (None is null), its salt (empty for open tables) and its path, lowest first."""

    index: int
    cells: tuple[Cell, ...]
    salt: bytes
    path: tuple[bytes, ...]

    @property
    def leaf(self) -> bytes:
        """leaf(i): what a contract is given in place of the record."""
        return leaf_hash(self.salt + b"".join(map(frame, self.cells)), sha256)

    def to_json(self) -> dict[str, Any]:
        """Cells as their canonical texts, null, or {"hex": …} where they are not UTF-8."""
        return {
            "index": self.index,
            "cells": [cell_json(cell) for cell in self.cells],
            "salt": self.salt.hex(),
            "path": [node.hex() for node in self.path],
        }

    @classmethod
    def from_json(cls, value: Any) -> "RecordProof":
        """Read what `to_json` wrote. Raises InvalidProof."""
        members = object_members(value, {"index", "cells", "salt", "path"})
        cells = members["cells"]
        if not isinstance(cells, list) or not 0 < len(cells) <= MAX_COLUMNS:
            raise InvalidProof("cells must be a list with one member for each column.", member="cells")
        salt = from_hex(members["salt"], "salt")
        return cls(index_of(members), tuple(map(cell_of, cells)), salt, path_of(members))


def prove_record(
    source: Source, schema: Schema, keys: SegmentKeys | None, manifest: Manifest | TileTree, index: int
) -> RecordProof:
    """The proof of record `index` of a share-record/1 table, from a re-read of its source up to the record's tile.

    Raises:
        NotFound: the table has no such record.
        InvalidProof: the source, the schema or the keys are not those of the manifest.
        InvalidTable, Shredded: as for a fingerprint.
    """
    cells, leaves = read_records(source, schema, LeafRule(RECORD, keys), manifest.records, [index])
    path = manifest.path(index, leaves[index // TILE_RECORDS])
    return RecordProof(index, cells[index], b"" if keys is None else keys.salt(index), path)


def verify_record(fingerprint: Fingerprint, proof: RecordProof, schema: Schema | None = None) -> Verdict:
    """Is this record number `proof.index` of the table with that fingerprint?

    The caller takes every member of `fingerprint` from the ledger. Give the schema too if the cells are to be read
    as its columns: then its digest and the number of cells are checked.
    """
    wrong = check_form(fingerprint, proof, schema)
    return check_path(fingerprint, proof.index, proof.leaf, proof.path) if wrong is None else wrong


def check_form(fingerprint: Fingerprint, proof: RecordProof, schema: Schema | None) -> Verdict | None:
    """A failed verdict if the record cannot be one of that fingerprint, whatever its path; None if all is well."""
    if fingerprint.format != RECORD:
        return Verdict(False, "format", f"The fingerprint is of format {fingerprint.format}, the proof of {RECORD}.")
    mismatch = check_schema(fingerprint, schema, len(proof.cells))
    if mismatch is not None:
        return mismatch
    if len(proof.salt) != (SALT_BYTES if fingerprint.salted else 0):
        return Verdict(False, "salt", "The salt's length is not that of the fingerprint's salted flag.")
    return None


def check_schema(fingerprint: Fingerprint, schema: Schema | None, columns: int) -> Verdict | None:
    """A failed verdict if the schema is not the fingerprint's or has another number of columns; None if all is well."""
    if schema is None:
        return None
    if schema.digest() != fingerprint.schema:
        return Verdict(False, "schema", "The schema is not the one of the fingerprint.")
    if len(schema.columns) != columns:
        return Verdict(False, "columns", "The record has another number of cells than the schema has columns.")
    return None


def check_path(fingerprint: Fingerprint, index: int, leaf: bytes, path: Sequence[bytes]) -> Verdict:
    """The last two checks of every proof: the index exists, and the path leads to the root."""
    if not 0 <= index < fingerprint.records:
        return Verdict(False, "index", f"There is no record {index}: the table has {fingerprint.records}.")
    if not leads_to(leaf, index, fingerprint.records, path, fingerprint.root):
        return Verdict(False, "root", "The record does not lead to the root of the fingerprint.")
    return Verdict(True, "included", f"Record {index} of {fingerprint.records} is in the table.")


def cell_json(cell: Cell) -> Any:
    """null, the canonical text, or {"hex": …} for bytes that are not UTF-8."""
    if cell is None:
        return None
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return {"hex": cell.hex()}


def cell_of(value: Any) -> Cell:
    """The inverse of `cell_json`. Raises InvalidProof."""
    if value is None:
        return None
    if isinstance(value, dict):
        return from_hex(object_members(value, {"hex"})["hex"], "cells")
    if not isinstance(value, str):
        raise InvalidProof("A cell is a text, null or an object with hex.", member="cells")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise InvalidProof("A cell holds a lone surrogate.", member="cells") from None


def index_of(members: dict[str, Any]) -> int:
    """The member index. Raises InvalidProof."""
    index = members["index"]
    if not is_count(index):
        raise InvalidProof("index must be a count.", member="index")
    return int(index)


def path_of(members: dict[str, Any]) -> tuple[bytes, ...]:
    """The member path, at most 64 nodes. Raises InvalidProof."""
    path = members["path"]
    if not isinstance(path, list) or len(path) > MAX_PATH:
        raise InvalidProof(f"path must be a list of at most {MAX_PATH} digests.", member="path")
    return tuple(from_hex(node, "path", DIGEST_BYTES) for node in path)
