"""The product under measurement: a home of its own, founded with the bench's keys, and `shareledger up` on it."""

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from keys.passphrases import generate
from keys.private_files import create_private
from keys.signer import LocalSigner
from ledger.domain.acts import Duty, Level, Role
from ledger.domain.manifest import Manifest
from ledger.founding import found
from ledger.host import SystemClock
from ledger.services import api_keys
from ledger.settings import PREFIX, Settings
from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore

ROOT: Final = "341500"
SHARELEDGER: Final = Path(__file__).parents[2] / ".venv/bin/shareledger"
START_SECONDS: Final = 120
STOP_SECONDS: Final = 30
MIB: Final = 1 << 20


@dataclass
class Product:
    """A founded ledger. `directors` are the root's two keys, which the bench keeps."""

    folder: Path
    directors: tuple[LocalSigner, LocalSigner]
    manifest: Manifest
    address: str = ""
    _server: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.folder / "home")

    @classmethod
    def found(cls, folder: Path) -> "Product":
        passphrase = generate()
        create_private(folder / "passphrase", passphrase.reveal() + b"\n")
        directors = (LocalSigner(os.urandom(32)), LocalSigner(os.urandom(32)))
        addresses = tuple(each.address for each in directors)
        roles = Role.AUTHORITY | Role.PROVIDER | Role.CONSUMER | Role.AUDITOR
        settings = Settings(home=folder / "home")
        founding = found(
            settings, lambda: passphrase, code=ROOT, level=Level.CITY, roles=roles, directors=addresses, name="bench"
        )
        return cls(folder, directors, asyncio.run(founding).manifest)

    @contextmanager
    def running(self) -> Iterator[psutil.Process]:
        """`shareledger up` on a free port, until the block ends; `address` is where."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        own = {"HOME": str(self.settings.home), "PORT": "0", "LOG_LEVEL": "WARNING"}
        with (self.folder / "server.log").open("a") as log:
            server = subprocess.Popen(
                [str(SHARELEDGER), "up", "--passphrase-file", str(self.folder / "passphrase"), "--json"],
                env=kept | {PREFIX + name: value for name, value in own.items()},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        try:
            self.address = self._told_address(server)
            yield psutil.Process(server.pid)
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_SECONDS)
            server.kill()
            server.wait()
            assert server.stdout is not None
            server.stdout.close()

    def _told_address(self, server: "subprocess.Popen[str]") -> str:
        late = threading.Timer(START_SECONDS, server.kill)
        late.start()
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            return str(json.loads(line)["address"])
        except (ValueError, KeyError):
            said = (self.folder / "server.log").read_text()[-2000:]
            raise RuntimeError(f"`shareledger up` did not start: {line}{said}") from None
        finally:
            late.cancel()

    async def api_keys(self, departments: Sequence[str], roles: Role) -> list[str]:
        """A new API key each, as `shareledger api-key issue` makes them."""
        engine = open_engine(self.settings.database)
        store = SqlStore(engine, self.manifest.chain_id)
        try:
            while not await _followed(store):  # noqa: ASYNC110 - it has just been started
                await asyncio.sleep(0.02)
            return [
                (await api_keys.issue(store, SystemClock(), code, Duty.DIRECTOR, roles, "bench", 1)).token
                for code in departments
            ]
        finally:
            await engine.dispose()


async def _followed(store: SqlStore) -> bool:
    async with store.read() as work:
        return await work.cursor() is not None


def resident(process: psutil.Process) -> dict[str, float]:
    """Resident memory in MiB, by name: the product's own process, and what it started (the local chain's anvil)."""
    children = sum(child.memory_info().rss for child in process.children(recursive=True))
    return {"product": process.memory_info().rss / MIB, "chain": children / MIB}


def cpu_seconds(process: psutil.Process) -> dict[str, float]:
    """Processor time so far, by the same names."""
    return {"product": _spent(process), "chain": sum(map(_spent, process.children(recursive=True)))}


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
