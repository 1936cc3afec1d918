"""Many records in one proof, growth from version to version, and the keys that a new version goes on with."""

from dataclasses import replace

import pytest

from ledger.errors import InvalidProof, NoShare, NotFound, TooLarge
from ledger.fingerprint import Manifest, SegmentKeys
from ledger.services import inheriting
from ledger.services.checking import check_growth, proof_from_json
from ledger.services.verifying import prove_growth, prove_records, verify_record, verify_table
from ledger.services.versions import held, segment_keys
from tests.fakes.chain import CHAIN_ID
from tests.unit.services.world import CONSUMER, OPTIONS, PROVIDER, STRANGER, World, caller, stream, table


async def keys_of(world: World, version: str) -> SegmentKeys:
    async with world.store.read() as work:
        row = (await held(work, version)).row
    assert row is not None
    keys = segment_keys(world.ports.vault, row)
    assert keys is not None
    return keys


async def entry_of(world: World, version: str):
    async with world.store.read() as work:
        return (await held(work, version)).entry


async def next_version(world: World, content: bytes, **options: object) -> str:
    return await world.anchor(await world.prepare(content, options=replace(OPTIONS, **options)))  # type: ignore[arg-type]


async def test_many_records_are_proven_at_once(world: World, version: str, share: str) -> None:
    proof = await prove_records(world.ports, caller(CONSUMER), version, [599, 3, 300])
    assert [record.index for record in proof.records] == [3, 300, 599]
    report = await verify_record(world.ports, caller(STRANGER), version, proof)
    assert report.ok and report.check("chain").ok is None, "the contract verifies single records"
    assert proof_from_json(proof.to_json()) == proof
    wrong = await verify_record(world.ports, caller(STRANGER), version, replace(proof, path=proof.path[:-1]))
    assert not wrong.ok and wrong.differences == (3, 300, 599)
    assert [check.code for check in wrong.failed] == ["included"]
    with pytest.raises(NotFound):
        await prove_records(world.ports, caller(PROVIDER), version, [600])
    with pytest.raises(TooLarge):
        await prove_records(world.ports, caller(PROVIDER), version, range(10_001))
    with pytest.raises(NoShare):
        await prove_records(world.ports, caller(STRANGER), version, [1])


async def test_only_the_columns_granted_are_in_an_answer(world: World) -> None:
    version = await next_version(world, table(), format="share-record-sd/1")
    proof = await prove_records(world.ports, caller(PROVIDER), version, range(250, 260), columns=["code"])
    assert {column for record in proof.records for column in record.cells} == {0}  # type: ignore[union-attr]
    assert (await verify_record(world.ports, caller(STRANGER), version, proof)).ok


async def test_a_table_that_grew_keeps_its_keys_and_is_proven_to_have_grown(world: World, version: str) -> None:
    grown = await next_version(world, table(900))
    assert (await keys_of(world, grown)) == (await keys_of(world, version))
    proof = await prove_growth(world.ports, caller(PROVIDER), version, grown)
    old, new = await entry_of(world, version), await entry_of(world, grown)
    report = check_growth(old, new, proof, chain_id=CHAIN_ID)
    assert report.ok and report.check("grown").ok
    assert (await verify_table(world.ports, caller(PROVIDER), grown, stream(table(900)))).ok
    assert not check_growth(new, old, proof, chain_id=CHAIN_ID).ok
    assert check_growth(old, new, replace(proof, path=()), chain_id=CHAIN_ID).check("grown").ok is False
    with pytest.raises(InvalidProof):
        await prove_growth(world.ports, caller(PROVIDER), grown, version)
    with pytest.raises(NoShare):
        await prove_growth(world.ports, caller(STRANGER), version, grown)


async def test_a_changed_record_gets_its_chunk_a_fresh_key(world: World, version: str) -> None:
    changed = table(r17="341502000017,村17,18")
    later = await next_version(world, changed)
    assert (await keys_of(world, later)).key(0) != (await keys_of(world, version)).key(0)
    assert (await verify_table(world.ports, caller(PROVIDER), later, stream(changed))).ok
    proof = await prove_growth(world.ports, caller(PROVIDER), version, later)
    report = check_growth(await entry_of(world, version), await entry_of(world, later), proof, chain_id=CHAIN_ID)
    assert not report.ok and [check.code for check in report.failed] == ["grown"]


async def test_another_table_starts_with_fresh_keys(world: World, version: str) -> None:
    by_columns = await next_version(world, table(), format="share-record-sd/1")
    again = await next_version(world, table(), twin=True)
    twin = await next_version(world, table(700), twin=True)
    keys = [await keys_of(world, each) for each in (version, by_columns, again, twin)]
    assert keys[0] != keys[1] != keys[2] == keys[3]
    assert (await verify_table(world.ports, caller(PROVIDER), twin, stream(table(700)))).check("twin").ok


async def test_a_damaged_version_before_passes_nothing_on(
    world: World, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inheriting.Manifest, "from_bytes", lambda _: Manifest(1, [bytes(32)]))
    later = await world.anchor(await world.prepare(table(900)))
    assert await keys_of(world, later) != await keys_of(world, version)
