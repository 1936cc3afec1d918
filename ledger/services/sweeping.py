"""Sweeping the payload store: uploads that were cut off, and payloads that were stored but never named by a row.

A payload is stored before the row that names it, so whatever ends a preparation in between leaves an orphan. Each one
has a mark from before it got its name (`PayloadStore.unclaimed`), and only what is marked is ever looked at:

1. named by a row, or by a version's document: the mark is taken away, and no sweep can touch the payload again;
2. named by neither, and marked for long enough: the rows and the mark are read once more, then it is removed.

So a database that was lost, emptied or exchanged costs no payload that was ever claimed.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from ledger import telemetry
from ledger.errors import NotReady, Unavailable
from ledger.ports import Clock, PayloadStore, Ports, Store

log = structlog.get_logger()
AT_ONCE: Final = 50  # removed after one more look at the rows


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each."""

    unfinished: int  # uploads cut off, removed
    orphans: int  # payloads that nothing names, removed
    claimed: int  # found to be named: never looked at again
    waiting: int  # named by nothing yet, and too young to judge

    def to_json(self) -> dict[str, int]:
        return asdict(self)


async def sweep(store: Store, payloads: PayloadStore, clock: Clock, *, older_than: timedelta) -> Swept:
    """Removes what has lain for so long; longer than any preparation takes, here or in another process.

    Raises Unavailable, NotReady.
    """
    unfinished = await payloads.sweep(older_than=older_than)
    marks = await payloads.unclaimed()
    named = await _named(store, marks)
    for digest in sorted(named):
        await payloads.claim(digest)
    before = datetime.fromtimestamp(clock.now(), UTC) - older_than
    old = sorted(digest for digest, since in marks.items() if since <= before and digest not in named)
    orphans = 0
    for start in range(0, len(old), AT_ONCE):
        batch = old[start : start + AT_ONCE]
        named_now = await _named(store, batch)
        for digest in batch:
            since = await payloads.unclaimed_since(digest)
            if digest not in named_now and since is not None and since <= before:
                await payloads.delete(digest)
                orphans += 1
    return Swept(unfinished, orphans, len(named), len(marks) - len(named) - orphans)


async def sweep_quietly(ports: Ports, *, older_than: timedelta) -> None:
    """A server's own: a store that does not answer is told to the log and the metrics, and tried again next time."""
    try:
        swept = await sweep(ports.store, ports.payloads, ports.clock, older_than=older_than)
    except (Unavailable, NotReady) as error:
        telemetry.FAILED_STEPS.labels("sweeping").inc()
        log.warning("sweep_failed", detail=error.detail)
        return
    telemetry.SWEPT.labels("unfinished").inc(swept.unfinished)
    telemetry.SWEPT.labels("orphans").inc(swept.orphans)
    if swept.unfinished or swept.orphans:
        log.info("payloads_swept", **swept.to_json())


async def _named(store: Store, digests: Collection[str]) -> set[str]:
    """Those that a row or a version's document names."""
    if not digests:
        return set()
    async with store.read() as work:
        named = {found for _, found in await work.payload_objects()} & set(digests)
        return named | await work.digests_in_documents("version", [one for one in digests if one not in named])
