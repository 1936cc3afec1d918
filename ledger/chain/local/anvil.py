"""anvil as a child process, and an ordered pipe to it.

The child listens on 127.0.0.1 at a port the system picks, keeps nothing on disk, has no accounts, mines only when told
and computes with free gas. It holds none of our sockets or pipes except its own log line's. On Linux it is killed by
the kernel when the thread that started it ends, however that happens (`PR_SET_PDEATHSIG`); elsewhere a kill -9 of
this program leaves an anvil without a master, which owns no file and is in nobody's way.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from ledger.chain.rpc import INTERNAL, RpcError
from ledger.errors import NotReady, Unavailable

_PACKAGED = Path(__file__).parents[3] / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
_START_SECONDS = 30.0
_ANSWER_SECONDS = 300.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Genesis:
    """What a local chain begins with. `timestamp` in Unix seconds (2025-01-01), `gas_limit` per block."""

    chain_id: int = 20250801
    timestamp: int = 1_735_689_600
    gas_limit: int = 60_000_000


def find_anvil() -> Path:
    """The anvil binary: `ANVIL_BIN` if set, else the one installed with the contracts' packages.

    Raises `NotReady` if there is none, or it may not be run.
    """
    chosen = os.environ.get("ANVIL_BIN")
    path = Path(chosen) if chosen else _PACKAGED
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise NotReady(
            f"anvil is needed for the local chain and is not at {path}",
            remedy="Run any of ./scripts/* once to install it, or set ANVIL_BIN to an anvil 1.7 for this system.",
            path=str(path),
        )
    return path


class Anvil:
    """A running anvil. Start with `Anvil.start`; `exchange` raises `Unavailable` from the moment it is gone."""

    def __init__(self, process: Process, port: int, drain: asyncio.Task[None]) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._drain = drain
        self._pipe: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, binary: Path, genesis: Genesis, *, base: str, history: int) -> Self:
        """Start a fresh continuation of the chain at the URL `base`.

        `history`: how many past blocks `eth_call` can still be asked about.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                binary, *_arguments(genesis, base, history),
                stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
                start_new_session=True,  # Ctrl-C goes to us; we stop it in our own time
                preexec_fn=die_with_parent(),
                env={"HOME": os.environ.get("HOME", "/"), "RUST_LOG": "off"},
            )  # fmt: skip
        except OSError as error:
            raise NotReady(f"anvil cannot be started: {error}", path=str(binary)) from error
        try:
            async with asyncio.timeout(_START_SECONDS):
                port = await _listening(process)
        except BaseException as error:
            _kill(process)
            await process.wait()
            if isinstance(error, TimeoutError):
                raise Unavailable("anvil did not start in time") from error
            raise
        self = cls(process, port, asyncio.create_task(_read_away(process)))
        await self.exchange([("anvil_setLoggingEnabled", [False])])
        return self

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def exchange(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Run calls strictly one after another and return each result, or the `RpcError` in its place.

        All requests are written at once on one connection: HTTP/1.1 pipelining answers, and so runs, them in order,
        where a JSON-RPC batch runs its members side by side. Raises `Unavailable` if the connection breaks: then
        any number of them may have run.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    if self._pipe is None:
                        self._pipe = await asyncio.open_connection("127.0.0.1", self._port)
                    reader, writer = self._pipe
                    writer.writelines(_request(method, params) for method, params in calls)
                    answers = []
                    for _ in calls:
                        _acknowledge_at_once(writer)
                        answers.append(await _response(reader))
                    return answers
            except BaseException as error:
                self._hang_up()  # answers still under way would be taken for those of the next exchange
                if isinstance(error, OSError | EOFError | TimeoutError | ValueError):
                    raise Unavailable(f"anvil does not answer: {type(error).__name__}") from error
                raise

    async def stop(self) -> None:
        """Kill it: there is nothing in it to save."""
        self._hang_up()
        _kill(self.process)
        await self.process.wait()
        await self._drain

    def _hang_up(self) -> None:
        if self._pipe is not None:
            self._pipe[1].close()
            self._pipe = None


def _arguments(genesis: Genesis, base: str, history: int) -> list[str]:
    return [
        "--host", "127.0.0.1", "--port", "0", "--no-cors", "--no-request-size-limit", "--color", "never",
        "--no-mining", "--order", "fifo", "--accounts", "0", "--disable-default-create2-deployer",
        "--chain-id", str(genesis.chain_id), "--timestamp", str(genesis.timestamp),
        "--gas-limit", str(genesis.gas_limit), "--gas-price", "0", "--base-fee", "0", "--hardfork", "cancun",
        "--fork-url", base, "--fork-block-number", "0", "--no-storage-caching", "--no-rate-limit",
        # Without this anvil keeps a whole copy of the state for each of the last 500 blocks, then spills to $HOME.
        "--prune-history", str(history),
    ]  # fmt: skip


def die_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn`: the child is killed when the thread that starts it ends. None where the kernel cannot."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: between fork and exec nothing should allocate or import
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_kernel


async def _listening(process: Process) -> int:
    assert process.stdout is not None
    said = []
    async for line in process.stdout:
        text = line.decode(errors="replace").strip()
        if text.startswith("Listening on "):
            return int(text.rpartition(":")[2])
        said.append(text)
    raise Unavailable("anvil stopped while starting: " + " ".join(said)[-500:])


async def _read_away(process: Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(65536):
        pass


def _kill(process: Process) -> None:
    if process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            return  # it went by itself a moment ago


def _acknowledge_at_once(writer: asyncio.StreamWriter) -> None:
    """Else the second of two short answers waits 40 ms: anvil's Nagle for our delayed acknowledgement of the first."""
    if sys.platform == "linux":
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _request(method: str, params: Sequence[Any]) -> bytes:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    head = b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def _response(reader: asyncio.StreamReader) -> Any:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"content-length" not in fields:
        raise ValueError("an answer without its length")
    answer = orjson.loads(await reader.readexactly(int(fields[b"content-length"])))
    if "error" in answer:
        error = answer["error"]
        return RpcError(int(error.get("code", INTERNAL)), str(error.get("message", "")), error.get("data"))
    return answer.get("result")
