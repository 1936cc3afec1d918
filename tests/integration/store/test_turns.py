"""Writers of one process: in order, those who move acts on first, and nobody waits for ever."""

import asyncio

import pytest

from ledger.errors import Unavailable
from ledger.store.turns import Turns


async def test_in_the_order_they_came_and_some_ahead() -> None:
    turns, order = Turns(5, "late"), list[str]()

    async def take(name: str, *, ahead: bool = False) -> None:
        async with turns.turn(ahead=ahead):
            order.append(name)
            await asyncio.sleep(0)

    async with turns.turn():
        waiting = [asyncio.create_task(take(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(take("follower", ahead=True)))
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == ["follower", "first", "second"]


async def test_a_newcomer_does_not_step_in_between() -> None:
    turns, order = Turns(5, "late"), list[str]()

    async def take(name: str) -> None:
        async with turns.turn():
            order.append(name)

    async with turns.turn():
        waits = asyncio.create_task(take("who waited"))
        await asyncio.sleep(0)
    await take("newcomer")
    await waits
    assert order == ["who waited", "newcomer"]


async def test_who_waits_too_long_or_is_cancelled_holds_nobody_up() -> None:
    turns = Turns(0.01, "the database stayed locked")
    async with turns.turn():
        with pytest.raises(Unavailable, match="locked"):
            async with turns.turn():
                raise AssertionError("it is not our turn")
        leaving = asyncio.create_task(turns.turn().__aenter__())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
    async with turns.turn():
        pass


async def test_cancelled_just_when_it_was_called() -> None:
    turns = Turns(5, "late")
    async with turns.turn():
        leaving = asyncio.create_task(turns.turn().__aenter__())
        await asyncio.sleep(0)
    leaving.cancel()  # called, and has not run since
    await asyncio.wait([leaving])
    async with asyncio.timeout(1), turns.turn():
        pass


async def test_cancelled_and_passed_over_before_it_knows() -> None:
    turns = Turns(5, "late")
    async with turns.turn():
        leaving = asyncio.create_task(turns.turn().__aenter__())
        await asyncio.sleep(0)
        leaving.cancel()
    assert await asyncio.wait([leaving]) and leaving.cancelled()
    async with asyncio.timeout(1), turns.turn():
        pass
