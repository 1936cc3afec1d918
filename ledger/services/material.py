"""What a verifier holds of a version: its entry, its document, the manifest of its tree, its segment keys.

The server hands it to whoever may verify; the same material serves the checks on either side. Nothing in it is
believed: the fingerprint comes from the entry, and everything else is checked against that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ledger.domain.acts import BY_ENTRY, Mark
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST, format_signature, parse_digest, parse_signature
from ledger.domain.values import Act
from ledger.errors import InvalidInput, InvalidProof
from ledger.fingerprint import Fingerprint, Manifest, ReadOptions, Schema, Segment, SegmentKeys
from ledger.fingerprint.fingerprint import from_hex, object_members
from ledger.fingerprint.sealed_reader import PartPlace

FORMAT = "share-material/1"


@dataclass(frozen=True, slots=True)
class VersionDocument:
    """A version's document, read: how its file becomes a table, and where its bytes are."""

    dataset: str
    format: str
    number: int
    schema: Schema | None  # None: a file
    read: ReadOptions
    size: int
    name: str
    media_type: str
    stored_object: str | None  # digest of the encrypted object kept for it
    stored_size: int
    parts: tuple[PartPlace, ...] | None  # of the table kept for it, without keys; None: no table is kept as one
    keys: str  # "here", "provider" or "none"
    provenance: Mapping[str, Any]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """From the document's bytes. Raises InvalidDocument, InvalidSchema, InvalidInput."""
        document = Document.parse(body, "version")
        payload, stored = document["payload"], document.get("stored") or {}
        schema = document.get("schema")
        return cls(
            dataset=document["dataset"],
            format=document["format"],
            number=document["number"],
            schema=None if schema is None else Schema.from_json(schema),
            read=ReadOptions.from_json(document.get("read_options") or {}),
            size=payload["size"],
            name=payload.get("name", "payload"),
            media_type=payload.get("media_type", "application/octet-stream"),
            stored_object=stored.get("object"),
            stored_size=stored.get("size", 0),
            parts=None if (parts := stored.get("parts")) is None else tuple(map(PartPlace.from_json, parts)),
            keys=document.get("keys") or "none",
            provenance=document["provenance"],
        )


@dataclass(frozen=True, slots=True)
class Material:
    """Secret as long as it holds keys: with them and the payload anyone can make any record's proof."""

    entry: Entry
    document: bytes | None
    manifest: Manifest | None
    keys: SegmentKeys | None

    def to_json(self) -> dict[str, Any]:
        keys = self.keys
        return {
            "format": FORMAT,
            "entry": entry_to_json(self.entry),
            "document": None if self.document is None else self.document.decode(),
            "manifest": None if self.manifest is None else self.manifest.to_json(),
            "segments": None
            if keys is None
            else [{"first_record": one.first_record, "key": one.key.hex()} for one in keys.segments],
            "shredded": [] if keys is None else list(keys.gone),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` wrote. Raises InvalidInput (InvalidProof, InvalidAct) for anything else."""
        members = object_members(value, {"format", "entry", "document", "manifest", "segments", "shredded"})
        if members["format"] != FORMAT:
            raise InvalidProof(f"These members are not a {FORMAT}.")
        document, manifest, segments = members["document"], members["manifest"], members["segments"]
        if document is not None and not isinstance(document, str):
            raise InvalidProof("document must be a text.", member="document")
        return cls(
            entry=entry_from_json(members["entry"]),
            document=None if document is None else document.encode(),
            manifest=None if manifest is None else Manifest.from_json(manifest),
            keys=None if segments is None else _segments(segments, members["shredded"]),
        )


def _segments(segments: Any, shredded: Any) -> SegmentKeys:
    if not isinstance(segments, list) or not isinstance(shredded, list):
        raise InvalidProof("segments and shredded are lists.", member="segments")
    found = []
    for one in segments:
        members = object_members(one, {"first_record", "key"})
        if not isinstance(members["first_record"], int):
            raise InvalidProof("first_record must be a count.", member="first_record")
        found.append(Segment(members["first_record"], from_hex(members["key"], "key", 32)))
    if not all(isinstance(first, int) for first in shredded):
        raise InvalidProof("shredded holds counts.", member="shredded")
    return SegmentKeys(found, gone=shredded)


def fingerprint_of(entry: Entry) -> Fingerprint:
    """Every member of the fingerprint, from the entry that anchored it. Raises InvalidInput for any other entry."""
    act = entry.act
    if act.name != "AnchorVersion":
        raise InvalidInput(f"a {entry.kind} anchors no version")
    return Fingerprint(
        format=act["format"],
        salted=act["salted"],
        schema=bytes.fromhex(act["schema"]),
        root=bytes.fromhex(act["root"]),
        records=act["records"],
        size=act["size"],
        twin_root=None if act["twin"] == ZERO_DIGEST else bytes.fromhex(act["twin"]),
    )


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """All of an entry but where it stood on its chain."""
    return {
        "index": entry.index,
        "kind": entry.kind,
        "module": entry.module,
        "act": entry.act.to_json(),
        "digest": entry.digest,
        "signatures": [format_signature(signature) for signature in entry.signatures],
        "department": entry.department,
        "marks": int(entry.marks),
        "time": entry.time,
        "head": entry.head,
    }


_MEMBERS = frozenset({"index", "kind", "module", "act", "digest", "signatures", "department", "marks", "time", "head"})


def entry_from_json(value: Any) -> Entry:
    """Read what `entry_to_json` wrote; other members are left aside. Raises InvalidInput."""
    if not isinstance(value, dict) or not value.keys() >= _MEMBERS:
        raise InvalidInput("an entry has the members " + ", ".join(sorted(_MEMBERS)))
    kind, signatures = value["kind"], value["signatures"]
    if not isinstance(kind, str) or kind not in BY_ENTRY or not isinstance(signatures, list):
        raise InvalidInput("the entry's kind or signatures cannot be read")
    if not all(isinstance(value[name], int) for name in ("index", "marks", "time")):
        raise InvalidInput("the entry's index, marks and time are integers")
    return Entry(
        index=value["index"],
        module=str(value["module"]),
        act=Act.from_json(BY_ENTRY[kind].name, value["act"]),
        digest=parse_digest(value["digest"]),
        signatures=tuple(parse_signature(text) for text in signatures),
        department=str(value["department"]),
        marks=Mark(value["marks"]),
        time=value["time"],
        head=parse_digest(value["head"]),
    )
