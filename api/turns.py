"""Places for work that only so many may do at once. Nobody can take them all: a caller has half of them, rounded up.

Who finds no place waits for one, up to a limit; too many of one caller's waiting are turned away at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, Self

from api.errors import Busy, TooManyRequests
from api.limits import Limits

PATIENCE: Final = 30.0  # seconds to wait for a place
BULK_PATIENCE: Final = 60.0  # the same, for who has sent its acts already
MOST_WAITING: Final = 64  # of one caller


class Turns:
    """`most` places in all. First come, first served among those whose own share is not used up."""

    def __init__(self, most: int, patience: float = PATIENCE, most_waiting: int = MOST_WAITING) -> None:
        self._most, self._own = most, (most + 1) // 2
        self._patience, self._most_waiting = patience, most_waiting
        self._taken: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def taken(self, caller: str) -> AsyncIterator[Callable[[], None]]:
        """A place, for as long as the block runs, or until what it gives is called. Raises TooManyRequests, Busy."""
        if not self._free(caller):
            await self._wait(caller)
        else:
            self._taken[caller] += 1
        held = True

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                self._give_back(caller)

        try:
            yield leave
        finally:
            leave()

    @contextmanager
    def at_once(self, caller: str) -> Iterator[bool]:
        """A place if one is free now: whether it was."""
        free = self._free(caller)
        if free:
            self._taken[caller] += 1
        try:
            yield free
        finally:
            if free:
                self._give_back(caller)

    def _free(self, caller: str) -> bool:
        return self._taken.total() < self._most and self._taken[caller] < self._own

    async def _wait(self, caller: str) -> None:
        if sum(one == caller for one, _ in self._waiting) >= self._most_waiting:
            raise TooManyRequests("too many such requests of this API key wait already", retry_after=1)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((caller, place))
        try:
            async with asyncio.timeout(self._patience):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():  # it was given to us, and nobody will use it
                self._give_back(caller)
            else:
                self._waiting.remove((caller, place))
            if isinstance(error, TimeoutError):
                raise Busy("all places for such work were taken all the while") from None
            raise

    def _give_back(self, caller: str) -> None:
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
        for waiting in self._waiting:
            if self._free(waiting[0]):
                self._waiting.remove(waiting)
                self._taken[waiting[0]] += 1
                waiting[1].set_result(None)
                return


@dataclass(frozen=True, slots=True)
class AllTurns:
    """The application's, one of a kind."""

    bulk: Turns
    costly: Turns
    transfers: Turns
    waits: Turns

    @classmethod
    def of(cls, limits: Limits) -> Self:
        return cls(
            Turns(limits.bulk, BULK_PATIENCE), Turns(limits.costly), Turns(limits.transfers), Turns(limits.waits)
        )
