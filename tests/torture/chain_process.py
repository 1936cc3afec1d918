"""The local chain as a process of its own: `chain_process.py FOLDER PORT`. Runs until it is killed.

Says `ready` once it answers, and keeps the process id of its present anvil in FOLDER/anvil.pid.
"""

import asyncio
import sys
from pathlib import Path

from ledger.chain.local import LocalChain


async def main(directory: Path, port: int) -> None:
    async with LocalChain(directory, port=port, history=64) as chain:
        known: int | None = None
        while True:
            if chain.anvil_pid not in (None, known):
                known = chain.anvil_pid
                (directory / "anvil.pid").write_text(str(known))
                if known is not None:
                    print("ready", flush=True)
            await asyncio.sleep(0.02)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
