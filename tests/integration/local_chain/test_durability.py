"""The chain comes back: the same block hashes after every kind of end."""

import asyncio
import os
import random
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.local import LocalChain
from ledger.chain.local.journal import Block, Journal
from ledger.chain.local.sequencer import STEPS
from ledger.chain.rpc import Rpc, number, unhexed
from ledger.errors import Corrupt, Unavailable, WrongChain
from tests.integration.local_chain.world import (
    COUNTER_INIT,
    Sender,
    deliver,
    endpoint,
    gone,
    hash_of,
    history,
    mine,
    receipt,
    start_child,
    until,
)


async def a_short_history(directory: Path) -> list[dict[str, Any]]:
    sender = Sender()
    async with LocalChain(directory) as chain, Rpc(chain.url) as rpc:
        created = await mine(rpc, sender.sign(to=None, data=COUNTER_INIT))
        assert created["status"] == "0x1"
        for _ in range(3):
            called = await mine(rpc, sender.sign(to=created["contractAddress"]))
        assert number(called["logs"][0]["data"]) == 3
        return await history(rpc)


async def test_a_clean_restart_gives_the_same_blocks_and_logs(tmp_path: Path) -> None:
    before = await a_short_history(tmp_path)
    progress: list[tuple[int, int]] = []
    async with LocalChain(tmp_path, on_progress=lambda *step: progress.append(step)) as chain, Rpc(chain.url) as rpc:
        assert await history(rpc) == before
    assert progress[-1] == (4, 4)


async def test_many_blocks_may_share_a_second_and_time_never_goes_back(tmp_path: Path) -> None:
    times = iter([1_800_000_000.9, 1_800_000_000.0, 1_700_000_000.0, 1_800_000_007.0])
    sender = Sender()
    async with LocalChain(tmp_path, clock=lambda: next(times)) as chain, Rpc(chain.url) as rpc:
        for _ in range(3):
            await mine(rpc, sender.sign())
        before = await history(rpc)
    assert [number(block["timestamp"]) - 1_800_000_000 for block in before[1:-1]] == [0, 0, 7]
    async with LocalChain(tmp_path, clock=lambda: 1_750_000_000.0) as chain, Rpc(chain.url) as rpc:
        assert (await history(rpc))[:-1] == before[:-1]
        again = await mine(rpc, sender.sign())
        block = await rpc.call("eth_getBlockByNumber", again["blockNumber"], False)
        assert number(block["timestamp"]) == 1_800_000_007


async def test_pending_calls_see_the_present_after_a_replay(tmp_path: Path) -> None:
    sender = Sender()
    async with LocalChain(tmp_path, clock=lambda: 1_750_000_000.0) as chain, Rpc(chain.url) as rpc:
        await mine(rpc, sender.sign())
    async with LocalChain(tmp_path, clock=lambda: 1_800_000_000.0) as chain, Rpc(chain.url) as rpc:
        ask_time = {"data": "0x425f5260205ff3"}
        assert number(await rpc.call("eth_call", ask_time, "latest")) == 1_750_000_000
        assert number(await rpc.call("eth_call", ask_time, "pending")) >= 1_800_000_000


async def test_anvil_killed_under_load_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    senders = [Sender() for _ in range(3)]
    raws = [sender.sign() for _ in range(40) for sender in senders]
    killed = 0

    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:

        async def load() -> None:
            for at, raw in enumerate(raws, 1):
                await deliver(rpc, raw)
                if at % len(senders) == 0:  # else a slow machine takes them all into few blocks
                    await receipt(rpc, hash_of(raw))

        async def kill() -> None:
            nonlocal killed
            for target in (5, 15):

                async def far_enough(height: int = target) -> bool:
                    return chain.anvil_pid is not None and number(await rpc.call("eth_blockNumber")) >= height

                await until(far_enough, f"block {target}")
                victim = chain.anvil_pid
                assert victim is not None
                before = (await history(rpc))[:target]
                os.kill(victim, signal.SIGKILL)
                killed += 1
                await gone(victim)
                after = await until(lambda: history(rpc), "the chain answers again")
                assert after[:target] == before

        await asyncio.gather(load(), kill())
        for raw in raws:
            await receipt(rpc, hash_of(raw))
        whole = await history(rpc)
    mined = [each for block in whole[:-1] for each in block["transactions"]]
    assert killed == 2
    assert sorted(mined) == sorted(hash_of(raw) for raw in raws)
    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:
        assert await history(rpc) == whole


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_each_step_the_whole_chain_comes_back(tmp_path: Path, step: str) -> None:
    sender = Sender()
    raws = [sender.sign(to=None, data=COUNTER_INIT), *(sender.sign() for _ in range(5))]
    child = await start_child(tmp_path, step, turn=3)
    seen: dict[str, str] = {}
    async with Rpc(await endpoint(tmp_path)) as rpc:
        anvil = int((tmp_path / "anvil.pid").read_text())
        with pytest.raises(Unavailable):
            for raw in raws:
                seen[hash_of(raw)] = (await mine_once(rpc, raw))["blockHash"]
    assert await child.wait() == -signal.SIGKILL
    await gone(anvil)

    journalled = Journal(tmp_path / "chain.sqlite3")
    height = journalled.height()
    journalled.close()
    assert height == (2 if step == "taken, not journalled" else 3)
    await finish(tmp_path, raws, seen)


async def test_killed_at_random_moments_no_block_changes(tmp_path: Path) -> None:
    chance = random.Random(20250801)
    sender = Sender()
    raws: list[str] = []
    seen: dict[str, str] = {}
    for _ in range(3):
        child = await start_child(tmp_path)
        async with Rpc(await endpoint(tmp_path)) as rpc:
            for raw in raws:
                await deliver(rpc, raw)
            for turn in range(stop := chance.randrange(3, 25)):
                raws.append(sender.sign())
                await deliver(rpc, raws[-1])
                if turn == stop - 2:
                    for block in (await history(rpc))[:-1]:
                        seen |= dict.fromkeys(block["transactions"], block["hash"])
        child.kill()
        await child.wait()
        await gone(int((tmp_path / "anvil.pid").read_text()))
    await finish(tmp_path, raws, seen)


async def mine_once(rpc: Rpc, raw: str) -> dict[str, Any]:
    """Like `mine`, but a chain that is gone is gone: raises `Unavailable`."""
    transaction_hash = await rpc.call("eth_sendRawTransaction", raw)
    while not (found := await rpc.call("eth_getTransactionReceipt", transaction_hash)):
        pass
    return dict(found)


async def finish(directory: Path, raws: list[str], seen: dict[str, str]) -> None:
    """Start again: what was seen is where it was; send everything once more and all of it lands, once."""
    async with LocalChain(directory) as chain, Rpc(chain.url) as rpc:
        for transaction_hash, block_hash in seen.items():
            assert (await rpc.call("eth_getTransactionReceipt", transaction_hash))["blockHash"] == block_hash
        for raw in raws:
            await deliver(rpc, raw)
            await receipt(rpc, hash_of(raw))
        whole = await history(rpc)
    mined = [each for block in whole[:-1] for each in block["transactions"]]
    assert mined == [hash_of(raw) for raw in raws]
    async with LocalChain(directory) as chain, Rpc(chain.url) as rpc:
        assert await history(rpc) == whole


async def test_a_block_mined_behind_the_journals_back_is_undone(tmp_path: Path) -> None:
    sender = Sender()
    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:
        await mine(rpc, sender.sign())
        before = (await history(rpc))[:-1]
        first = chain.anvil_pid
        async with Rpc(await anvil_url(chain)) as intruder:
            await intruder.call("evm_mine")
        assert number(await rpc.call("eth_blockNumber")) == 2
        landed = await mine(rpc, sender.sign())
        await until(lambda: other_anvil(chain, first), "a fresh anvil")
        assert (await history(rpc))[: len(before)] == before
        assert (await receipt(rpc, landed["transactionHash"]))["blockNumber"] == "0x2"
        assert chain.failure is None


async def other_anvil(chain: LocalChain, first: int | None) -> bool:
    return chain.anvil_pid not in (None, first)


async def anvil_url(chain: LocalChain) -> str:
    assert chain._sequencer is not None and chain._sequencer._anvil is not None
    return chain._sequencer._anvil.url


async def test_a_transaction_the_chain_will_not_take_leaves_its_journalled_block(tmp_path: Path) -> None:
    await a_short_history(tmp_path)
    good, bad = Sender(), Sender()
    pairs = tuple((unhexed(hash_of(raw)), unhexed(raw)) for raw in (bad.sign(nonce=7), good.sign()))
    journal = Journal(tmp_path / "chain.sqlite3")
    journal.append(Block(5, 2_000_000_000, pairs))
    journal.close()
    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:
        whole = await history(rpc)
        assert whole[5]["transactions"] == ["0x" + pairs[1][0].hex()]
        landed = await mine(rpc, good.sign())
        assert landed["blockNumber"] == "0x6"
    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:
        assert (await history(rpc))[:6] == whole[:6]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("UPDATE block SET hash = zeroblob(32) WHERE number = 2", "block 2 .* another hash"),
        ("UPDATE block SET timestamp = timestamp + 1 WHERE number = 3", "block 3 .* another hash"),
        ("UPDATE block_transaction SET raw = x'00' WHERE number = 2", "block 2 .* another hash"),
        ("DELETE FROM block_transaction WHERE number = 1", "block 1 .* another hash"),
        ("UPDATE meta SET value = '0x00' WHERE name = 'genesis_hash'", "genesis_hash"),
    ],
)
async def test_a_changed_journal_is_refused_by_name(tmp_path: Path, change: str, names: str) -> None:
    await a_short_history(tmp_path)
    alter(tmp_path, change)
    with pytest.raises(WrongChain, match=names):
        async with LocalChain(tmp_path):
            raise AssertionError("it started")


async def test_a_journal_with_a_hole_or_of_rubbish_is_corrupt(tmp_path: Path) -> None:
    await a_short_history(tmp_path)
    alter(tmp_path, "DELETE FROM block WHERE number = 2")
    with pytest.raises(Corrupt, match="block 2"):
        async with LocalChain(tmp_path):
            raise AssertionError("it started")
    (tmp_path / "chain.sqlite3").write_bytes(b"rubbish" * 1000)
    with pytest.raises(Corrupt, match="cannot be read"):
        async with LocalChain(tmp_path):
            raise AssertionError("it started")


async def test_a_journal_found_wrong_while_running_stops_the_chain_for_good(tmp_path: Path) -> None:
    sender = Sender()
    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:
        await mine(rpc, sender.sign())
        alter(tmp_path, "UPDATE block SET hash = zeroblob(32) WHERE number = 1")
        assert chain.anvil_pid is not None
        os.kill(chain.anvil_pid, signal.SIGKILL)

        async def has_failed() -> bool:
            return chain.failure is not None

        await until(has_failed, "the chain gives up")
        assert isinstance(chain.failure, WrongChain)
        with pytest.raises(Unavailable):
            await rpc.call("eth_blockNumber")


async def test_another_chain_id_is_another_chain(tmp_path: Path) -> None:
    await a_short_history(tmp_path)
    with pytest.raises(WrongChain, match="20250801, not 7"):
        async with LocalChain(tmp_path, chain_id=7):
            raise AssertionError("it started")


def alter(directory: Path, statement: str) -> None:
    with sqlite3.connect(directory / "chain.sqlite3") as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(statement)
    db.close()
