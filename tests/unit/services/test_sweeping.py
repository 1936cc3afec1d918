"""Orphans go, and nothing that a row or a version's document names ever does."""

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ledger import telemetry
from ledger.errors import Unavailable
from ledger.services import anchoring, sweeping
from ledger.services.anchoring import prepare_version
from ledger.services.sweeping import Swept
from ledger.store.tables import payloads as payload_rows
from tests.unit.services.world import DATASET, OPTIONS, PROVENANCE, PROVIDER, World, caller, stream, table

DAY = timedelta(hours=24)
LONG_AGO = 90_000  # seconds


async def sweep(world: World, older_than: timedelta = DAY) -> Swept:
    return await sweeping.sweep(world.store, world.payloads, world.clock, older_than=older_than)


async def orphan(world: World, content: bytes, age: float = LONG_AGO) -> str:
    stored = await world.payloads.put_file(io.BytesIO(content))
    world.payloads.mark(stored.digest, world.clock.now() - age)
    return stored.digest


async def kept(world: World, age: float = LONG_AGO) -> set[str]:
    """The objects of a version that was just prepared, marked as old."""
    before = set(world.payloads.objects)
    await prepare_version(
        world.ports, caller(PROVIDER), DATASET, stream(table(40)), options=OPTIONS, provenance=PROVENANCE
    )
    made = set(world.payloads.objects) - before
    for digest in made:
        world.payloads.mark(digest, world.clock.now() - age)
    return made


async def test_orphans_go_and_payloads_of_versions_stay(world: World) -> None:
    mine = await kept(world)
    lost = await orphan(world, b"its preparation failed")
    young = await orphan(world, b"its preparation is under way", age=3600)
    world.payloads.unfinished = 2
    told = await sweep(world)
    assert told == Swept(unfinished=2, orphans=1, claimed=len(mine), waiting=1)
    assert told.to_json() == {"unfinished": 2, "orphans": 1, "claimed": len(mine), "waiting": 1}
    assert set(world.payloads.objects) >= mine | {young} and lost not in world.payloads.objects
    assert set(world.payloads.marks) == {young}
    assert await sweep(world) == Swept(0, 0, 0, 1)


async def test_what_was_claimed_once_outlives_its_rows(world: World) -> None:
    mine = await kept(world, age=0)
    await sweep(world)
    async with world.engine.begin() as connection:
        await connection.execute(sa.text("DELETE FROM segment_keys"))
        await connection.execute(sa.text("DELETE FROM table_parts"))
        await connection.execute(sa.delete(payload_rows))
    world.clock.time += 10 * LONG_AGO
    assert await sweep(world) == Swept(0, 0, 0, 0)
    assert mine <= set(world.payloads.objects)


async def test_a_prepared_version_is_claimed_before_any_sweep(world: World) -> None:
    """An older database, put in place right after, names nothing of it."""
    await world.prepare(table(40))
    assert world.payloads.objects and world.payloads.marks == {}


async def test_a_mark_that_cannot_be_taken_away_is_left_to_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(digest: str) -> None:
        raise Unavailable("the payload store does not answer")

    monkeypatch.setattr(world.payloads, "claim", down)
    await world.anchor(await world.prepare(table(40)))
    assert set(world.payloads.marks) == set(world.payloads.objects)


async def test_nothing_can_be_signed_whose_payload_was_swept_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of another server jumps a year ahead before the row is there."""
    true = anchoring.write_prepared

    async def late(*arguments: Any) -> None:
        world.clock.time += 365 * LONG_AGO
        assert (await sweep(world)).orphans == 2
        world.clock.time -= 365 * LONG_AGO
        await true(*arguments)

    monkeypatch.setattr(anchoring, "write_prepared", late)
    with pytest.raises(Unavailable, match="swept"):
        await world.prepare(table(40))
    async with world.store.read() as work:
        assert await work.payload_objects() == []


async def test_a_document_alone_keeps_what_it_names(world: World) -> None:
    mine = await kept(world)
    async with world.engine.begin() as connection:
        await connection.execute(sa.text("DELETE FROM segment_keys"))
        await connection.execute(sa.text("DELETE FROM table_parts"))
        await connection.execute(sa.delete(payload_rows))
    assert await sweep(world) == Swept(0, 0, len(mine), 0)
    assert mine <= set(world.payloads.objects)


async def test_a_row_written_at_the_last_moment_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    late = await orphan(world, b"prepared just now")
    looked: list[int] = []
    true = sweeping._named

    async def named(store: Any, digests: Any) -> set[str]:
        looked.append(len(digests))
        return await true(store, digests) if len(looked) == 1 else {late}

    monkeypatch.setattr(sweeping, "_named", named)
    assert (await sweep(world)).orphans == 0
    assert looked == [1, 1] and late in world.payloads.objects


async def test_bytes_stored_again_meanwhile_count_as_young(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    again = await orphan(world, b"stored a second time")
    true = world.payloads.unclaimed

    async def unclaimed() -> Any:
        marks = await true()
        world.payloads.mark(again, world.clock.now())
        return marks

    monkeypatch.setattr(world.payloads, "unclaimed", unclaimed)
    assert (await sweep(world)).orphans == 0 and again in world.payloads.objects


async def test_more_than_are_removed_at_once(world: World) -> None:
    for number in range(sweeping.AT_ONCE + 3):
        await orphan(world, number.to_bytes(2, "big"))
    assert (await sweep(world)).orphans == sweeping.AT_ONCE + 3
    assert world.payloads.marks == {}


async def test_a_mark_without_an_object_goes(world: World) -> None:
    world.payloads.mark(hashlib.sha256(b"never named").hexdigest(), world.clock.now() - LONG_AGO)
    assert (await sweep(world)).orphans == 1 and world.payloads.marks == {}


async def test_a_store_that_does_not_answer_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(**limits: Any) -> int:
        raise Unavailable("the payload store failed: timed out")

    monkeypatch.setattr(world.payloads, "sweep", silent)
    before = telemetry.FAILED_STEPS.labels("sweeping")._value.get()
    await sweeping.sweep_quietly(world.ports, older_than=DAY)
    assert telemetry.FAILED_STEPS.labels("sweeping")._value.get() == before + 1
    monkeypatch.undo()
    await orphan(world, b"rubbish")
    await sweeping.sweep_quietly(world.ports, older_than=DAY)
    assert world.payloads.objects == {}
