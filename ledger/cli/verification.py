"""Checking copies here, with nothing believed that can be recomputed.

The server gives the entry, the document, the manifest and the keys, or a file that was saved from it does;
`ledger.services.checking` holds them against each other and the copy against them. What the server could still lie
about is which entries the ledger has: its chain is not asked here, and the report says so.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from keys.signer import recover
from ledger.cli.failures import Answered, Mismatch
from ledger.cli.key_files import read_key_file
from ledger.cli.material import leaf_hashes, material_of
from ledger.cli.output import Answer
from ledger.cli.progress import progress
from ledger.cli.run import Run
from ledger.cli.signing import LedgerIdentity
from ledger.cli.texts import say
from ledger.services.checking import check_table
from ledger.services.checks import VerifyReport
from ledger.services.material import Material, fingerprint_of

_CHECKS = ("number", "code", "ok", "detail")


def verify_copy(
    run: Run, file: Path, version: str, *, share: str | None, key_file: Path | None, saved: Path | None
) -> Answer:
    """Every check of a copy, and the records that differ. Raises Answered, NoAnswer, Mismatch, UnreadableFile."""
    file.stat()
    ledger, material = material_of(run, version, share, saved)
    if key_file is not None:
        material = replace(material, keys=read_key_file(key_file)[0])
    records = fingerprint_of(material.entry).records
    with progress(say(run.out.lang, "fingerprinting"), records, unit="records") as step:
        report = check_table(material, file, chain_id=ledger.chain_id, recovers=recovers, progress=step)
    if saved is None and any(check.code in ("records", "root") for check in report.failed):
        report = _named(run, file, material, ledger) or report
    return answer(run, report, {"version": version, "file": str(file), "share": share})


def recovers(address: str, digest: bytes, signature: bytes) -> bool:
    """Whether the account signed the digest."""
    from keys.errors import InvalidSigning

    try:
        return recover(digest, signature) == address
    except InvalidSigning:
        return False


def answer(run: Run, report: VerifyReport, about: dict[str, Any]) -> Answer:
    note = say(run.out.lang, "passed" if report.ok else "failed" if report.failed else "not-all-checked")
    told = {**report.to_json(), **{name: value for name, value in about.items() if value is not None}}
    return Answer(told, columns=_CHECKS, rows="checks", passed=report.ok, note=note)


def _named(run: Run, file: Path, material: Material, ledger: LedgerIdentity) -> VerifyReport | None:
    """The report again, now with the records that differ; None if nobody tells the leaf hashes of the right table."""

    def right_leaves(tile: int) -> list[bytes]:
        return leaf_hashes(run, material.entry.digest, tile)

    run.out.say("locating")
    try:
        return check_table(material, file, chain_id=ledger.chain_id, recovers=recovers, right_leaves=right_leaves)
    except (Answered, Mismatch):
        return None
