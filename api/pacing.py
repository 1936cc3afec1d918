"""Nobody holds a request open by doing nothing: bodies must come, and answers be read, at a pace.

Only the time that we wait for the other side counts, so a sender does not pay for what is done with its bytes here.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import SlowRequest
from api.limits import Limits

Result = TypeVar("Result")


class Stalled(Exception):
    """Nobody reads the answer."""


class Pacing:
    """ASGI."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, _Paced(receive, self._limits), self._read(send))

    def _read(self, send: Send) -> Send:
        async def read(message: Message) -> None:
            await _within(send(message), self._limits.stall_seconds, Stalled())

        return read


class _Paced:
    """The body, in pieces. Raises SlowRequest once it was waited for longer than its size allows."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._waited, self._size, self._whole = 0.0, 0, False

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is that the caller has gone, whenever that may be
            return await self._receive()
        loop = asyncio.get_running_loop()
        started = loop.time()
        left = allowed(self._size, self._limits) - self._waited
        slow = SlowRequest(f"{self._size} bytes came, and no more in time")
        message = await _within(self._receive(), max(0.0, left), slow)
        self._waited += loop.time() - started
        self._size += len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message


def allowed(size: int, limits: Limits) -> float:
    """Seconds that a body may be waited for, once so many bytes of it have come."""
    return limits.body_seconds + size / limits.slowest


async def _within(work: Awaitable[Result], seconds: float, failure: Exception) -> Result:
    """Raises `failure` when the time is over."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if limit.expired():
            raise failure from None
        raise
