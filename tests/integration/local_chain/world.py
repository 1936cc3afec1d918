"""What the tests of the local chain share: waiting, signing, looking at a chain, and a child process to kill."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_hash.auto import keccak

from ledger.chain.local import running_endpoint
from ledger.chain.rpc import Rpc, RpcError, hexed, number, quantity, unhexed
from ledger.errors import Unavailable

CHAIN_ID = 20250801
ANYBODY = "0x" + "22" * 20

# Counts its calls in slot 0 and logs the count: PUSH0 SLOAD 1 ADD DUP1 PUSH0 SSTORE PUSH0 MSTORE 32 PUSH0 LOG0 STOP
_COUNTER = bytes.fromhex("5f54600101805f555f5260205fa000")
COUNTER_INIT = bytes([0x60, len(_COUNTER), 0x60, 0x0A, 0x5F, 0x39, 0x60, len(_COUNTER), 0x5F, 0xF3]) + _COUNTER


async def until(ask: Callable[[], Awaitable[Any]], what: str, seconds: float = 30.0) -> Any:
    """Ask again and again until the answer is true, and return it. A chain that is starting again counts as "no"."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer := await ask():
                return answer
        except RpcError:
            raise
        except Unavailable:
            pass
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.005)


class Sender:
    """An account that signs its transactions one after another."""

    def __init__(self) -> None:
        self.account = Account.create()
        self.nonce = 0

    @property
    def address(self) -> str:
        return str(self.account.address)

    def sign(self, *, nonce: int | None = None, **changes: Any) -> str:
        if nonce is None:
            nonce, self.nonce = self.nonce, self.nonce + 1
        fields = {
            "nonce": nonce, "to": ANYBODY, "value": 0, "gas": 100_000, "chainId": CHAIN_ID,
            "maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "data": b"",
        } | changes  # fmt: skip
        fields = {name: value for name, value in fields.items() if value is not None}
        if "to" in fields:
            fields["to"] = unhexed(fields["to"])  # eth-account wants either bytes or a checksummed address
        return hexed(self.account.sign_transaction(fields).raw_transaction)


def hash_of(raw: str) -> str:
    return hexed(keccak(unhexed(raw)))


async def receipt(rpc: Rpc, transaction_hash: str) -> dict[str, Any]:
    found: dict[str, Any] = await until(
        lambda: rpc.call("eth_getTransactionReceipt", transaction_hash), f"a receipt of {transaction_hash}"
    )
    return found


async def mine(rpc: Rpc, raw: str) -> dict[str, Any]:
    return await receipt(rpc, await rpc.call("eth_sendRawTransaction", raw))


async def deliver(rpc: Rpc, raw: str) -> None:
    """Send as a careful client does: again while the chain is away, and content if it has arrived before."""

    async def once() -> bool:
        try:
            await rpc.call("eth_sendRawTransaction", raw)
        except RpcError as error:
            assert error.message == "already known" or error.message.startswith("nonce too low"), error
        return True

    await until(once, "a transaction is taken")


async def history(rpc: Rpc) -> list[dict[str, Any]]:
    """All blocks with their transaction hashes, and all logs in the last place: everything a follower sees."""
    height = number(await rpc.call("eth_blockNumber"))
    blocks = await rpc.batch([("eth_getBlockByNumber", [quantity(n), False]) for n in range(height + 1)])
    logs = await rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": quantity(height)})
    return [*blocks, {"logs": logs}]


async def start_child(directory: Path, step: str = "never", turn: int = 1) -> Process:
    """Run the chain of a folder in a process of its own, which kills itself at the given step's nth turn."""
    child = Path(__file__).with_name("child.py")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", child, directory, step, str(turn),
        stdin=DEVNULL, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip


async def endpoint(directory: Path) -> str:
    return str(await until(lambda: running_endpoint(directory), "the child listens"))


async def gone(pid: int) -> None:
    """Wait until no such process runs any more (a dead one that nobody has waited for counts as gone)."""

    async def is_gone() -> bool:
        return not _runs(pid)

    await until(is_gone, f"process {pid} ends")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
