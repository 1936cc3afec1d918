"""Readiness, alarms and the doctor on a running ledger, with its real chain frozen and its real database gone."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from prometheus_client import generate_latest

from ledger.examining import Examination
from ledger.runtime import Runtime
from ledger.services.diagnosing import Diagnosis, Verdict
from ledger.settings import Settings
from ledger.telemetry import REGISTRY
from tests.harness.waiting import soon
from tests.harness.world import opened


@asynccontextmanager
async def watched(runtime: Runtime) -> AsyncIterator[None]:
    """Beside the loops, looking ten times as often as usual."""
    runtime.watch.seconds = 0.05
    task = asyncio.create_task(runtime.watch.run())
    try:
        await becomes(runtime, True)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def becomes(runtime: Runtime, ready: bool, *alarms: str) -> None:
    async def so() -> bool:
        told = runtime.status()
        return told["ready"] is ready and set(alarms) <= {one["alarm"] for one in told["alarms"]}

    await soon(so, 30)


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def examined(home: Path, **settings: object) -> dict[str, Diagnosis]:
    found = await Examination(lambda: Settings.load(home=home, port=0, **settings)).run()
    return {one.check: one for one in found}


async def test_readiness_follows_chain_and_database(home: Path) -> None:
    async with opened(home) as world, watched(world.runtime):
        runtime = world.runtime
        await world.settle([await world.register("341502")])
        assert runtime.local_chain is not None
        with frozen(runtime.local_chain.anvil_pid):
            await becomes(runtime, False, "node_gone")
        await becomes(runtime, True)

        file = home / "store" / "ledger.sqlite3"
        file.rename(file.with_suffix(".away"))
        await becomes(runtime, False, "database_gone")
        file.with_suffix(".away").rename(file)
        await becomes(runtime, True)
        await world.recheck()


async def test_the_metrics_tell_what_is_there(home: Path) -> None:
    async with opened(home) as world, watched(world.runtime):
        for number in range(3):
            await world.register(f"d{number}")
        await world.settle()
        seen = await world.runtime.watch.look()
        assert seen.cursor is not None and seen.cursor.size == 4
        text = generate_latest(REGISTRY).decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values["shareledger_entries"]) == 4 and float(values["shareledger_lease_held"]) == 1
    assert (
        float(values["shareledger_acts_accepted_total"]) >= 3 and float(values["shareledger_gas_used_total"]) > 50_000
    )
    assert float(values["shareledger_batch_acts_count"]) >= 1
    assert any(name.startswith("shareledger_rpc_seconds_count{node=") for name in values)
    assert "341500" not in text and str(home) not in text


async def test_a_ledger_that_nobody_carries_for_is_told(home: Path) -> None:
    async with opened(home, running=False) as world:
        for _ in range(2):
            await world.runtime.watch.look()
        assert "submitter_missing" in {one.alarm.code for one in world.runtime.alarms.up()}


async def test_the_doctor_beside_a_running_product(home: Path) -> None:
    async with opened(home) as world:
        await world.settle([await world.register("341502")])
        told = await examined(home)
        assert {one.check for one in told.values() if one.verdict is Verdict.FAILED} == set()
        for check in ("local-chain", "node", "contracts", "history", "lag", "queue", "lease"):
            assert told[check].verdict is Verdict.GOOD, told[check]
        assert told["local-chain"].facts["pid"] == os.getpid()

        url = str(told["local-chain"].facts["address"])
        compared = await examined(home, compare_url=url)
        assert compared["comparison"].verdict is Verdict.GOOD

        manifest = json.loads((home / "manifest.json").read_text())
        for member, value, case in (("chain_id", 7, "chain-id"), ("genesis", "0x" + "ab" * 32, "genesis")):
            (home / "manifest.json").write_text(json.dumps({**manifest, member: value}))
            told = await examined(home, compare_url=url)
            assert told["node"].case == case and told["comparison"].case == "another-chain"
        other = {**manifest, "modules": {**manifest["modules"], "Journal": "0x" + "ab" * 20}}
        (home / "manifest.json").write_text(json.dumps(other))
        told = await examined(home)
        assert (told["history"].case, told["contracts"].case) == ("another-ledger", "other-code")
