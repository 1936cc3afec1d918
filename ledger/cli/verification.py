"""Checking copies and records here, with nothing believed that can be recomputed.

The server gives the entry, the document, the manifest and the keys; `ledger.services.checking` holds them against each
other and the copy against them. What the server could still lie about is which entries the ledger has: its chain is not
asked here, and the report says so.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from keys.signer import recover
from ledger.cli.client import segment
from ledger.cli.document import read_bytes
from ledger.cli.download import write_whole
from ledger.cli.failures import Answered, Mismatch
from ledger.cli.key_files import read_key_file
from ledger.cli.output import Answer
from ledger.cli.progress import progress
from ledger.cli.run import Run
from ledger.cli.signing import LedgerIdentity, ledger_identity
from ledger.cli.texts import say
from ledger.domain.acts import Mark, Module
from ledger.domain.entries import Entry
from ledger.errors import InvalidInput
from ledger.fingerprint import Manifest
from ledger.services.checking import check_record, check_table, proof_from_json
from ledger.services.checks import VerifyReport
from ledger.services.material import Material, entry_from_json, fingerprint_of

_CHECKS = ("number", "code", "ok", "detail")


def verify_copy(run: Run, file: Path, version: str, *, share: str | None, key_file: Path | None) -> Answer:
    """Every check of a copy, and the records that differ. Raises Answered, NoAnswer, Mismatch, UnreadableFile."""
    file.stat()
    ledger = ledger_identity(run)
    material = _material(run, version, share)
    if key_file is not None:
        material = replace(material, keys=read_key_file(key_file)[0])
    _check_entry(material.entry, version, ledger)
    records = fingerprint_of(material.entry).records
    with progress(say(run.out.lang, "fingerprinting"), records, unit="records") as step:
        report = check_table(material, file, chain_id=ledger.chain_id, recovers=recovers, progress=step)
    if any(check.code in ("records", "root") for check in report.failed):
        report = _named(run, file, material, ledger) or report
    return _answer(run, report, {"version": version, "file": str(file), "share": share})


def prove_record(run: Run, version: str, record: int, *, columns: list[str] | None, output: Path | None) -> Answer:
    """Fetch a record's proof and check it. Raises Answered, NoAnswer, Mismatch, InvalidProof."""
    ledger = ledger_identity(run)
    told = run.client.get(f"/versions/{segment(version)}/records/{record}/proof", columns=columns)
    proof = proof_from_json(_without(told.get("proof", told), "as_of"))
    entry = _entry(run, version)
    _check_entry(entry, version, ledger)
    if proof.index != record:
        raise Mismatch(f"the server proves record {proof.index}, not {record}")
    material = Material(entry, _document(run, entry), None, None)
    report = check_record(material, proof, chain_id=ledger.chain_id, recovers=recovers)
    if output is not None:
        write_whole(output, json.dumps(proof.to_json(), ensure_ascii=False, indent=1).encode() + b"\n")
    return _answer(run, report, {"version": version, "record": record, "proof": proof.to_json()})


def recovers(address: str, digest: bytes, signature: bytes) -> bool:
    """Whether the account signed the digest."""
    from keys.errors import InvalidSigning

    try:
        return recover(digest, signature) == address
    except InvalidSigning:
        return False


def _answer(run: Run, report: VerifyReport, about: dict[str, Any]) -> Answer:
    note = say(run.out.lang, "passed" if report.ok else "failed")
    told = {**report.to_json(), **{name: value for name, value in about.items() if value is not None}}
    return Answer(told, columns=_CHECKS, rows="checks", passed=report.ok, note=note)


def _material(run: Run, version: str, share: str | None) -> Material:
    """From the share it was got under, or as the provider; a version whose keys are elsewhere, in its open parts."""
    if share is not None:
        return Material.from_json(_without(run.client.get(f"/authorisations/{segment(share)}/keys"), "as_of"))
    try:
        return Material.from_json(_without(run.client.get(f"/versions/{segment(version)}/keys"), "as_of"))
    except Answered as refused:
        if refused.status not in (403, 404, 405):
            raise
    entry = _entry(run, version)
    return Material(entry, _document(run, entry), _manifest(run, version), None)


def _entry(run: Run, version: str) -> Entry:
    told = dict(run.client.get(f"/entries/{segment(version)}"))
    try:
        act = dict(told["act"])
        act.pop("type", None)
        marks = told["marks"]
        number = marks if isinstance(marks, int) else sum(Mark[str(name).upper()] for name in marks)
        return entry_from_json({**told, "act": act, "marks": int(number)})
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise Mismatch(f"the entry of version {version} cannot be read: {error}") from error


def _document(run: Run, entry: Entry) -> bytes | None:
    try:
        return read_bytes(run, entry.act["document"])
    except Answered as refused:
        if refused.status not in (403, 404):
            raise
        return None


def _manifest(run: Run, version: str) -> Manifest | None:
    try:
        return Manifest.from_json(_without(run.client.get(f"/versions/{segment(version)}/manifest"), "as_of"))
    except Answered as refused:
        if refused.status not in (403, 404):
            raise
        return None


def _check_entry(entry: Entry, version: str, ledger: LedgerIdentity) -> None:
    """The entry is the one asked for, of this ledger's Datasets. Its own digest is a check of the report."""
    if entry.act.name != "AnchorVersion" or entry.digest != version:
        raise Mismatch(f"the server's entry is not the one that anchored version {version}")
    if entry.module != ledger.modules.get(str(Module.DATASETS)):
        raise Mismatch("the server's entry is of another contract than this ledger's")


def _named(run: Run, file: Path, material: Material, ledger: LedgerIdentity) -> VerifyReport | None:
    """The report again, now with the records that differ; None if nobody tells the leaf hashes of the right table."""
    version = segment(material.entry.digest)

    def right_leaves(tile: int) -> list[bytes]:
        told = run.client.get(f"/versions/{version}/tiles/{tile}")
        return [bytes.fromhex(leaf) for leaf in told["leaves"]]

    run.out.say("locating")
    try:
        return check_table(material, file, chain_id=ledger.chain_id, recovers=recovers, right_leaves=right_leaves)
    except (Answered, KeyError, TypeError, ValueError):
        return None


def _without(told: Any, *names: str) -> Any:
    return {name: value for name, value in told.items() if name not in names} if isinstance(told, dict) else told
