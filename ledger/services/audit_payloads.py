"""Kept payloads against the ledger, without any key: the version's own document says which object was stored for it.

So a row that was deleted or pointed elsewhere hides nothing. A payload or key that is gone without a ShredVersion is a
finding; with one, it is what was promised.
"""

from ledger.domain.state import State, Version
from ledger.errors import Corrupt, InvalidInput, NotFound
from ledger.fingerprint import Fingerprint, Manifest
from ledger.fingerprint.sealed_reader import PartPlace
from ledger.ports import PayloadRow, PayloadStore, TablePart, UnitOfWork
from ledger.services.audit_report import Findings
from ledger.services.material import VersionDocument
from ledger.services.versions import KEYS_HERE


class PayloadAudit:
    def __init__(self, work: UnitOfWork, payloads: PayloadStore | None, findings: Findings) -> None:
        self._work, self._payloads, self._findings = work, payloads, findings
        self._hashed: set[str] = set()
        self._shredded: set[str] = set()  # documents of wholly shredded versions

    async def versions(self, state: State) -> None:
        """Every anchored version's document, row, keys and object; then objects of versions not anchored (yet)."""
        for version in sorted(state.all(Version), key=lambda version: version.since):
            try:
                body = await self._work.document(version.document)
                if body is None:
                    continue  # counted among the documents that are not held here
                document = VersionDocument.parse(body.body)
            except (InvalidInput, ValueError, TypeError, AttributeError):
                continue  # a changed document is a finding already; an odd one that was signed so is no tampering
            if (document.dataset, document.number) != (version.dataset, version.number):
                continue  # the document of another version: anyone may name it, and nothing of it is this version's
            if version.shredded:
                self._shredded.add(version.document)
            try:
                self._row(version, document, await self._work.payload(version.document))
            except (ValueError, TypeError) as error:
                self._fault(version, "row-changed", f"it cannot be read: {error}")
            if not version.shredded:
                for stored in [document.stored_object, *(part.object for part in document.parts or ())]:
                    if stored is not None:
                        await self._object(stored, _name(version), version.since)
        if self._payloads is not None:
            for owner, stored in await self._work.payload_objects():
                if owner not in self._shredded:
                    await self._object(stored, f"the prepared version {owner}", None)

    async def _object(self, digest: str, name: str, entry: int | None) -> None:
        if self._payloads is None or digest in self._hashed:
            return
        self._hashed.add(digest)
        self._findings.made("payloads")
        proof = () if entry is None else (entry,)
        try:
            await self._payloads.check(digest)
        except NotFound:
            told = f"payload object {digest} of {name} is missing, and no ShredVersion says why"
            self._findings.add("payloads", "payload-missing", digest, told, proof)
        except Corrupt as error:
            told = f"payload object {digest} of {name} was changed: {error.detail}"
            self._findings.add("payloads", "payload-changed", digest, told, proof)

    def _row(self, version: Version, document: VersionDocument, row: PayloadRow | None) -> None:
        self._findings.made("payload-rows")
        if row is None:
            if document.stored_object is not None or document.keys == KEYS_HERE:
                self._fault(version, "row-missing", "it is missing")
            return
        expected = {"dataset": version.dataset, "size": version.size, "object": document.stored_object}
        for column, value in expected.items():
            if getattr(row, column) != value:
                self._fault(version, "row-changed", f"column {column} is {getattr(row, column)}, not {value}")
        for part in document.parts or ():
            if not any(_same(part, each) for each in row.parts):
                self._fault_of_part(version, part, "row-changed", "it is missing, or is not what the document says")
        if len(row.parts) > len(document.parts or ()):
            self._fault(version, "row-changed", "table_parts has parts that the document does not")
        if not _leads_to(row, version):
            self._fault(version, "row-changed", "column fingerprint or manifest is not that of the ledger's entry")
        if version.shredded:
            return
        if row.object is not None and row.wrapped_key is None and not version.partly_shredded:
            self._fault(version, "keys-missing", "column wrapped_key is gone, and no ShredVersion says why")
        for kept in row.parts:
            if kept.wrapped_key is None and not (version.partly_shredded and _segment_gone(row, kept)):
                self._fault_of_part(version, kept, "keys-missing", "its key is gone, and no ShredVersion says why")
        if document.keys != KEYS_HERE or version.partly_shredded:
            return
        if not row.segment_keys or any(key is None for _, key in row.segment_keys):
            self._fault(version, "keys-missing", "segment keys are gone, and no ShredVersion says why")

    def _fault_of_part(self, version: Version, part: PartPlace | TablePart, code: str, what: str) -> None:
        key = f"{version.document}/{part.first_record}"
        told = f"table table_parts, row {key} of {_name(version)}: {what}"
        self._findings.add("payload-rows", code, f"table_parts/{key}", told, (version.since,))

    def _fault(self, version: Version, code: str, what: str) -> None:
        told = f"table payloads, row {version.document} of {_name(version)}: {what}"
        self._findings.add("payload-rows", code, f"payloads/{version.document}", told, (version.since,))


def _name(version: Version) -> str:
    return f"version {version.number} of {version.dataset}"


def _same(part: PartPlace, row: TablePart) -> bool:
    told = part.object, part.size, part.first_record, part.records
    return told == (row.object, row.size, row.first_record, row.records)


def _segment_gone(row: PayloadRow, part: TablePart) -> bool:
    """Is the key gone too of the segment that the part is in? Open data is one segment, without a key."""
    before = [key for first, key in row.segment_keys if first <= part.first_record]
    return not row.segment_keys or (bool(before) and before[-1] is None)


def _leads_to(row: PayloadRow, version: Version) -> bool:
    try:
        fingerprint, manifest = Fingerprint.from_json(row.fingerprint), Manifest.from_bytes(row.manifest)
    except (InvalidInput, TypeError):
        return False
    anchored = (version.format, version.salted, version.schema, version.root, version.records)
    kept = (
        fingerprint.format,
        fingerprint.salted,
        fingerprint.schema.hex(),
        fingerprint.root.hex(),
        fingerprint.records,
    )
    return kept == anchored and manifest.matches(fingerprint)
