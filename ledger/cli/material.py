"""What a version is checked with: from the server, or from a file in which it was saved.

Nothing of it is believed: the entry is the one asked for, of the ledger that is pinned or served, and
`ledger.services.checking` holds the rest against that.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.cli.client import segment
from ledger.cli.document import read_bytes
from ledger.cli.download import write_whole
from ledger.cli.failures import Answered, InvalidOption, Mismatch, UnreadableFile
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.signing import LedgerIdentity, ledger_identity
from ledger.cli.values import read_json
from ledger.domain.acts import Mark, Module
from ledger.domain.entries import Entry
from ledger.errors import InvalidInput
from ledger.fingerprint import Manifest
from ledger.fingerprint.answer_proof import MAX_TEXT, read_proof_text
from ledger.services.material import Material, entry_from_json


def material_of(run: Run, version: str, share: str | None, saved: Path | None) -> tuple[LedgerIdentity, Material]:
    """Which ledger, and what is held of the version: from the file it was saved in, or from the server."""
    if saved is None:
        ledger, material = ledger_identity(run), _material(run, version, share)
    else:
        ledger, material = _pinned(run), Material.from_json(read_saved(saved))
    _check_entry(material.entry, version, ledger)
    return ledger, material


def anchoring_of(run: Run, version: str, saved: Path | None) -> tuple[LedgerIdentity, Entry, bytes | None]:
    """Which ledger, and the version's entry and document, which are all that a proof is checked against."""
    if saved is not None:
        ledger, material = material_of(run, version, None, saved)
        return ledger, material.entry, material.document
    ledger, entry = ledger_identity(run), _entry(run, version)
    _check_entry(entry, version, ledger)
    return ledger, entry, _document(run, entry)


def save_material(run: Run, version: str, output: Path, *, share: str | None, keys: bool) -> Answer:
    """Write down what checks copies and proofs of a version without a server; with its keys it is secret.

    Raises Answered, NoAnswer, Mismatch, InvalidOption if the file is there already.
    """
    _, material = material_of(run, version, share, None)
    if not keys:
        material = replace(material, keys=None)
    write_whole(output, json.dumps(material.to_json(), ensure_ascii=False).encode() + b"\n")
    held = material.keys is not None
    return Answer({"version": version, "file": str(output), "keys": held, "manifest": material.manifest is not None})


def read_saved(file: Path) -> Any:
    """The JSON value in a file that came from anywhere. Raises UnreadableFile, InvalidProof, TooLarge."""
    try:
        with file.open("rb") as stream:
            return read_proof_text(stream.read(MAX_TEXT + 1))
    except OSError as error:
        raise UnreadableFile(f"{file}: {error.strerror}") from error


def leaf_hashes(run: Run, version: str, tile: int) -> list[bytes]:
    told = run.client.get(f"/versions/{segment(version)}/tiles/{tile}")
    try:
        return [bytes.fromhex(leaf) for leaf in told["leaves"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Mismatch(f"the leaf hashes of tile {tile} cannot be read") from error


def manifest_of(run: Run, version: str) -> Manifest | None:
    try:
        return Manifest.from_json(without(run.client.get(f"/versions/{segment(version)}/manifest"), "as_of"))
    except Answered as refused:
        if refused.status not in (403, 404):
            raise
        return None


def _pinned(run: Run) -> LedgerIdentity:
    """Without a server there must be a pin: what was saved does not say of which ledger it is."""
    pin: Path | None = run.options.get("ledger")
    if pin is None:
        raise InvalidOption("--material needs --ledger: the ledger's manifest, got from somewhere you trust")
    return LedgerIdentity.from_json(read_json(pin))


def _material(run: Run, version: str, share: str | None) -> Material:
    """From the share it was got under, or as the provider; a version whose keys are elsewhere, in its open parts."""
    try:
        at = f"/versions/{segment(version)}" if share is None else f"/authorisations/{segment(share)}"
        return Material.from_json(without(run.client.get(f"{at}/keys"), "as_of"))
    except Answered as refused:
        # another's version; or a share of a part of it, whose keys would open the rest
        others = share is None and refused.status in (403, 404, 405)
        if not others and refused.problem.get("code") not in ("datasets-not-provider", "beyond-scope"):
            raise
    entry = _entry(run, version)
    return Material(entry, _document(run, entry), manifest_of(run, version), None)


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


def _check_entry(entry: Entry, version: str, ledger: LedgerIdentity) -> None:
    """The entry is the one asked for, of this ledger's Datasets. Its own digest is a check of the report."""
    if entry.act.name != "AnchorVersion" or entry.digest != version:
        raise Mismatch(f"the server's entry is not the one that anchored version {version}")
    if entry.module != ledger.modules.get(str(Module.DATASETS)):
        raise Mismatch("the server's entry is of another contract than this ledger's")


def without(told: Any, *names: str) -> Any:
    return {name: value for name, value in told.items() if name not in names} if isinstance(told, dict) else told
