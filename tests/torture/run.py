"""Kill, start again, re-check the whole ledger, as often as asked: `python -m tests.torture.run --kills 200 --json`.

A round: the load runs until some more acts are acknowledged; somebody dies at a moment that nothing is known about;
what died is started again; the load goes on a little, then rests; when all has settled, the ledger is re-checked.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from keys.keyring import Keyring
from keys.keystore import Keystore
from ledger.domain.acts import Duty, Role
from ledger.host import SystemClock
from ledger.services import api_keys
from tests.contracts.chain import free_port
from tests.harness.recheck import Rechecked
from tests.harness.world import ROOT, World, make_home, opened, source_of
from tests.torture.load import Load
from tests.torture.machines import Machine, Machines

VICTIMS = ("carrier", "other server", "both servers", "anvil", "chain", "chain and carrier", "everything")
SETTLE_SECONDS = 120.0


@dataclass
class Torture:
    """`home`: whose processes die."""

    home: Path
    machines: Machines
    load: Load
    world: World
    chance: random.Random
    by_victim: Counter[str] = field(default_factory=Counter)
    checked: Rechecked | None = None

    async def round(self, victim: str) -> None:
        """Raises AssertionError: what is wrong with the ledger after somebody died."""
        self.load.resume()
        await self.load.acknowledgements(self.chance.randint(1, 40))
        await asyncio.sleep(self.chance.random() * 0.05)  # not only right after an answer
        await self._kill(victim)
        self.by_victim[victim] += 1
        await self.machines.start()
        await self.load.acknowledgements(self.chance.randint(1, 15))
        await self.load.pause()
        await self.world.settle(seconds=SETTLE_SECONDS)
        self.checked = await self.world.recheck(self.load.acknowledged)
        stored = self.checked.submissions
        unsettled = [one for one in stored.values() if one.state != "final"]
        assert not unsettled, f"not final: {[(one.digest, one.state.value, one.reason) for one in unsettled[:3]]}"
        assert not self.load.refused, f"refused: {self.load.refused[:3]}"

    async def _kill(self, victim: str) -> None:
        if victim == "anvil":
            self.machines.kill_anvil()
            return
        chain, servers, carrier = self.machines.chain, self.machines.servers, self._carrier()
        dead: dict[str, Sequence[Machine]] = {
            "carrier": [carrier],
            "other server": [server for server in servers if server is not carrier],
            "both servers": servers,
            "chain": [chain],
            "chain and carrier": [chain, carrier],
            "everything": [chain, *servers],
        }
        await self.machines.kill(dead[victim])

    def _carrier(self) -> Machine:
        """The server that holds the lease; the first while none does."""
        with contextlib.closing(sqlite3.connect(self.home / "store" / "ledger.sqlite3")) as database:
            holders = [holder for (holder,) in database.execute("SELECT holder FROM leases")]
        pids = [int(holder.split(":")[1]) for holder in holders]
        servers = self.machines.servers
        return next((one for one in servers if one.process is not None and one.process.pid in pids), servers[0])

    def result(self, failures: Sequence[str]) -> dict[str, Any]:
        """`final`: how many of the acknowledged acts have exactly one entry, by the chain's own logs."""
        recorded = Counter(entry.digest for entry in self.checked.entries) if self.checked else Counter()
        return {
            "kills": self.by_victim.total(),
            "acknowledged": len(self.load.acknowledged),
            "final": sum(recorded[digest] == 1 for digest in self.load.acknowledged),
            "entries": recorded.total(),
            "transactions": self.checked.transactions if self.checked else 0,
            "in_doubt": self.load.doubtful,
            "sent_again": self.load.again,
            "by_victim": dict(sorted(self.by_victim.items())),
            "failures": list(failures),
        }


async def torture(kills: int, seed: int, folder: Path, progress: Progress) -> dict[str, Any]:
    """Ends at the first round that finds something wrong; the folder is left as it then is."""
    chance, port, home = random.Random(seed), free_port(), folder / "home"
    url, failures = f"http://127.0.0.1:{port}", []
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]  # each kind as often as any other
    chance.shuffle(victims)
    machines = Machines.around(home, port, folder)
    try:
        await machines.chain.start()
        await make_home(home, rpc_urls=url)
        await machines.start()
        async with opened(home, rpc_urls=url, running=False) as world, contextlib.AsyncExitStack() as stack:
            load = await _load(home, world, machines, chance)
            clients = asyncio.create_task(load.run())
            stack.push_async_callback(_cancelled, clients)
            run = Torture(home, machines, load, world, chance)
            task = progress.add_task("killed", total=kills)
            for victim in victims:
                try:
                    await _unless_ended(run.round(victim), clients)
                except (AssertionError, TimeoutError) as error:
                    failures.append(f"after the death of {victim}: {error!r}")
                    break
                progress.advance(task)
            return run.result(failures)
    finally:
        await machines.end()


async def _load(home: Path, world: World, machines: Machines, chance: random.Random) -> Load:
    manifest = world.runtime.manifest
    signer = await Keyring(Keystore(home / "keystore"), source_of(home)).unlock(manifest.opening["first_key"])
    roles = Role.AUTHORITY | Role.PROVIDER | Role.CONSUMER
    issued = await api_keys.issue(world.runtime.store, SystemClock(), ROOT, Duty.DIRECTOR, roles, "torture", days=1)
    return Load(lambda: machines.addresses, issued.token, signer, manifest, chance)


async def _unless_ended(work: Any, other: "asyncio.Task[None]") -> None:
    """Do the work; if the other task ends meanwhile, raise what ended it."""
    mine = asyncio.ensure_future(work)
    await asyncio.wait({mine, other}, return_when=asyncio.FIRST_COMPLETED)
    if not mine.done():
        await _cancelled(mine)
        other.result()
    await mine


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/torture", description="kill -9 under load, and re-check everything")
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="how often somebody dies (default 200)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which victims, and when (default 1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the ledger and the logs in this empty folder")
    parser.add_argument("--json", action="store_true", help="print one object")
    asked = parser.parse_args()
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal,
    )  # fmt: skip
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        if asked.keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shareledger-torture-")))
        else:
            folder = asked.keep
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(folder.iterdir()):
                parser.error(f"{folder} is not empty")
        stack.enter_context(bar)
        result = asyncio.run(torture(asked.kills, asked.seed, folder, bar))
    result["seconds"] = round(time.monotonic() - began, 1)
    if asked.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:>14}  {value}")
    return 1 if result["failures"] or result["final"] != result["acknowledged"] else 0


if __name__ == "__main__":
    sys.exit(main())
