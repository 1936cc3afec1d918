"""The server process: API and loops side by side, stopped cleanly by SIGTERM or SIGINT."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from api.app import create_app
from api.connections import server_config
from ledger import memory
from ledger.errors import NotReady
from ledger.runtime import open_runtime

if TYPE_CHECKING:
    from keys.passphrases import PassphraseSource
    from ledger.settings import Settings

SWITCH_SECONDS = 0.0005
GRACE = 10  # seconds that requests under way get to finish


async def serve(
    settings: "Settings",
    passphrase: "PassphraseSource",
    announce: Callable[[str], None],
    on_progress: Callable[[int, int], None] | None = None,
    *,
    pin: "PassphraseSource | None" = None,
) -> None:
    """Until a signal asks to stop. `announce` is told the address once connections are accepted. `pin` is the token's.

    The order of stopping: no new requests, those under way finish, the loops end, the chain is stopped last.
    Raises NotReady if the address is taken, what `open_runtime` raises, and whatever stops a loop for good.
    """
    stopper = Stopper()
    try:
        with stopper.listening(), _listening(settings) as listener:
            async with open_runtime(settings, passphrase, pin=pin, on_progress=on_progress) as runtime:
                proxies = runtime.settings.trusted_proxies
                server = _Server(server_config(create_app(runtime), proxies, grace_seconds=GRACE), announce)
                stopper.server = server
                memory.settle()
                async with asyncio.TaskGroup() as group:
                    loops = group.create_task(runtime.run())
                    await server.serve(sockets=[listener])
                    loops.cancel()
    except asyncio.CancelledError:
        if not stopper.asked:
            raise
    except BaseExceptionGroup as group:  # one of the two failed, and the other was cancelled for it
        raise group.exceptions[0] from None


def run(work: Coroutine[Any, Any, None]) -> None:
    """To its end, in an event loop made for serving.

    The database and the signatures are worked at in threads that need the interpreter for moments only; by default
    each such moment is waited for five milliseconds while a request is being read.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(work)


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


class Stopper:
    """What a signal does: ask the server to finish, or, before there is one, end the start. Again: do not wait."""

    def __init__(self) -> None:
        self.asked = False
        self.server: uvicorn.Server | None = None
        self._task = asyncio.current_task()

    def stop(self) -> None:
        if self.server is not None:
            self.server.force_exit = self.asked
            self.server.should_exit = True
        elif self._task is not None:
            self._task.cancel()
        self.asked = True

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """For SIGTERM and SIGINT, until the block ends."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


@contextlib.contextmanager
def _listening(settings: "Settings") -> Iterator[socket.socket]:
    """Taken before anything else is opened: uvicorn would only find out later, and end the process by itself."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise NotReady(
            f"{settings.host} port {settings.port} cannot be listened on: {error.strerror}",
            remedy="Stop what uses it, or set SHARELEDGER_PORT to another (0: any).",
        ) from error
    with listener:
        yield listener


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            self._announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again once it has stopped, and so end the process before we have."""
        yield
