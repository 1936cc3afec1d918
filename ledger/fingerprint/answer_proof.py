"""The proof that all records of one answer are in a table, with one path for all of them, and its verification.

It says nothing of records that are not in the answer: whether the answer is complete is not checked.

A proof carries records, their own salts and the siblings of their paths, each once, and nothing that says what it is to
be checked against: root, record count, format, salted flag and schema all come from the caller, who has them from the
ledger.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ledger.domain.nesting import nests_deeper
from ledger.errors import InvalidInput, InvalidProof, NotFound, TooLarge
from ledger.fingerprint.fingerprint import DIGEST_BYTES, RECORD, RECORD_SD, Fingerprint, from_hex, object_members
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.multi_path import multi_root
from ledger.fingerprint.record_proof import RecordProof, Verdict, check_form
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sd import Disclosure, OpenField, check_fields, columns_to_hide
from ledger.fingerprint.selected import read_records
from ledger.fingerprint.sources import Source
from ledger.fingerprint.tile_tree import TILE_RECORDS, TileTree

FORMAT = "share-answer/1"
MAX_RECORDS = 10_000
MAX_TEXT = 64 << 20  # bytes of a proof's JSON
_NESTED = 6  # levels a proof has
_MAX_NODES = 64  # for each record: a tree is no higher


@dataclass(frozen=True, slots=True)
class AnswerProof:
    """Records in rising order, all whole (share-record/1) or all disclosures, each without a path of its own.

    `path` holds their siblings level by level from the leaves up, left to right (`ledger.fingerprint.multi_path`).
    """

    records: tuple[RecordProof, ...] | tuple[Disclosure, ...]
    path: tuple[bytes, ...]

    def to_json(self) -> dict[str, Any]:
        records = [record.to_json() for record in self.records]
        for record in records:
            del record["path"]
        return {"format": FORMAT, "records": records, "path": [node.hex() for node in self.path]}

    @classmethod
    def from_json(cls, value: Any) -> "AnswerProof":
        """Read what `to_json` wrote. Raises InvalidProof; TooLarge for more than 10,000 records."""
        members = object_members(value, {"format", "records", "path"})
        if members["format"] != FORMAT:
            raise InvalidProof(f"This object is not a {FORMAT}.", member="format")
        given, path = members["records"], members["path"]
        if not isinstance(given, list) or not given:
            raise InvalidProof("records must be a list with a member for each record.", member="records")
        if len(given) > MAX_RECORDS:
            raise TooLarge(f"A proof holds at most {MAX_RECORDS} records; this one has {len(given)}.")
        if not isinstance(path, list) or len(path) > _MAX_NODES * len(given):
            raise InvalidProof(f"path must be a list of at most {_MAX_NODES} digests a record.", member="path")
        nodes = tuple(from_hex(node, "path", DIGEST_BYTES) for node in path)
        if isinstance(given[0], dict) and "fields" in given[0]:
            return cls(tuple(Disclosure.from_json(_whole(one, "fields")) for one in given), nodes)
        return cls(tuple(RecordProof.from_json(_whole(one, "cells", "salt")) for one in given), nodes)

    @classmethod
    def parse(cls, text: bytes) -> "AnswerProof":
        """From bytes that came from anywhere. Raises InvalidProof, TooLarge over 64 MiB."""
        return cls.from_json(read_proof_text(text))


def read_proof_text(text: bytes, *, nested: int = _NESTED) -> Any:
    """The JSON value of a proof's bytes, each member given once. Raises InvalidProof, TooLarge over 64 MiB."""
    if len(text) > MAX_TEXT:
        raise TooLarge(f"A proof has at most {MAX_TEXT} bytes; this one has {len(text)}.")
    try:
        decoded = text.decode()
        if nests_deeper(decoded, nested):
            raise ValueError("nested too deep")
        return json.loads(decoded, object_pairs_hook=_members_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidProof("The proof is not JSON as a proof is written.") from None


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _whole(value: Any, *members: str) -> dict[str, Any]:
    return {**object_members(value, {"index", *members}), "path": []}


def prove_records(
    source: Source,
    schema: Schema,
    keys: SegmentKeys | None,
    tree: Manifest | TileTree,
    indexes: Iterable[int],
    *,
    format: str = RECORD,
    columns: Iterable[str] | None = None,
) -> AnswerProof:
    """One proof for these records, in one pass over the source from the first of their tiles to the last.

    `columns` are those to show of share-record-sd/1, all unless given; the other format shows whole records only.

    Raises:
        NotFound: no such record or column, or no index at all.
        InvalidInput: columns for share-record/1.
        InvalidProof: the source, the schema or the keys are not those of the tree (facts: tile).
        Corrupt: the tree is damaged.
        InvalidTable, Shredded: as for a fingerprint. TooLarge: more than 10,000 records.
    """
    wanted = sorted(set(indexes))
    if not wanted:
        raise NotFound("A proof is of one record at least.")
    if len(wanted) > MAX_RECORDS:
        raise TooLarge(f"A proof holds at most {MAX_RECORDS} records; {len(wanted)} were asked for.")
    if columns is not None and format != RECORD_SD:
        raise InvalidInput(f"{format} shows whole records only.", format=format)
    rule, hidden = LeafRule(format, keys), () if columns is None else columns_to_hide(schema, columns)
    cells, leaves = read_records(source, schema, rule, tree.records, wanted)
    if gone := [index for index in wanted if index not in cells]:
        raise InvalidProof(f"The source ends before record {gone[0]}.", tile=gone[0] // TILE_RECORDS)
    return answer_of([shown_record(rule, index, cells[index], hidden) for index in wanted], tree, leaves)


def shown_record(
    rule: LeafRule, index: int, cells: Sequence[bytes | None], hidden: Collection[int] = ()
) -> RecordProof | Disclosure:
    """One record of an answer, without its path; of share-record-sd/1 the `hidden` columns by their digests alone.

    Raises Shredded if the record's key is gone.
    """
    if rule.format != RECORD_SD or rule.keys is None:
        return RecordProof(index, tuple(cells), b"" if rule.keys is None else rule.keys.salt(index), ())
    salts = rule.keys.field_salts(index, 1, len(cells))[0]
    return Disclosure(index, tuple(map(OpenField, cells, salts)), ()).hiding(hidden)


def shown_cells(record: RecordProof | Disclosure) -> dict[int, bytes | None]:
    """Column number -> canonical cell, of what a record of an answer shows."""
    return record.cells if isinstance(record, Disclosure) else dict(enumerate(record.cells))


def answer_of(
    shown: Sequence[RecordProof | Disclosure], tree: Manifest | TileTree, leaves: Mapping[int, Sequence[bytes]]
) -> AnswerProof:
    """One proof for these records, in rising order, from the leaf hashes of their tiles.

    Raises InvalidProof: those leaves are not the tree's (facts: tile). Corrupt: the tree is damaged.
    """
    return AnswerProof(tuple(shown), tree.paths([one.index for one in shown], leaves))  # type: ignore[arg-type]


def verify_answer(fingerprint: Fingerprint, proof: AnswerProof, schema: Schema | None = None) -> Verdict:
    """Are these, one by one, the records of those numbers in the table with that fingerprint?

    The caller takes every member of `fingerprint` from the ledger, and gives the schema if the cells are to be read as
    its columns. Never raises: a failed proof is an answer.
    """
    numbers = [record.index for record in proof.records]
    if not numbers or any(one >= other for one, other in pairwise(numbers)):
        return Verdict(False, "index", "The records are not given once each, in rising order.")
    for record in proof.records:
        if isinstance(record, Disclosure):
            wrong = check_fields(fingerprint, record, schema)
        else:
            wrong = check_form(fingerprint, record, schema)
        if wrong is not None:
            return replace(wrong, detail=f"Record {record.index}: {wrong.detail}")
    if not 0 <= numbers[0] <= numbers[-1] < fingerprint.records:
        return Verdict(False, "index", f"There is no record {numbers[-1]}: the table has {fingerprint.records}.")
    leaves = {record.index: record.leaf for record in proof.records}
    if multi_root(leaves, fingerprint.records, proof.path) != fingerprint.root:
        return Verdict(False, "root", "The records do not lead to the root of the fingerprint.")
    told = f"{len(numbers)} of {fingerprint.records} records are in the table; completeness is not checked."
    return Verdict(True, "included", told)
