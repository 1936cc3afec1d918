"""The watch sees what is wrong, says so once, and says when it is over; on each database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import structlog

from ledger import telemetry
from ledger.chain.rpc import Rpc
from ledger.domain.submissions import SubmissionState
from ledger.errors import Diverged, NodesDisagree
from ledger.host import FinalSignal
from ledger.loops import Loops
from ledger.machine import MIB
from ledger.services.vitals import Limits
from ledger.watching import Watch
from tests.factories.acts import register
from tests.unit.write_path.conftest import Rig

FIRST, SECOND = "http://first.test", "http://second.test"


class Chain:
    """Answers as a node at the rig's height would; `down` names the addresses that do not."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.down, self.ahead, self.hangs = rig, set[str](), 0.0, False

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.hangs:
            await asyncio.Event().wait()
        if f"http://{request.url.host}" in self.down:
            raise httpx.ConnectError("refused")
        tip = self.rig.node.tip
        time = hex(int(self.rig.clock.now() + self.ahead))
        block = {"number": hex(tip.block.number), "timestamp": time, "hash": tip.block.hash}
        answers = {"eth_getBlockByNumber": block, "eth_call": f"0x{tip.size:064x}"}
        asked = orjson.loads(request.content)
        return httpx.Response(200, json=[{"id": one["id"], "result": answers[one["method"]]} for one in asked])


@pytest.fixture
async def chain(rig: Rig) -> Chain:
    return Chain(rig)


@pytest.fixture
async def watch(rig: Rig, chain: Chain, tmp_path: Path) -> AsyncIterator[Watch]:
    rpc = Rpc(FIRST, SECOND, transport=httpx.MockTransport(chain), measured=True)
    loops = Loops(rig.follower, rig.submitter, FinalSignal(), rig.clock, poll=0.001, idle=0.02)
    made = Watch(
        store=rig.store,
        rpc=rpc,
        loops=loops,
        clock=rig.clock,
        limits=Limits(0.0, 10, 3, 60, MIB, 15),
        journal="0x" + "00" * 20,
        confirmations=0,
        courier=rig.packer.courier,
        places={"home": tmp_path},
    )
    await rig.submitter.step()
    yield made
    await rpc.close()


def up(watch: Watch) -> list[str]:
    return [raised.alarm.code for raised in watch.alarms.up()]


def shown(metric: Any, *labels: str) -> float:
    return float((metric.labels(*labels) if labels else metric)._value.get())


async def test_a_healthy_product_is_ready_and_measured(watch: Watch, rig: Rig) -> None:
    rig.node.mine(register("a"))
    await rig.follow()
    await rig.queue(register("b"), register("c"))
    seen = await watch.look()
    assert up(watch) == [] and watch.status() == {"ready": True, "reasons": [], "alarms": []}
    assert seen.waiting is not None and seen.waiting[SubmissionState.QUEUED].count == 2
    assert shown(telemetry.SUBMISSIONS, "queued") == 2 and shown(telemetry.SUBMISSIONS, "sent") == 0
    assert shown(telemetry.ENTRIES) == 2 and shown(telemetry.LAG_BLOCKS) == shown(telemetry.LAG_ENTRIES) == 0
    assert shown(telemetry.LEASE_HELD) == shown(telemetry.LEASE_ALIVE) == shown(telemetry.READY) == 1
    assert shown(telemetry.FOLLOWED_BLOCK) == shown(telemetry.NODE_BLOCK) == rig.node.tip.block.number
    assert shown(telemetry.DISK_FREE, "home") > MIB and shown(telemetry.NONCE) == -1
    await rig.submitter.step()
    await watch.look()
    assert shown(telemetry.NONCE) > -1 and shown(telemetry.OPEN_TRANSACTIONS) == 1
    assert shown(telemetry.SUBMISSIONS, "queued") == 0 and shown(telemetry.SUBMISSIONS, "sent") == 2


async def test_a_node_that_is_gone_and_comes_back(watch: Watch, chain: Chain) -> None:
    with structlog.testing.capture_logs() as said:
        chain.down = {FIRST, SECOND}
        for _ in range(3):
            await watch.look()
        told = watch.status()
        assert not told["ready"] and up(watch) == ["node_gone"] and told["alarms"][0]["next_step"]
        chain.down = set()
        await watch.look()
    assert watch.status()["ready"]
    assert [line["event"] for line in said if line.get("alarm") == "node_gone"] == ["alarm_raised", "alarm_cleared"]


async def test_a_node_that_takes_questions_and_never_answers(
    watch: Watch, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.watching.ANSWER_SECONDS", 0.01)
    chain.hangs = True
    await watch.look()
    assert up(watch) == ["node_gone"]


async def test_another_node_that_stands_in_is_told_and_stops_nothing(watch: Watch, chain: Chain) -> None:
    before = shown(telemetry.RPC_FAILOVERS, SECOND)
    chain.down = {FIRST}
    await watch.look()
    assert up(watch) == ["node_failing_over"] and watch.status()["ready"]
    assert shown(telemetry.RPC_FAILOVERS, SECOND) == before + 1 and shown(telemetry.RPC_ERRORS, FIRST) >= 1


async def test_blocks_that_nobody_follows(watch: Watch, rig: Rig) -> None:
    for name in ("a", "b", "c"):
        rig.node.mine(register(name))
    await watch.look()
    assert up(watch) == ["follower_lagging"]
    assert shown(telemetry.LAG_BLOCKS) == 3 and shown(telemetry.LAG_ENTRIES) == 3
    await rig.follow()
    await watch.look()
    assert up(watch) == []


async def test_nobody_carries(watch: Watch, rig: Rig) -> None:
    await rig.submitter.stop()
    await watch.look()
    await watch.look()
    assert up(watch) == ["submitter_missing"] and shown(telemetry.LEASE_ALIVE) == 0
    await rig.submitter.step()
    await watch.look()
    assert up(watch) == []


async def test_acts_that_wait_too_long(watch: Watch, rig: Rig) -> None:
    await rig.queue(register("a"))
    rig.clock.time += 61
    await rig.submitter._leads()
    await watch.look()
    assert up(watch) == ["queue_stalled"] and shown(telemetry.OLDEST_WAITING) == 61


async def test_a_clock_that_is_behind_stops_nothing(watch: Watch, chain: Chain) -> None:
    chain.ahead = 20
    await watch.look()
    assert up(watch) == ["clock_behind"] and watch.status()["ready"] and shown(telemetry.CLOCK_BEHIND) == 20


async def test_a_database_that_does_not_answer(watch: Watch, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Any:
        raise OSError("postgresql://ledger:secret@db is away")

    with monkeypatch.context() as broken:
        broken.setattr(rig.store, "read", gone)
        await watch.look()
        told = watch.status()
    assert up(watch) == ["database_gone"] and "secret" not in str(told)
    await watch.look()
    assert watch.status()["ready"]


async def test_a_database_file_that_was_exchanged(watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    watch.database_file = file
    watch.__post_init__()
    await watch.look()
    assert up(watch) == []
    (tmp_path / "other").write_bytes(b"2")
    file.unlink()
    await watch.look()
    assert up(watch) == ["database_gone"]
    (tmp_path / "other").rename(file)
    await watch.look()
    assert up(watch) == ["database_gone"]


async def test_a_disk_that_is_nearly_full(watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ledger.machine import Disk

    monkeypatch.setattr("ledger.watching.disks", lambda places: {"home": Disk(tmp_path, 1, MIB - 1, None)})
    await watch.look()
    assert up(watch) == ["disk_nearly_full"] and not watch.status()["ready"]


@pytest.mark.parametrize(("error", "alarm"), [(Diverged, "node_diverged"), (NodesDisagree, "nodes_disagree")])
async def test_what_the_loops_know_is_told_without_a_look(watch: Watch, error: type[Diverged], alarm: str) -> None:
    assert watch.status()["ready"]
    watch.loops.diverged = error("block 7 is another")
    told = watch.status()
    assert not told["ready"] and told["reasons"] == ["block 7 is another"] and up(watch) == [alarm]


async def test_a_loop_that_fails_is_told_until_it_does_not(watch: Watch) -> None:
    watch.loops.trouble["follower"] = "no logs"
    assert watch.status()["reasons"] == ["follower: no logs"]
    watch.loops.trouble.clear()
    assert watch.status()["ready"]


async def test_a_watch_that_looks_no_more_is_not_trusted(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    task = asyncio.create_task(watch.run())
    async with asyncio.timeout(20):
        while watch.seen is None:
            assert not watch.status()["ready"] or watch._began is None
            await asyncio.sleep(0)
    assert watch.status()["ready"]
    task.cancel()
    await asyncio.wait([task])
    monkeypatch.setattr("ledger.watching.STALE_SECONDS", -1.0)
    assert "nobody has looked" in watch.status()["reasons"][0]


async def test_a_look_that_breaks_is_logged_and_looked_again(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, thrice = 0, asyncio.Event()

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            thrice.set()
        raise ValueError("a defect")

    monkeypatch.setattr(watch, "look", look)
    watch.seconds = 0.001
    with structlog.testing.capture_logs() as said:
        task = asyncio.create_task(watch.run())
        async with asyncio.timeout(20):
            await thrice.wait()
        task.cancel()
        await asyncio.wait([task])
    assert {line["event"] for line in said} == {"watch_failed"} and "defect" not in str(said)


async def test_the_clock_jumped(watch: Watch) -> None:
    before = shown(telemetry.CLOCK_JUMPS)
    await watch.look()
    assert watch._looked is not None
    watch._looked = (watch._looked[0] - 100, watch._looked[1])
    with structlog.testing.capture_logs() as said:
        await watch.look()
    assert shown(telemetry.CLOCK_JUMPS) == before + 1 and said[0]["event"] == "clock_jumped"


async def test_the_survey_counts_what_changes_slowly(watch: Watch) -> None:
    await watch.survey()
    assert shown(telemetry.PAYLOADS) == shown(telemetry.PAYLOAD_BYTES) == 0
    assert shown(telemetry.OVERDUE, "reply-conditional") == 0


async def test_a_database_that_hangs_is_asked_once_until_it_answers(
    watch: Watch, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers, read = 0, asyncio.Event(), watch._read

    async def hanging() -> Any:
        nonlocal asked
        asked += 1
        while not answers.is_set():  # as a driver that waits for a dead peer, even when it is cancelled
            try:
                await answers.wait()
            except asyncio.CancelledError:
                continue
        return await read()

    monkeypatch.setattr("ledger.watching.STORE_SECONDS", 0.01)
    monkeypatch.setattr(watch, "_read", hanging)
    for _ in range(3):
        await watch.look()
    assert up(watch) == ["database_gone"] and asked == 1
    answers.set()
    monkeypatch.setattr("ledger.watching.STORE_SECONDS", 20)
    await watch.look()
    await watch.look()
    assert watch.status()["ready"]
