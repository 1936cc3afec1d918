"""Sealed parts in a real store, a folder as well as S3: stored as they are, read back by range, damage named."""

import asyncio
from pathlib import Path

import obstore
import pytest
from obstore.store import ObjectStore

from ledger.errors import Corrupt, NotFound
from ledger.fingerprint import Column, Schema, SegmentKeys, fingerprint_table
from ledger.fingerprint.sealed_reader import PartPlace
from ledger.fingerprint.sealed_writer import sealed_parts
from ledger.fingerprint.sources import RowsSource
from ledger.services.kept_tables import KeptTable
from ledger.store.payloads import Payloads

SCHEMA = Schema((Column("code"), Column("n", "integer")))
ROWS = [(f"{341502000000 + n}" if n % 9 else None, n) for n in range(66_000)]


async def kept(payloads: Payloads, scratch: Path) -> KeptTable:
    places = []
    for part in sealed_parts(RowsSource(ROWS), SCHEMA, [0, 1 << 16], scratch):
        stored = await payloads.put_file(part.file)
        part.file.close()
        places.append(PartPlace(stored.digest, part.size, part.tail, part.first_record, part.records, part.key))
    assert len(places) == 2
    return KeptTable(payloads, SCHEMA, places)


async def test_a_table_is_read_back_by_range_and_has_its_root(payloads: Payloads, tmp_path: Path) -> None:
    found, keys = await kept(payloads, tmp_path), SegmentKeys.fresh()
    batch = await asyncio.to_thread(found.read, 65_530, 10, ["n", "code"])
    right = [{"n": b"%d" % n, "code": code.encode() if code else None} for code, n in ROWS[65_530:65_540]]
    assert batch.to_pylist() == right
    again, _ = await asyncio.to_thread(fingerprint_table, found, SCHEMA, keys)
    assert again == fingerprint_table(RowsSource(ROWS), SCHEMA, keys)[0]
    await asyncio.to_thread(found.close)


async def test_a_changed_byte_and_a_lost_part(payloads: Payloads, store: ObjectStore, tmp_path: Path) -> None:
    found = await kept(payloads, tmp_path)
    second = found._parts[1].object
    name = f"objects/{second}"
    content = bytearray(bytes(await (await obstore.get_async(store, name)).bytes_async()))
    content[len(content) // 3] ^= 1
    await obstore.put_async(store, name, bytes(content))
    assert (await asyncio.to_thread(found.read, 0, 5, ["n"])).num_rows == 5
    with pytest.raises(Corrupt) as caught:
        await asyncio.to_thread(found.read, 65_500, 100, ["code", "n"])
    assert caught.value.facts["object"] == second and "row group 0, column" in caught.value.facts["part"]
    await payloads.delete(second)
    await asyncio.to_thread(found.close)
    with pytest.raises(NotFound, match=second):
        await asyncio.to_thread(found.read, 65_536, 1, ["n"])
