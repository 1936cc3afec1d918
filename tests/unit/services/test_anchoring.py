"""Preparing versions: nothing can be signed that is not durable here and was not read back."""

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.domain.refusals import REFUSALS
from ledger.errors import (
    Conflict,
    Corrupt,
    InvalidDocument,
    InvalidInput,
    InvalidProof,
    InvalidTable,
    NotFound,
    TooLarge,
)
from ledger.fingerprint import Manifest, ReadOptions, SegmentKeys
from ledger.services.anchoring import prepare_version, prepared, register_fingerprint
from ledger.services.fingerprinting import PrepareOptions, fingerprint_source
from ledger.services.material import VersionDocument
from ledger.services.versions import segment_keys
from tests.harness.databases import kind  # noqa: F401 (both databases)
from tests.unit.services.world import CONSUMER, DATASET, OPTIONS, PROVENANCE, PROVIDER, World, caller, stream, table


async def test_a_prepared_version_has_everything_the_act_needs(world: World) -> None:
    made = await world.prepare(table())
    assert made.kept and made.records == 600 and made.size == len(table())
    assert made.fields["number"] == 1 and made.fields["records"] == "600"
    version = await world.anchor(made)
    again = await world.prepare(table(601))
    assert again.fields["number"] == 2
    assert again.fields["root"] != made.fields["root"] and version


async def test_its_document_says_how_to_read_it_and_what_is_kept(world: World) -> None:
    made = await world.prepare(table())
    document = VersionDocument.parse(made.body)
    assert document.schema == OPTIONS.schema and document.read == OPTIONS.read
    assert document.stored_object in world.payloads.objects and document.keys == "here"
    assert b'"digest"' not in made.body, "a plain hash of salted data would outlive its salts"


async def test_the_same_table_twice_gives_roots_that_cannot_be_linked(world: World) -> None:
    first, second = await world.prepare(table()), await world.prepare(table())
    assert first.fields["root"] != second.fields["root"]


async def test_open_data_has_no_keys_and_names_its_hash(world: World) -> None:
    made = await world.prepare(table(), options=replace(OPTIONS, salted=False))
    async with world.store.read() as work:
        row = await work.payload(made.document)
    assert row is not None and segment_keys(world.ports.vault, row) is None
    assert b'"digest"' in made.body and made.fields["salted"] is False


@pytest.mark.parametrize("form", ["parquet", "arrow"])
async def test_a_table_in_another_form_has_the_same_root(world: World, form: str, tmp_path: Path) -> None:
    rows = [row.split(",") for row in table().decode().splitlines()[1:]]
    columns = pa.table({"code": [row[0] for row in rows], "name": [row[1] for row in rows], "n": range(len(rows))})
    sink = io.BytesIO()
    if form == "parquet":
        pq.write_table(columns, sink, row_group_size=100)
    else:
        with pa.ipc.new_file(sink, columns.schema) as writer:
            writer.write_table(columns)
    options = replace(OPTIONS, read=ReadOptions(form=form), salted=False)  # type: ignore[arg-type]
    made = await world.prepare(sink.getvalue(), options=options)
    plain = await world.prepare(table(), options=replace(OPTIONS, salted=False))
    assert made.fields["root"] == plain.fields["root"]
    assert (made.fields["records"], made.fields["size"]) == (str(len(rows)), str(len(sink.getvalue())))


async def test_a_store_that_gives_back_other_bytes_is_caught(world: World) -> None:
    world.payloads.swap = table(r17="341502000017,村17,18")
    with pytest.raises(Corrupt, match="another fingerprint"):
        await world.prepare(table())
    async with world.store.read() as work:
        assert await work.payload_objects() == []


async def test_keys_are_wrapped_and_bound_to_their_row(world: World) -> None:
    made, other = await world.prepare(table()), await world.prepare(table())
    async with world.store.read() as work:
        row, stranger = await work.payload(made.document), await work.payload(other.document)
    assert row is not None and stranger is not None
    with pytest.raises(Corrupt):
        segment_keys(world.ports.vault, replace(row, segment_keys=stranger.segment_keys))


@pytest.mark.parametrize("format", ["share-record-sd/1", "share-file/1"])
async def test_other_formats(world: World, format: str) -> None:
    schema = None if format == "share-file/1" else OPTIONS.schema
    made = await world.prepare(table(), options=replace(OPTIONS, format=format, schema=schema, twin=True))
    assert made.fields["format"] == format and made.fields["twin"] != "0" * 64
    assert made.records == (1 if schema is None else 600)
    await world.anchor(made)


async def test_a_local_file_can_be_prepared_without_being_kept(world: World, tmp_path: Path) -> None:
    path = tmp_path / "areas.csv"
    path.write_bytes(table())
    seen: list[int] = []
    made = await prepare_version(
        world.ports,
        caller(PROVIDER),
        DATASET,
        path,
        options=OPTIONS,
        keep_payload=False,
        provenance=PROVENANCE,
        progress=seen.append,
    )
    assert not made.kept and world.payloads.objects == {} and seen[-1] == 600


async def test_a_fingerprint_from_elsewhere(world: World, tmp_path: Path) -> None:
    path = tmp_path / "areas.csv"
    path.write_bytes(table())
    keys = SegmentKeys.fresh()
    taken, manifest = fingerprint_source(path, OPTIONS, keys)
    fingerprint = replace(taken, size=len(table()))
    options = {"options": OPTIONS, "provenance": PROVENANCE}
    kept = await register_fingerprint(
        world.ports, caller(PROVIDER), DATASET, fingerprint, manifest, keys=keys, **options
    )
    assert VersionDocument.parse(kept.body).keys == "here"
    apart = await register_fingerprint(world.ports, caller(PROVIDER), DATASET, fingerprint, manifest, **options)
    assert VersionDocument.parse(apart.body).keys == "provider" and not apart.kept

    with pytest.raises(InvalidProof, match="manifest"):
        await register_fingerprint(world.ports, caller(PROVIDER), DATASET, fingerprint, Manifest(0, ()), **options)
    with pytest.raises(InvalidProof, match="size"):
        await register_fingerprint(world.ports, caller(PROVIDER), DATASET, taken, manifest, **options)


async def test_what_was_prepared_can_be_fetched_until_its_number_is_taken(world: World) -> None:
    made = await world.prepare(table())
    again = await prepared(world.ports, caller(PROVIDER), made.document)
    assert again.fields == made.fields and again.body == made.body
    with pytest.raises(NotFound):
        await prepared(world.ports, caller(CONSUMER), made.document)
    await world.anchor(made)
    with pytest.raises(Conflict):
        await prepared(world.ports, caller(PROVIDER), made.document)


async def test_refusals_come_before_the_work(world: World) -> None:
    with pytest.raises(REFUSALS["DatasetsNotProvider"]):
        await prepare_version(
            world.ports, caller(CONSUMER), DATASET, stream(table()), options=OPTIONS, provenance=PROVENANCE
        )
    with pytest.raises(REFUSALS["DatasetsUnknown"]):
        await prepare_version(
            world.ports, caller(PROVIDER), "341500/none", stream(table()), options=OPTIONS, provenance=PROVENANCE
        )
    with pytest.raises(InvalidDocument):
        await world.prepare(table(), provenance={"source": "somewhere"})
    assert world.payloads.objects == {}


async def test_bad_input_leaves_nothing(world: World) -> None:
    with pytest.raises(InvalidTable) as caught:
        await world.prepare(table(r17="341502000017,村17,seventeen"))
    assert caught.value.facts["record"] == 17 and caught.value.facts["column"] == "n"
    with pytest.raises(TooLarge):
        await world.prepare(table(), options=replace(OPTIONS, limit=100))

    async def broken() -> object:
        yield b"code,name,n\n"
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        await prepare_version(
            world.ports,
            caller(PROVIDER),
            DATASET,
            broken(),
            options=OPTIONS,
            provenance=PROVENANCE,  # type: ignore[arg-type]
        )
    assert world.payloads.objects == {} and list(world.ports.scratch.iterdir()) == []


async def test_cancelled_while_it_arrives(world: World) -> None:
    started = asyncio.Event()

    async def endless() -> object:
        started.set()
        yield b"code,name,n\n"
        await asyncio.Event().wait()

    task = asyncio.create_task(
        prepare_version(
            world.ports,
            caller(PROVIDER),
            DATASET,
            endless(),
            options=OPTIONS,
            provenance=PROVENANCE,  # type: ignore[arg-type]
        )
    )
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(world.ports.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"format": "share-record/2"}, "format"),
        ({}, "schema"),
        ({"format": "share-file/1", "schema": {"columns": [{"name": "a"}]}}, "schema"),
        ({"format": "share-record-sd/1", "salted": False, "schema": {"columns": [{"name": "a"}]}}, "salted"),
        ({"delimiter": ";"}, "unknown"),
        ({"salted": 1, "schema": {"columns": [{"name": "a"}]}}, "salted"),
        ([], "object"),
    ],
)
def test_options_that_cannot_be(value: object, fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault):
        PrepareOptions.from_json(value)


def test_options_from_json() -> None:
    given = {"schema": SCHEMA_JSON, "read": {"delimiter": ";"}, "name": "a.csv", "twin": None}
    options = PrepareOptions.from_json(given)
    assert options.read.delimiter == ";" and options.name == "a.csv" and options.salted and not options.twin


SCHEMA_JSON = {"columns": [{"name": "a"}, {"name": "b", "type": "integer"}]}
