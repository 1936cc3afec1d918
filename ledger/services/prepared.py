"""The rows of a prepared version: its document, wrapped keys and manifest, and the fields its act will carry."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ledger.domain.callers import Caller
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.refusals import refusal_from_name
from ledger.domain.state import Dataset, Line
from ledger.errors import NotReady, Unavailable
from ledger.fingerprint import Fingerprint, Manifest, SegmentKeys
from ledger.fingerprint.sealed_reader import PartPlace
from ledger.ports import PayloadRow, Ports, StoredDocument, StoredPayload, TablePart, UnitOfWork, Vault
from ledger.services.fingerprinting import PrepareOptions
from ledger.services.versions import data_key_context, part_key_context, segment_key_context


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of a version, each object with the key that opens it: the file as it came, and the table's parts
    (None: it is no table)."""

    payload: StoredPayload
    key: bytes = field(repr=False)
    parts: tuple[PartPlace, ...] | None

    def to_json(self) -> dict[str, Any]:
        """The `stored` member of the version's document."""
        told: dict[str, Any] = {"object": self.payload.digest, "size": self.payload.stored_size}
        if self.parts is not None:
            told["parts"] = [part.to_json() for part in self.parts]
        return told


@dataclass(frozen=True, slots=True)
class PreparedVersion:
    """`fields` are AnchorVersion's, in JSON form, without signer, prior and validity."""

    document: str
    body: bytes
    dataset: str
    fingerprint: Fingerprint
    kept: bool
    fields: dict[str, Any]

    @property
    def records(self) -> int:
        return self.fingerprint.records

    @property
    def size(self) -> int:
        return self.fingerprint.size or 0

    def to_json(self) -> dict[str, Any]:
        return {
            "document": self.document,
            "dataset": self.dataset,
            "fingerprint": self.fingerprint.to_json(),
            "records": self.records,
            "size": self.size,
            "kept": self.kept,
            "act_fields": dict(self.fields),
        }


async def next_number(ports: Ports, caller: Caller, dataset: str) -> int:
    async with ports.store.read() as work:
        return await number_of_next(work, caller, dataset)


async def number_of_next(work: UnitOfWork, caller: Caller, dataset: str) -> int:
    """The next version's number; refuses as the contract would."""
    state = await work.load([(Dataset, (dataset,)), (Line, (dataset,))])
    found, line = state.get(Dataset, dataset), state.get(Line, dataset)
    if found is None:
        raise refusal_from_name("DatasetsUnknown", dataset)
    if found.provider != caller.department:
        raise refusal_from_name("DatasetsNotProvider", dataset, caller.department)
    if found.published is None:
        raise refusal_from_name("DatasetsNotPublished", dataset)
    return line.count + 1 if line else 1


def version_document(
    dataset: str,
    number: int,
    options: PrepareOptions,
    payload: Mapping[str, Any],
    provenance: Mapping[str, Any],
    kept: Kept | None,
    keys: str,
) -> Document:
    return Document.make(
        "version",
        dataset=dataset,
        number=number,
        format=options.format,
        payload=dict(payload),
        provenance=dict(provenance),
        schema=None if options.schema is None else options.schema.to_json(),
        read_options=None if options.schema is None else options.read.to_json(),
        stored=None if kept is None else kept.to_json(),
        keys=keys,
    )


async def write_prepared(
    ports: Ports,
    caller: Caller,
    dataset: str,
    document: Document,
    fingerprint: Fingerprint,
    manifest: Manifest,
    keys: SegmentKeys | None,
    kept: Kept | None,
) -> None:
    row = PayloadRow(
        document=document.digest,
        dataset=dataset,
        object=None if kept is None else kept.payload.digest,
        wrapped_key=None if kept is None else ports.vault.wrap(kept.key, data_key_context(document.digest)),
        size=fingerprint.size or 0,
        fingerprint=fingerprint.to_json(),
        manifest=manifest.to_bytes(),
        segment_keys=tuple(
            (one.first_record, ports.vault.wrap(one.key, segment_key_context(document.digest, one.first_record)))
            for one in (() if keys is None else keys.segments)
        ),
        parts=() if kept is None else tuple(_row(ports.vault, document.digest, part) for part in kept.parts or ()),
    )
    objects = [] if kept is None else [kept.payload.digest, *(part.object for part in kept.parts or ())]
    for digest in objects:
        if await ports.payloads.unclaimed_since(digest) is None:
            raise Unavailable(
                "what was stored for this version was swept before it was whole: a clock jumped, or it took too long",
                remedy="Prepare it again, and raise SHARELEDGER_ORPHAN_HOURS if it takes so long.",
            )
    readers = frozenset({caller.department})
    async with ports.store.write() as work:
        await work.add_document(StoredDocument(document.digest, document.kind, document.body, False, readers))
        await work.add_payload(row)
        await work.commit()
    # Stopping here leaves marks that the next sweep takes away. Until then another database, say of an older backup,
    # would let these objects go.
    with suppress(Unavailable, NotReady):
        for digest in objects:
            await ports.payloads.claim(digest)


def _row(vault: Vault, document: str, part: PartPlace) -> TablePart:
    assert part.key is not None
    wrapped = vault.wrap(part.key, part_key_context(document, part.first_record))
    return TablePart(part.first_record, part.records, part.object, part.size, wrapped)


def prepared_version(
    digest: str, body: bytes, dataset: str, number: int, fingerprint: Fingerprint, *, kept: bool
) -> PreparedVersion:
    twin = fingerprint.twin_root
    fields = {
        "dataset": dataset,
        "number": number,
        "format": fingerprint.format,
        "salted": fingerprint.salted,
        "schema": fingerprint.schema.hex(),
        "root": fingerprint.root.hex(),
        "records": str(fingerprint.records),
        "size": str(fingerprint.size or 0),
        "twin": ZERO_DIGEST if twin is None else twin.hex(),
        "document": digest,
    }
    return PreparedVersion(digest, body, dataset, fingerprint, kept, fields)
