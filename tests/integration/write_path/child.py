"""The product as a process of its own, to be killed: `child.py HOME STEP TURN ACTS`.

It submits ACTS acts in pairs, printing the digest of each once it is acknowledged and waiting for each pair to be
final; then it waits. At the TURN-th time that STEP is true it kills itself with SIGKILL. SIGTERM stops it cleanly.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from ledger.store.unit_of_work import SqlUnitOfWork
from tests.harness.world import opened


class Fault:
    def __init__(self, step: str, turn: int) -> None:
        self._step, self._left = step, turn

    def __call__(self, step: str) -> None:
        self._left -= step == self._step
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(home: Path, step: str, turn: int, acts: int) -> None:
    fault, stopped = Fault(step, turn), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    submitting = False
    commit = SqlUnitOfWork.commit

    async def watched_commit(self: SqlUnitOfWork) -> None:
        mine = submitting and asyncio.current_task() is main_task
        if mine:
            fault("submitting, not committed")
        await commit(self)
        if mine:
            fault("committed, not acknowledged")

    main_task = asyncio.current_task()
    SqlUnitOfWork.commit = watched_commit  # type: ignore[method-assign]
    async with opened(home) as world:
        runtime = world.runtime
        assert runtime.loops.submitter is not None
        runtime.loops.submitter.fault = runtime.loops.follower.fault = fault
        print("ready", runtime.local_chain.anvil_pid if runtime.local_chain else 0, flush=True)
        for number in range(acts):
            submitting = True
            digest = await world.register(f"c{os.getpid()}.{number}")
            submitting = False
            print(digest, flush=True)
            if number % 2:
                await world.settle([digest])
        await stopped.wait()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
