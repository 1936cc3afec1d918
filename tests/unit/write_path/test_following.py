"""The follower: it reads what is final, and no node can make it skip, reorder or believe what did not happen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.domain.acts import Mark
from ledger.domain.entries import Entry
from ledger.errors import Diverged, Unavailable
from ledger.ports import Cursor
from ledger.services import following
from ledger.services.following import Follower
from tests.factories.acts import address, manifest, register
from tests.unit.write_path.conftest import Rig, make_rig

Bend = Callable[[list[Entry]], list[Entry]]


async def cursor_of(rig: Rig) -> Cursor | None:
    async with rig.store.read() as work:
        return await work.cursor()


def mine(rig: Rig, blocks: int, acts: int = 1, first: int = 0) -> None:
    for block in range(first, first + blocks):
        rig.node.mine(*(register(f"b{block}.{act}") for act in range(acts)))


async def test_it_follows_from_the_opening_on(rig: Rig) -> None:
    mine(rig, blocks=3, acts=4)
    assert await rig.follow() == 12
    await rig.consistent()
    assert rig.follower.reached == await cursor_of(rig)
    assert await rig.follow() == 0


async def test_an_empty_block_moves_the_cursor(rig: Rig) -> None:
    rig.node.mine()
    assert await rig.follow() == 0
    cursor = await cursor_of(rig)
    assert cursor is not None and cursor.block == rig.node.tip.block


async def test_only_final_blocks_are_followed(deep_rig: Rig) -> None:
    rig = deep_rig
    mine(rig, blocks=1)
    assert await rig.follow() == 0
    rig.node.mine()
    assert await rig.follow() == 0
    rig.node.reorganise(2, keep=False)  # above the final block: nothing to undo
    rig.node.mine(register("instead"))
    rig.node.mine()
    rig.node.mine()
    assert await rig.follow() == 1
    async with rig.store.read() as work:
        entry = await work.entry(1)
    assert entry is not None and entry.act["department"] == "instead"


LIES: dict[str, Bend] = {
    "the last entry withheld": lambda entries: entries[:-1],
    "all entries withheld": lambda entries: [],
    "one withheld in the middle": lambda entries: entries[:1] + entries[2:],
    "one withheld, the rest renumbered": lambda entries: (
        entries[:1] + [replace(entry, index=entry.index - 1) for entry in entries[2:]]
    ),
    "two in the wrong order": lambda entries: entries[:1] + entries[1:3][::-1] + entries[3:],
    "one told twice": lambda entries: [*entries, entries[-1]],
    "another act under the digest": lambda entries: [
        replace(entries[0], act=entries[0].act.replace(department="forged")),
        *entries[1:],
    ],
    "another time": lambda entries: [replace(entries[0], time=entries[0].time + 1), *entries[1:]],
    "another signature": lambda entries: [replace(entries[0], signatures=(bytes(65),)), *entries[1:]],
    "another module": lambda entries: [replace(entries[0], module=address("elsewhere")), *entries[1:]],
    "another head": lambda entries: [*entries[:-1], replace(entries[-1], head="ab" * 32)],
    "another department": lambda entries: [replace(entries[0], department="b0.1"), *entries[1:]],
    "another mark": lambda entries: [*entries[:-1], replace(entries[-1], marks=Mark.RECOVERY)],
    "a block from the future": lambda entries: [*entries[:-1], replace(entries[-1], block_number=10_000)],
    "a block of the past": lambda entries: [*entries[:-1], replace(entries[-1], block_number=1)],
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_a_lying_node_never_moves_the_cursor(rig: Rig, lie: Bend) -> None:
    mine(rig, blocks=2, acts=3)
    before = await cursor_of(rig)
    rig.node.bend = lambda entries: lie(entries) if entries else entries
    for _ in range(3):
        with pytest.raises(Unavailable):
            await rig.follower.step()
        assert await cursor_of(rig) == before
    rig.node.bend = lambda entries: entries
    assert await rig.follow() == 6
    await rig.consistent()


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
@pytest.mark.parametrize("position", [0, 7])
async def test_nor_while_it_catches_up_without_old_states(
    rig: Rig, lie: Bend, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it answers for one of many ranges, no entry is ever skipped or changed."""
    monkeypatch.setattr(following, "ENTRIES_A_STEP", 4)
    mine(rig, blocks=20, acts=2)
    rig.node.keeps = 3
    rig.follower._span = 2
    asked = 0

    def bend(entries: list[Entry]) -> list[Entry]:
        nonlocal asked
        asked += 1
        return lie(entries) if asked == position + 1 and len(entries) > 2 else entries

    rig.node.bend = bend
    for _ in range(60):
        try:
            await rig.follower.step()
        except Unavailable:
            continue
        cursor = await cursor_of(rig)
        assert cursor is not None
        mined = rig.node.chain[cursor.block.number]
        assert (cursor.size, cursor.head) == (mined.size, mined.head), "the cursor stands where the chain stood"
    await rig.consistent()


async def test_old_blocks_are_followed_though_their_state_is_gone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "ENTRIES_A_STEP", 5)
    mine(rig, blocks=40, acts=2)
    rig.node.keeps = 1
    rig.follower._span = 3
    reached = []
    while await rig.follower.step():
        cursor = await cursor_of(rig)
        assert cursor is not None
        reached.append(cursor.block.number)
    assert reached == sorted(set(reached)) and len(reached) > 5
    await rig.consistent()


async def test_a_long_stretch_without_entries_is_crossed_in_one_step(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MOST_BLOCKS", 4)
    monkeypatch.setattr(following, "RANGES_A_STEP", 3)
    for _ in range(60):
        rig.node.mine()
    rig.follower._span = 2
    mine(rig, blocks=2)
    rig.node.keeps = 1
    assert await rig.follow() == 2
    await rig.consistent()


@pytest.mark.parametrize("keeps", [1, None])
async def test_a_full_stretch_behind_an_empty_one_takes_several_steps(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, keeps: int | None
) -> None:
    monkeypatch.setattr(following, "ENTRIES_A_STEP", 10)
    for _ in range(20):
        rig.node.mine()
    mine(rig, blocks=30, acts=2)
    rig.node.keeps = keeps
    rig.follower._span = 64  # so far had the empty blocks made it grow
    steps = []
    while found := await rig.follower.step():
        steps.append(found)
    assert sum(steps) == 60 and len(steps) >= 6
    assert max(steps) <= 12, "whole blocks, and no more of them than are needed"
    await rig.consistent()


async def test_entries_of_one_block_are_never_torn(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "ENTRIES_A_STEP", 3)
    mine(rig, blocks=3, acts=7)
    rig.follower._span = 1
    sizes = []
    while await rig.follower.step():
        cursor = await cursor_of(rig)
        assert cursor is not None
        sizes.append(cursor.size)
    assert sizes == [8, 22]


async def test_without_any_state_it_goes_as_far_as_entries_vouch(rig: Rig) -> None:
    mine(rig, blocks=3, acts=2)
    rig.node.keeps = 0
    assert await rig.follow_until_unavailable() == 4
    cursor = await cursor_of(rig)
    assert cursor is not None and cursor.block.number == rig.node.tip.block.number - 1
    rig.node.keeps = None
    await rig.follow()
    await rig.consistent()


async def test_a_node_that_lags_is_waited_for(rig: Rig) -> None:
    mine(rig, blocks=3)
    await rig.follow()
    before = await cursor_of(rig)
    rig.node.lag = 2
    with pytest.raises(Unavailable):
        await rig.follower.step()
    assert await cursor_of(rig) == before
    rig.node.lag = 0
    mine(rig, blocks=1, first=3)
    assert await rig.follow() == 1


async def test_a_final_block_that_changed_stops_the_writing(rig: Rig) -> None:
    mine(rig, blocks=3)
    await rig.follow()
    before = await cursor_of(rig)
    rig.node.reorganise(2, keep=False)
    mine(rig, blocks=4, first=10)
    for _ in range(2):
        with pytest.raises(Diverged) as raised:
            await rig.follower.step()
        assert raised.value.facts["block"] == before.block.number if before else False
        assert await cursor_of(rig) == before


async def test_two_followers_write_each_entry_once(rig: Rig) -> None:
    other = rig.another_follower()
    mine(rig, blocks=2, acts=2)
    start = await other._start()
    entries, reached = await other._read(start, rig.node.tip.block)
    assert await rig.follow() == 4
    assert not await other._write(entries, start, reached)
    assert await other.step() == 0
    await rig.consistent()


async def test_a_read_model_emptied_meanwhile_is_not_written_into(rig: Rig) -> None:
    mine(rig, blocks=2)
    await rig.follow()
    mine(rig, blocks=2, first=5)
    start = await rig.follower._start()
    entries, reached = await rig.follower._read(start, rig.node.tip.block)
    async with rig.store.write() as work:
        await work.rewind()
        await work.commit()
    assert not await rig.follower._write(entries, start, reached)
    await rig.follow()
    await rig.consistent()


@pytest.mark.parametrize("step", ["checked, nothing written", "written, not committed", "committed"])
async def test_a_crash_at_any_step_is_made_good_by_the_next(rig: Rig, step: str) -> None:
    class Crash(BaseException):
        pass

    def crash(at: str) -> None:
        if at == step:
            raise Crash

    mine(rig, blocks=2, acts=2)
    rig.follower.fault = crash
    with pytest.raises(Crash):
        await rig.follower.step()
    rig.follower = rig.another_follower()
    await rig.follow()
    await rig.consistent()


async def test_a_node_that_is_down_is_waited_for(rig: Rig) -> None:
    mine(rig, blocks=1)
    rig.node.down = True
    with pytest.raises(Unavailable):
        await rig.follower.step()
    rig.node.down = False
    assert await rig.follow() == 1


async def test_a_manifest_of_another_block_finds_no_opening(database: str) -> None:
    rig = make_rig(database)
    late = Follower(rig.store, rig.node, manifest(block=4))
    rig.node.mine(register("a"))
    with pytest.raises(Unavailable):
        await late.step()
    assert await cursor_of(rig) is None
    await rig.store.close()
