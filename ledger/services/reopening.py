"""After a chain was taken back below its last final block: what was final, and is no longer, is on its way again.

Nobody but a person may say that another history is the right one now; then the read model is built anew from it, and

1. transactions that were done and are in no block of this history are sent again, the same bytes;
2. acts that were final and have no entry go with them, or back into the queue.

They may become final once more: what they were signed for has not changed. Those that no longer fit are refused.
"""

from dataclasses import replace

from ledger.domain.submissions import SubmissionState
from ledger.ports import Node, Store

AT_ONCE = 100  # receipts asked for in one go
NOTE = "its entry is no longer part of the chain"


async def reopen(store: Store, node: Node, courier: str) -> int:
    """Put back what has no entry any more; the number of acts. Call it when the read model is caught up, and nothing
    else runs on this database. Raises Unavailable. Stopping half-way loses nothing: call it again."""
    async with store.read() as work:
        done = [carried for carried in await work.carried(courier, done=True) if carried.state == "done"]
    gone = []
    for start in range(0, len(done), AT_ONCE):
        some = done[start : start + AT_ONCE]
        _, receipts = await node.landed([carried.hash for carried in some])
        gone += [carried for carried, receipt in zip(some, receipts, strict=True) if receipt is None]

    async with store.write() as work:
        unrecorded = set(await work.unrecorded())
        queued = set(unrecorded)
        for carried in gone:
            acts = [act.digest for act in await work.carried_by([carried.hash]) if act.digest in unrecorded]
            await work.reopen(acts, SubmissionState.SENT, NOTE)
            await work.settle(replace(carried, state="sent", block=None))
            queued -= set(acts)
        await work.reopen(sorted(queued), SubmissionState.QUEUED, NOTE)
        await work.commit()
    return len(unrecorded)
