"""The scope of a share at every door of a version: what is let out, what is refused, and that each has its reason."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ledger.domain.acts import Duty, Method
from ledger.domain.documents import Document
from ledger.domain.scopes import Filter
from ledger.errors import (
    BeyondScope,
    Conflict,
    Corrupt,
    InvalidInput,
    NoShare,
    NotFound,
    PayloadElsewhere,
    ScopeNotEnforceable,
    ScopeNotHeld,
    ScopeNotProvable,
    ShareExpired,
    ShareNotInForce,
    ShareSuspended,
    Shredded,
)
from ledger.fingerprint import verify_answer
from ledger.services import answering
from ledger.services.answering import Query, answer_records
from ledger.services.delivering import open_payload, uses, verification_keys
from ledger.services.material import fingerprint_of
from ledger.services.pages import RecordsPage
from ledger.services.verifying import (
    leaf_hashes,
    manifest,
    prove_growth,
    prove_record,
    prove_records,
    verify_record,
    verify_table,
)
from tests.unit.services.world import (
    AUDITOR,
    CONSUMER,
    DATASET,
    OPTIONS,
    PROVIDER,
    SCHEMA,
    STRANGER,
    WHOLE,
    World,
    caller,
    stream,
    table,
)

SD = "share-record-sd/1"
NARROW = {"items": ["code", "n"], "rows": "全部"}
SOME = {**NARROW, "rows": "编号 100 以下", "filters": [{"column": "n", "operator": "lt", "values": ["100"]}]}


async def version_of(world: World, content: bytes | None = None, **options: Any) -> str:
    made = replace(OPTIONS, **{"format": SD, **options})
    return await world.anchor(await world.prepare(table() if content is None else content, options=made))


async def shared(world: World, scope: Mapping[str, Any], **options: Any) -> tuple[str, str]:
    version = await version_of(world, **options)
    return version, await world.delivered(version, scope=scope)


async def ask(world: World, share: str, by: str = CONSUMER, **query: Any) -> RecordsPage:
    return await answer_records(world.ports, caller(by), share, Query(**query))


def numbers(page: RecordsPage) -> list[int]:
    return [] if page.answer is None else [record.index for record in page.answer.records]


async def test_records_come_in_pages_that_prove_themselves(world: World) -> None:
    version, share = await shared(world, SOME)
    page, found = await ask(world, share, limit=64), []
    while True:
        assert page.version == version and page.columns == ("code", "n")
        if page.answer is not None:
            assert verify_answer(fingerprint_of(page.entry), page.answer, SCHEMA)
        found += numbers(page)
        assert RecordsPage.from_json(json.loads(json.dumps(page.to_json()))).to_json() == page.to_json()
        assert "村" not in json.dumps(page.to_json(), ensure_ascii=False)
        if page.next is None:
            break
        page = await ask(world, share, limit=64, after=page.next)
    assert found == list(range(100))
    assert {use.action for _, use in await uses(world.ports, caller(CONSUMER), share)} == {"records"}


async def test_columns_and_filters_of_the_caller(world: World) -> None:
    _, share = await shared(world, SOME)
    page = await ask(world, share, columns=("n",), filters=(Filter("code", "ge", ("341502000097",)),))
    assert (page.columns, numbers(page), page.next) == (("n",), [97, 98, 99], None)
    assert numbers(await ask(world, share, columns=("n", "code"), limit=1)) == [0]
    for query in ({"columns": ("name",)}, {"columns": ("nothing",)}, {"filters": (Filter("name", "is_null"),)}):
        with pytest.raises(NotFound):
            await ask(world, share, **query)
    for query in ({"filters": (Filter("n", "eq", ("x",)),)}, {"limit": 0}, {"limit": 1001}, {"columns": ()}):
        with pytest.raises(InvalidInput):
            await ask(world, share, **query)


async def test_the_scopes_filter_may_rest_on_a_column_that_is_not_shown(world: World) -> None:
    scope = {"items": ["code"], "rows": "第七村", "filters": [{"column": "name", "operator": "eq", "values": ["村7"]}]}
    _, share = await shared(world, scope)
    page = await ask(world, share)
    assert (numbers(page), page.columns) == ([7], ("code",))


async def test_a_provider_is_shown_what_its_consumer_is(world: World) -> None:
    _, share = await shared(world, SOME)
    assert (await ask(world, share, by=PROVIDER)).answer == (await ask(world, share)).answer
    for other in (STRANGER, AUDITOR):
        with pytest.raises(NoShare):
            await ask(world, share, by=other)


async def test_only_the_whole_opens_what_cannot_be_given_in_part(world: World) -> None:
    me = caller(CONSUMER)
    for scope, let in ((WHOLE, True), (NARROW, False), (SOME, False), ({**SOME, "items": WHOLE["items"]}, False)):
        version, share = await shared(world, scope)
        before = await uses(world.ports, me, share)
        for door in (
            open_payload(world.ports, me, share),
            verification_keys(world.ports, me, share),
            manifest(world.ports, me, version),
            leaf_hashes(world.ports, me, version, 0),
            verify_table(world.ports, me, version, stream(table())),
        ):
            if let:
                assert await door
                continue
            with pytest.raises(BeyondScope):
                await door
            assert await uses(world.ports, me, share) == before
        await open_payload(world.ports, caller(PROVIDER), share)
        assert (await verification_keys(world.ports, caller(PROVIDER), share)).keys
        assert await leaf_hashes(world.ports, caller(AUDITOR), version, 0)


async def test_a_proof_of_one_record_shows_what_is_granted_of_it(world: World) -> None:
    version, _ = await shared(world, SOME)
    me = caller(CONSUMER)
    proof = await prove_record(world.ports, me, version, 99)
    assert proof.cells == {0: b"341502000099", 2: b"99"}  # type: ignore[union-attr]
    assert (await verify_record(world.ports, caller(STRANGER), version, proof)).ok
    many = await prove_records(world.ports, me, version, [5, 99], columns=["code"])
    assert all(record.cells.keys() == {0} for record in many.records)  # type: ignore[union-attr]
    reasons = set()
    for wanted in ([100], [600], [1 << 40]):
        with pytest.raises(NotFound) as told:
            await prove_records(world.ports, me, version, wanted)
        reasons.add(told.value.detail.replace(str(wanted[0]), "N"))
    assert len(reasons) == 1, "the same for one that is not granted and one that is not there"
    with pytest.raises(NotFound):
        await prove_records(world.ports, me, version, [99, 100])
    for column in ("name", "nothing"):
        with pytest.raises(NotFound) as told:
            await prove_record(world.ports, me, version, 5, columns=[column])
        assert told.value.detail == f"there is no column {column!r}, or none you may see"
    with pytest.raises(NotFound):
        await prove_record(world.ports, caller(PROVIDER), version, 600)
    whole = await prove_record(world.ports, caller(PROVIDER), version, 500)
    assert len(whole.cells) == 3


async def test_of_two_shares_the_wider_one_counts(world: World) -> None:
    version, _ = await shared(world, WHOLE)
    await world.delivered(version, scope=NARROW)
    assert await manifest(world.ports, caller(CONSUMER), version)
    other, share = await shared(world, NARROW)
    await world.delivered(other, scope={**WHOLE, "rows": "六安市"})
    proof = await prove_record(world.ports, caller(CONSUMER), other, 5)
    assert proof.cells.keys() == {0, 2}  # type: ignore[union-attr]
    assert [use.action for _, use in await uses(world.ports, caller(CONSUMER), share)] == ["proof"]


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ({"items": ["code"], "rows": "六安市"}, ScopeNotEnforceable),
        ({"items": ["区划代码"], "rows": "全部"}, ScopeNotEnforceable),
        ({**SOME, "filters": [{"column": "gone", "operator": "is_null"}]}, ScopeNotEnforceable),
        ({**SOME, "filters": [{"column": "n", "operator": "lt", "values": ["many"]}]}, ScopeNotEnforceable),
        ({**SOME, "filters": [{"column": "n", "operator": "prefix", "values": ["1"]}]}, ScopeNotEnforceable),
    ],
)
async def test_a_scope_that_a_machine_cannot_hold_to_lets_nothing_out(
    world: World, scope: dict[str, Any], reason: type[Exception]
) -> None:
    version, share = await shared(world, scope)
    for door in (ask(world, share), open_payload(world.ports, caller(CONSUMER), share)):
        with pytest.raises(reason):
            await door
    with pytest.raises(reason):
        await prove_record(world.ports, caller(CONSUMER), version, 0)
    await open_payload(world.ports, caller(PROVIDER), share)


async def test_without_its_scope_document_nothing_leaves(world: World) -> None:
    version = await version_of(world)
    nowhere = Document.make("scope", scope=WHOLE)
    other = await world.keep(Document.make("conditions", conditions="no scope"), PROVIDER)
    for digest in ("0" * 64, nowhere.digest, other.digest):
        share = await world.request()
        until = world.share_until(share)
        await world.act("AgreeShare", PROVIDER, Duty.LEAD, share=share, scope=digest, until=until)
        await world.deliver(share, version)
        with pytest.raises(ScopeNotHeld):
            await ask(world, share)
        with pytest.raises(ScopeNotHeld):
            await open_payload(world.ports, caller(CONSUMER), share)


async def test_a_narrow_scope_is_proven_only_where_the_proof_tells_no_more(world: World) -> None:
    whole_columns = {**SOME, "items": WHOLE["items"]}
    for scope, options, good in (
        (NARROW, {"format": "share-record/1"}, False),
        (whole_columns, {"format": "share-record/1"}, True),
        (whole_columns, {"format": "share-record/1", "salted": False}, False),
        (WHOLE, {"format": "share-record/1", "salted": False}, True),
    ):
        version, share = await shared(world, scope, **options)
        if good:
            assert numbers(await ask(world, share, limit=2)) == [0, 1]
            assert await prove_record(world.ports, caller(CONSUMER), version, 1)
            continue
        with pytest.raises(ScopeNotProvable):
            await ask(world, share)
        with pytest.raises(ScopeNotProvable):
            await prove_record(world.ports, caller(CONSUMER), version, 1)


async def test_growth_tells_of_no_record(world: World) -> None:
    first, _ = await shared(world, SOME)
    second, _ = await shared(world, SOME, content=table(900))
    assert await prove_growth(world.ports, caller(CONSUMER), first, second)
    narrow_open = {"salted": False, "format": "share-record/1"}
    third, _ = await shared(world, SOME, content=table(900), **narrow_open)
    with pytest.raises(ScopeNotProvable):
        await prove_growth(world.ports, caller(CONSUMER), first, third)


async def test_keys_of_an_earlier_version_do_not_open_a_part_of_a_later_one(world: World) -> None:
    """Whoever was given the keys of a table could guess back what a narrow share hides of the next, grown one."""
    _, share = await shared(world, WHOLE)
    await verification_keys(world.ports, caller(CONSUMER), share)
    later = await version_of(world, table(607))
    narrow = await world.delivered(later, scope=SOME)
    doors = (
        lambda: ask(world, narrow),
        lambda: prove_record(world.ports, caller(CONSUMER), later, 3),
        lambda: prove_growth(world.ports, caller(CONSUMER), later, later),
    )
    for door in doors:
        with pytest.raises(ScopeNotProvable, match="was given keys of version 1"):
            await door()
    assert numbers(await ask(world, narrow, by=PROVIDER)) == list(range(100))

    fresh = await version_of(world, table(608), fresh_keys=True)
    assert numbers(await ask(world, await world.delivered(fresh, scope=SOME))) == list(range(100))


async def test_a_file_is_its_own_scope(world: World) -> None:
    version = await version_of(world, bytes(5000), format="share-file/1", schema=None)
    share = await world.delivered(version, scope={"items": ["图片"], "rows": "本年度"})
    await open_payload(world.ports, caller(CONSUMER), share)
    with pytest.raises(NotFound):
        await ask(world, share)


async def test_what_happens_between_two_pages(world: World) -> None:
    _, share = await shared(world, NARROW)
    page = await ask(world, share, limit=10)
    await world.act("SuspendShare", PROVIDER, Duty.LEAD, share=share)
    with pytest.raises(ShareSuspended):
        await ask(world, share, after=page.next)
    await world.act("ResumeShare", PROVIDER, Duty.LEAD, share=share)
    assert numbers(await ask(world, share, limit=10, after=page.next)) == list(range(10, 20))
    world.chain.says_no = True
    with pytest.raises(ShareNotInForce):
        await ask(world, share, after=page.next)
    world.chain.says_no = False
    await world.deliver(share, await version_of(world, table(700)))
    with pytest.raises(Conflict):
        await ask(world, share, after=page.next)
    world.clock.time = world.share_until(share) + 1
    with pytest.raises(ShareExpired):
        await ask(world, share, after=page.next)


async def test_suspended_while_the_page_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, share = await shared(world, NARROW)
    opened = answering.open_table

    async def slow(ports: Any, found: Any) -> Any:
        await world.act("SuspendShare", PROVIDER, Duty.LEAD, share=share)
        return await opened(ports, found)

    monkeypatch.setattr(answering, "open_table", slow)
    with pytest.raises(ShareSuspended):
        await ask(world, share)
    assert await uses(world.ports, caller(CONSUMER), share) == []


@pytest.mark.parametrize("whole", [True, False])
async def test_shredded_while_the_page_is_read(world: World, monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    """The keys are at hand still, but what they opened must not leave any more."""
    _, share = await shared(world, NARROW)
    opened = answering.open_table
    shredding = Document.make("shredding", dataset=DATASET, number=1, reasons="到期", segments=[0])
    document = await world.keep(shredding, PROVIDER)

    async def slow(ports: Any, found: Any) -> Any:
        table = await opened(ports, found)
        shred = {"dataset": DATASET, "number": 1, "whole": whole, "document": document}
        await world.act("ShredVersion", PROVIDER, Duty.OFFICER, **shred)
        return table

    monkeypatch.setattr(answering, "open_table", slow)
    with pytest.raises(Shredded if whole else Conflict):
        await ask(world, share)
    assert await uses(world.ports, caller(CONSUMER), share) == []


@pytest.mark.parametrize(
    "token",
    ["", "5", "-1", "0." + "0" * 64, "x" * 100, "{0}", "{0}.", "{0}.-1", "{0}.01", "{0}.1.1", "{0}.９", "{0}.9e9"],
)
async def test_a_page_token_that_is_none(world: World, token: str) -> None:
    version, share = await shared(world, NARROW)
    with pytest.raises(InvalidInput):
        await ask(world, share, after=token.format(version))
    assert numbers(await ask(world, share, after=f"{version}.598")) == [598, 599]
    assert (await ask(world, share, after=f"{version}.{1 << 62}")).answer is None


async def test_delivered_elsewhere_lost_or_shredded(world: World) -> None:
    version = await version_of(world)
    share = await world.request(scope=NARROW)
    await world.agree(share)
    await world.deliver(share, version, Method.PLATFORM)
    with pytest.raises(PayloadElsewhere):
        await ask(world, share)
    version, share = await shared(world, NARROW)
    objects = dict(world.payloads.objects)
    world.payloads.objects.clear()
    with pytest.raises(NotFound):
        await ask(world, share)
    world.payloads.objects.update(objects)
    for digest in objects:
        world.payloads.flip(digest, len(objects[digest]) // 2)
    with pytest.raises(Corrupt):
        await ask(world, share)
    assert await uses(world.ports, caller(CONSUMER), share) == []
    world.payloads.objects.update(objects)
    assert numbers(await ask(world, share, limit=1)) == [0]
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, dataset=DATASET, number=2, whole=True)
    with pytest.raises(Shredded):
        await ask(world, share)


async def test_the_other_segments_still_answer(world: World) -> None:
    """A changed chunk gets a key of its own; once that is shredded, its records are passed over, and it says so."""
    chunk, records = 1 << 16, (1 << 16) + 300
    await version_of(world, table(records))
    version, share = await shared(world, NARROW, content=table(records, r17="341502000017,村17,18"))
    assert numbers(await ask(world, share, limit=3)) == [0, 1, 2]
    shredding = Document.make("shredding", dataset=DATASET, number=2, reasons="到期", segments=[0])
    document = await world.keep(shredding, PROVIDER)
    shred = {"dataset": DATASET, "number": 2, "whole": False, "document": document}
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, **shred)
    page = await ask(world, share, limit=3)
    assert (numbers(page), page.shredded) == ([chunk, chunk + 1, chunk + 2], ((0, chunk),))
    assert page.answer is not None and verify_answer(fingerprint_of(page.entry), page.answer, SCHEMA)
    last = await ask(world, share, filters=(Filter("n", "eq", (str(records - 1),)),))
    assert (numbers(last), last.shredded, last.next) == ([records - 1], ((0, chunk),), None)
    assert await prove_record(world.ports, caller(CONSUMER), version, chunk + 5)
    with pytest.raises(Shredded):
        await prove_record(world.ports, caller(CONSUMER), version, 17)
