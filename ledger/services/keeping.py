"""Storing a table as sealed parts, one after the other: never more than one of them lies in the scratch folder."""

import asyncio

from ledger import memory
from ledger.errors import Corrupt
from ledger.fingerprint import Schema, SegmentKeys, Source
from ledger.fingerprint.sealed_reader import PartPlace
from ledger.fingerprint.sealed_writer import sealed_parts
from ledger.ports import Ports


async def keep_table(ports: Ports, source: Source, schema: Schema, keys: SegmentKeys | None) -> tuple[PartPlace, ...]:
    """The table's parts, stored, each under a key of its own; a new one begins where a segment of `keys` does.

    Nothing was read back yet. Raises what reading the source raises; Unavailable.
    """
    memory.one_heap()
    firsts = [0] if keys is None else [segment.first_record for segment in keys.segments]
    parts = sealed_parts(source, schema, firsts, ports.scratch)
    kept: list[PartPlace] = []
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        try:
            stored = await ports.payloads.put_file(part.file)
        finally:
            part.file.close()
        if stored.stored_size != part.size:
            raise Corrupt(f"{stored.stored_size} bytes were stored of {part.size}", object=stored.digest)
        kept.append(PartPlace(stored.digest, part.size, part.tail, part.first_record, part.records, part.key))
        # Stopping here leaves parts whose keys nobody has, as the payload's object before them.
    return tuple(kept)
