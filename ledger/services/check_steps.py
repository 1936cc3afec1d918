"""The single checks that verifications are made of; each notes its outcome in a checklist."""

from collections.abc import Callable

from ledger.domain.documents import document_digest
from ledger.domain.entries import Entry
from ledger.errors import ShareLedgerError
from ledger.fingerprint import FILE, Fingerprint, Manifest, SegmentKeys
from ledger.ports import AnchoredVersion
from ledger.proofs.typed_data import act_digest
from ledger.services.checks import Checklist
from ledger.services.material import Material, VersionDocument

Recovers = Callable[[str, bytes, bytes], bool]


def check_entry(
    checks: Checklist, material: Material, chain_id: int, recovers: Recovers | None
) -> VersionDocument | None:
    """Document, act and signature; the document if it is the entry's and can be read."""
    entry = material.entry
    check_act(checks, entry, chain_id, recovers)
    if material.document is None:
        return None
    if document_digest(material.document) != entry.act["document"]:
        checks.add("document", False, "the document's digest is not the one in the entry")
        return None
    try:
        document = VersionDocument.parse(material.document)
    except ShareLedgerError as fault:
        checks.add("document", False, f"the digest is right, but the document cannot be used: {fault.detail}")
        return None
    checks.add("document", True, f"SHA-256 {entry.act['document']}")
    return document


def check_act(checks: Checklist, entry: Entry, chain_id: int, recovers: Recovers | None, *, prefix: str = "") -> None:
    """Act and signature, under these codes with `prefix` before them."""
    digest = act_digest(entry.act, chain_id, entry.module)
    told = "the entry's digest is " + ("" if digest == entry.digest else "not ")
    checks.add(f"{prefix}act", digest == entry.digest, told + "that of its fields on this chain")
    code, signer = f"{prefix}signature", entry.signer
    if recovers is None or signer is None or not entry.signatures:
        checks.add(code, None, "no means to check signatures at hand")
    elif len(entry.signatures[0]) != 65:
        checks.add(code, None, "a contract key's: accepted by the chain, not re-checked")
    else:
        good = recovers(signer, bytes.fromhex(digest), entry.signatures[0])
        checks.add(code, good, f"{'by' if good else 'not by'} {signer}")


def check_ledger(checks: Checklist, fingerprint: Fingerprint, anchored: AnchoredVersion | None) -> None:
    if anchored is None:
        checks.add("ledger", None, "the contract was not asked")
        return
    kept = (anchored.root, anchored.records, anchored.salted)
    same = kept == (fingerprint.root.hex(), fingerprint.records, fingerprint.salted)
    checks.add("ledger", same, "the contract keeps " + ("the same fingerprint" if same else "another fingerprint"))


def check_schema(checks: Checklist, fingerprint: Fingerprint, document: VersionDocument | None) -> bool:
    if document is None:
        return False
    if document.format != fingerprint.format or (document.schema is None) != (fingerprint.format == FILE):
        return checks.add("schema", False, f"the document is of {document.format}, the entry of {fingerprint.format}")
    if document.schema is None:
        return checks.add("schema", not any(fingerprint.schema), "a file has no columns")
    same = document.schema.digest() == fingerprint.schema
    told = f"{len(document.schema.columns)} columns; their digest is {'' if same else 'not '}the anchored one"
    return checks.add("schema", same, told)


def check_keys(checks: Checklist, fingerprint: Fingerprint, keys: SegmentKeys | None) -> bool:
    if not fingerprint.salted:
        return checks.add("keys", True, "the table is open: no salts")
    if keys is None:
        checks.add("keys", None, "no segment keys at hand: leaf hashes cannot be made")
        return False
    if keys.gone:
        return checks.add("keys", False, "segments were shredded: records " + ", ".join(map(str, keys.gone)))
    return checks.add("keys", True, f"{len(keys.segments)} segment keys at hand")


def check_manifest(checks: Checklist, fingerprint: Fingerprint, manifest: Manifest | None) -> Manifest | None:
    if manifest is None:
        return None
    good = manifest.matches(fingerprint)
    checks.add("manifest", good, f"it leads {'' if good else 'not '}to the anchored root and count")
    return manifest if good else None


def check_found(checks: Checklist, fingerprint: Fingerprint, found: Fingerprint) -> None:
    checks.add(
        "records",
        found.records == fingerprint.records,
        f"{found.records} {unit(fingerprint)}; {fingerprint.records} were anchored",
    )
    same = found.root == fingerprint.root
    checks.add("root", same, f"{found.root.hex()} is {'' if same else 'not '}the anchored root")
    if fingerprint.twin_root is None:
        checks.add("twin", None, "no twin root was anchored")
    else:
        same = found.twin_root == fingerprint.twin_root
        checks.add("twin", same, f"the SM3 root is {'' if same else 'not '}the anchored one")


def unit(fingerprint: Fingerprint) -> str:
    return "chunks" if fingerprint.format == FILE else "records"
