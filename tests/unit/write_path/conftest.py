"""A submitter and a follower on a chain in memory and each of the databases, stepped by hand."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from ledger.domain.submissions import Submission, SubmissionState
from ledger.errors import Unavailable
from ledger.services.carrying import Submitter
from ledger.services.following import Follower
from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, COURIER_KEY, START, manifest
from tests.fakes.node import FakeNode
from tests.fakes.packer import FakePacker
from tests.fakes.small import FakeClock


@dataclass
class Rig:
    store: SqlStore
    node: FakeNode
    packer: FakePacker
    clock: FakeClock
    submitter: Submitter
    follower: Follower

    def another_submitter(self, holder: str, confirmations: int | None = None) -> Submitter:
        given = self.submitter.confirmations if confirmations is None else confirmations
        return Submitter(self.store, self.node, self.packer, self.clock, holder, given)

    def another_follower(self) -> Follower:
        return Follower(self.store, self.node, self.follower.manifest, self.follower.confirmations)

    async def queue(self, *submissions: Submission) -> list[str]:
        async with self.store.write() as work:
            await work.add_submissions(submissions)
            await work.commit()
        return [one.digest for one in submissions]

    async def submission(self, digest: str) -> Submission:
        async with self.store.read() as work:
            found = await work.submission(digest)
        assert found is not None
        return found

    async def state(self, digest: str) -> str:
        return (await self.submission(digest)).state.value

    async def states(self, digests: Sequence[str]) -> list[str]:
        return [await self.state(digest) for digest in digests]

    async def history(self, digest: str) -> list[str]:
        return [step.state.value for step in (await self.submission(digest)).history]

    async def follow(self) -> int:
        """Until there is nothing more to follow."""
        found = 0
        while True:
            before = self.follower.reached
            found += await self.follower.step()
            if self.follower.reached == before:
                return found

    async def follow_until_unavailable(self) -> int:
        found = 0
        while True:
            try:
                found += await self.follower.step()
            except Unavailable:
                return found

    async def round(self) -> bool:
        """Submitter, block, follower, submitter: one act's whole way."""
        await self.submitter.step()
        self.node.mine()
        await self.follow()
        self.clock.time += 0.2
        return await self.submitter.step()

    async def finish(self, rounds: int = 30) -> None:
        """Rounds until nothing is under way."""
        for _ in range(rounds):
            if not await self.round():
                return
        raise AssertionError("the submitter does not come to rest")

    async def consistent(self) -> None:
        """Read model and chain agree, and a submission is final exactly if its act is an entry, which is so once."""
        entries = self.node.all_entries()
        async with self.store.read() as work:
            assert await work.entries(-1, 10_000) == entries
            cursor = await work.cursor()
            assert cursor is not None and (cursor.size, cursor.head) == (self.node.tip.size, self.node.tip.head)
            stored = [one for _, one in await work.submissions(limit=10_000)]
            for thing in self.node.tip.state:
                found = await work.load([(type(thing), thing.key)])
                assert found.get(type(thing), *thing.key) == thing
        by_digest = {entry.digest: entry.index for entry in entries}
        assert len(by_digest) == len(entries)
        for one in stored:
            assert (one.state is SubmissionState.FINAL) == (one.digest in by_digest)
            assert one.entry == by_digest.get(one.digest)


def make_rig(database: str, confirmations: int = 0) -> Rig:
    engine = open_engine(database)
    clock, packer = FakeClock(START), FakePacker(COURIER_KEY)
    store = SqlStore(engine, CHAIN_ID, lambda: int(clock.now() * 1000))
    node = FakeNode(manifest(), packer, clock)
    submitter = Submitter(store, node, packer, clock, "one", confirmations)
    return Rig(store, node, packer, clock, submitter, Follower(store, node, manifest(), confirmations))


@pytest.fixture
async def rig(database: str) -> AsyncIterator[Rig]:
    made = make_rig(database)
    await made.follow()
    yield made
    await made.store.close()


@pytest.fixture
async def deep_rig(database: str) -> AsyncIterator[Rig]:
    """A block is final with two on top of it."""
    made = make_rig(database, confirmations=2)
    made.node.mine()
    made.node.mine()
    await made.follow()
    yield made
    await made.store.close()
