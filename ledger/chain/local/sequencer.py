"""The sequencer: the one hand that drives an anvil and its journal.

    1 take        executable transactions leave the queue's front            fault "taken, not journalled"
    2 journal     number, time, raw transactions: committed, on the disk     fault "journalled, not mined"
    3 mine        anvil gets the transactions, the time, the order to mine   fault "mined, hash not recorded"
    4 record      the block's hash                                           fault "hash recorded"

Starting, and starting anvil again after it died, are the same thing: a fresh anvil, and steps 3 and 4 for every
journalled block, each hash compared with the one recorded.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from ledger.chain.local.anvil import Anvil, Genesis
from ledger.chain.local.journal import Block, Journal
from ledger.chain.local.pool import Limits, Pool
from ledger.chain.local.transaction import Transaction, decode
from ledger.chain.rpc import INVALID_PARAMS, Rpc, RpcError, hexed, number, quantity, unhexed
from ledger.errors import Corrupt, NotReady, Unavailable, WrongChain

STEPS = ("taken, not journalled", "journalled, not mined", "mined, hash not recorded", "hash recorded")

_LONGEST_PAUSE = 5.0

log = structlog.get_logger(__name__)


class Sequencer:
    """Orders, journals and mines. `start` replays and then mines in the background until `stop`.

    While there is no anvil in step with the journal every question raises `Unavailable`, which a client may repeat.
    `failure` holds what ended it for good: `WrongChain` or `Corrupt`.
    """

    def __init__(
        self,
        journal: Journal,
        binary: Path,
        genesis: Genesis,
        *,
        base: str,
        history: int = 8,
        limits: Limits | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        fault: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.failure: NotReady | Corrupt | None = None
        self._journal = journal
        self._binary = binary
        self._genesis = genesis
        self._base = base
        self._history = history
        self._pool = Pool(limits or Limits())
        self._on_progress = on_progress or (lambda done, total: None)
        self._fault = fault or (lambda step: None)
        self._clock = clock
        self._anvil: Anvil | None = None
        self._reader: Rpc | None = None
        self._ready = False
        self._tip = Block(0, genesis.timestamp, ())
        self._not_before = 0
        self._wake = asyncio.Event()
        self._stopping = False
        self._driver: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bring up anvil and replay. Raises `WrongChain`, `Corrupt`, `NotReady` or `Unavailable`."""
        try:
            await self._revive()
        except BaseException:
            await self._put_down()
            raise
        self._driver = asyncio.create_task(self._drive())

    async def stop(self) -> None:
        """Finish the block in hand, then end anvil. What still waits in the pool is forgotten, as it may be."""
        self._stopping = True
        self._wake.set()
        if self._driver is not None:
            await self._driver
        await self._put_down()

    @property
    def anvil_pid(self) -> int | None:
        """The child's process id, or None between two children."""
        return self._anvil.process.pid if self._ready and self._anvil and self._anvil.alive else None

    # ---- what the server asks -------------------------------------------------------------------------------------

    async def forward(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Ask anvil; each result, or the `RpcError` in its place. Raises `Unavailable` while there is none."""
        reader = self._ready_reader()
        return await reader.batch(calls, return_errors=True)

    async def relay(self, body: bytes) -> bytes:
        """anvil's answer to a whole request of reading methods, as it is."""
        return await self._ready_reader().relay(body)

    def _ready_reader(self) -> Rpc:
        if self.failure is not None:
            raise Unavailable(f"the local chain has stopped: {self.failure.detail}", remedy=self.failure.next_step)
        if self._reader is None or not self._ready:
            raise Unavailable("the local chain is being replayed")
        return self._reader

    async def submit(self, text: object) -> str:
        """`eth_sendRawTransaction`: the hash, once the transaction waits in the pool. Raises `RpcError`."""
        transaction = decode(text, chain_id=self._genesis.chain_id, gas_limit=self._genesis.gas_limit)
        await self._meet(transaction.sender)
        self._pool.add(transaction)
        self._wake.set()
        return hexed(transaction.hash)

    async def pending_nonce(self, address: object) -> str:
        """`eth_getTransactionCount(address, "pending")`: with what waits here and can be mined."""
        sender = _bytes(address, 20)
        if self._pool.knows(sender) and self._ready:
            return quantity(self._pool.next_nonce(sender))
        return quantity(await self._mined_nonce(sender))

    def pending_transaction(self, transaction_hash: object) -> dict[str, Any] | None:
        """A transaction that waits here, as an object without a block; or None."""
        found = self._pool.find(_bytes(transaction_hash, 32))
        return found.pending(self._genesis.chain_id) if found else None

    async def _meet(self, sender: bytes) -> None:
        if not self._pool.knows(sender):
            self._pool.meet(sender, await self._mined_nonce(sender))
        else:
            self._ready_reader()  # raises, with the reason, if there is no anvil

    async def _mined_nonce(self, sender: bytes) -> int:
        [count] = await self.forward([("eth_getTransactionCount", [hexed(sender), "latest"])])
        if isinstance(count, RpcError):
            raise count
        return number(count)

    # ---- the loop -------------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        pause = 0.0
        while not self._stopping:
            try:
                if not self._ready or self._anvil is None or not self._anvil.alive:
                    await self._revive()
                while not self._stopping and (batch := self._pool.executable(self._genesis.gas_limit)):
                    await self._seal(batch)
                pause = 0.0
                await self._wake.wait()
                self._wake.clear()
            except (WrongChain, Corrupt) as error:
                if not self._ready:
                    # Not one child out of step but the journal itself against the program: no repetition helps.
                    self.failure = error
                    log.error("local_chain_stopped", reason=error.detail)
                    return
                log.warning("anvil_out_of_step", reason=error.detail)  # somebody else mined on it; a fresh one will do
                self._ready = False
            except (Unavailable, NotReady, sqlite3.Error, OSError) as error:
                # The journal says how far we came: `_revive` reads it, whatever of a block was done.
                log.warning("local_chain_interrupted", reason=str(error), again_in=pause)
                self._ready = False
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2 + 0.05)
            except Exception as error:
                self.failure = NotReady(f"the local chain's sequencer failed: {error!r}")
                self._ready = False
                log.exception("local_chain_failed")
                return

    async def _seal(self, batch: Sequence[Transaction]) -> None:
        timestamp = max(self._tip.timestamp, self._not_before, int(self._clock()))
        block = Block(self._tip.number + 1, timestamp, tuple((each.hash, each.raw) for each in batch))
        self._fault("taken, not journalled")
        # Stopping here: the chain never heard of them. Their senders have no receipt and send them again.
        await asyncio.to_thread(self._journal.append, block)
        self._fault("journalled, not mined")
        # Stopping here: nobody has seen the block, but it is decided; the next start mines it.
        await self._mine([block])

    async def _mine(self, blocks: Sequence[Block]) -> None:
        """Steps 3 and 4 for journalled blocks, in one exchange. Raises `WrongChain` at the first that differs."""
        assert self._anvil is not None
        calls: list[tuple[str, Sequence[Any]]] = []
        for block in blocks:
            calls += [("eth_sendRawTransaction", [hexed(raw)]) for _, raw in block.transactions]
            calls.append(("evm_mine", [{"timestamp": block.timestamp}]))
            calls.append(("eth_getBlockByNumber", ["latest", False]))
        answers = iter(await self._anvil.exchange(calls))
        for block in blocks:
            refusals = [next(answers) for _ in block.transactions]
            trouble = next(answers)
            mined = next(answers)
            if not isinstance(mined, dict):
                raise WrongChain(f"anvil did not mine block {block.number}: {trouble}", block=block.number)
            block_hash, dropped = self._compare(block, mined, refusals)
            if block.hash is None:
                self._fault("mined, hash not recorded")
                # Stopping here: readers may have seen the block. It is a function of what is journalled, so the next
                # start mines the same one, with the same hash and the same transactions left out.
                await asyncio.to_thread(self._journal.record, block.number, block_hash, dropped)
            self._tip = Block(block.number, block.timestamp, (), block_hash)
            self._pool.settle((each for each, _ in block.transactions if each not in dropped), dropped)
            if block.hash is None:
                self._fault("hash recorded")
            # Stopping here: all is said and done.

    def _compare(self, block: Block, mined: dict[str, Any], refusals: Sequence[Any]) -> tuple[bytes, tuple[bytes, ...]]:
        """The mined block's hash and which of the journalled transactions are not in it."""
        found = [unhexed(each) for each in mined["transactions"]]
        wanted = [each for each, _ in block.transactions]
        dropped = tuple(each for each in wanted if each not in set(found))
        block_hash = unhexed(mined["hash"])
        differs = [
            name
            for name, same in (
                ("number", number(mined["number"]) == block.number),
                ("timestamp", number(mined["timestamp"]) == block.timestamp),
                ("parent", self._tip.hash is None or unhexed(mined["parentHash"]) == self._tip.hash),
                ("transactions", found == [each for each in wanted if each not in dropped]),
                ("hash", block.hash is None or (block_hash == block.hash and not dropped)),
                # Checked before they were journalled, so a running anvil that leaves one out is not to be believed at
                # once. A fresh one that has seen nothing but the journal is.
                ("choice of transactions", not (dropped and self._ready)),
            )
            if not same
        ]
        if differs:
            raise WrongChain(
                f"block {block.number} of the local chain comes out with another {', '.join(differs)}",
                remedy="Use the anvil that made this chain "
                f"({self._journal.fact('client') or 'unknown'}); if it is the same, restore the journal from a backup.",
                block=block.number,
                expected=block.hash.hex() if block.hash else None,
                found=block_hash.hex(),
            )
        if dropped:
            reasons = [each.message for each in refusals if isinstance(each, RpcError)]
            log.warning("transactions_not_taken", block=block.number, count=len(dropped), reasons=reasons[:5])
        return block_hash, dropped

    # ---- starting, and starting again -----------------------------------------------------------------------------

    async def _revive(self) -> None:
        """A fresh anvil, brought to the journal's last block."""
        await self._put_down()
        self._anvil = await Anvil.start(self._binary, self._genesis, base=self._base, history=self._history)
        genesis, client = await self._anvil.exchange(
            [("eth_getBlockByNumber", ["0x0", False]), ("web3_clientVersion", [])]
        )
        self._pin(genesis, client)
        self._tip = Block(0, self._genesis.timestamp, (), unhexed(genesis["hash"]))
        total = await asyncio.to_thread(self._journal.height)
        while blocks := await asyncio.to_thread(self._journal.blocks, self._tip.number + 1):
            await self._mine(blocks)
            self._on_progress(self._tip.number, total)
        # Without this, calls on "pending" would see the time of the last block instead of now.
        self._not_before = int(self._clock())
        if self._not_before > self._tip.timestamp:
            await self._anvil.exchange([("evm_setTime", [self._not_before])])
        self._reader = Rpc(self._anvil.url, timeout=60.0)
        self._ready = True
        self._watcher = asyncio.create_task(self._watch(self._anvil))
        self._wake.set()
        log.info("local_chain_ready", block=self._tip.number, anvil_pid=self._anvil.process.pid)

    def _pin(self, genesis: Any, client: Any) -> None:
        facts = {"genesis_hash": str(genesis["hash"])}
        if self._journal.fact("client") is None:
            facts["client"] = str(client)
        self._journal.pin(
            chain_id=str(self._genesis.chain_id), genesis_timestamp=str(self._genesis.timestamp),
            gas_limit=str(self._genesis.gas_limit), **facts,
        )  # fmt: skip

    async def _watch(self, anvil: Anvil) -> None:
        await anvil.process.wait()
        if not self._stopping:
            log.warning("anvil_died", pid=anvil.process.pid, returncode=anvil.process.returncode)
        self._wake.set()

    async def _put_down(self) -> None:
        self._ready = False
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()
        anvil, self._anvil = self._anvil, None
        if anvil is not None:
            await anvil.stop()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            await watcher


def _bytes(text: object, length: int) -> bytes:
    try:
        value = unhexed(text) if isinstance(text, str) else b""
    except ValueError:
        value = b""
    if len(value) != length:
        raise RpcError(INVALID_PARAMS, f"not {length} bytes in hex")
    return value
