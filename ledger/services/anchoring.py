"""Preparing a version: what must be true before a department may sign that these bytes are its data.

1. the caller's department provides the dataset, and the dataset is published;
2. the payload is at hand in full, within the limit, and its fingerprint is taken under fresh segment keys;
3. it is encrypted under a fresh key and stored;
4. what the store gives back is, decrypted, what was fingerprinted. A file's fingerprint is taken again. A table is made
   into sealed parts from the bytes the store gave back, and the fingerprint is taken of what it gives back of those, so
   that one comparison holds for both;
5. document, wrapped keys and manifest are durable, in one transaction.

Only then are there fields for AnchorVersion to sign. With a payload that stays where it lies, 3 and 4 fall away and the
document says so.
"""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.domain.callers import Caller
from ledger.domain.documents import Document
from ledger.domain.identifiers import parse_code, parse_digest
from ledger.errors import Conflict, Corrupt, InvalidInput, InvalidProof, NotFound
from ledger.fingerprint import FILE, Fingerprint, Manifest, Origin, SegmentKeys, fingerprint_table, open_source
from ledger.fingerprint.sources import open_binary
from ledger.ports import Ports
from ledger.services.fingerprinting import PrepareOptions, Progress, fingerprint_source
from ledger.services.inheriting import fingerprint_next, version_before
from ledger.services.keeping import keep_table
from ledger.services.kept_tables import KeptTable
from ledger.services.prepared import (
    Kept,
    PreparedVersion,
    next_number,
    number_of_next,
    prepared_version,
    version_document,
    write_prepared,
)
from ledger.services.spooling import at_hand, file_chunks, spooled
from ledger.services.versions import KEYS_HERE, KEYS_NONE, KEYS_PROVIDER, sha256_of

__all__ = ["PrepareOptions", "PreparedVersion", "prepare_version", "prepared", "register_fingerprint"]


async def prepare_version(
    ports: Ports,
    caller: Caller,
    dataset: str,
    source: AsyncIterable[bytes] | Path,
    *,
    options: PrepareOptions,
    keep_payload: bool = True,
    provenance: Mapping[str, Any],
    progress: Progress | None = None,
) -> PreparedVersion:
    """Fingerprint, and unless told otherwise keep, the next version of a dataset. `progress` is called from a thread.

    `provenance` is the document's part of that name: source, captured (unix seconds), method, system, captured_by.
    Raises InvalidCode, InvalidDocument, InvalidTable, TooLarge; the Refused that AnchorVersion would meet; Corrupt if
    the store gave back other bytes; Unavailable.
    """
    number = await next_number(ports, caller, parse_code(dataset))  # 1
    where = KEYS_HERE if options.salted else KEYS_NONE
    version_document(
        dataset, number, options, {"size": 0}, provenance, None, where
    )  # a bad document shows before the work
    before = await version_before(ports, dataset, number, options)

    async with at_hand(source, ports.scratch, options.limit) as (origin, size):  # 2
        taken, manifest, keys = await asyncio.to_thread(fingerprint_next, origin, options, before, progress)
        fingerprint = replace(taken, size=size)
        # A plain hash would let anyone who held the document test guesses long after the salts are shredded.
        plain = None if options.salted else await sha256_of(origin)
        kept = await _keep(ports, origin, size) if keep_payload else None  # 3
    # Stopping here or later leaves objects whose keys nobody has: rubbish, but nothing that can be read or signed.
    if kept is not None:
        kept = await _read_back(ports, kept, options, keys, fingerprint)  # 4

    payload = {"size": size, "media_type": options.media_type, "name": options.name}
    if plain is not None:
        payload["digest"] = plain
    document = version_document(dataset, number, options, payload, provenance, kept, where)
    await write_prepared(ports, caller, dataset, document, fingerprint, manifest, keys, kept)  # 5
    return prepared_version(document.digest, document.body, dataset, number, fingerprint, kept=kept is not None)


async def register_fingerprint(
    ports: Ports,
    caller: Caller,
    dataset: str,
    fingerprint: Fingerprint,
    manifest: Manifest,
    *,
    options: PrepareOptions,
    provenance: Mapping[str, Any],
    keys: SegmentKeys | None = None,
) -> PreparedVersion:
    """A version fingerprinted where its file lies; `keys` are deposited here, or stay with the provider.

    Raises InvalidProof if fingerprint, manifest and options do not belong together, and as `prepare_version`.
    """
    _belongs(fingerprint, manifest, options, keys)
    number = await next_number(ports, caller, parse_code(dataset))
    where = KEYS_NONE if not fingerprint.salted else KEYS_PROVIDER if keys is None else KEYS_HERE
    payload = {"size": fingerprint.size, "media_type": options.media_type, "name": options.name}
    document = version_document(dataset, number, options, payload, provenance, None, where)
    await write_prepared(ports, caller, dataset, document, fingerprint, manifest, keys, None)
    return prepared_version(document.digest, document.body, dataset, number, fingerprint, kept=False)


async def prepared(ports: Ports, caller: Caller, document: str) -> PreparedVersion:
    """One prepared earlier. Raises NotFound, also if it is another department's; Conflict if its number is taken."""
    async with ports.store.read() as work:
        row = await work.payload(parse_digest(document))
        stored = await work.document(document)
        if row is None or stored is None or caller.department not in stored.readers:
            raise NotFound(f"no prepared version {document}")
        number = await number_of_next(work, caller, row.dataset)
    given = Document.parse(stored.body, "version")["number"]
    if given != number:
        raise Conflict(
            f"this was prepared as version {given} of {row.dataset}; the next is {number} by now",
            remedy="If it is not the version anchored as that number already, prepare it again.",
            expected=number,
            given=given,
        )
    fingerprint = Fingerprint.from_json(row.fingerprint)
    return prepared_version(document, stored.body, row.dataset, number, fingerprint, kept=row.object is not None)


# ---- the steps -------------------------------------------------------------------------------------------------------


async def _keep(ports: Ports, origin: Origin, size: int) -> Kept:
    key = secrets.token_bytes(32)
    file = await asyncio.to_thread(open_binary, origin)
    stored = await ports.payloads.put(file_chunks(file), key)
    if stored.size != size:
        raise Corrupt(f"{stored.size} bytes were stored of {size}", object=stored.digest)
    return Kept(stored, key, None)


async def _read_back(
    ports: Ports, kept: Kept, options: PrepareOptions, keys: SegmentKeys | None, fingerprint: Fingerprint
) -> Kept:
    """With the parts of the table, if it is one. What the store gives back must be what was fingerprinted: else a
    department would sign what it does not keep."""
    digest = kept.payload.digest
    try:
        async with spooled(await ports.payloads.open(digest, kept.key), ports.scratch, kept.payload.size) as again:
            if options.schema is None:
                found, _ = await asyncio.to_thread(fingerprint_source, again.origin, options, keys)
            else:
                source = open_source(again.origin, options.read, name=options.name)
                kept = replace(kept, parts=await keep_table(ports, source, options.schema, keys))
                table = KeptTable(ports.payloads, options.schema, kept.parts or ())
                found = await asyncio.to_thread(_fingerprint_kept, table, options, keys)
            size = again.size
    except InvalidInput as error:  # it could be read, and was not too large, when it came in
        raise _differs(digest) from error
    if replace(found, size=size) != fingerprint:
        raise _differs(digest)
    return kept


def _fingerprint_kept(table: KeptTable, options: PrepareOptions, keys: SegmentKeys | None) -> Fingerprint:
    return fingerprint_table(table, table.schema, keys, format=options.format, twin=options.twin)[0]


def _differs(digest: str) -> Corrupt:
    return Corrupt(
        "the payload read back from the store has another fingerprint than the one that came in",
        remedy="If the file was changed while it was read, prepare it again; else check the payload store.",
        object=digest,
    )


def _belongs(fingerprint: Fingerprint, manifest: Manifest, options: PrepareOptions, keys: SegmentKeys | None) -> None:
    schema = bytes(32) if options.schema is None else options.schema.digest()
    if fingerprint.format != options.format or fingerprint.salted != options.salted:
        raise InvalidProof("the fingerprint is of another format, or salted otherwise, than the options say")
    if not hmac.compare_digest(fingerprint.schema, schema):
        raise InvalidProof("the fingerprint's schema is not that of the options", member="schema")
    if fingerprint.size is None:
        raise InvalidProof("the fingerprint lacks the payload's size in bytes", member="size")
    if options.format == FILE and fingerprint.records != -(-fingerprint.size // (1 << 20)):
        raise InvalidProof("the number of chunks of 1 MiB does not fit the size", member="records")
    if not manifest.matches(fingerprint):
        raise InvalidProof("the manifest does not lead to the fingerprint's root and count", member="manifest")
    if keys is not None and (not fingerprint.salted or keys.gone):
        raise InvalidProof("segment keys are for a salted version, and all of them", member="keys")
    if keys is not None and keys.segments[-1].first_record >= max(fingerprint.records, 1):
        raise InvalidProof("a segment starts past the last record", member="keys")
