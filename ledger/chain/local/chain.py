"""`LocalChain`: the local chain of one folder, as long as its `async with` block lasts.

The folder holds `chain.sqlite3` (the journal), `chain.lock` (who drives it) and, while it runs, `rpc.json` (where).
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from ledger.chain.local.address import announce, running_endpoint, withdraw
from ledger.chain.local.anvil import Genesis, find_anvil
from ledger.chain.local.base import EmptyBase
from ledger.chain.local.journal import Journal
from ledger.chain.local.loopback import Server, listen, url_of
from ledger.chain.local.sequencer import Sequencer
from ledger.chain.local.server import BASE_PATH, Endpoint
from ledger.errors import Conflict, Corrupt, NotReady

__all__ = ["LocalChain", "running_endpoint"]


class LocalChain:
    """The durable local chain in `directory`.

    Entering starts anvil, replays the journal (calling `on_progress(done, total)` in blocks) and listens on 127.0.0.1
    at `port`, 0 for any. `history` is how many past blocks `eth_call` can be asked about: each costs a copy of the
    state. `fault` is called with the name of each step of the sequencer (`sequencer.STEPS`); `clock` gives Unix time.

    Raises `NotReady` without anvil, `Conflict` if another process drives the chain of this folder, `WrongChain` if the
    journal is of another chain or replays to other hashes, `Corrupt` if it cannot be read.
    """

    def __init__(
        self,
        directory: Path,
        *,
        chain_id: int = Genesis().chain_id,
        port: int = 0,
        anvil: Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        history: int = 8,
        fault: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.chain_id = chain_id
        self.url = ""
        self._port = port
        self._anvil = anvil
        self._on_progress = on_progress
        self._history = history
        self._fault = fault
        self._clock = clock
        self._sequencer: Sequencer | None = None
        self._stack = AsyncExitStack()

    @property
    def failure(self) -> NotReady | Corrupt | None:
        """Why the chain has stopped for good while running, if it has; it then answers 503 to everything."""
        return self._sequencer.failure if self._sequencer else None

    @property
    def anvil_pid(self) -> int | None:
        """The process id of the anvil in use, or None while there is none in step."""
        return self._sequencer.anvil_pid if self._sequencer else None

    async def __aenter__(self) -> Self:
        binary = self._anvil or find_anvil()
        genesis = Genesis(chain_id=self.chain_id)
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        async with AsyncExitStack() as stack:
            stack.enter_context(_only_driver(self.directory))
            journal = stack.enter_context(contextlib.closing(Journal(self.directory / "chain.sqlite3")))
            listener = stack.enter_context(listen(self._port))
            self._sequencer = Sequencer(
                journal, binary, genesis, base=url_of(listener) + BASE_PATH,
                history=self._history, on_progress=self._on_progress, fault=self._fault, clock=self._clock,
            )  # fmt: skip
            server = Server(Endpoint(self._sequencer, EmptyBase(genesis), self.chain_id))
            await server.begin(listener)  # anvil needs the base at once; all others get 503 until the replay ends
            stack.push_async_callback(server.end)
            await self._sequencer.start()
            stack.push_async_callback(self._sequencer.stop)
            self.url = url_of(listener)
            announce(self.directory, self.url, self.chain_id)
            stack.callback(withdraw, self.directory)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


@contextlib.contextmanager
def _only_driver(directory: Path) -> Iterator[None]:
    """Hold the folder's lock. The system lets go of it when this process ends, however it does."""
    file = os.fdopen(os.open(directory / "chain.lock", os.O_CREAT | os.O_RDWR, 0o600), "r+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = file.read().strip() or "unknown"
            raise Conflict(
                f"the local chain in {directory} is driven by process {pid}",
                remedy="Stop that process, or use the chain through its address in rpc.json.",
                pid=pid,
            ) from error
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
