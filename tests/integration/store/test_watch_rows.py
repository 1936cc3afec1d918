"""What the watch asks each database: acts under way by state, who carries, payloads kept."""

from ledger.domain.submissions import SubmissionState
from ledger.ports import Carried, Lease, PayloadRow, StoredDocument, Waiting
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import COURIER_KEY, register
from tests.integration.store.conftest import NOW


async def test_an_empty_database_has_nothing_to_tell(store: SqlStore) -> None:
    async with store.read() as work:
        assert await work.waiting() == {} and await work.lease_of("courier") is None
        assert await work.payload_total() == (0, 0) and await work.owing(10) == []
        assert await work.open_transactions(COURIER_KEY) == 0


async def test_acts_under_way_by_state(store: SqlStore) -> None:
    first, second, third = register("a"), register("b"), register("c")
    async with store.write() as work:
        epoch = await work.lease(COURIER_KEY, "us", NOW, 5000)
        assert epoch is not None
        await work.add_submissions([first, second, third])
        await work.add_carried(Carried(COURIER_KEY, 0, "0x" + "11" * 32, b"raw"), epoch, [first.digest])
        await work.move([third.digest], SubmissionState.FAILED, "over")
        await work.commit()
    async with store.read() as work:
        assert await work.waiting() == {SubmissionState.SENT: Waiting(1, NOW), SubmissionState.QUEUED: Waiting(1, NOW)}
        assert await work.lease_of(COURIER_KEY) == Lease("us", epoch, NOW + 5000)
        assert await work.open_transactions(COURIER_KEY) == 1 and await work.open_transactions("another") == 0


async def test_payloads_that_are_kept(store: SqlStore) -> None:
    async with store.write() as work:
        for number, (object_, key) in enumerate((("o1", b"k"), ("o2", None), (None, None))):
            digest = f"{number:064x}"
            await work.add_document(StoredDocument(digest, "version", b"{}", False, frozenset({"a"})))
            await work.add_payload(PayloadRow(digest, "d", object_, key, 3 << 30, {}, b"{}", ()))
        await work.commit()
    async with store.read() as work:
        assert await work.payload_total() == (1, 3 << 30)
