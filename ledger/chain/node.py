"""A node over JSON-RPC, as the follower and the submitter need it."""

from collections.abc import Sequence
from typing import Any

from ledger.chain.encoding import selector
from ledger.chain.logs import entries_from, returned_from
from ledger.chain.rpc import Rpc, RpcError
from ledger.domain.entries import Entry
from ledger.domain.manifest import Manifest
from ledger.errors import Unavailable
from ledger.ports import Block, Receipt

_HEAD, _SIZE = selector("head()"), selector("size()")
# what nodes say of a transaction that needs no sending any more
_ALREADY_THERE = ("already known", "already imported", "nonce too low", "known transaction")


class RpcNode:
    """`ledger.ports.Node` over any Ethereum JSON-RPC."""

    def __init__(self, rpc: Rpc, manifest: Manifest) -> None:
        self._rpc, self._manifest = rpc, manifest

    async def latest(self) -> Block:
        return _block(await self._rpc.call("eth_getBlockByNumber", "latest", False))

    async def block(self, number: int) -> Block | None:
        found = await self._rpc.call("eth_getBlockByNumber", hex(number), False)
        return _block(found) if found else None

    async def entries(self, first: int, last: int, modules: Sequence[str]) -> list[Entry]:
        wanted = {"fromBlock": hex(first), "toBlock": hex(last), "address": list(modules)}
        logs = await self._rpc.call("eth_getLogs", wanted)
        return list(entries_from(logs, self._manifest.journal))

    async def head(self, block: Block) -> tuple[int, str]:
        at = {"blockHash": block.hash}
        calls = [
            ("eth_call", [{"to": self._manifest.journal, "data": "0x" + call.hex()}, at]) for call in (_SIZE, _HEAD)
        ]
        size, head = await self._rpc.batch(calls)
        if len(head) != 66:
            raise Unavailable(f"the node has no Journal at block {block.number}")
        return int(size, 16), head[2:]

    async def send(self, raw: bytes) -> None:
        try:
            await self._rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
        except RpcError as error:
            if not any(words in str(error).lower() for words in _ALREADY_THERE):
                raise

    async def receipt(self, transaction: str) -> Receipt | None:
        found = await self._rpc.call("eth_getTransactionReceipt", transaction)
        if not found:
            return None
        return Receipt(
            block=Block(int(found["blockNumber"], 16), found["blockHash"]),
            succeeded=int(found["status"], 16) == 1,
            returned=returned_from(found["logs"], self._manifest.courier),
        )

    async def next_nonce(self, account: str, block: Block | None = None) -> int:
        at: Any = {"blockHash": block.hash} if block else "latest"
        return int(await self._rpc.call("eth_getTransactionCount", account, at), 16)


def _block(found: Any) -> Block:
    return Block(int(found["number"], 16), found["hash"])
