"""Waiting with a deadline, never for a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

SECONDS = 60.0  # nothing here takes so long unless it hangs


async def soon(ask: Callable[[], Awaitable[Any]], seconds: float = SECONDS) -> Any:
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := await ask()):
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.005)
    return answer
