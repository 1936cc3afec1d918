"""Drives the local chain of a folder until killed: `child.py FOLDER STEP TURN` kills itself at STEP's TURN-th time."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from ledger.chain.local import LocalChain


async def main(directory: Path, fatal_step: str, turn: int) -> None:
    seen = 0

    def fault(step: str) -> None:
        nonlocal seen
        seen += step == fatal_step
        if seen >= turn:
            os.kill(os.getpid(), signal.SIGKILL)

    async with LocalChain(directory, fault=fault) as chain:
        (directory / "anvil.pid").write_text(str(chain.anvil_pid))
        await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
