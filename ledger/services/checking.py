"""Verifying a copy or a record against what was anchored: pure, so that the server and a client run the same checks.

A copy (table or file):
 1 document   the version's document is the one whose digest the entry carries
 2 act        the entry's digest is that of its fields, for this chain and module
 3 signature  the act was signed by the key it names
 4 schema     the document's columns are those of the fingerprint
 5 keys       there are keys if and only if the fingerprint is salted, and none is shredded
 6 manifest   the manifest leads to the fingerprint's root and count
 7 copy       the copy can be read as the document says
 8 records    it has as many records (chunks) as were anchored
 9 root       it leads to the anchored root
10 twin       and, under SM3, to the twin root
11 ledger     the contract keeps the same root and count

A record, or the records of one answer: 1, 2, 3 as above, 4 proof (its form fits the fingerprint), 5 included (it leads
to the root), 6 chain (the contract says so too, of a single record), 7 ledger.

That a version only grew: 1 act and 2 signature of the later entry, 3 earlier-act and 4 earlier-signature of the
earlier one, 5 dataset (it is the same, and the later number is the higher), 6 proof (format, salted flag and columns
are the same), 7 grown (the earlier root leads to the later one).
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from ledger.domain.documents import document_digest
from ledger.domain.entries import Entry
from ledger.errors import Corrupt, InvalidInput, InvalidProof, InvalidTable, NotFound, Shredded
from ledger.fingerprint import (
    FILE,
    RECORD_SD,
    AnswerProof,
    Difference,
    Disclosure,
    Fingerprint,
    GrowthProof,
    Manifest,
    Origin,
    RecordProof,
    Schema,
    SegmentKeys,
    Source,
    Verdict,
    disclose_record,
    locate,
    open_source,
    prove_record,
    prove_records,
    verify_answer,
    verify_disclosure,
    verify_growth,
    verify_record,
)
from ledger.fingerprint.answer_proof import FORMAT as ANSWER
from ledger.fingerprint.file import chunks
from ledger.fingerprint.locate import TileLeaves
from ledger.fingerprint.manifest import TILE_RECORDS
from ledger.fingerprint.merkle import sha256
from ledger.ports import AnchoredVersion
from ledger.services.check_steps import (
    Recovers,
    check_act,
    check_entry,
    check_found,
    check_keys,
    check_ledger,
    check_manifest,
    check_schema,
    unit,
)
from ledger.services.checks import Checklist, VerifyReport
from ledger.services.fingerprinting import PrepareOptions, Progress, fingerprint_source
from ledger.services.material import Material, VersionDocument, fingerprint_of

COPY = (
    "document", "act", "signature", "schema", "keys", "manifest", "copy", "records", "root", "twin", "ledger",
)  # fmt: skip
RECORD_CHECKS = ("document", "act", "signature", "proof", "included", "chain", "ledger")
GROWTH = ("act", "signature", "earlier-act", "earlier-signature", "dataset", "proof", "grown")

Proof = RecordProof | Disclosure | AnswerProof
"""Of one record, of one record's columns, or of all records of an answer."""


def check_table(
    material: Material,
    origin: Origin,
    *,
    chain_id: int,
    recovers: Recovers | None = None,
    right_leaves: TileLeaves | None = None,
    anchored: AnchoredVersion | None = None,
    progress: Progress | None = None,
    limit: int = 1000,
) -> VerifyReport:
    """Is the file at `origin` the payload whose fingerprint `material.entry` carries?

    `right_leaves(tile)` gives the leaf hashes of a tile of the right table, to name the records that differ.
    `recovers(address, digest, signature)` checks an account's signature. Raises InvalidInput only if the entry anchors
    no version: every failure is a check.
    """
    fingerprint = fingerprint_of(material.entry)
    checks = Checklist(COPY)
    document = check_entry(checks, material, chain_id, recovers)
    check_ledger(checks, fingerprint, anchored)
    schema_fits = check_schema(checks, fingerprint, document)
    keys_fit = check_keys(checks, fingerprint, material.keys)
    manifest = check_manifest(checks, fingerprint, material.manifest)
    if document is None or not schema_fits or not keys_fit:
        return VerifyReport(checks.all(), complete=False)

    options = PrepareOptions(
        format=fingerprint.format,
        schema=document.schema,
        read=document.read,
        salted=fingerprint.salted,
        twin=fingerprint.twin_root is not None,
        name="the copy",
    )
    keys = material.keys if fingerprint.salted else None
    try:
        found, copied = fingerprint_source(origin, options, keys, progress)
    except InvalidInput as fault:
        checks.add("copy", False, fault.detail)
        record = fault.facts.get("record")
        differing = (record,) if isinstance(record, int) else ()
        return VerifyReport(checks.all(), differing, complete=False, first=differing[0] if differing else None)
    except Shredded as fault:
        checks.add("keys", False, fault.detail)
        return VerifyReport(checks.all(), complete=False)
    checks.add("copy", True, f"{found.records} {unit(fingerprint)} read")
    check_found(checks, fingerprint, found)
    if found.root == fingerprint.root and found.records == fingerprint.records:
        return VerifyReport(checks.all())
    difference = None if manifest is None else _locate(manifest, copied, options, keys, origin, right_leaves, limit)
    if difference is None:
        return VerifyReport(checks.all(), complete=False)
    return VerifyReport(checks.all(), difference.indexes, difference.complete, difference.first)


def check_record(
    material: Material,
    proof: Proof,
    *,
    chain_id: int,
    recovers: Recovers | None = None,
    anchored: AnchoredVersion | None = None,
    on_chain: bool | None = None,
) -> VerifyReport:
    """Are the proof's records in the version? `on_chain` is the contract's own answer to the same question, if asked.

    Whether an answer is complete is not checked.
    """
    fingerprint = fingerprint_of(material.entry)
    checks = Checklist(RECORD_CHECKS)
    document = check_entry(checks, material, chain_id, recovers)
    check_ledger(checks, fingerprint, anchored)
    schema = None if document is None else document.schema
    wrong = check_included(checks, fingerprint, proof, schema)
    if on_chain is not None:
        checks.add("chain", on_chain, "Datasets.provesRecord answers " + ("yes" if on_chain else "no"))
    return VerifyReport(checks.all(), tuple(wrong))


def check_included(checks: Checklist, fingerprint: Fingerprint, proof: Proof, schema: Schema | None) -> list[int]:
    """Proof and included; the numbers of the records if they are not."""
    verdict = verify_any(fingerprint, proof, schema)
    if verdict.code in ("root", "index", "included"):
        checks.add("proof", True, "its form is that of the fingerprint")
        checks.add("included", verdict.passed, verdict.detail)
    else:
        checks.add("proof", False, verdict.detail)
    numbers = [record.index for record in proof.records] if isinstance(proof, AnswerProof) else [proof.index]
    return [] if verdict else numbers


def check_growth(
    earlier: Entry, later: Entry, proof: GrowthProof, *, chain_id: int, recovers: Recovers | None = None
) -> VerifyReport:
    """Is every record of the earlier version in its place in the later one, which only has more?

    Raises InvalidInput if one of the entries anchors no version.
    """
    before, after = fingerprint_of(earlier), fingerprint_of(later)
    checks = Checklist(GROWTH)
    check_act(checks, later, chain_id, recovers)
    check_act(checks, earlier, chain_id, recovers, prefix="earlier-")
    same, ordered = earlier.act["dataset"] == later.act["dataset"], earlier.act["number"] <= later.act["number"]
    told = f"versions {earlier.act['number']} and {later.act['number']} of "
    checks.add("dataset", same and ordered, told + (later.act["dataset"] if same else "two datasets"))
    verdict = verify_growth(before, after, proof)
    if verdict.code in ("root", "records", "grown"):
        checks.add("proof", True, "format, salted flag and columns are the same in both")
        checks.add("grown", verdict.passed, verdict.detail)
    else:
        checks.add("proof", False, verdict.detail)
    return VerifyReport(checks.all())


def verify_any(fingerprint: Fingerprint, proof: Proof, schema: Schema | None) -> Verdict:
    """The right verification for the kind of proof."""
    if isinstance(proof, AnswerProof):
        return verify_answer(fingerprint, proof, schema)
    if isinstance(proof, Disclosure):
        return verify_disclosure(fingerprint, proof, schema)
    return verify_record(fingerprint, proof, schema)


def proof_from_json(value: object) -> Proof:
    """Any kind, told apart by its members. Raises InvalidProof, TooLarge."""
    if isinstance(value, dict) and value.get("format") == ANSWER:
        return AnswerProof.from_json(value)
    if isinstance(value, dict) and "fields" in value:
        return Disclosure.from_json(value)
    return RecordProof.from_json(value)


def prove_from_copy(
    material: Material, origin: Origin, index: int, columns: Sequence[str] | None = None
) -> RecordProof | Disclosure:
    """The proof of one record from a right copy; `columns` are those to show (share-record-sd/1 only).

    Raises NotFound: no such record or column. InvalidProof: copy, keys or manifest are not the version's.
    InvalidInput: the version is a file, or `columns` was given for a format that shows whole records only.
    """
    fingerprint, schema, source, manifest = _right_table(material, origin)
    if fingerprint.format == RECORD_SD:
        shown = schema.names if columns is None else columns
        return disclose_record(source, schema, _keys(material), manifest, index, shown)
    if columns is not None:
        raise InvalidInput(f"{fingerprint.format} shows whole records only", format=fingerprint.format)
    keys = material.keys if fingerprint.salted else None
    return prove_record(source, schema, keys, manifest, index)


def prove_answer(
    material: Material, origin: Origin, indexes: Iterable[int], columns: Sequence[str] | None = None
) -> AnswerProof:
    """One proof for many records from a right copy. Raises as `prove_from_copy`; TooLarge for more than 10,000."""
    fingerprint, schema, source, manifest = _right_table(material, origin)
    keys = _keys(material) if fingerprint.salted else None
    return prove_records(source, schema, keys, manifest, indexes, format=fingerprint.format, columns=columns)


def _right_table(material: Material, origin: Origin) -> tuple[Fingerprint, Schema, Source, Manifest]:
    """What a proof is made from. Raises InvalidInput, InvalidProof."""
    fingerprint = fingerprint_of(material.entry)
    if fingerprint.format == FILE or material.document is None or material.manifest is None:
        raise InvalidInput("a record's proof needs a table, its document and its manifest")
    document = VersionDocument.parse(material.document)
    if document.schema is None or document_digest(material.document) != material.entry.act["document"]:
        raise InvalidProof("the document is not the version's")
    if not material.manifest.matches(fingerprint):
        raise InvalidProof("the manifest does not lead to the anchored root")
    return fingerprint, document.schema, open_source(origin, document.read, name="the copy"), material.manifest


def _keys(material: Material) -> SegmentKeys:
    if material.keys is None:
        raise InvalidProof("the version is salted: the segment keys are needed")
    return material.keys


def _locate(
    manifest: Manifest,
    copied: Manifest,
    options: PrepareOptions,
    keys: SegmentKeys | None,
    origin: Origin,
    right_leaves: TileLeaves | None,
    limit: int,
) -> Difference | None:
    """Which records differ, in a second pass over the copy; None if the right leaves cannot be had or are not right."""
    try:
        if options.schema is None:
            return _locate_chunks(manifest, copied, keys, origin, right_leaves, limit)
        source = open_source(origin, options.read, name=options.name)
        return locate(
            source, options.schema, keys, manifest, right_leaves, format=options.format, limit=limit, copied=copied
        )
    except (InvalidProof, InvalidTable, Corrupt, NotFound):
        # the copy changed while it was read, or no right payload is kept: there is nothing to compare with
        return None


def _locate_chunks(
    manifest: Manifest,
    copied: Manifest,
    keys: SegmentKeys | None,
    origin: Origin,
    right_leaves: TileLeaves | None,
    limit: int,
) -> Difference:
    tiles = manifest.differing_tiles(copied)
    found: list[int] = []
    if right_leaves is not None:
        for tile in tiles[:limit]:
            first = tile * TILE_RECORDS
            mine = (
                sha256(b"\x00" + (b"" if keys is None else keys.salt(number)) + chunk)
                for number, chunk in enumerate(islice(chunks(origin), first, first + TILE_RECORDS), first)
            )
            pairs = zip(right_leaves(tile), mine, strict=False)
            found += [first + at for at, (right, copy) in enumerate(pairs) if right != copy]
    if manifest.records != copied.records and right_leaves is not None:
        found = found[:1] or [min(manifest.records, copied.records)]
    complete = right_leaves is not None and manifest.records == copied.records and len(found) <= limit
    common = tuple(tile for tile in tiles if tile < min(len(manifest.tiles), len(copied.tiles)))
    return Difference(
        manifest.records, copied.records, common, tuple(found[:limit]), complete, found[0] if found else None
    )
