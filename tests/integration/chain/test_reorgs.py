"""A real node takes blocks back. Above the last final block the product follows; at or below it, it stops writing.

The node is an anvil that mines when it is told to. `anvil_rollback` takes blocks away; what is mined then differs.
"""

import asyncio
import json
import os
import random
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from keys.transaction import Transaction, sign_transaction
from ledger.chain.rpc import Rpc
from ledger.domain.acts import Duty, Role
from ledger.domain.submissions import SubmissionState
from ledger.errors import Diverged, WrongChain
from ledger.host import SystemClock
from ledger.services import api_keys
from ledger.settings import PREFIX
from tests.contracts.chain import ANVIL, free_port, running
from tests.harness.waiting import soon
from tests.harness.world import ROOT, World, make_home, opened
from tests.torture.machines import SHARELEDGER

CONFIRMATIONS = 3


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(port), "--hardfork", "cancun", "--accounts", "1"]
    command += ["--gas-price", "0", "--block-base-fee-per-gas", "0", "--order", "fifo", "--chain-id", "4243"]
    with running(command, port, tmp_path / "node-home"):
        yield f"http://127.0.0.1:{port}"


class Miner:
    """The test's hand on the node: nothing is mined unless it says so."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self._time = 0

    async def mine(self, blocks: int = 1) -> None:
        """Each block's time is new, so that a block mined again is another one."""
        for _ in range(blocks):
            newest = await self.rpc.call("eth_getBlockByNumber", "latest", False)
            self._time = max(self._time, int(newest["timestamp"], 16)) + 1
            await self.rpc.call("evm_mine", {"timestamp": self._time})

    async def take_back(self, blocks: int) -> None:
        await self.rpc.call("anvil_rollback", blocks)

    async def newest(self) -> int:
        return int(await self.rpc.call("eth_blockNumber"), 16)

    async def waiting(self) -> int:
        """Transactions in the pool."""
        return int((await self.rpc.call("txpool_status"))["pending"], 16)


@asynccontextmanager
async def ledger_on(url: str, tmp_path: Path, *, running: bool = True) -> AsyncIterator[tuple[World, Miner]]:
    """A ledger whose entry 0 is final, with a finality of its own."""
    home = await make_home(tmp_path / "home", rpc_urls=url)
    async with Rpc(url) as rpc:
        await rpc.call("evm_setAutomine", False)
        miner = Miner(rpc)
        await miner.mine(CONFIRMATIONS + 1)
        async with opened(home, rpc_urls=url, confirmations=CONFIRMATIONS, idle_ms=20, running=running) as world:
            yield world, miner


def reaches(world: World, digest: str, state: SubmissionState) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return (await world.submission(digest)).state is state

    return reached


async def rebuild(home: Path, url: str, *options: str) -> Any:
    """What `shareledger store rebuild` answers."""
    settings = {"HOME": str(home), "RPC_URLS": url, "CONFIRMATIONS": str(CONFIRMATIONS)}
    environment = os.environ | {PREFIX + name: value for name, value in settings.items()}
    command = (SHARELEDGER, "store", "rebuild", "--json", *options)
    child = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=environment)
    told, _ = await child.communicate()
    assert child.returncode == 0, told
    return json.loads(told)


def seen(world: World, block: int) -> Callable[[], Awaitable[bool]]:
    async def followed() -> bool:
        reached = world.runtime.loops.follower.reached
        return reached is not None and reached.block.number >= block - CONFIRMATIONS

    return followed


async def included(world: World, miner: Miner, code: str) -> str:
    """An act in a block that is not final."""
    digest = await world.register(code)
    await soon(miner.waiting)
    await miner.mine()
    await soon(reaches(world, digest, SubmissionState.INCLUDED))
    return digest


async def made_final(world: World, miner: Miner, *digests: str) -> None:
    for digest in digests:
        ended = reaches(world, digest, SubmissionState.FINAL)

        async def mined(ended: Callable[[], Awaitable[bool]] = ended) -> bool:
            await miner.mine()
            return await ended()

        await soon(mined)


async def test_an_included_act_whose_block_is_taken_back_lands_again(url: str, tmp_path: Path) -> None:
    async with ledger_on(url, tmp_path) as (world, miner):
        digest = await included(world, miner, "c1")
        await miner.take_back(1)
        await miner.mine(2)  # without it
        await made_final(world, miner, digest)
        await miner.mine(CONFIRMATIONS)
        await world.settle()
        history = (await world.submission(digest)).history
    states = [step.state.value for step in history]
    assert states[:4] == ["queued", "sent", "included", "sent"]
    assert states[-1] == "final"
    assert history[3].note == "its block is no longer part of the chain"


async def test_where_another_transaction_took_its_nonce_the_acts_go_into_a_new_one(url: str, tmp_path: Path) -> None:
    async with ledger_on(url, tmp_path) as (world, miner):
        runtime = world.runtime
        digest = await included(world, miner, "c1")
        assert runtime.loops.submitter is not None and runtime.keyring is not None
        courier = runtime.loops.submitter.packer.courier
        async with runtime.store.read() as work:
            (carried,) = await work.carried(courier)
        await miner.take_back(1)
        signer = await runtime.keyring.unlock(courier)
        empty = Transaction(chain_id=4243, nonce=carried.nonce, gas=21_000, to=courier, payload=b"")
        raw, _ = sign_transaction(signer, empty)
        await miner.rpc.call("anvil_dropAllTransactions")
        await miner.rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
        await miner.mine()
        await made_final(world, miner, digest)
        found = await world.submission(digest)
        assert found.transaction != carried.hash
        assert "its transaction was displaced" in [step.note for step in found.history]


async def test_final_history_taken_back_stops_the_writing(url: str, tmp_path: Path) -> None:
    async with ledger_on(url, tmp_path) as (world, miner):
        runtime = world.runtime
        first = await included(world, miner, "c1")
        await made_final(world, miner, first)
        issued = await api_keys.issue(runtime.store, SystemClock(), ROOT, Duty.DIRECTOR, Role.AUTHORITY, "test", days=1)
        await soon(seen(world, await miner.newest()))
        async with runtime.store.read() as work:
            before = await work.cursor()
            (entry,) = await work.entries(0, 10)
        depth = await miner.newest() - entry.block_number + 1
        await miner.take_back(depth)
        await miner.mine(depth + 2)

        async def stopped() -> bool:
            return runtime.loops.diverged is not None

        await soon(stopped)
        with pytest.raises(Diverged, match="was final with hash"):
            runtime.check_writable()
        transport = httpx.ASGITransport(app=create_app(runtime))
        headers = {"Authorization": f"Bearer {issued.token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as http:
            body = {"department": "c2", "parent": ROOT, "level": 4, "roles": 2}
            refused = await http.post("/v1/departments", json=body)
            ready = await http.get("/readyz")
            told = await http.get("/v1/departments/c1")
        assert (refused.status_code, refused.json()["code"]) == (503, "diverged")
        assert ready.status_code == 503
        assert told.status_code == 200, "what was final can still be read"
        async with runtime.store.read() as work:
            assert await work.cursor() == before, "nothing was written"
            assert [entry.digest for entry in await work.entries(0, 10)] == [first]
    home = tmp_path / "home"
    with pytest.raises(WrongChain, match="was final with hash"):
        async with opened(home, rpc_urls=url, confirmations=CONFIRMATIONS):
            raise AssertionError("it opened on a chain that contradicts what was final")

    rebuilt = await rebuild(home, url, "--accept-new-history")
    assert (rebuilt["entries"], rebuilt["sent_again"]) == (1, 1)
    async with Rpc(url) as rpc, opened(home, rpc_urls=url, confirmations=CONFIRMATIONS, idle_ms=20) as world:
        await made_final(world, Miner(rpc), first)
        states = [step.state.value for step in (await world.submission(first)).history]
        async with world.runtime.store.read() as work:
            assert [entry.digest for entry in await work.entries(0, 10)] == [first]
    assert states.count("final") == 2


async def test_a_node_that_is_behind_is_waited_for(url: str, tmp_path: Path) -> None:
    async with ledger_on(url, tmp_path) as (world, miner):
        loops = world.runtime.loops
        first = await included(world, miner, "c1")
        await made_final(world, miner, first)
        await world.settle([first])
        await miner.take_back(CONFIRMATIONS + 1)  # its newest block lies before our last one

        async def says_so() -> bool:
            return "we followed" in loops.trouble.get("follower", "")

        await soon(says_so)
        assert loops.diverged is None, "being behind contradicts nothing"


async def test_reorgs_again_and_again_under_load(url: str, tmp_path: Path) -> None:
    chance = random.Random(20251123)
    taken_back = 0
    async with ledger_on(url, tmp_path) as (world, miner):
        digests: list[str] = []
        for number in range(12):
            digests += [await world.register(f"c{number}.{part}") for part in range(chance.randint(1, 4))]
            await soon(miner.waiting)
            depth = chance.randint(1, CONFIRMATIONS)
            await miner.mine(depth)
            if chance.random() < 0.5:  # else the product may not have seen these blocks at all
                await soon(seen(world, await miner.newest()))
            if chance.random() < 0.7:
                back = chance.randint(1, min(depth, CONFIRMATIONS))
                await miner.take_back(back)
                taken_back += back
                await miner.mine(chance.randint(back, back + 1))
        await made_final(world, miner, *digests)
        await miner.mine(CONFIRMATIONS)
        await world.settle()
        async with world.runtime.store.read() as work:
            entries = await work.entries(0, 1000)
        assert world.runtime.loops.diverged is None
    assert sorted(entry.digest for entry in entries) == sorted(digests)
    assert taken_back > 5
