"""The empty chain below block 1."""

from dataclasses import replace

import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak

from ledger.chain.local import Genesis
from ledger.chain.local.base import genesis_block
from ledger.chain.rpc import Rpc, hexed
from tests.integration.local_chain.world import ANYBODY, Sender, mine


async def test_block_0_is_the_one_computed_here_and_nothing_is_in_it(rpc: Rpc) -> None:
    first = await rpc.call("eth_getBlockByNumber", "0x0", False)
    assert first["hash"] == genesis_block(Genesis())["hash"]
    assert await rpc.call("eth_getBlockByHash", first["hash"], False) == first
    assert await rpc.call("eth_getBlockByNumber", "0x1", False) is None
    assert await rpc.call("eth_getTransactionReceipt", "0x" + "00" * 32) is None
    assert await rpc.call("eth_getTransactionByHash", "0x" + "00" * 32) is None
    assert await rpc.call("eth_getBalance", ANYBODY, "latest") == "0x0"
    assert await rpc.call("eth_getStorageAt", ANYBODY, "0x0", "latest") == "0x" + "00" * 32
    assert await rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}) == []
    mined = await mine(rpc, Sender().sign())
    block = await rpc.call("eth_getBlockByNumber", mined["blockNumber"], False)
    assert block["parentHash"] == first["hash"]


def test_another_chain_has_another_block_0() -> None:
    genesis = Genesis()
    others = [replace(genesis, chain_id=7), replace(genesis, timestamp=7), replace(genesis, gas_limit=30_000_000)]
    assert len({genesis_block(each)["hash"] for each in (genesis, *others)}) == 4
    empty = genesis_block(genesis)
    assert empty["sha3Uncles"] == hexed(keccak(rlp.encode([])))
    assert empty["transactionsRoot"] == "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
