"""Copies and records against what was anchored: every check reported, differing records named, nothing believed."""

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain.acts import Duty
from ledger.errors import (
    InvalidInput,
    InvalidProof,
    NoShare,
    NotFound,
    PayloadElsewhere,
    ShareNotInForce,
    ShareSuspended,
    Shredded,
)
from ledger.fingerprint import Disclosure, Manifest, RecordProof, SegmentKeys, open_source
from ledger.services.checking import COPY, check_record, check_table, proof_from_json, prove_from_copy
from ledger.services.delivering import uses, verification_keys
from ledger.services.fingerprinting import TileReader
from ledger.services.material import Material
from ledger.services.verifying import (
    leaf_hashes,
    manifest,
    prove_record,
    proves_on_chain,
    verify_record,
    verify_table,
)
from tests.fakes.chain import CHAIN_ID
from tests.unit.services.world import (
    AUDITOR,
    CONSUMER,
    DATASET,
    OPTIONS,
    PROVIDER,
    STRANGER,
    World,
    caller,
    stream,
    table,
)


async def test_a_right_copy(world: World, version: str) -> None:
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(table()))
    assert report.ok and not report.failed and report.differences == ()
    assert [check.number for check in report.checks] == list(range(1, len(COPY) + 1))
    assert {check.code for check in report.checks if check.ok is None} == {"twin"}
    assert world.payloads.opened == 0, "the kept payload is not decrypted for a right copy"


async def test_the_same_records_in_another_spelling_of_the_file(world: World, version: str) -> None:
    quoted = table().decode().replace("村17,", '"村17",').encode()
    assert (await verify_table(world.ports, caller(PROVIDER), version, stream(quoted))).ok


async def test_a_changed_cell_is_named(world: World, version: str) -> None:
    wrong = table(r17="341502000017,村17,18", r599="341502000599,村,599")
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(wrong))
    assert not report.ok and report.differences == (17, 599) and report.complete and report.first == 17
    assert [check.code for check in report.failed] == ["root"]
    assert report.to_json()["differences"] == [17, 599]
    assert (await verify_table(world.ports, caller(PROVIDER), version, stream(wrong), limit=1)).differences == (17,)


async def test_a_missing_row_names_the_first_difference(world: World, version: str) -> None:
    lines = table().splitlines(keepends=True)
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(b"".join(lines[:101] + lines[102:])))
    assert report.first == 100 and not report.complete
    assert {check.code for check in report.failed} == {"records", "root"}


async def test_a_copy_that_breaks_the_schema_names_the_row(world: World, version: str) -> None:
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(table(r17="341502000017,村17,many")))
    assert not report.ok and report.first == 17 and report.check("copy").ok is False
    assert report.check("root").ok is None and "row 19" in report.check("copy").detail


async def test_a_lost_payload_still_tells_that_the_copy_differs(world: World, version: str) -> None:
    world.payloads.objects.clear()
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(table(r17="341502000017,村17,18")))
    assert not report.ok and report.differences == () and not report.complete


async def test_a_changed_document_or_row_is_not_believed(world: World, version: str) -> None:
    async with world.store.read() as work:
        entry = await work.entry(version)
    assert entry is not None
    material = await verification_keys(world.ports, caller(CONSUMER), await world.delivered(version))
    path = world.folder / "copy.csv"
    path.write_bytes(table())

    def check(**changes: object) -> list[str]:
        report = check_table(replace(material, **changes), path, chain_id=CHAIN_ID)  # type: ignore[arg-type]
        assert not report.ok
        return [check.code for check in report.failed]

    assert material.document is not None and material.keys is not None
    assert check(document=material.document.replace(b"areas.csv", b"other.csv")) == ["document"]
    assert check(manifest=Manifest(1, (bytes(32),)), keys=SegmentKeys.fresh()) == ["manifest", "root"]
    assert check(entry=replace(entry, act=entry.act.replace(records=601))) == ["act", "manifest", "records"]
    assert check(entry=replace(entry, digest="1" * 64)) == ["act"]
    assert check(keys=None) == []
    good = check_table(material, path, chain_id=CHAIN_ID, recovers=world.signatures.recovers)
    assert good.ok and good.check("signature").ok
    forged = replace(material, entry=replace(entry, signatures=(bytes(64) + b"\x1b",)))
    assert check_table(forged, path, chain_id=CHAIN_ID, recovers=lambda *_: False).check("signature").ok is False


async def test_the_contract_has_the_last_word(world: World, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def other(_version: str) -> object:
        found = world.chain.told[-1]
        return type("Anchored", (), {"root": found.digest, "records": 600, "salted": True, "shredded": False})()

    monkeypatch.setattr(world.chain, "anchored", other)
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(table()))
    assert not report.ok and [check.code for check in report.failed] == ["ledger"]


async def test_who_may_verify(world: World, version: str) -> None:
    assert (await verify_table(world.ports, caller(AUDITOR), version, stream(table()))).ok
    for action in (
        verify_table(world.ports, caller(STRANGER), version, stream(table())),
        prove_record(world.ports, caller(STRANGER), version, 0),
        leaf_hashes(world.ports, caller(STRANGER), version, 0),
        manifest(world.ports, caller(STRANGER), version),
    ):
        with pytest.raises(NoShare):
            await action
    share = await world.delivered(version)
    assert (await verify_table(world.ports, caller(CONSUMER), version, stream(table()))).ok
    assert [use.action for _, use in await uses(world.ports, caller(CONSUMER), share)] == ["verify"]
    world.chain.says_no = True
    with pytest.raises(ShareNotInForce):
        await verify_table(world.ports, caller(CONSUMER), version, stream(table()))


async def test_bad_requests(world: World, version: str) -> None:
    with pytest.raises(NotFound):
        await verify_table(world.ports, caller(PROVIDER), "0" * 64, stream(table()))
    with pytest.raises(InvalidInput):
        await verify_table(world.ports, caller(PROVIDER), version, stream(table()), limit=-1)


async def test_a_record_is_proven_here_and_on_chain(world: World, version: str, share: str) -> None:
    proof = await prove_record(world.ports, caller(CONSUMER), version, 599)
    assert isinstance(proof, RecordProof) and proof.cells == (b"341502000599", "村599".encode(), b"599")
    report = await verify_record(world.ports, caller(STRANGER), version, proof)
    assert report.ok and report.check("chain").ok and report.check("included").ok
    assert await proves_on_chain(world.ports, version, proof.leaf, 599, proof.path)

    changed = replace(proof, cells=(proof.cells[0], b"x", proof.cells[2]))
    report = await verify_record(world.ports, caller(STRANGER), version, changed)
    assert not report.ok and {check.code for check in report.failed} == {"included", "chain"}
    assert not (await verify_record(world.ports, caller(STRANGER), version, replace(proof, index=598))).ok
    report = await verify_record(world.ports, caller(STRANGER), version, replace(proof, salt=b""), on_chain=False)
    assert [check.code for check in report.failed] == ["proof"] and not report.ok
    assert proof_from_json(proof.to_json()) == proof
    with pytest.raises(NotFound):
        await prove_record(world.ports, caller(PROVIDER), version, 600)
    with pytest.raises(InvalidInput, match="whole records"):
        await prove_record(world.ports, caller(PROVIDER), version, 1, columns=["code"])


async def test_a_record_shown_column_by_column(world: World) -> None:
    version = await world.anchor(await world.prepare(table(), options=replace(OPTIONS, format="share-record-sd/1")))
    proof = await prove_record(world.ports, caller(PROVIDER), version, 3, columns=["code"])
    assert isinstance(proof, Disclosure) and proof.cells == {0: b"341502000003"}
    assert (await verify_record(world.ports, caller(STRANGER), version, proof)).ok
    assert proof_from_json(proof.to_json()) == proof


async def test_a_file_is_verified_by_chunks(world: World) -> None:
    content = bytearray(2_500_000)
    options = replace(OPTIONS, format="share-file/1", schema=None)
    version = await world.anchor(await world.prepare(bytes(content), options=options))
    assert (await verify_table(world.ports, caller(PROVIDER), version, stream(bytes(content), 1 << 20))).ok
    content[1_500_000] = 1
    report = await verify_table(world.ports, caller(PROVIDER), version, stream(bytes(content), 1 << 20))
    assert not report.ok and report.differences == (1,) and report.complete
    with pytest.raises(InvalidInput):
        await prove_record(world.ports, caller(PROVIDER), version, 0)


async def test_a_client_verifies_with_downloaded_material(world: World, version: str, share: str) -> None:
    """The same checks with nothing but JSON, and the differing record named from leaf hashes asked for by tile."""
    material = await verification_keys(world.ports, caller(CONSUMER), share)
    material = Material.from_json(material.to_json())
    path = world.folder / "copy.csv"
    path.write_bytes(table())
    assert check_table(material, path, chain_id=CHAIN_ID).ok
    proof = prove_from_copy(material, path, 300)
    assert check_record(material, proof, chain_id=CHAIN_ID).ok
    leaves = {tile: await leaf_hashes(world.ports, caller(CONSUMER), version, tile) for tile in range(3)}
    path.write_bytes(table(r300="341502000300,村,300"))
    report = check_table(material, path, chain_id=CHAIN_ID, right_leaves=leaves.__getitem__)
    assert report.differences == (300,)
    with pytest.raises(InvalidProof):
        prove_from_copy(material, path, 301)
    with pytest.raises(NotFound):
        await leaf_hashes(world.ports, caller(CONSUMER), version, 3)
    assert (await manifest(world.ports, caller(CONSUMER), version)) == material.manifest


@pytest.mark.parametrize(
    "change", [{"format": "x"}, {"segments": [{"first_record": 0}]}, {"entry": {}}, {"document": 1}]
)
async def test_material_that_is_none(world: World, version: str, share: str, change: dict[str, object]) -> None:
    value = (await verification_keys(world.ports, caller(CONSUMER), share)).to_json()
    with pytest.raises(InvalidInput):
        Material.from_json({**value, **change})


async def test_without_a_payload_here(world: World, tmp_path: Path) -> None:
    version = await world.anchor(await world.prepare(table(), keep_payload=False))
    assert (await verify_table(world.ports, caller(PROVIDER), version, stream(table()))).ok
    with pytest.raises(PayloadElsewhere):
        await prove_record(world.ports, caller(PROVIDER), version, 0)


async def test_after_shredding_nothing_can_be_verified(world: World, version: str) -> None:
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, dataset=DATASET, number=1, whole=True)
    with pytest.raises(Shredded):
        await verify_table(world.ports, caller(PROVIDER), version, stream(table()))
    async with world.store.read() as work:
        found = await work.payload((await work.entry(version)).act["document"])  # type: ignore[union-attr]
    assert found is not None and found.wrapped_key is None and found.segment_keys == ((0, None),)


async def test_tiles_are_read_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "areas.csv"
    path.write_bytes(table(1000))
    assert OPTIONS.schema is not None
    reader = TileReader(open_source(path, OPTIONS.read), OPTIONS.schema, OPTIONS.format, SegmentKeys.fresh())
    straight = [reader(tile) for tile in range(5)]
    assert list(map(len, straight)) == [256, 256, 256, 232, 0]
    for order in ([3, 0], [1, 3], [2, 2], [0, 3, 1]):
        assert [reader(tile) for tile in order] == [straight[tile] for tile in order]


async def test_suspended_while_the_chain_is_asked(
    world: World, version: str, share: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look is in the transaction that records the use, as for a download."""
    asked = world.chain.is_authorised

    async def slow(id: str) -> bool:
        answer = await asked(id)
        await world.act("SuspendShare", PROVIDER, Duty.LEAD, share=share)
        return answer

    monkeypatch.setattr(world.chain, "is_authorised", slow)
    with pytest.raises(ShareSuspended):
        await prove_record(world.ports, caller(CONSUMER), version, 0)
    assert await uses(world.ports, caller(CONSUMER), share) == []
