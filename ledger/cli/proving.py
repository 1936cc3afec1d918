"""Making proofs of a version's records and of its growth, and checking them, here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.cli.client import segment
from ledger.cli.download import write_whole
from ledger.cli.failures import InvalidOption, Mismatch
from ledger.cli.key_files import read_key_file
from ledger.cli.material import anchoring_of, leaf_hashes, manifest_of, material_of, read_saved, without
from ledger.cli.output import Answer
from ledger.cli.records import is_pages, verify_pages
from ledger.cli.run import Run
from ledger.cli.verification import answer, recovers
from ledger.fingerprint import AnswerProof, GrowthProof, growth
from ledger.fingerprint.growth import FORMAT as GROWTH
from ledger.fingerprint.growth import boundary_tile
from ledger.services.checking import (
    Proof,
    check_growth,
    check_record,
    proof_from_json,
    prove_answer,
    prove_from_copy,
)
from ledger.services.checks import VerifyReport
from ledger.services.material import Material, fingerprint_of


def verify_proof(
    run: Run, file: Path, version: str, *, saved: Path | None, since: str | None, since_saved: Path | None
) -> Answer:
    """Every check of a saved proof: of one record, of many, of pages of records, or that the version only grew.

    Raises Answered, NoAnswer, Mismatch, InvalidProof, InvalidOption, UnreadableFile.
    """
    if is_pages(file):
        if since is not None:
            raise InvalidOption("--since is for a proof that a version only grew; these are records")
        return verify_pages(run, file, version, saved)
    told = read_saved(file)
    ledger, entry, document = anchoring_of(run, version, saved)
    about = {"version": version, "file": str(file), "since": since}
    if isinstance(told, dict) and told.get("format") == GROWTH:
        if since is None:
            raise InvalidOption("this proves that a version only grew: name the earlier one with --since")
        _, earlier, _ = anchoring_of(run, since, since_saved)
        proof = GrowthProof.from_json(told)
        return answer(run, check_growth(earlier, entry, proof, chain_id=ledger.chain_id, recovers=recovers), about)
    if since is not None:
        raise InvalidOption("--since is for a proof that a version only grew; this is none")
    material = Material(entry, document, None, None)
    report = check_record(material, proof_from_json(told), chain_id=ledger.chain_id, recovers=recovers)
    return answer(run, report, about)


def prove_record(
    run: Run, version: str, records: list[int], *, columns: list[str] | None, output: Path | None
) -> Answer:
    """Fetch the proof of one record, or of several in one, and check it.

    Raises Answered, NoAnswer, Mismatch, InvalidProof.
    """
    at, numbers = f"/versions/{segment(version)}/records", sorted(set(records))
    if len(numbers) == 1:
        told = run.client.get(f"{at}/{numbers[0]}/proof", columns=columns)
    else:
        told = run.client.get(f"{at}/proof", index=numbers, columns=columns)
    proof = proof_from_json(without(told.get("proof", told), "as_of"))
    proven = [one.index for one in proof.records] if isinstance(proof, AnswerProof) else [proof.index]
    if proven != numbers:
        raise Mismatch(f"what the server proves is not record {', '.join(map(str, numbers))}")
    ledger, entry, document = anchoring_of(run, version, None)
    report = check_record(Material(entry, document, None, None), proof, chain_id=ledger.chain_id, recovers=recovers)
    about = {"record": numbers[0]} if len(numbers) == 1 else {"records": numbers}
    return _proven(run, report, {"version": version, **about}, proof.to_json(), output)


def prove_here(
    run: Run,
    version: str,
    records: list[int],
    file: Path,
    *,
    columns: list[str] | None,
    key_file: Path | None,
    saved: Path | None,
    output: Path | None,
) -> Answer:
    """Make the proof of some records from a right copy, and check it: one record's own, or one proof for all of them.

    Raises NotFound, InvalidProof if the copy, the keys or the manifest are not the version's; and as `verify_copy`.
    """
    ledger, material = material_of(run, version, None, saved)
    if key_file is not None:
        material = replace(material, keys=read_key_file(key_file)[0])
    numbers = sorted(set(records))
    proof: Proof
    if len(numbers) == 1:
        proof = prove_from_copy(material, file, numbers[0], columns)
    else:
        proof = prove_answer(material, file, numbers, columns)
    report = check_record(material, proof, chain_id=ledger.chain_id, recovers=recovers)
    return _proven(run, report, {"version": version, "records": numbers}, proof.to_json(), output)


def prove_growth(run: Run, earlier: str, later: str, *, output: Path | None) -> Answer:
    """Make the proof that the later version only has more records than the earlier one, and check it.

    Raises Answered, NoAnswer, Mismatch, InvalidProof if it has fewer.
    """
    ledger, old, _ = anchoring_of(run, earlier, None)
    _, new, _ = anchoring_of(run, later, None)
    grown = manifest_of(run, later)
    if grown is None:  # nor may a share of a part of the table have one: the server makes the proof, and it is checked
        told = run.client.get(f"/versions/{segment(later)}/growth", since=earlier)
        proof = GrowthProof.from_json(without(told, "as_of"))
        report = check_growth(old, new, proof, chain_id=ledger.chain_id, recovers=recovers)
        return _proven(run, report, {"version": later, "since": earlier}, proof.to_json(), output)
    if not grown.matches(fingerprint_of(new)):
        raise Mismatch(f"the server's manifest does not lead to the root of version {later}")
    first = fingerprint_of(old).records
    tile = boundary_tile(first)
    boundary = None if tile is None or first >= grown.records else leaf_hashes(run, later, tile)
    proof = growth.prove_growth(first, grown, boundary)
    report = check_growth(old, new, proof, chain_id=ledger.chain_id, recovers=recovers)
    return _proven(run, report, {"version": later, "since": earlier}, proof.to_json(), output)


def _proven(
    run: Run, report: VerifyReport, about: dict[str, Any], proof: dict[str, Any], output: Path | None
) -> Answer:
    """The checks and the proof itself; with a file named, people find it there, and programs in both places."""
    found = answer(run, report, {**about, "proof": proof})
    if output is None:
        return found
    write_whole(output, json.dumps(proof, ensure_ascii=False, indent=1).encode() + b"\n")
    return replace(found, hide=frozenset({"proof"}))
