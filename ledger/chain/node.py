"""A node over JSON-RPC, as the follower and the submitter need it."""

from collections.abc import Sequence
from typing import Any

from ledger.chain.encoding import selector
from ledger.chain.logs import Log, entries_from, recording_modules, returned_from
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
        self._modules = {*manifest.modules.values()}  # and those admitted later, once an entry of theirs was seen

    async def latest(self) -> Block:
        return _block(await self._rpc.call("eth_getBlockByNumber", "latest", False))

    async def block(self, number: int) -> Block | None:
        found = await self._rpc.call("eth_getBlockByNumber", hex(number), False)
        return _block(found) if found else None

    async def look(self, number: int) -> tuple[Block, Block | None]:
        asked = ["latest", hex(max(number, 0))]
        latest, there = await self._rpc.batch([("eth_getBlockByNumber", [at, False]) for at in asked])
        return _block(latest), _block(there) if there else None

    async def entries(self, first: int, last: int, modules: Sequence[str] = ()) -> list[Entry]:
        self._modules.update(modules)
        return await self._entries(first, last, await self._rpc.call("eth_getLogs", self._logs(first, last)))

    async def head(self, block: Block) -> tuple[int, str] | None:
        return _head(await self._rpc.batch(self._asking_head(block), return_errors=True), block)

    async def entries_and_head(self, first: int, block: Block) -> tuple[list[Entry], tuple[int, str] | None]:
        logs = ("eth_getLogs", [self._logs(first, block.number)])
        found, *head = await self._rpc.batch([logs, *self._asking_head(block)], return_errors=True)
        if isinstance(found, RpcError):
            raise found
        return await self._entries(first, block.number, found), _head(head, block)

    async def send(self, raw: bytes) -> None:
        try:
            await self._rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
        except RpcError as error:
            if not any(words in str(error).lower() for words in _ALREADY_THERE):
                raise

    async def receipt(self, transaction: str) -> Receipt | None:
        return self._receipt(await self._rpc.call("eth_getTransactionReceipt", transaction))

    async def landed(self, transactions: Sequence[str]) -> tuple[Block, list[Receipt | None]]:
        asked: list[tuple[str, Sequence[Any]]] = [("eth_getBlockByNumber", ["latest", False])]
        asked += [("eth_getTransactionReceipt", [each]) for each in transactions]
        latest, *found = await self._rpc.batch(asked)
        return _block(latest), [self._receipt(each) for each in found]

    async def next_nonce(self, account: str, block: Block | None = None) -> int:
        at: Any = {"blockHash": block.hash} if block else "latest"
        return int(await self._rpc.call("eth_getTransactionCount", account, at), 16)

    def _logs(self, first: int, last: int) -> dict[str, Any]:
        return {"fromBlock": hex(first), "toBlock": hex(last), "address": sorted(self._modules)}

    async def _entries(self, first: int, last: int, logs: Sequence[Log]) -> list[Entry]:
        """Reads the logs again where the Journal names a module that was not asked for: it was admitted meanwhile."""
        if admitted := recording_modules(logs, self._manifest.journal) - self._modules:
            self._modules |= admitted
            logs = await self._rpc.call("eth_getLogs", self._logs(first, last))
        return list(entries_from(logs, self._manifest.journal))

    def _asking_head(self, block: Block) -> list[tuple[str, Sequence[Any]]]:
        at, journal = {"blockHash": block.hash}, self._manifest.journal
        return [("eth_call", [{"to": journal, "data": "0x" + call.hex()}, at]) for call in (_SIZE, _HEAD)]

    def _receipt(self, found: Any) -> Receipt | None:
        if not found or found.get("blockNumber") is None:  # some nodes give a receipt before there is a block
            return None
        return Receipt(
            block=Block(int(found["blockNumber"], 16), found["blockHash"]),
            succeeded=int(found["status"], 16) == 1,
            returned=returned_from(found["logs"], self._manifest.courier),
            gas=int(found["gasUsed"], 16),
        )


def _block(found: Any) -> Block:
    if not found:
        raise Unavailable("the node has no newest block")
    return Block(int(found["number"], 16), found["hash"])


def _head(answers: Sequence[Any], block: Block) -> tuple[int, str] | None:
    """None where the node answered with an error: the state of that block is gone, whatever words it has for it."""
    if any(isinstance(answer, RpcError) for answer in answers):
        return None
    size, head = answers
    if not (isinstance(head, str) and isinstance(size, str) and len(head) == len(size) == 66):
        raise Unavailable(f"the node has no Journal at block {block.number}")
    return int(size, 16), head[2:]
