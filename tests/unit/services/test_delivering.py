"""Who may use what was shared, now; each refusal has its own reason, and no use is without its record."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ledger.domain.acts import Cause, Duty, Method
from ledger.domain.documents import Document
from ledger.domain.refusals import REFUSALS
from ledger.errors import (
    Corrupt,
    InvalidDigest,
    NoShare,
    NotFound,
    PayloadElsewhere,
    ShareEnded,
    ShareExpired,
    ShareLedgerError,
    ShareNotDelivered,
    ShareNotInForce,
    ShareNotLive,
    ShareSuspended,
    Shredded,
    Unavailable,
)
from ledger.services.delivering import (
    LOOK_SECONDS,
    Download,
    authorised,
    open_own_payload,
    open_payload,
    uses,
    verification_keys,
)
from tests.fakes.chain import ROOT
from tests.harness.databases import kind  # noqa: F401 (both databases)
from tests.unit.services.world import AUDITOR, CONSUMER, DATASET, PROVIDER, STRANGER, World, caller, table


async def whole(download: Download) -> bytes:
    return b"".join([piece async for piece in download.chunks])


async def test_the_consumer_gets_the_delivered_version(world: World, version: str, share: str) -> None:
    newer = await world.anchor(await world.prepare(table(601)))
    found = await authorised(world.ports, caller(CONSUMER), share)
    assert found.version.id == version != newer
    download = await open_payload(world.ports, caller(CONSUMER), share)
    assert (download.size, download.media_type, download.name) == (len(table()), "text/csv", "areas.csv")
    assert await whole(download) == table()


async def test_the_use_is_recorded_before_the_first_byte(world: World, version: str, share: str) -> None:
    await open_payload(world.ports, caller(CONSUMER), share)
    ((_, use),) = await uses(world.ports, caller(AUDITOR), share)
    assert (use.share, use.version, use.department, use.caller, use.action) == (
        share, version, CONSUMER, f"key-of-{CONSUMER}", "payload",
    )  # fmt: skip
    assert use.at == int(world.clock.now() * 1000)
    await verification_keys(world.ports, caller(CONSUMER), share)
    assert [use.action for _, use in await uses(world.ports, caller(PROVIDER), share)] == ["payload", "keys"]
    with pytest.raises(NoShare):
        await uses(world.ports, caller(STRANGER), share)


async def test_a_use_that_cannot_be_recorded_does_not_happen(
    world: World, share: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise Unavailable("the database's disk is full")

    monkeypatch.setattr(world.store, "write", full)
    for action in (open_payload, verification_keys):
        with pytest.raises(Unavailable):
            await action(world.ports, caller(CONSUMER), share)


async def nothing(world: World, share: str) -> None:
    return None


async def suspend(world: World, share: str) -> None:
    await world.act("SuspendShare", PROVIDER, Duty.LEAD, share=share)


async def end(world: World, share: str) -> None:
    await world.act("EndShare", CONSUMER, Duty.LEAD, share=share, cause=Cause.PURPOSE_ENDED)


async def suspend_then_end(world: World, share: str) -> None:
    await suspend(world, share)
    await end(world, share)


async def pass_the_term(world: World, share: str) -> None:
    world.clock.time = world.share_until(share) + 0.5


async def reach_the_term(world: World, share: str) -> None:
    world.clock.time = world.share_until(share)


async def turn_the_chain(world: World, share: str) -> None:
    world.chain.says_no = True


Change = Callable[[World, str], Awaitable[None]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (suspend, ShareSuspended),
        (end, ShareEnded),
        (suspend_then_end, ShareEnded),
        (pass_the_term, ShareExpired),
        (turn_the_chain, ShareNotInForce),
        (reach_the_term, None),
    ],
)
async def test_each_refusal_has_its_own_reason(
    world: World, share: str, change: Change, reason: type[ShareLedgerError] | None
) -> None:
    await change(world, share)
    for action in (authorised, open_payload, verification_keys):
        if reason is None:
            await action(world.ports, caller(CONSUMER), share)
            continue
        with pytest.raises(reason) as caught:
            await action(world.ports, caller(CONSUMER), share)
        assert caught.value.facts["share"] == share
    if reason is not None:
        assert await uses(world.ports, caller(AUDITOR), share) == []


async def test_before_it_is_agreed_and_before_it_is_delivered(world: World, version: str) -> None:
    share = await world.request()
    with pytest.raises(ShareNotLive, match="waits for the provider's reply"):
        await open_payload(world.ports, caller(CONSUMER), share)
    await world.agree(share)
    with pytest.raises(ShareNotDelivered):
        await open_payload(world.ports, caller(CONSUMER), share)
    with pytest.raises(ShareNotDelivered):
        await open_payload(world.ports, caller(PROVIDER), share)
    withdrawn = await world.request()
    await world.act("WithdrawRequest", CONSUMER, Duty.LEAD, share=withdrawn)
    with pytest.raises(ShareNotLive, match="withdrawn"):
        await authorised(world.ports, caller(CONSUMER), withdrawn)


@pytest.mark.parametrize("department", [STRANGER, AUDITOR, ROOT])
async def test_nobody_else_and_no_telling_whether_it_exists(world: World, share: str, department: str) -> None:
    answers = []
    for asked in (share, "1" * 64):
        with pytest.raises(NoShare) as caught:
            await open_payload(world.ports, caller(department), asked)
        answers.append(caught.value.detail.replace(asked, "…"))
    assert answers[0] == answers[1]
    with pytest.raises(InvalidDigest):
        await open_payload(world.ports, caller(department), "nonsense")


async def test_a_provider_reads_its_own_whatever_became_of_the_share(world: World, version: str, share: str) -> None:
    await suspend(world, share)
    assert await whole(await open_payload(world.ports, caller(PROVIDER), share)) == table()
    assert await whole(await open_own_payload(world.ports, caller(PROVIDER), version)) == table()
    with pytest.raises(REFUSALS["DatasetsNotProvider"]):
        await open_own_payload(world.ports, caller(CONSUMER), version)


async def test_what_was_delivered_some_other_way(world: World, version: str) -> None:
    share = await world.request()
    await world.agree(share)
    await world.deliver(share, version, Method.PLATFORM)
    with pytest.raises(PayloadElsewhere):
        await open_payload(world.ports, caller(CONSUMER), share)
    assert (await verification_keys(world.ports, caller(CONSUMER), share)).keys is not None


async def test_a_lost_or_changed_payload(world: World, share: str) -> None:
    for stored in list(world.payloads.objects):
        world.payloads.flip(stored)
    download = await open_payload(world.ports, caller(CONSUMER), share)
    with pytest.raises(Corrupt):
        await whole(download)
    world.payloads.objects.clear()
    with pytest.raises(NotFound):
        await open_payload(world.ports, caller(CONSUMER), share)
    assert len(await uses(world.ports, caller(CONSUMER), share)) == 1, "nothing was given the second time"


async def test_a_shredded_payload(world: World, version: str, share: str) -> None:
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, dataset=DATASET, number=1, whole=True)
    for action in (open_payload, verification_keys):
        with pytest.raises(Shredded):
            await action(world.ports, caller(CONSUMER), share)


async def test_suspended_while_the_payload_is_opened(world: World, share: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last look is in the transaction that records the use."""
    opened = world.payloads.open

    async def slow(*arguments: Any, **more: Any) -> object:
        await suspend(world, share)
        return await opened(*arguments, **more)

    monkeypatch.setattr(world.payloads, "open", slow)
    with pytest.raises(ShareSuspended):
        await open_payload(world.ports, caller(CONSUMER), share)
    assert await uses(world.ports, caller(CONSUMER), share) == []


@pytest.mark.parametrize("ended", ["suspended", "expired", "shredded"])
async def test_a_download_under_way_breaks_off(world: World, version: str, share: str, ended: str) -> None:
    download = await open_payload(world.ports, caller(CONSUMER), share)
    reason: type[Exception] = ShareSuspended
    if ended == "suspended":
        await suspend(world, share)
    elif ended == "shredded":
        reason = Shredded
        shred = {"dataset": DATASET, "number": 1, "whole": True, "document": "ab" * 32}
        await world.act("ShredVersion", PROVIDER, Duty.OFFICER, **shred)
    else:
        reason = ShareExpired
        await pass_the_term(world, share)
    world.clock.time += LOOK_SECONDS
    with pytest.raises(reason):
        await whole(download)


async def test_a_download_under_way_is_not_looked_at_for_every_piece(
    world: World, share: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = await open_payload(world.ports, caller(CONSUMER), share)
    monkeypatch.setattr(world.store, "read", None)  # whoever looks fails
    assert await whole(download) == table()


async def test_shredding_segments_deletes_their_keys_and_no_others(world: World, version: str, share: str) -> None:
    """The document says which; one that names none, or is not here, deletes nothing."""
    shred = {"dataset": DATASET, "number": 1, "whole": False}
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, **shred, document="ab" * 32)
    other = await world.keep(
        Document.make("shredding", dataset=DATASET, number=1, reasons="到期", segments=[65_536]), PROVIDER
    )
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, **shred, document=other)
    assert (await verification_keys(world.ports, caller(CONSUMER), share)).keys is not None
    assert await whole(await open_payload(world.ports, caller(CONSUMER), share)) == table()
    named = await world.keep(
        Document.make("shredding", dataset=DATASET, number=1, reasons="到期", segments=[0]), PROVIDER
    )
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, **shred, document=named)
    for action in (verification_keys, open_payload):  # the payload's bytes hold the shredded records too
        with pytest.raises(Shredded):
            await action(world.ports, caller(CONSUMER), share)
