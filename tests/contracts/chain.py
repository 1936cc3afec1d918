"""A plain anvil for the contract tests, spoken to in JSON-RPC. Its clock is its own: each block is one second later."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from ledger.chain.local.anvil import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
ANVIL = ROOT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
GENESIS = 1_900_000_000
CHAIN_ID = 31_415


class Reverted(Exception):
    """A call or transaction was refused; `reason` is what it reverted with."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason.hex())
        self.reason = reason


class Chain:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self.account: str = self("eth_accounts")[0]
        self("anvil_setBlockTimestampInterval", 1)

    def __call__(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._http.post("/", json=body).json()
        if "error" in answer:
            reason = answer["error"].get("data")
            if isinstance(reason, str) and answer["error"].get("code") == 3:
                raise Reverted(bytes.fromhex(reason[2:]))
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def close(self) -> None:
        self._http.close()

    @property
    def now(self) -> int:
        """Time of the latest block, which is what `eth_call` sees."""
        return int(self("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def wait_until(self, time: int) -> None:
        self("evm_mine", hex(time))
        assert self.now == time

    def call(self, to: str | None, calldata: bytes, gas: int = 16_000_000, sender: str | None = None) -> bytes:
        """The answer of a view, or what the same transaction would do; `to=None` tries a deployment."""
        request = {"from": sender or self.account, "data": "0x" + calldata.hex(), "gas": hex(gas)}
        if to is not None:
            request["to"] = to
        return bytes.fromhex(self("eth_call", request, "latest")[2:])

    def send(self, to: str | None, calldata: bytes, gas: int = 16_000_000) -> dict[str, Any]:
        """Mines the transaction and returns its receipt; raises Reverted with the reason if it failed."""
        request = {"from": self.account, "data": "0x" + calldata.hex(), "gas": hex(gas), "gasPrice": "0x0"}
        if to is not None:
            request["to"] = to
        sent = self("eth_sendTransaction", request)
        self("evm_mine")
        receipt: dict[str, Any] = self("eth_getTransactionReceipt", sent)
        if receipt["status"] != "0x1":
            self.call(to, calldata, gas)  # the same again, for its reason
            raise RuntimeError("a transaction failed and its call did not")
        return receipt

    def nonce(self) -> int:
        return int(self("eth_getTransactionCount", self.account, "latest"), 16)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def anvil() -> Iterator[Chain]:
    port = free_port()
    command = [
        str(ANVIL), "--host", "127.0.0.1", "--port", str(port), "--hardfork", "cancun", "--accounts", "1",
        "--gas-price", "0", "--base-fee", "0", "--gas-limit", "30000000", "--chain-id", str(CHAIN_ID),
        "--timestamp", str(GENESIS), "--no-mining", "--order", "fifo",
    ]  # fmt: skip
    # a home of its own: it would write to ~/.foundry
    with TemporaryDirectory(prefix="shareledger-anvil-") as home, running(command, port, Path(home)) as chain:
        yield chain


@contextmanager
def running(command: list[str], port: int, home: Path) -> Iterator[Chain]:
    """An anvil, started with `home` as its HOME and ended with the block."""
    environment = {**os.environ, "HOME": str(home)}
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent(),
    )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:  # it says so once it listens
            said.append(line)
            if line.startswith("Listening on"):
                break
        else:
            raise RuntimeError("anvil did not start: " + "".join(said))
        # Nothing reads the pipe from here on, so it must not fill: anvil writes to no one.
        chain = Chain(f"http://127.0.0.1:{port}")
        chain("anvil_setLoggingEnabled", False)
        try:
            yield chain
        finally:
            chain.close()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
