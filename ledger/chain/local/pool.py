"""Transactions waiting for a block: first come, first served, each sender's in the order of their nonces.

In memory only: a hash returned by `eth_sendRawTransaction` promises nothing. Who sent it keeps the bytes and sends them
again until a receipt is there, as with any node.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.chain.local.transaction import Transaction
from ledger.chain.rpc import SERVER, RpcError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait: `gapped` per sender behind a missing nonce, `count` and `size` (bytes) in total."""

    gapped: int = 64
    count: int = 8192
    size: int = 64 * 1024 * 1024


class Pool:
    """Knows the next nonce of every sender it has met: told once by the chain, then counted here."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._nonces: dict[bytes, int] = {}
        self._waiting: dict[bytes, dict[int, Transaction]] = {}
        self._known: dict[bytes, tuple[int, Transaction]] = {}  # by hash, with its turn
        self._size = 0
        self._turn = 0

    def __len__(self) -> int:
        return len(self._known)

    def knows(self, sender: bytes) -> bool:
        return sender in self._nonces

    def meet(self, sender: bytes, nonce: int) -> None:
        """Note a sender's next nonce as the chain gives it. A later word on a known sender is stale and not heeded."""
        self._nonces.setdefault(sender, nonce)

    def find(self, transaction_hash: bytes) -> Transaction | None:
        return self._known[transaction_hash][1] if transaction_hash in self._known else None

    def add(self, transaction: Transaction) -> None:
        """Let a transaction of a known sender wait. Raises `RpcError` with go-ethereum's words for each refusal."""
        sender, nonce = transaction.sender, transaction.nonce
        if transaction.hash in self._known:
            raise RpcError(SERVER, "already known")
        if nonce < self._nonces[sender]:
            raise RpcError(SERVER, f"nonce too low: next nonce {self._nonces[sender]}, tx nonce {nonce}")
        queue = self._waiting.get(sender, {})
        if nonce in queue:
            raise RpcError(SERVER, "replacement transaction underpriced")  # gas is free: none can pay more
        upcoming = self.next_nonce(sender)
        if nonce > upcoming and sum(waiting > upcoming for waiting in queue) >= self._limits.gapped:
            raise RpcError(SERVER, "account queue limit exceeded: send the missing nonce first")
        if len(self) >= self._limits.count or self._size + len(transaction.raw) > self._limits.size:
            raise RpcError(SERVER, "txpool is full")
        self._waiting.setdefault(sender, queue)[nonce] = transaction
        self._turn += 1
        self._known[transaction.hash] = (self._turn, transaction)
        self._size += len(transaction.raw)

    def next_nonce(self, sender: bytes) -> int:
        """The nonce after the last transaction that can be mined now: `eth_getTransactionCount(…, "pending")`."""
        nonce = self._nonces[sender]
        queue = self._waiting.get(sender, {})
        while nonce in queue:
            nonce += 1
        return nonce

    def executable(self, gas_limit: int) -> list[Transaction]:
        """The next block's transactions, in order. They stay here until `settle`."""
        heads: list[tuple[int, bytes, int]] = []
        for sender in self._waiting:
            self._push(heads, sender, self._nonces[sender])
        chosen: list[Transaction] = []
        gas = 0
        while heads:
            _, sender, nonce = heapq.heappop(heads)
            transaction = self._waiting[sender][nonce]
            gas += transaction.gas
            if gas > gas_limit:
                break
            chosen.append(transaction)
            self._push(heads, sender, nonce + 1)
        return chosen

    def settle(self, mined: Iterable[bytes], dropped: Iterable[bytes]) -> None:
        """Take out what a block took (by transaction hash), and what the chain would not take."""
        for transaction_hash in mined:
            if transaction := self.find(transaction_hash):
                self._remove(transaction)
                self._nonces[transaction.sender] = max(self._nonces[transaction.sender], transaction.nonce + 1)
        for transaction_hash in dropped:
            if transaction := self.find(transaction_hash):
                self._remove(transaction)

    def _push(self, heads: list[tuple[int, bytes, int]], sender: bytes, nonce: int) -> None:
        if transaction := self._waiting[sender].get(nonce):
            heapq.heappush(heads, (self._known[transaction.hash][0], sender, nonce))

    def _remove(self, transaction: Transaction) -> None:
        queue = self._waiting[transaction.sender]
        del queue[transaction.nonce]
        if not queue:
            del self._waiting[transaction.sender]
        del self._known[transaction.hash]
        self._size -= len(transaction.raw)
