"""Several processes on one database at the same time: each store here has connections of its own, as a process has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from ledger.domain.state import Department
from ledger.domain.submissions import SubmissionState
from ledger.ports import StoredDocument
from ledger.services.carrying import Submitter
from ledger.services.following import Follower
from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, COURIER_KEY, START, change, manifest, register
from tests.fakes.node import FakeNode
from tests.fakes.packer import FakePacker
from tests.fakes.small import FakeClock

PROCESSES = 3


@pytest.fixture
async def stores(database: str) -> AsyncIterator[list[SqlStore]]:
    async with AsyncExitStack() as opened:
        made = [SqlStore(open_engine(database), CHAIN_ID) for _ in range(PROCESSES)]
        for store in made:
            opened.push_async_callback(store.close)
        yield made


async def test_of_followers_that_read_the_same_blocks_one_writes_each(stores: list[SqlStore]) -> None:
    """In random order, each starting over when another was first; and the ends of submissions come with the entries."""
    node = FakeNode(manifest(), FakePacker(COURIER_KEY), FakeClock(START))
    acts = [register(f"d{number}") for number in range(40)]
    async with stores[0].write() as work:
        await work.add_submissions(acts)
        await work.commit()
    followers = [Follower(store, node, manifest()) for store in stores]

    async def follow(follower: Follower) -> int:
        found = 0
        for _ in acts:
            found += await follower.step()
        return found

    async def mine() -> None:
        for act in acts:
            node.mine(act)
            await asyncio.sleep(0)

    *counts, _ = await asyncio.gather(*(follow(follower) for follower in followers), mine())
    counts += [await follower.step() + await follower.step() for follower in followers]
    assert sum(counts) == 1 + len(acts), "each entry was recorded by one of them"
    async with stores[0].read() as work:
        assert await work.entries(-1, 1000) == node.all_entries()
        cursor = await work.cursor()
        assert cursor is not None and (cursor.block, cursor.size) == (node.tip.block, node.tip.size)
        assert len(await work.objects(Department)) == 1 + len(acts)
        found = [await work.submission(act.digest) for act in acts]
    for one in found:
        assert one is not None
        assert [step.state for step in one.history] == [SubmissionState.QUEUED, SubmissionState.FINAL]


async def test_a_follower_beside_one_that_empties_the_read_model(stores: list[SqlStore]) -> None:
    """`store rebuild` while the product runs: whoever comes second starts from what is there then."""
    node = FakeNode(manifest(), FakePacker(COURIER_KEY), FakeClock(START))
    node.mine(*(register(f"d{number}") for number in range(5)))
    first, second = (Follower(store, node, manifest()) for store in stores[:2])
    await first.step()

    async def empty() -> None:
        async with stores[2].write() as work:
            await work.rewind()
            await work.commit()

    for number in range(6):
        node.mine(register(f"e{number}"))
        await asyncio.gather(first.step(), empty(), second.step())
    for _ in range(3):
        await asyncio.gather(first.step(), second.step())
    async with stores[0].read() as work:
        assert await work.entries(-1, 1000) == node.all_entries()
        assert {item.key for item in await work.objects(Department)} == {
            item.key for item in node.tip.state.all(Department)
        }


async def test_a_key_is_claimed_by_one_process(stores: list[SqlStore]) -> None:
    async def claim(store: SqlStore, key: str) -> bool:
        async with store.write() as work:
            answer = await work.claim("caller", key, "body", 1)
            await work.commit()
        return answer is None

    for number in range(5):
        claimed = await asyncio.gather(*(claim(store, f"key-{number}") for store in stores * 3))
        assert claimed.count(True) == 1


async def test_a_claim_that_was_given_up_is_free_for_the_next(stores: list[SqlStore]) -> None:
    """Undone with its transaction, or released: another process gets it, and waits for the first to decide."""
    claimed, decided = asyncio.Event(), asyncio.Event()

    async def give_up() -> None:
        async with stores[0].write() as work:
            assert await work.claim("caller", "key", "body", 1) is None
            claimed.set()
            await decided.wait()

    async def claim() -> bool:
        async with stores[1].write() as work:
            answer = await work.claim("caller", "key", "body", 1)
            await work.commit()
        return answer is None

    giving = asyncio.create_task(give_up())
    await claimed.wait()
    claiming = asyncio.create_task(claim())
    await asyncio.sleep(0)
    decided.set()
    await giving
    assert await claiming


async def test_the_same_document_from_several_has_every_reader(stores: list[SqlStore]) -> None:
    async def add(store: SqlStore, reader: str) -> None:
        async with store.write() as work:
            await work.add_document(StoredDocument("d0" * 32, "rule", b"{}", False, frozenset({reader, "all"})))
            await work.commit()

    readers = [f"r{number}" for number in range(12)]
    await asyncio.gather(*(add(stores[number % PROCESSES], reader) for number, reader in enumerate(readers)))
    async with stores[0].read() as work:
        found = await work.document("d0" * 32)
    assert found is not None and found.readers == {"all", *readers}


async def test_the_same_act_from_several_is_queued_once(stores: list[SqlStore]) -> None:
    acts = [register(f"d{number}") for number in range(6)]

    async def submit(store: SqlStore) -> list[str]:
        async with store.write() as work:
            found = await work.add_submissions(acts)
            await work.commit()
        return [one.digest for one in found]

    answers = await asyncio.gather(*(submit(store) for store in stores * 2))
    assert all(answer == [act.digest for act in acts] for answer in answers)
    async with stores[0].read() as work:
        assert [one.digest for _, one in await work.submissions(limit=100)] == [act.digest for act in acts]


async def test_of_submitters_one_carries_and_no_act_travels_twice(stores: list[SqlStore]) -> None:
    """They step at the same time; the lease changes hands in between, while the old holder still believes in it."""
    clock, packer = FakeClock(START), FakePacker(COURIER_KEY)
    node = FakeNode(manifest(), packer, clock)
    followers = [Follower(store, node, manifest()) for store in stores]
    submitters = [Submitter(store, node, packer, clock, f"holder {n}") for n, store in enumerate(stores)]
    await followers[0].step()
    acts = []
    for number in range(12):
        first = register(f"d{number}")
        acts += [first, change(f"d{number}", first.digest)]
        async with stores[number % PROCESSES].write() as work:
            await work.add_submissions(acts[-2:])
            await work.commit()
        await asyncio.gather(*(submitter.step() for submitter in submitters))
        node.mine()
        await asyncio.gather(*(follower.step() for follower in followers))
        clock.time += 6 if number % 3 == 2 else 0.5  # now and then the lease runs out
    for _ in range(30):
        await asyncio.gather(*(submitter.step() for submitter in submitters))
        node.mine()
        await asyncio.gather(*(follower.step() for follower in followers))
        clock.time += 1.1
    async with stores[0].read() as work:
        made = await work.carried(COURIER_KEY, done=True)
        stored = {one.digest: one.state for _, one in await work.submissions(limit=100)}
    assert {stored[act.digest] for act in acts} == {SubmissionState.FINAL}
    assert [one.nonce for one in made] == list(range(made[0].nonce, made[0].nonce + len(made))), "no gap"
    digests = [entry.digest for entry in node.all_entries()]
    assert len(set(digests)) == len(digests) == 1 + len(acts)
