"""What is owed past its day, counted from the rows that an index finds; so on every day of a share's life."""

from ledger.domain.acts import Duty
from ledger.domain.clock import Clock
from ledger.services.lateness import Lateness
from tests.unit.services.world import PROVIDER, World

DAY = 86_400


async def overdue(world: World, days: int) -> dict[Clock, int]:
    async with world.store.read() as work:
        state = await work.load(await work.owing(100))
    found = await Lateness(state, int(world.clock.now()) + days * DAY, None).overdue()
    return {clock: number for clock, number in found.items() if number}


async def test_only_what_is_still_owed_counts(world: World, version: str) -> None:
    assert await overdue(world, 0) == {}
    share = await world.request(seconds=100 * DAY)
    assert await overdue(world, 0) == {}
    assert sum((await overdue(world, 10)).values()) == 1
    world.clock.time += 10 * DAY
    world.chain.do("AgreeShare", PROVIDER, Duty.LEAD, share=share, until=world.share_until(share), force=True)
    await world.follow()
    assert await overdue(world, 0) == {}, "it was late and is answered"
    assert await overdue(world, 60) == {Clock.DELIVER: 1}
    await world.deliver(share, version)
    assert await overdue(world, 60) == {}
