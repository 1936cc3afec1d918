"""Whose turn it is to write: one writer at a time within a process, in the order they came.

Who moves on what was taken in goes first, so that acts flow while new ones stream in; what it does is soon done.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ledger.errors import Unavailable


class Turns:
    """`seconds`: how long anybody waits."""

    def __init__(self, seconds: float, out_of_time: str) -> None:
        self._seconds, self._out_of_time = seconds, out_of_time
        self._taken = False
        self._ahead: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, *, ahead: bool = False) -> AsyncIterator[None]:
        """Our turn, until the block ends; `ahead` of those who wait without it. Raises Unavailable."""
        if self._taken:
            await self._wait(self._ahead if ahead else self._others)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(called)
        try:
            async with asyncio.timeout(self._seconds):
                await called
        except BaseException as error:
            if called.done() and not called.cancelled():
                self._pass_on()  # it had become our turn just then
            elif called in queue:  # it may have been passed over since
                queue.remove(called)
            if isinstance(error, TimeoutError):
                raise Unavailable(self._out_of_time) from None
            raise

    def _pass_on(self) -> None:
        """Without a pause in which a newcomer could step in."""
        self._taken = False
        for queue in (self._ahead, self._others):
            while queue:
                called = queue.popleft()
                if not called.done():
                    self._taken = True
                    called.set_result(None)
                    return
