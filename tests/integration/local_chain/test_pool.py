"""The queue of waiting transactions: order, gaps, duplicates, limits."""

import asyncio
from pathlib import Path

import pytest

from ledger.chain.local import LocalChain
from ledger.chain.local.pool import Limits, Pool
from ledger.chain.local.transaction import Transaction, decode
from ledger.chain.rpc import Rpc, RpcError, number
from tests.integration.local_chain.world import CHAIN_ID, Sender, hash_of, history, mine, receipt, until

GAS = 1_000_000


def transaction(sender: Sender, nonce: int) -> Transaction:
    return decode(sender.sign(nonce=nonce), chain_id=CHAIN_ID, gas_limit=GAS)


def pool_of(*senders: Sender, limits: Limits | None = None) -> Pool:
    pool = Pool(limits or Limits())
    for sender in senders:
        pool.meet(bytes.fromhex(sender.address[2:]), 0)
    return pool


def test_first_come_first_served_but_each_sender_in_nonce_order() -> None:
    ann, bob = Sender(), Sender()
    arriving = [transaction(ann, 1), transaction(bob, 0), transaction(ann, 0), transaction(bob, 1)]
    pool = pool_of(ann, bob)
    for each in arriving:
        pool.add(each)
    late_ann, first_bob, first_ann, late_bob = arriving
    assert pool.executable(GAS) == [first_bob, first_ann, late_ann, late_bob]
    assert pool.executable(250_000) == [first_bob, first_ann]


def test_a_block_takes_what_it_took_and_dropped_ones_leave_a_gap() -> None:
    ann = Sender()
    pool = pool_of(ann)
    queue = [transaction(ann, nonce) for nonce in range(4)]
    for each in queue:
        pool.add(each)
    pool.settle([queue[0].hash], [queue[1].hash])
    assert len(pool) == 2
    assert pool.executable(GAS) == []
    assert pool.next_nonce(queue[0].sender) == 1
    pool.add(queue[1])
    assert pool.executable(GAS) == queue[1:]


def test_limits_per_sender_in_number_and_in_size() -> None:
    ann, bob = Sender(), Sender()
    pool = pool_of(ann, bob, limits=Limits(gapped=2, count=4, size=10_000))
    pool.add(transaction(ann, 2))
    pool.add(transaction(ann, 3))
    with pytest.raises(RpcError, match="missing nonce"):
        pool.add(transaction(ann, 4))
    pool.add(transaction(ann, 0))
    pool.add(transaction(bob, 0))
    with pytest.raises(RpcError, match="txpool is full"):
        pool.add(transaction(bob, 1))
    small = pool_of(ann, limits=Limits(size=150))
    small.add(transaction(ann, 0))
    with pytest.raises(RpcError, match="txpool is full"):
        small.add(transaction(ann, 1))


def test_the_chain_is_heard_once_about_a_sender() -> None:
    ann = Sender()
    pool = pool_of(ann)
    first = transaction(ann, 0)
    pool.add(first)
    pool.settle([first.hash], [])
    pool.meet(first.sender, 0)  # asked before the block, answered after it
    assert pool.next_nonce(first.sender) == 1


async def test_gaps_wait_until_filled_and_pending_counts_the_contiguous(rpc: Rpc) -> None:
    sender = Sender()
    raws = [sender.sign() for _ in range(4)]
    for raw in (raws[3], raws[1], raws[2]):
        assert await rpc.call("eth_sendRawTransaction", raw) == hash_of(raw)
    assert await rpc.call("eth_getTransactionCount", sender.address, "pending") == "0x0"
    waiting = await rpc.call("eth_getTransactionByHash", hash_of(raws[2]))
    assert (waiting["blockHash"], waiting["nonce"], waiting["from"]) == (None, "0x2", sender.address.lower())
    await rpc.call("eth_sendRawTransaction", raws[0])
    assert await rpc.call("eth_getTransactionCount", sender.address, "pending") == "0x4"
    await receipt(rpc, hash_of(raws[3]))
    assert await rpc.call("eth_getTransactionCount", sender.address, "latest") == "0x4"
    mined = [each for block in (await history(rpc))[:-1] for each in block["transactions"]]
    assert mined == [hash_of(raw) for raw in raws]
    assert (await rpc.call("eth_getTransactionByHash", hash_of(raws[2])))["blockHash"] is not None


async def test_duplicates_replacements_and_stale_nonces_are_refused_as_by_geth(rpc: Rpc) -> None:
    sender = Sender()
    waiting = sender.sign(nonce=1)
    await rpc.call("eth_sendRawTransaction", waiting)
    for raw, words in ((waiting, "already known"), (sender.sign(nonce=1, gas=200_000), "replacement transaction")):
        with pytest.raises(RpcError, match=words) as refused:
            await rpc.call("eth_sendRawTransaction", raw)
        assert refused.value.rpc_code == -32000
    mined = sender.sign(nonce=0)
    await mine(rpc, mined)

    async def stale() -> RpcError | None:
        with pytest.raises(RpcError) as refused:
            await rpc.call("eth_sendRawTransaction", mined)
        # a receipt is seen a moment before the pool lets go
        return None if refused.value.message == "already known" else refused.value

    refusal = await until(stale, "the pool lets go")
    assert refusal.message.startswith("nonce too low") and refusal.rpc_code == -32000


async def test_a_nonce_mined_in_an_earlier_life_is_known(tmp_path: Path) -> None:
    sender = Sender()
    mined = sender.sign()
    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:
        await mine(rpc, mined)
    async with LocalChain(tmp_path) as chain, Rpc(chain.url) as rpc:
        assert await rpc.call("eth_getTransactionCount", sender.address, "pending") == "0x1"
        with pytest.raises(RpcError, match="nonce too low: next nonce 1, tx nonce 0"):
            await rpc.call("eth_sendRawTransaction", mined)
        with pytest.raises(RpcError, match="20 bytes") as refused:
            await rpc.call("eth_getTransactionCount", "0x12", "pending")
        assert refused.value.rpc_code == -32602


async def test_two_clients_at_once_share_blocks_and_lose_nothing(rpc: Rpc) -> None:
    senders = [Sender(), Sender()]
    raws = [[sender.sign() for _ in range(30)] for sender in senders]

    async def client(own: list[str]) -> None:
        async with Rpc(*rpc.urls) as connection:
            for raw in own[:15]:
                await connection.call("eth_sendRawTransaction", raw)
            await connection.batch([("eth_sendRawTransaction", [raw]) for raw in own[15:]])
            await receipt(connection, hash_of(own[-1]))

    await asyncio.gather(*map(client, raws))
    blocks = (await history(rpc))[:-1]
    mined = [each for block in blocks for each in block["transactions"]]
    assert len(mined) == 60
    for own in raws:
        assert [each for each in mined if each in {hash_of(raw) for raw in own}] == [hash_of(raw) for raw in own]
    assert len(blocks) < 60  # what waits together is mined together
    assert number(await rpc.call("eth_blockNumber")) == len(blocks) - 1
