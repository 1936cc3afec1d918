"""The kept table: verified before anything can be signed, read by range, shredded by segment, and damage is named."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pytest
import sqlalchemy as sa

from ledger.domain.acts import Duty
from ledger.domain.documents import Document
from ledger.errors import (
    Corrupt,
    InvalidInput,
    NotFound,
    PayloadElsewhere,
    Shredded,
    Unavailable,
)
from ledger.fingerprint import FILE, SegmentKeys, fingerprint_file, leaves, sealed_writer
from ledger.fingerprint.kernel.engine import digests_array
from ledger.fingerprint.levels import top
from ledger.ports import StoredPayload
from ledger.services import anchoring, prepared
from ledger.services.delivering import open_own_payload
from ledger.services.kept_leaves import KeptLeaves, file_leaves
from ledger.services.kept_tables import KeptTable, keeps_table, open_table
from ledger.services.material import VersionDocument
from ledger.services.replaying import replay
from ledger.services.verifying import leaf_hashes, prove_record, verify_record, verify_table
from ledger.services.versions import Held, held, material_of, open_plain
from tests.fakes.payloads import FakePayloads
from tests.unit.services.world import DATASET, OPTIONS, PROVIDER, World, caller, stream, table

CHUNK = 1 << 16


async def found_of(world: World, version: str) -> Held:
    async with world.store.read() as work:
        return await held(work, version)


async def kept(world: World, version: str) -> KeptTable:
    return await open_table(world.ports, await found_of(world, version))


async def change(world: World, statement: str, **values: Any) -> None:
    async with world.engine.begin() as connection:
        assert (await connection.execute(sa.text(statement), values)).rowcount > 0


async def codes(world: World) -> list[str]:
    report = await replay(
        world.chain,
        world.chain.manifest,
        world.signatures.recovers,
        store=world.store,
        payloads=world.payloads,
        now=int(world.clock.now()),
    )
    return sorted({finding.code for finding in report.findings})


def row(index: int) -> dict[str, bytes]:
    return {"code": b"%d" % (341502000000 + index), "name": f"村{index}".encode(), "n": b"%d" % index}


async def part_of(world: World, version: str) -> str:
    """The object that holds the table's only part."""
    (part,) = (await found_of(world, version)).read_document().parts or ()
    return part.object


# ---- reading ---------------------------------------------------------------------------------------------------------


async def test_records_are_read_by_range_and_column(world: World, version: str) -> None:
    found = await kept(world, version)
    assert found.records == 600 and found.schema == OPTIONS.schema
    batch = found.read(17, 3, ["n", "code"])
    assert batch.schema.names == ["n", "code"]
    assert batch.to_pylist() == [{name: row(index)[name] for name in ("n", "code")} for index in (17, 18, 19)]
    assert found.read(598, 100, ["code", "name", "n"]).to_pylist() == [row(598), row(599)]
    assert found.read(600, 5, ["n"]).num_rows == found.read(9, 0, ["n"]).num_rows == 0
    assert keeps_table(await found_of(world, version))


async def test_large_records_are_read_a_row_group_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many bytes lie in a chunk, those that look for records in it hold one row group."""
    monkeypatch.setattr(sealed_writer, "GROUP_BYTES", 2000)
    version = await world.anchor(await world.prepare(table()))
    found = await kept(world, version)
    pieces = list(found.pieces(5, 590, ["n", "code"]))
    assert len(pieces) > 5 and max(piece.nbytes for piece in pieces) < 4000
    assert pa.Table.from_batches(pieces).to_pylist() == found.read(5, 590, ["n", "code"]).to_pylist()
    assert list(found.pieces(600, 9, ["n"])) == list(found.pieces(9, 0, ["n"])) == []
    found.close()


async def test_ranges_and_columns_that_cannot_be(world: World, version: str) -> None:
    found = await kept(world, version)
    for first, count, columns in ((-1, 5, ["n"]), (0, -1, ["n"]), (0, 5, []), (0, 5, ["n", "n"])):
        with pytest.raises(InvalidInput):
            found.read(first, count, columns)
    with pytest.raises(NotFound, match="salary"):
        found.read(0, 5, ["salary"])


async def test_an_empty_table(world: World) -> None:
    version = await world.anchor(await world.prepare(table(0)))
    found = await kept(world, version)
    assert found.records == 0 and found.read(0, 10, ["n"]).num_rows == 0
    assert await codes(world) == []


async def test_nulls_and_empty_cells_are_told_apart(world: World) -> None:
    version = await world.anchor(await world.prepare(b"code,name,n\n,-,7\n-,,8\n"))
    assert (await kept(world, version)).read(0, 2, ["code", "name", "n"]).to_pylist() == [
        {"code": b"", "name": None, "n": b"7"},
        {"code": b"-", "name": b"", "n": b"8"},
    ]


@pytest.mark.parametrize("format", ["share-record-sd/1", "share-record/1"])
async def test_proofs_and_leaves_come_from_the_table_alone(world: World, format: str) -> None:
    made = await world.prepare(table(), options=replace(OPTIONS, format=format))
    version = await world.anchor(made)
    world.payloads.opened = 0
    proof = await prove_record(world.ports, caller(PROVIDER), version, 300)
    assert (await verify_record(world.ports, caller(PROVIDER), version, proof)).ok
    tile = await leaf_hashes(world.ports, caller(PROVIDER), version, 1)
    assert len(tile) == 256 and world.payloads.opened == 0, "the file was not decrypted"
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(table(r17="341502000017,村17,18")))
    assert report.differences == (17,) and report.complete and world.payloads.opened == 0


async def test_a_files_leaves_are_read_by_range(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ledger.services.kept_leaves.TILE_RECORDS", 2)
    monkeypatch.setattr("tests.fakes.payloads.PIECE", 700_001)
    content = os.urandom((5 << 20) + 12)
    made = await world.prepare(content, options=replace(OPTIONS, format=FILE, schema=None))
    version = await world.anchor(made)
    asked: list[tuple[int, int | None]] = []
    opening = world.payloads.open

    async def noted(digest: str, key: bytes, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        asked.append((start, end))
        return await opening(digest, key, start=start, end=end)

    monkeypatch.setattr(world.payloads, "open", noted)
    found = await found_of(world, version)
    keys = material_of(world.ports.vault, found).keys
    parts = [await file_leaves(world.ports, found, keys, tile) for tile in range(4)]
    assert asked == [(0, 2 << 20), (2 << 20, 4 << 20), (4 << 20, len(content))]
    assert list(map(len, parts)) == [2, 2, 2, 0]
    path = tmp_path / "file"
    path.write_bytes(content)
    taken, manifest = fingerprint_file(path, keys)
    assert taken.root.hex() == found.version.root
    assert bytes(top(digests_array([leaf for part in parts for leaf in part]))) == manifest.tiles[0]


async def test_a_version_without_a_table(world: World) -> None:
    made = await world.prepare(b"%PDF", options=replace(OPTIONS, format=FILE, schema=None))
    version = await world.anchor(made)
    assert not keeps_table(await found_of(world, version))
    with pytest.raises(PayloadElsewhere):
        await kept(world, version)
    elsewhere = await world.anchor(await world.prepare(table(), keep_payload=False))
    with pytest.raises(PayloadElsewhere):
        await kept(world, elsewhere)


async def test_versions_from_before_there_were_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = prepared.Kept.to_json
    monkeypatch.setattr(prepared.Kept, "to_json", lambda kept: told(replace(kept, parts=None)))
    monkeypatch.setattr(prepared, "_row", lambda *_: pytest.fail("no parts"))
    monkeypatch.setattr(anchoring, "write_prepared", _without_parts(anchoring.write_prepared))
    version = await world.anchor(await world.prepare(table()))
    found = await found_of(world, version)
    assert not keeps_table(found) and found.row is not None and found.row.parts == ()
    proof = await prove_record(world.ports, caller(PROVIDER), version, 300)
    assert (await verify_record(world.ports, caller(PROVIDER), version, proof)).ok
    assert len(await leaf_hashes(world.ports, caller(PROVIDER), version, 2)) == 88
    assert await codes(world) == []


def _without_parts(write: Callable[..., Any]) -> Callable[..., Any]:
    async def written(*given: Any) -> None:
        await write(*given[:-1], replace(given[-1], parts=None))

    return written


# ---- before anything can be signed -----------------------------------------------------------------------------------


async def nothing_prepared(world: World) -> bool:
    async with world.store.read() as work:
        return await work.payload_objects() == []


async def test_parts_stored_then_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash or a failure after any object leaves rubbish in the store, and nothing that could be signed."""
    put, count = world.payloads.put_file, 0

    async def failing(file: Path | BinaryIO) -> StoredPayload:
        nonlocal count
        count += 1
        await put(file)
        raise Unavailable("the payload store failed: gone")

    monkeypatch.setattr(world.payloads, "put_file", failing)
    with pytest.raises(Unavailable):
        await world.prepare(table())
    assert count == 1 and len(world.payloads.objects) == 2 and await nothing_prepared(world)
    assert list(world.ports.scratch.iterdir()) == []


async def test_written_then_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: Any) -> None:
        raise Unavailable("the database is gone")

    monkeypatch.setattr(anchoring, "write_prepared", failing)
    with pytest.raises(Unavailable):
        await world.prepare(table())
    assert len(world.payloads.objects) == 2 and await nothing_prepared(world)


@pytest.mark.parametrize("at", [0, 40, -200, -9, -1])
async def test_a_part_that_comes_back_changed(world: World, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    put = FakePayloads.put_file

    async def changing(payloads: FakePayloads, file: Path | BinaryIO) -> StoredPayload:
        stored = await put(payloads, file)
        payloads.flip(stored.digest, at)
        return stored

    monkeypatch.setattr(FakePayloads, "put_file", changing)
    with pytest.raises(Corrupt, match="table part"):
        await world.prepare(table())
    assert await nothing_prepared(world)


async def test_a_table_made_of_other_cells(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if every byte is as it was written: what counts is the fingerprint of what was read back."""
    keep = anchoring.keep_table

    async def other(ports: Any, source: Any, schema: Any, keys: SegmentKeys | None) -> Any:
        return await keep(ports, _Shifted(source), schema, keys)

    monkeypatch.setattr(anchoring, "keep_table", other)
    with pytest.raises(Corrupt, match="another fingerprint"):
        await world.prepare(table())
    assert await nothing_prepared(world)


class _Shifted:
    """A source that has lost its first record."""

    def __init__(self, source: Any) -> None:
        self._source, self.name, self.encoder = source, source.name, source.encoder

    def batches(self, schema: Any, first: int = 0) -> Any:
        return self._source.batches(schema, first + 1)


async def test_a_file_that_can_no_longer_be_read(world: World) -> None:
    world.payloads.swap = b"code,name\n"
    with pytest.raises(Corrupt, match="another fingerprint"):
        await world.prepare(table())
    assert await nothing_prepared(world)


# ---- damage ----------------------------------------------------------------------------------------------------------


async def test_any_changed_byte_is_named_or_not_read(world: World, version: str) -> None:
    stored = await part_of(world, version)
    size = len(world.payloads.objects[stored])
    right = (await kept(world, version)).read(0, 600, ["code", "name", "n"])
    for at in range(0, size, 97):
        world.payloads.flip(stored, at)
        with pytest.raises(Corrupt) as caught:
            (await kept(world, version)).read(0, 600, ["code", "name", "n"])
        assert caught.value.facts["object"] == stored
        try:
            assert (await kept(world, version)).read(0, 600, ["n"]).column(0) == right.column(2)
        except Corrupt as error:
            assert error.facts["object"] == stored
        world.payloads.flip(stored, at)


async def test_a_lost_part(world: World, version: str) -> None:
    stored = await part_of(world, version)
    del world.payloads.objects[stored]
    with pytest.raises(NotFound, match=stored):
        (await kept(world, version)).read(0, 1, ["n"])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM table_parts",
        "UPDATE table_parts SET object = document",
        "UPDATE table_parts SET size = size + 1",
        "UPDATE table_parts SET records = records - 1",
        "UPDATE table_parts SET wrapped_key = (SELECT wrapped_key FROM payloads)",
        "UPDATE table_parts SET wrapped_key = x'00'",
    ],
)
async def test_a_changed_row_opens_nothing(world: World, version: str, statement: str) -> None:
    await change(world, statement)
    with pytest.raises(Corrupt):
        await kept(world, version)


async def test_keys_of_another_version(world: World, version: str) -> None:
    other = await world.prepare(table())
    mine = (await found_of(world, version)).version.document
    statement = "UPDATE table_parts SET wrapped_key = (SELECT wrapped_key FROM table_parts WHERE document = :other)"
    await change(world, statement + " WHERE document = :mine", other=other.document, mine=mine)
    with pytest.raises(Corrupt, match=r"changed or moved|another"):
        (await kept(world, version)).read(0, 1, ["n"])


# ---- shredding -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def grown(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Version 2 of three chunks: in the second one a record was changed, so that it has a segment of its own."""
    monkeypatch.setattr("tests.fakes.payloads.PIECE", 1 << 20)
    records = 2 * CHUNK + 5
    await world.anchor(await world.prepare(table(records)))
    return await world.anchor(await world.prepare(table(records, r70000="341502070000,新村,70000")))


async def shred(world: World, number: int, *segments: int) -> None:
    given: dict[str, Any] = {"segments": list(segments)} if segments else {}
    reasons = Document.make("shredding", dataset=DATASET, number=number, reasons="到期", **given)
    document = await world.keep(reasons, PROVIDER)
    await world.act(
        "ShredVersion",
        PROVIDER,
        Duty.OFFICER,
        dataset=DATASET,
        number=number,
        whole=not segments,
        document=document,
    )


async def test_a_segment_is_shredded_and_the_others_answer(world: World, grown: str) -> None:
    found = await kept(world, grown)
    assert [part.first_record for part in (await found_of(world, grown)).read_document().parts or ()] == [
        0,
        CHUNK,
        2 * CHUNK,
    ]
    across = found.read(CHUNK - 2, CHUNK + 4, ["n"])
    assert across.column(0).to_pylist() == [b"%d" % n for n in range(CHUNK - 2, 2 * CHUNK + 2)]

    await shred(world, 2, CHUNK)
    left = await kept(world, grown)
    assert left.read(CHUNK - 1, 1, ["n"]).column(0).to_pylist() == [b"%d" % (CHUNK - 1)]
    assert left.read(2 * CHUNK, 9, ["n"]).num_rows == 5 and left.records == 2 * CHUNK + 5
    for first, count in ((CHUNK, 1), (CHUNK - 1, 2), (2 * CHUNK - 1, 3)):
        with pytest.raises(Shredded) as caught:
            left.read(first, count, ["n"])
        assert (caught.value.facts["first_record"], caught.value.facts["records"]) == (CHUNK, CHUNK)
    with pytest.raises(Shredded):
        await open_own_payload(world.ports, caller(PROVIDER), grown)
    with pytest.raises(Shredded):
        await leaf_hashes(world.ports, caller(PROVIDER), grown, CHUNK // 256)
    assert len(await leaf_hashes(world.ports, caller(PROVIDER), grown, 0)) == 256
    assert len(await leaf_hashes(world.ports, caller(PROVIDER), grown, 2 * CHUNK // 256)) == 5
    proof = await prove_record(world.ports, caller(PROVIDER), grown, 2 * CHUNK + 1)
    assert (await verify_record(world.ports, caller(PROVIDER), grown, proof)).ok, "the root is what it was"
    with pytest.raises(Shredded):
        await prove_record(world.ports, caller(PROVIDER), grown, CHUNK + 1)
    assert await codes(world) == []

    await shred(world, 2)
    with pytest.raises(Shredded):
        await kept(world, grown)
    row = (await found_of(world, grown)).row
    assert row is not None and all(part.wrapped_key is None for part in row.parts)
    assert (await found_of(world, grown)).version.root == (await found_of(world, grown)).entry.act["root"]
    assert await codes(world) == []


async def test_more_segments_than_a_document_can_list(
    world: World, grown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the next version begins anew, with one segment."""
    monkeypatch.setattr("ledger.services.inheriting.MOST_SEGMENTS", 2)
    version = await world.anchor(await world.prepare(table(2 * CHUNK + 6, r70000="341502070000,新村,70000")))
    row = (await found_of(world, version)).row
    assert row is not None and len(row.segment_keys) == len(row.parts) == 1
    assert (await kept(world, version)).records == 2 * CHUNK + 6


async def test_keys_that_went_without_an_act_are_found(world: World, grown: str) -> None:
    await change(world, "UPDATE table_parts SET wrapped_key = NULL WHERE first_record = :first", first=CHUNK)
    assert await codes(world) == ["keys-missing"]
    await shred(world, 2, 2 * CHUNK)
    assert await codes(world) == ["keys-missing"], "another segment's shredding is no excuse"


async def test_leaves_are_found_in_any_order(world: World, grown: str) -> None:
    found = await found_of(world, grown)
    material = material_of(world.ports.vault, found)
    assert material.keys is not None and OPTIONS.schema is not None
    table_ = await open_table(world.ports, found)
    async with AsyncExitStack() as opened:
        leaves_of = KeptLeaves(world.ports, opened, found, material)
        for tile in (0, 511, 512, 3, 257):
            right = list(leaves(table_, table_.schema, material.keys, first=tile * 256, count=256))
            assert await asyncio.to_thread(leaves_of, tile) == right
    assert len(right) == 256


async def test_the_document_says_where_the_parts_lie(world: World, version: str) -> None:
    found = await found_of(world, version)
    assert found.document is not None
    (part,) = VersionDocument.parse(found.document).parts or ()
    assert part.key is None and part.first_record == 0 and part.records == 600
    assert part.size == len(world.payloads.objects[part.object])
    assert [piece async for piece in await open_plain(world.ports, found)]
