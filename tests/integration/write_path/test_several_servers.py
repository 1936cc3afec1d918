"""Several servers on one ledger: acts sent to any of them become final once; who carries dies, and another takes over.

Each server is the real thing, `shareledger serve`, in a process of its own. The chain belongs to the test.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ledger.domain.acts import Duty, Role
from ledger.host import SystemClock
from ledger.ports import Lease
from ledger.services import api_keys
from ledger.settings import PREFIX
from tests.harness.waiting import soon
from tests.harness.world import BESIDE, ROOT, World, opened
from tests.torture.load import Load
from tests.torture.machines import SHARELEDGER, Machine

SERVERS = 3
SECONDS_TO_TAKE_OVER = 4.0  # below the five seconds that the lease of a living process lasts


@dataclass
class City:
    world: World
    servers: list[Machine]
    load: Load

    async def lease(self) -> Lease | None:
        assert self.world.runtime.loops.submitter is not None
        async with self.world.runtime.store.read() as work:
            return await work.lease_of(self.world.runtime.loops.submitter.packer.courier)

    async def carrier(self) -> Machine:
        lease = await soon(self.lease)
        pid = int(lease.holder.split(":")[1])
        return next(one for one in self.servers if one.process is not None and one.process.pid == pid)

    async def taken_over(self, dead: Machine) -> bool:
        """Whether a server that lives carries now."""
        lease, pid = await self.lease(), dead.process.pid if dead.process else 0
        return lease is not None and lease.expires > 0 and int(lease.holder.split(":")[1]) != pid

    async def rest(self) -> None:
        """Everything that was acknowledged is final, exactly once, and the whole ledger is as it should be."""
        await self.load.pause()
        await self.world.settle()
        checked = await self.world.recheck(self.load.acknowledged)
        recorded = Counter(entry.digest for entry in checked.entries)
        assert self.load.refused == []
        assert {recorded[digest] for digest in self.load.acknowledged} == {1}
        assert {one.state.value for one in checked.submissions.values()} == {"final"}


@asynccontextmanager
async def city(home: Path) -> AsyncIterator[City]:
    settings = {PREFIX + "HOME": str(home), PREFIX + "PORT": "0", PREFIX + "LOG_LEVEL": "WARNING"}
    if url := os.environ.get(PREFIX + "DATABASE_URL"):
        settings[PREFIX + "DATABASE_URL"] = url
    command = (str(SHARELEDGER), "serve", "--passphrase-file", str(home / BESIDE), "--json")
    servers = [Machine(f"server {n}", command, home / f"server-{n}.log", settings) for n in range(SERVERS)]
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(opened(home, running=False))
        runtime = world.runtime
        issued = await api_keys.issue(runtime.store, SystemClock(), ROOT, Duty.DIRECTOR, Role(7), "test", days=1)
        assert runtime.keyring is not None
        signer = await runtime.keyring.unlock(runtime.manifest.opening["first_key"])
        for server in servers:
            stack.push_async_callback(server.kill)
        await asyncio.gather(*(server.start() for server in servers))

        def addresses() -> list[str]:
            return [json.loads(server.said)["address"] for server in servers if server.alive and server.said]

        load = Load(addresses, issued.token, signer, runtime.manifest, random.Random(7))
        clients = asyncio.create_task(load.run())
        stack.push_async_callback(asyncio.wait, [clients])
        stack.callback(clients.cancel)
        yield City(world, servers, load)


@pytest.mark.timeout(240)
async def test_acts_sent_to_any_server_become_final_once_whoever_carries_dies(home: Path) -> None:
    async with city(home) as here:
        await _one_request_to_all_of_them(here)
        here.load.resume()
        await here.load.acknowledgements(30)
        for _ in range(SERVERS - 1):
            dead = await here.carrier()
            await dead.kill()
            began = time.monotonic()
            await soon(lambda dead=dead: here.taken_over(dead))  # type: ignore[misc]
            took = time.monotonic() - began
            assert took < SECONDS_TO_TAKE_OVER, took
            await here.load.acknowledgements(20)
        assert sum(server.alive for server in here.servers) == 1
        await here.rest()
        assert here.load.again > 0, "clients noticed"


async def _one_request_to_all_of_them(here: City) -> None:
    """With the same Idempotency-Key, at once: one act, one answer. And every server shows what is final."""
    addresses, codes = here.load.addresses(), [f"s.{number}" for number in range(6)]
    headers = {"Authorization": f"Bearer {here.load.token}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as http:

        async def post(address: str, code: str) -> str:
            body = {"department": code, "parent": ROOT, "level": 4, "roles": 2}
            while True:
                key = {"Idempotency-Key": f"request-{code}"}
                answer = await http.post(f"{address}/v1/departments", json=body, headers=key)
                if answer.status_code not in (409, 503):  # another of them is still answering it, or writing
                    assert answer.status_code in (201, 202), answer.text
                    return str(answer.json()["digest"])

        digests = set()
        for code in codes:
            told = set(await asyncio.gather(*(post(address, code) for address in addresses)))
            assert len(told) == 1
            digests |= told
        await here.world.settle(digests)
        await here.world.recheck(digests)
        for address in addresses:
            page = (await http.get(f"{address}/v1/departments", params={"limit": 100})).json()
            assert sorted([ROOT, *codes]) == [item["code"] for item in page["items"]]
