"""Replay from logs: the product's own rebuild of its read model, and beside it web3.py with ORM inserts.

Both read the same chain from the ledger's first block on. The product checks every digest and head against the chain,
applies every entry to the state and writes entries and state; the other decodes and inserts.
"""

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ledger import memory
from ledger.runtime import Runtime, open_runtime
from ledger.settings import Settings
from scripts._bench import orm


@dataclass(frozen=True, slots=True)
class Replayed:
    entries: int
    per_second: float
    loop_per_second: float


def replayed(settings: Settings, folder: Path) -> Replayed:
    """Of the ledger in a home that no process has open; its read model is emptied and rebuilt."""
    return asyncio.run(_replayed(settings, folder))


async def _replayed(settings: Settings, folder: Path) -> Replayed:
    async with open_runtime(settings) as runtime:
        memory.settle()  # as `shareledger store rebuild` does
        async with runtime.store.write() as work:
            await work.rewind()
            await work.commit()
        began = time.perf_counter()
        entries = await runtime.catch_up()
        rate = entries / (time.perf_counter() - began)
        return Replayed(entries, rate, await _loop(runtime, folder))


async def _loop(runtime: Runtime, folder: Path) -> float:
    """In a process of its own: the chain it asks is served by this one."""
    latest = await runtime.ports.node.latest()
    manifest = runtime.manifest
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return await asyncio.get_running_loop().run_in_executor(
            process, orm.entries_per_second, runtime.rpc.urls[0], manifest, manifest.block, latest.number, folder
        )
