"""Verifying copies and records with what is kept here, for departments that may use the version.

A provider verifies its own versions, a consumer what was delivered to it while its share is in force, an auditor any:
the answers, and above all which records differ, tell something about the data. The checks themselves are
`ledger.services.checking`; a client that holds the material runs them without us.
"""

import asyncio
from collections.abc import AsyncIterable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from ledger import telemetry
from ledger.domain.callers import Caller
from ledger.domain.identifiers import parse_digest
from ledger.domain.scopes import Granted
from ledger.errors import InvalidInput, NotFound, TooLarge
from ledger.fingerprint import AnswerProof, Disclosure, GrowthProof, Manifest, RecordProof, growth
from ledger.fingerprint.answer_proof import MAX_RECORDS
from ledger.fingerprint.growth import boundary_tile
from ledger.ports import Ports
from ledger.services.answering import prove_from_table
from ledger.services.checking import Proof, check_record, check_table, prove_answer
from ledger.services.checks import VerifyReport
from ledger.services.delivering import ask_chain, record_use, share_for
from ledger.services.fingerprinting import DEFAULT_LIMIT, Progress
from ledger.services.kept_leaves import KeptLeaves, tile_leaves
from ledger.services.kept_tables import keeps_table
from ledger.services.material import Material
from ledger.services.scoping import require_salts, require_secret_keys, require_whole
from ledger.services.spooling import at_hand
from ledger.services.versions import Held, held, material_of, payload_at_hand

MOST_DIFFERENCES = 100_000


async def verify_table(
    ports: Ports,
    caller: Caller,
    version: str,
    source: AsyncIterable[bytes] | Path,
    *,
    limit: int = 1000,
    progress: Progress | None = None,
) -> VerifyReport:
    """Is this copy (a table or a file) the version's payload, and if not, which records differ (up to `limit`)?

    A failed verification is an answer. Raises NotFound, InvalidInput (a bad `limit`), TooLarge, Shredded, Unavailable,
    and as `delivering.authorised` for a caller who may not use the version now.
    """
    if not 0 <= limit <= MOST_DIFFERENCES:
        raise InvalidInput(f"name at most {MOST_DIFFERENCES} differing records", limit=limit)
    found, _ = await _usable(ports, caller, version, "verify")
    material = material_of(ports.vault, found)
    anchored = await ports.views.anchored(found.version.id)

    async with AsyncExitStack() as opened:
        origin, _ = await opened.enter_async_context(at_hand(source, ports.scratch, DEFAULT_LIMIT))
        report = await asyncio.to_thread(
            check_table,
            material,
            origin,
            chain_id=ports.manifest.chain_id,
            recovers=ports.signatures.recovers,
            right_leaves=KeptLeaves(ports, opened, found, material),
            anchored=anchored,
            progress=progress,
            limit=limit,
        )
    return _counted(report)


async def prove_record(
    ports: Ports, caller: Caller, version: str, index: int, *, columns: Sequence[str] | None = None
) -> RecordProof | Disclosure:
    """The proof of one record from what is kept here; `columns` to show, for share-record-sd/1.

    It holds the record and its salt; for a consumer whose scope is a part of the table, what is granted of it. Raises
    PayloadElsewhere: make the proof where the file lies. NotFound for an index or a column that is not there, or not
    for this caller; ScopeNotProvable; Shredded, Corrupt; and as `verify_table`.
    """
    answer = await prove_records(ports, caller, version, [index], columns=columns)
    return replace(answer.records[0], path=answer.path)


async def prove_records(
    ports: Ports, caller: Caller, version: str, indexes: Iterable[int], *, columns: Sequence[str] | None = None
) -> AnswerProof:
    """One proof for many records, as those of an answer. Raises as `prove_record`; TooLarge for more than 10,000."""
    wanted = sorted(set(indexes))
    if len(wanted) > MAX_RECORDS:
        raise TooLarge(f"a proof holds at most {MAX_RECORDS} records; {len(wanted)} were asked for")
    found, granted = await _usable(ports, caller, version, "proof", whole=False)
    narrow = granted is not None and not granted.whole
    if narrow or keeps_table(found):
        return await prove_from_table(ports, found, granted, wanted, columns)
    material = material_of(ports.vault, found)
    async with payload_at_hand(ports, found) as origin:
        return await asyncio.to_thread(prove_answer, material, origin, wanted, columns)


async def prove_growth(ports: Ports, caller: Caller, earlier: str, later: str) -> GrowthProof:
    """The proof that the later version only has more records than the earlier one, from its kept manifest.

    It tells of no record. Raises InvalidProof if it has fewer; PayloadElsewhere where the leaf hashes of one tile are
    needed and not kept; ScopeNotProvable for a part of a table without salts; and as `verify_table`.
    """
    before, _ = await _usable(ports, caller, earlier, "growth", whole=False)
    found, granted = await _usable(ports, caller, later, "growth", whole=False)
    require_salts(granted, found)
    if found.row is None:
        raise NotFound(f"no manifest of version {later} is kept here")
    grown, tile = Manifest.from_bytes(found.row.manifest), boundary_tile(before.version.records)
    needed = tile is not None and before.version.records < grown.records
    boundary = None
    if needed and tile is not None:
        boundary = await tile_leaves(ports, found, material_of(ports.vault, found), tile)
    return await asyncio.to_thread(growth.prove_growth, before.version.records, grown, boundary)


async def verify_record(
    ports: Ports, caller: Caller, version: str, proof: Proof, *, on_chain: bool = True
) -> VerifyReport:
    """Are the proof's records in the version? With `on_chain` the contract is asked too, of a single record.

    Needs no right to the data.

    Raises NotFound, InvalidInput, Unavailable.
    """
    async with ports.store.read() as work:
        found = await held(work, version)
    material = Material(found.entry, found.document, None, None)
    anchored = await ports.views.anchored(version) if on_chain else None
    answer = None
    if on_chain and not isinstance(proof, AnswerProof):
        answer = await proves_on_chain(ports, version, proof.leaf, proof.index, proof.path)
    report = check_record(
        material,
        proof,
        chain_id=ports.manifest.chain_id,
        recovers=ports.signatures.recovers,
        anchored=anchored,
        on_chain=answer,
    )
    return _counted(report)


def _counted(report: VerifyReport) -> VerifyReport:
    result = "good" if report.ok else "failed" if report.failed else "not-shown"
    telemetry.VERIFICATIONS.labels(result).inc()
    return report


async def proves_on_chain(ports: Ports, version: str, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
    """The contract's own answer, from its own root and count. Raises Refused for no such version, Unavailable."""
    return await ports.views.proves_record(parse_digest(version), leaf, index, path)


async def manifest(ports: Ports, caller: Caller, version: str) -> Manifest:
    """The roots of the version's tiles, for whoever may use it. Raises as `verify_table`, NotFound if none is kept."""
    found, _ = await _usable(ports, caller, version, "manifest")
    if found.row is None:
        raise NotFound(f"no manifest of version {version} is kept here")
    return Manifest.from_bytes(found.row.manifest)


async def leaf_hashes(ports: Ports, caller: Caller, version: str, tile: int) -> list[bytes]:
    """The leaf hashes of one tile (256 records) of the kept payload: what a client needs to name differing records.

    Raises as `verify_table`; NotFound for a tile that is not there, PayloadElsewhere, Shredded, Corrupt.
    """
    found, _ = await _usable(ports, caller, version, "leaves")
    return await tile_leaves(ports, found, material_of(ports.vault, found), tile)


async def _usable(
    ports: Ports, caller: Caller, version: str, action: str, *, whole: bool = True
) -> tuple[Held, Granted | None]:
    """The version, if the caller may use it now, and what it may see of it; None: all, or a file.

    A consumer's use is recorded before anything is answered. With `whole`, what cannot be told in part is asked for:
    raises BeyondScope for a consumer that was granted a part.
    """
    share, granted = None, None
    async with ports.store.read() as work:
        found = await held(work, version)
        if caller.department != found.provider and not caller.audits:
            share, granted = await share_for(ports, work, caller, found)
            if not whole:
                await require_secret_keys(work, ports.vault, caller.department, granted, found)
    if share is not None:
        if whole:
            require_whole(granted)
        await ask_chain(ports, share)
        await record_use(ports, caller, share.id, found, action)
    return found, granted
