"""The server process: API and loops side by side, stopped cleanly by SIGTERM or SIGINT."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from api.app import create_app
from ledger.runtime import Runtime, open_runtime

if TYPE_CHECKING:
    from keys.passphrases import PassphraseSource
    from ledger.settings import Settings


async def serve(
    settings: "Settings",
    passphrase: "PassphraseSource",
    announce: Callable[[str], None],
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Until a signal asks to stop. `announce` is told the address once connections are accepted.

    The order of stopping: no new requests, those under way finish, the loops end, the chain is stopped last.
    Raises what `open_runtime` raises, and whatever stops a loop for good.
    """
    async with open_runtime(settings, passphrase, on_progress=on_progress) as runtime:
        server = _Server(_config(settings, runtime), announce)
        async with asyncio.TaskGroup() as group:
            loops = group.create_task(runtime.loops.run())
            with _stopped_by_signals(server):
                await server.serve()
            loops.cancel()


def _config(settings: "Settings", runtime: Runtime) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(runtime),
        host=settings.host,
        port=settings.port,
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again once it has stopped, and so end the process before we have."""
        yield


@contextlib.contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop(*_: Any) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
