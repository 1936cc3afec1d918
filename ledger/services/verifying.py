"""Verifying copies and records with what is kept here, for departments that may use the version.

A provider verifies its own versions, a consumer what was delivered to it while its share is in force, an auditor any:
the answers, and above all which records differ, tell something about the data. The checks themselves are
`ledger.services.checking`; a client that holds the material runs them without us.
"""

import asyncio
from collections.abc import AsyncIterable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from ledger import telemetry
from ledger.domain.callers import Caller
from ledger.domain.identifiers import parse_digest
from ledger.errors import InvalidInput, NotFound, TooLarge
from ledger.fingerprint import AnswerProof, Disclosure, GrowthProof, Manifest, RecordProof, growth
from ledger.fingerprint.answer_proof import MAX_RECORDS
from ledger.fingerprint.growth import boundary_tile
from ledger.ports import Ports
from ledger.services.checking import Proof, check_record, check_table, prove_answer, prove_from_copy
from ledger.services.checks import VerifyReport
from ledger.services.delivering import ask_chain, record_use, share_for
from ledger.services.fingerprinting import DEFAULT_LIMIT, Progress, TileReader
from ledger.services.material import Material
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
    found = await _usable(ports, caller, version, "verify")
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
            right_leaves=_KeptLeaves(ports, opened, found, material),
            anchored=anchored,
            progress=progress,
            limit=limit,
        )
    return _counted(report)


async def prove_record(
    ports: Ports, caller: Caller, version: str, index: int, *, columns: Sequence[str] | None = None
) -> RecordProof | Disclosure:
    """The proof of one record from the payload kept here; `columns` to show, for share-record-sd/1.

    It holds the record and its salt. Raises PayloadElsewhere: make the proof where the file lies. NotFound for an
    index or a column that is not there; Shredded, Corrupt; and as `verify_table`.
    """
    found = await _usable(ports, caller, version, "proof")
    material = material_of(ports.vault, found)
    async with payload_at_hand(ports, found) as origin:
        return await asyncio.to_thread(prove_from_copy, material, origin, index, columns)


async def prove_records(
    ports: Ports, caller: Caller, version: str, indexes: Iterable[int], *, columns: Sequence[str] | None = None
) -> AnswerProof:
    """One proof for many records, as those of an answer, from the payload kept here.

    Raises as `prove_record`; TooLarge for more than 10,000.
    """
    wanted = sorted(set(indexes))
    if len(wanted) > MAX_RECORDS:
        raise TooLarge(f"a proof holds at most {MAX_RECORDS} records; {len(wanted)} were asked for")
    found = await _usable(ports, caller, version, "proof")
    material = material_of(ports.vault, found)
    async with payload_at_hand(ports, found) as origin:
        return await asyncio.to_thread(prove_answer, material, origin, wanted, columns)


async def prove_growth(ports: Ports, caller: Caller, earlier: str, later: str) -> GrowthProof:
    """The proof that the later version only has more records than the earlier one, from what is kept of the later.

    Raises InvalidProof if it has fewer; PayloadElsewhere where the leaf hashes of one tile are needed and not kept; and
    as `verify_table`.
    """
    before, found = await _usable(ports, caller, earlier, "manifest"), await _usable(ports, caller, later, "manifest")
    if found.row is None:
        raise NotFound(f"no manifest of version {later} is kept here")
    grown, tile = Manifest.from_bytes(found.row.manifest), boundary_tile(before.version.records)
    needed = tile is not None and before.version.records < grown.records
    boundary = await leaf_hashes(ports, caller, later, tile) if needed and tile is not None else None
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
    found = await _usable(ports, caller, version, "manifest")
    if found.row is None:
        raise NotFound(f"no manifest of version {version} is kept here")
    return Manifest.from_bytes(found.row.manifest)


async def leaf_hashes(ports: Ports, caller: Caller, version: str, tile: int) -> list[bytes]:
    """The leaf hashes of one tile (256 records) of the kept payload: what a client needs to name differing records.

    Raises as `verify_table`; NotFound for a tile that is not there, PayloadElsewhere, Shredded, Corrupt.
    """
    found = await _usable(ports, caller, version, "leaves")
    material = material_of(ports.vault, found)
    if material.manifest is None or not 0 <= tile < len(material.manifest.tiles):
        raise NotFound(f"version {version} has no tile {tile}")
    document = found.read_document()
    async with payload_at_hand(ports, found) as origin:
        reader = TileReader(origin, document.format, document.schema, document.read, material.keys)
        return await asyncio.to_thread(reader, tile)


async def _usable(ports: Ports, caller: Caller, version: str, action: str) -> Held:
    """The version, if the caller may use it now; a consumer's use is recorded before anything is answered."""
    share = None
    async with ports.store.read() as work:
        found = await held(work, version)
        if caller.department != found.provider and not caller.audits:
            share = await share_for(ports, work, caller, found)
    if share is not None:
        await ask_chain(ports, share)
        await record_use(ports, caller, share.id, found, action)
    return found


class _KeptLeaves:
    """The leaf hashes of the kept payload, for a thread that names differences. Decrypts only when first asked."""

    def __init__(self, ports: Ports, opened: AsyncExitStack, found: Held, material: Material) -> None:
        self._ports, self._opened, self._found, self._material = ports, opened, found, material
        self._loop = asyncio.get_running_loop()
        self._reader: TileReader | None = None

    def __call__(self, tile: int) -> Sequence[bytes]:
        """Raises PayloadElsewhere, NotFound, Corrupt: then there is nothing right to compare with."""
        if self._reader is None:
            self._reader = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self._reader(tile)

    async def _open(self) -> TileReader:
        origin = await self._opened.enter_async_context(payload_at_hand(self._ports, self._found))
        document = self._found.read_document()
        keys = self._material.keys if self._found.version.salted else None
        return TileReader(origin, document.format, document.schema, document.read, keys)
