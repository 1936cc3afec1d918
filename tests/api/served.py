"""The application behind the server that the product runs, on a port of its own, in a thread with a loop of its own."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import uvicorn
from fastapi import FastAPI

from api.connections import server_config

Thing = TypeVar("Thing")
Result = TypeVar("Result")


@dataclass
class Served(Generic[Thing]):
    """`thing` lives in the server's loop: touch it through `run` only."""

    url: str
    address: tuple[str, int]
    thing: Thing
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[tuple[str, int]]:
    """The address of a server in this loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app))
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    started = asyncio.Event()
    startup = server.startup

    async def then_tell(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = then_tell  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await started.wait()
        yield listener.getsockname()[:2]
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


@contextmanager
def served(
    opened: Callable[[], AbstractAsyncContextManager[Thing]], app_of: Callable[[Thing], FastAPI]
) -> Iterator[Served[Thing]]:
    """What `opened` opens, its application served from a thread until the block ends."""
    ready, done = threading.Event(), threading.Event()
    made: list[Served[Thing] | BaseException] = []

    async def whole() -> None:
        loop = asyncio.get_running_loop()
        async with opened() as thing, listening(app_of(thing)) as address:
            made.append(Served(f"http://127.0.0.1:{address[1]}", address, thing, loop))
            ready.set()
            await loop.run_in_executor(None, done.wait)

    def run() -> None:
        try:
            asyncio.run(whole())
        except BaseException as error:
            made.append(error)
            ready.set()

    thread = threading.Thread(target=run, name="served")
    thread.start()
    try:
        ready.wait(120)
        if isinstance(made[0], BaseException):
            raise made[0]
        yield made[0]
    finally:
        done.set()
        thread.join(60)
    assert len(made) == 1, made[1]
