"""Transactions: all or nothing, one moment, writers in a queue; and each row comes back as it went in."""

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa

from ledger.domain.acts import Module
from ledger.domain.state import Department, Key, State, Version
from ledger.domain.submissions import OPEN_STATES, SubmissionState
from ledger.ports import ApiKey, Block, Carried, Cursor, PayloadRow, StoredDocument, TablePart, Use
from ledger.store.engine import open_engine
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, COURIER_KEY, MODULES, ROOT, ROOT_KEY, change, manifest, register
from tests.fakes.node import FakeNode
from tests.fakes.packer import FakePacker
from tests.fakes.small import FakeClock

DOCUMENT = StoredDocument("d0" * 32, "rule", b"{}", False, frozenset({"a"}))
SENT, QUEUED, FINAL = SubmissionState.SENT, SubmissionState.QUEUED, SubmissionState.FINAL


async def followed(store: SqlStore, *codes: str) -> FakeNode:
    """A chain on which these departments were registered, and the read model of it."""
    node = FakeNode(manifest(), FakePacker(COURIER_KEY), FakeClock(1_790_000_000))
    node.mine(*(register(code) for code in codes))
    async with store.write() as work:
        tip = node.tip
        await work.record(node.all_entries(), list(tip.state), Cursor(tip.block, tip.size, tip.head))
        await work.commit()
    return node


async def test_without_commit_nothing_is_kept(store: SqlStore) -> None:
    async with store.write() as work:
        await work.add_document(DOCUMENT)
    with pytest.raises(RuntimeError):
        async with store.write() as work:
            await work.add_submissions([register("a")])
            raise RuntimeError
    async with store.read() as work:
        assert await work.document(DOCUMENT.digest) is None
        assert await work.submissions() == []


async def test_a_reader_sees_one_moment(store: SqlStore) -> None:
    async with store.read() as reading:
        assert await reading.submissions() == []
        async with store.write() as work:
            await work.add_submissions([register("a")])
            await work.commit()
        assert await reading.submissions() == []
    async with store.read() as reading:
        assert len(await reading.submissions()) == 1


async def test_writers_queue_from_the_start(store: SqlStore, database: str) -> None:
    """A read-then-write of two writers never interleaves, so neither fails and neither overwrites."""
    stores = [store, SqlStore(open_engine(database), CHAIN_ID), SqlStore(open_engine(database), CHAIN_ID)]  # processes

    async def add_one(number: int) -> None:
        async with stores[number % 3].write() as work:
            seen = len(await work.submissions(limit=100))
            await work.add_submissions([register(f"d{number}.{seen}")])
            await work.commit()

    await asyncio.gather(*(add_one(number) for number in range(12)))
    async with store.read() as work:
        stored = [one.subject for _, one in await work.submissions(limit=100)]
    assert [int(code.split(".")[1]) for code in stored] == list(range(12))
    for other in stores[1:]:
        await other.close()


# ---- idempotency ----------------------------------------------------------------------------------------------------


async def test_a_key_is_claimed_once_however_many_try(store: SqlStore) -> None:
    async def claim() -> bool:
        async with store.write() as work:
            answer = await work.claim("caller", "key", "body", 1)
            await work.commit()
        return answer is None

    assert (await asyncio.gather(*(claim() for _ in range(10)))).count(True) == 1


async def test_an_answer_is_kept_and_a_claim_can_be_released(store: SqlStore) -> None:
    async with store.write() as work:
        assert await work.claim("caller", "key", "body", 5) is None
        running = await work.claim("caller", "key", "body", 6)
        assert running is not None and (running.status, running.created) == (None, 5)
        await work.release("caller", "key")
        assert await work.claim("caller", "key", "other", 7) is None
        await work.answer("caller", "key", 202, {"submissions": ["ab"]})
        await work.release("caller", "key")  # answered: nothing to release
        done = await work.claim("caller", "key", "other", 8)
        assert done is not None and (done.status, done.answer) == (202, {"submissions": ["ab"]})
        assert await work.claim("another", "key", "other", 9) is None
        await work.commit()


# ---- documents, callers, payloads -----------------------------------------------------------------------------------


async def test_a_document_again_adds_readers_only(store: SqlStore) -> None:
    async with store.write() as work:
        await work.add_document(DOCUMENT)
        await work.add_document(replace(DOCUMENT, body=b"other", open=True, readers=frozenset({"a", "b"})))
        found = await work.document(DOCUMENT.digest)
        assert found == replace(DOCUMENT, readers=frozenset({"a", "b"}))
        await work.open_document(DOCUMENT.digest)
        found = await work.document(DOCUMENT.digest)
        assert found is not None and found.open


async def test_api_keys_are_revoked_once(store: SqlStore) -> None:
    key = ApiKey("id", "hash", "label", "a", 3, 31, 1, 2)
    async with store.write() as work:
        await work.add_api_key(key)
        assert await work.api_key("id") == key and await work.api_keys() == [key]
        assert await work.revoke_api_key("id", 9)
        assert not await work.revoke_api_key("id", 10)
        assert not await work.revoke_api_key("none", 10)
        found = await work.api_key("id")
        assert found is not None and found.revoked == 9


async def test_shredding_deletes_keys_by_segment_or_all(store: SqlStore) -> None:
    keys = ((0, b"k0"), (65_536, b"k1"))
    parts = (
        TablePart(0, 65_536, "a0" * 32, 100, b"p0"),
        TablePart(65_536, 65_536, "a1" * 32, 100, b"p1"),
        TablePart(131_072, 5, "a2" * 32, 10, b"p2"),
    )
    row = PayloadRow(DOCUMENT.digest, "a/b", "ab" * 32, b"key", 10, {"root": "cd"}, b"manifest", keys, parts)
    async with store.write() as work:
        await work.add_document(DOCUMENT)
        await work.add_payload(row)
        assert await work.payload(row.document) == row
        objects = [stored for _, stored in await work.payload_objects()]
        assert objects == ["ab" * 32, "a0" * 32, "a1" * 32, "a2" * 32]
        await work.shred(row.document, [32_768])
        assert await work.payload(row.document) == row, "no segment begins there"
        await work.shred(row.document, [65_536])
        found = await work.payload(row.document)
        assert found is not None and found.segment_keys == ((0, b"k0"), (65_536, None))
        assert found.wrapped_key is None, "the payload's bytes hold the shredded records too"
        assert [part.wrapped_key for part in found.parts] == [b"p0", None, None]
        await work.shred(row.document, None)
        found = await work.payload(row.document)
        assert found is not None and found.segment_keys == ((0, None), (65_536, None)) and found.wrapped_key is None
        assert [part.wrapped_key for part in found.parts] == [None] * 3
        assert len(await work.payload_objects()) == 4, "the objects are named as before"


async def test_use_records_come_back_in_order(store: SqlStore) -> None:
    uses = [Use(at, "share", "version", "a", "caller", "download") for at in (3, 1, 2)]
    async with store.write() as work:
        for use in uses:
            await work.add_use(use)
        assert [use for _, use in await work.uses("share")] == uses
        assert await work.uses("other") == []


# ---- the read model -------------------------------------------------------------------------------------------------


async def test_rows_come_back_as_they_were_recorded(store: SqlStore) -> None:
    node = await followed(store, "a", "b", "c")
    async with store.read() as work:
        assert await work.entries(-1, 10) == node.all_entries()
        assert await work.entries(1, 1) == node.all_entries()[2:3]
        assert await work.entry(0) == node.all_entries()[0]
        assert await work.entry(node.all_entries()[2].digest) == node.all_entries()[2]
        assert await work.entry(99) is None
        assert await work.identity() == (CHAIN_ID, MODULES[Module.JOURNAL])
        assert [item.code for item in await work.objects(Department)] == ["a", "b", "c", ROOT]
        assert [item.code for item in await work.objects(Department, after=("b",), limit=1)] == ["c"]
        assert await work.objects(Department, parent="nobody") == []
        assert len(await work.objects(Department, code=("a", "b"))) == 2
        with pytest.raises(KeyError):
            await work.objects(Department, colour="red")


async def test_pages_by_key_go_through_every_row_in_the_order_of_code_points(store: SqlStore) -> None:
    """Codes are mixed case and signs, which languages sort otherwise."""
    codes = ["a.b", "a-B", "A-b", "ab", "aB", "a_b", "a/b", "Z", "z", "0", "a", "B", "a-b", "a.B"]
    await followed(store, *codes)
    found: list[str] = []
    async with store.read() as work:
        while page := await work.objects(Department, after=(found[-1],) if found else None, limit=2):
            found += [item.code for item in page]
    assert found == sorted([*codes, ROOT])


async def test_loading_brings_everything_it_rests_on(store: SqlStore) -> None:
    await followed(store, "a")
    async with store.read() as work:
        state = await work.load([(Key, (ROOT_KEY,)), (Department, ("a",)), (Department, ("none",))])
    assert state.get(Key, ROOT_KEY) and state.get(Department, ROOT) and state.get(Department, "a")
    assert state.get(Department, "none") is None


async def test_loading_thousands_stays_below_the_databases_limits(store: SqlStore) -> None:
    await followed(store, "a")
    async with store.read() as work:
        state = await work.load([(Department, (f"none-{number}",)) for number in range(40_000)])
    assert state.get(Department, "a") is None


async def test_emptying_and_rebuilding_gives_the_same_rows(store: SqlStore) -> None:
    node = await followed(store, "a", "b")
    async with store.write() as work:
        await work.add_submissions([register("a"), register("z")])
        await work.rewind()
        assert await work.cursor() is None and await work.entries(-1, 10) == [] and await work.objects(Department) == []
        tip = node.tip
        cursor = Cursor(tip.block, tip.size, tip.head)
        await work.record(node.all_entries(), list(tip.state), cursor)
        assert await work.cursor() == cursor
        assert await work.entries(-1, 10) == node.all_entries()
        assert [one.state for _, one in await work.submissions()] == [FINAL, QUEUED]  # what only we know is still here


async def test_recording_ends_the_submissions_it_answers(store: SqlStore) -> None:
    async with store.write() as work:
        await work.add_submissions([register("a"), register("other")])
        await work.move([register("a").digest], SubmissionState.FAILED, "too early", reason={"code": "x"})
        await work.commit()
    await followed(store, "a")
    async with store.read() as work:
        found = await work.submission(register("a").digest)
        assert found is not None and (found.state, found.entry, found.reason) == (FINAL, 1, None)
        assert [step.state.value for step in found.history] == ["queued", "failed", "final"]


# ---- the queue and the courier --------------------------------------------------------------------------------------


async def test_moving_leaves_what_has_ended_alone(store: SqlStore) -> None:
    acts = [register(f"d{number}") for number in range(len(SubmissionState))]
    async with store.write() as work:
        await work.add_submissions(acts)
        for act, state in zip(acts, SubmissionState, strict=True):
            await work.move([act.digest], state)
        await work.move([act.digest for act in acts], SENT, "all")
        after = {one.digest: one.state for _, one in await work.submissions(limit=100)}
    for act, state in zip(acts, SubmissionState, strict=True):
        assert after[act.digest] == (SENT if state in OPEN_STATES else state)


async def test_the_same_act_is_queued_once(store: SqlStore) -> None:
    async with store.write() as work:
        stored = await work.add_submissions([register("a"), register("b"), register("a")])
        assert [one.subject for one in stored] == ["a", "b", "a"]
        await work.move([register("a").digest], SENT)
        (again,) = await work.add_submissions([register("a")])
        assert again.state is SENT
        await work.move([register("a").digest], SubmissionState.RETURNED, reason={"code": "x"})
        (again,) = await work.add_submissions([register("a")])
        assert again.state is QUEUED and again.reason is None
        assert len(await work.submissions()) == 2
        assert await work.submitted([register("a").digest, "ff" * 32]) == {register("a").digest}


async def test_what_is_open_and_what_moves_by_itself(store: SqlStore) -> None:
    first, second = register("a"), change("a", register("a").digest)
    async with store.write() as work:
        await work.add_submissions([first, second])
        assert await work.open_on([first.digest], ["a", "b"]) == {first.digest, "a"}
        transaction = Carried(COURIER_KEY, 1, "0x01", b"raw")
        await work.add_carried(transaction, 1, [first.digest])
        assert await work.moving_on([first.digest], [], apart_from="") == {first.digest}
        assert await work.moving_on([first.digest], [], apart_from="0x01") == set()
        assert await work.moving_on([second.digest], [], apart_from="0x01") == {second.digest}
        await work.move([first.digest, second.digest], SubmissionState.RETURNED)
        assert await work.moving_on([first.digest], ["a"], apart_from="") == set()
        assert await work.open_on([first.digest], ["a"]) == {first.digest, "a"}


async def test_a_transactions_bytes_and_acts_are_stored_together(store: SqlStore) -> None:
    transaction = Carried(COURIER_KEY, 7, "0x01", b"raw")
    async with store.write() as work:
        await work.add_submissions([register("a"), register("b")])
        await work.add_carried(transaction, 1, [register("a").digest])
        assert await work.carried(COURIER_KEY) == [transaction]
        assert await work.last_nonce(COURIER_KEY) == 7
        assert [one.subject for one in await work.carried_by(["0x01"])] == ["a"]
        assert [one.subject for one in await work.queued(10)] == ["b"]
        done = replace(transaction, state="done", block=Block(9, "0x09"))
        await work.settle(done)
        assert await work.carried(COURIER_KEY) == [] and await work.carried(COURIER_KEY, done=True) == [done]
        assert await work.carried("0xother", done=True) == [] and await work.last_nonce("0xother") is None


async def test_a_nonce_is_used_once(store: SqlStore) -> None:
    async with store.write() as work:
        await work.add_carried(Carried(COURIER_KEY, 7, "0x01", b"raw"), 1, [])
        with pytest.raises(sa.exc.IntegrityError):
            await work.add_carried(Carried(COURIER_KEY, 7, "0x02", b"raw"), 2, [])


async def test_a_lease_has_one_holder_and_each_holder_its_epoch(store: SqlStore) -> None:
    async with store.write() as work:
        assert await work.lease("c", "one", 1_000, 500) == 1
        assert await work.lease("c", "two", 1_400, 500) is None
        assert await work.lease("c", "one", 1_400, 500) == 1  # renewed until 1900
        assert await work.lease("c", "two", 1_700, 500) is None
        assert await work.lease("c", "two", 1_901, 500) == 2
        assert not await work.holds_lease("c", "one", 1)
        assert await work.holds_lease("c", "two", 2)
        await work.release_lease("c", "one")  # not its own
        assert await work.lease("c", "one", 2_000, 500) is None
        await work.release_lease("c", "two")
        assert await work.lease("c", "one", 2_000, 500) == 3
        assert await work.lease("another", "two", 2_000, 500) == 1


async def test_one_of_many_takes_a_free_lease(store: SqlStore) -> None:
    async def take(holder: str) -> int | None:
        async with store.write() as work:
            epoch = await work.lease("c", holder, 1_000, 500)
            await work.commit()
        return epoch

    epochs = await asyncio.gather(*(take(f"holder-{number}") for number in range(8)))
    assert sorted(epoch or 0 for epoch in epochs) == [0] * 7 + [1]


@pytest.mark.parametrize("records", [0, 2**63 - 1, 2**63, 2**64 - 1])
async def test_a_count_as_large_as_the_ledger_takes_is_kept(store: SqlStore, records: int) -> None:
    """Anyone who may anchor can say so large a number; it must not stop the follower."""
    version = Version(
        id="ab" * 32, dataset="a", number=1, format="share-file/1", salted=False, schema="", root="", records=records,
        size=records, twin="", document="", shredded=False, partly_shredded=False, anchored_time=1, since=1, updated=1,
    )  # fmt: skip
    node = FakeNode(manifest(), FakePacker(COURIER_KEY), FakeClock(1_790_000_000))
    tip = node.tip
    async with store.write() as work:
        await work.record(node.all_entries(), [*tip.state, version], Cursor(tip.block, tip.size, tip.head))
        await work.commit()
    async with store.read() as work:
        assert await work.objects(Version) == [version]
        assert await work.differing_objects(Version, State([version]), 10) == []
