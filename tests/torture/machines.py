"""The processes that are killed: the chain, and two servers of the product on one home. Each is the real thing.

chain      the local chain alone, always at the same port; its pool is in its memory, so killing it wipes the pool
servers    `shareledger up`, API and loops; whichever holds the lease carries
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ledger.settings import PREFIX
from tests.harness.waiting import SECONDS
from tests.harness.world import BESIDE

ROOT = Path(__file__).parents[2]
SHARELEDGER = ROOT / ".venv/bin/shareledger"


@dataclass
class Machine:
    """One process of a kind, started again after each kill. `said` is the first line it prints once it is ready."""

    name: str
    command: tuple[str, ...]
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    said: str = ""
    process: Process | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, stdin=DEVNULL, stdout=PIPE, stderr=log, env=kept | self.settings
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            self.said = (await self.process.stdout.readline()).decode().strip()
        told = f"{self.said} {self.log.read_text()[-2000:]}"
        assert "error" not in self.said and self.said, f"{self.name} did not start: {told}"

    async def kill(self) -> None:
        """SIGKILL: it gets to do nothing more."""
        if self.process is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()


@dataclass
class Machines:
    """All of them, around one home."""

    folder: Path  # of the chain, and of what all of them log
    chain: Machine
    servers: tuple[Machine, ...]

    @classmethod
    def around(cls, home: Path, port: int, folder: Path, servers: int = 2) -> "Machines":
        """`port`: where the chain listens, now and after each of its deaths."""
        path = {"PYTHONPATH": str(ROOT)}
        driver = str(Path(__file__).with_name("chain_process.py"))
        chain = (sys.executable, "-P", driver, str(folder / "chain"), str(port))
        up = (str(SHARELEDGER), "up", "--passphrase-file", str(home / BESIDE), "--json")
        settings = path | {
            PREFIX + "HOME": str(home),
            PREFIX + "RPC_URLS": f"http://127.0.0.1:{port}",
            PREFIX + "PORT": "0",
            PREFIX + "LOG_LEVEL": "WARNING",
        }
        return cls(
            folder,
            Machine("chain", chain, folder / "chain.log", path),
            tuple(Machine(f"server {n + 1}", up, folder / f"server-{n + 1}.log", settings) for n in range(servers)),
        )

    @property
    def addresses(self) -> list[str]:
        """Of the servers that run."""
        return [json.loads(server.said)["address"] for server in self.servers if server.alive and server.said]

    async def start(self) -> None:
        if not self.chain.alive:
            await self.chain.start()
        await asyncio.gather(*(server.start() for server in self.servers if not server.alive))

    async def kill(self, victims: Sequence[Machine]) -> None:
        await asyncio.gather(*(victim.kill() for victim in victims))

    def kill_anvil(self) -> None:
        """The child of the chain's process, which is to start another."""
        pid = int((self.folder / "chain" / "anvil.pid").read_text())
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # dead already: its parent died a moment ago

    async def end(self) -> None:
        await self.kill((self.chain, *self.servers))
