"""Evidence of a share: its entries, what a reader must be told, and no more than was reached."""

from typing import Any

import pytest

from ledger.domain.acts import Cause, Custody, Duty, KeyKind
from ledger.domain.documents import Document
from ledger.domain.state import Dataset
from ledger.errors import NotFound
from ledger.services.evidence import evidence
from tests.fakes.chain import ROOT
from tests.unit.services.world import AUDITOR, CONSUMER, DATASET, PROVIDER, STRANGER, WHOLE, World, caller


def said(found: dict[str, Any]) -> set[str]:
    return {one["code"] for one in found["statements"]}


async def test_the_way_of_a_share(world: World, version: str, share: str) -> None:
    found = await evidence(world.ports, caller(CONSUMER), share)
    kinds = [entry["kind"] for entry in found["entries"]]
    assert kinds == ["DatasetSubmitted", "VersionAnchored", "ShareRequested", "ShareAgreed", "ShareDelivered"]
    assert found["grade"]["reached"] == "E1" and any("never exceeds E1" in line for line in found["not_checked"])
    assert said(found) == {"host-custody"}, "the consumer's keys are left here, the provider's are not"
    assert all(check["ok"] for entry in found["entries"] for check in entry["checks"])
    assert found["as_of"]["entry"] == len(world.chain.told) - 1
    signer = found["entries"][3]["key"]
    assert (signer["department"], signer["duty"], signer["custody"]) == (PROVIDER, "lead", "own")


async def test_documents_only_for_those_who_may_read_them(world: World, version: str, share: str) -> None:
    def texts(found: dict[str, Any]) -> dict[str, bool]:
        return {one["named_by"]: one["text"] is not None for one in found["documents"]}

    authority = texts(await evidence(world.ports, caller(ROOT), share))
    assert authority == {
        "SubmitDataset.document": True, "AnchorVersion.document": False, "RequestShare.document": False,
        "RequestShare.scope": False,
    }  # fmt: skip
    assert all(texts(await evidence(world.ports, caller(CONSUMER), share)).values())
    assert all(texts(await evidence(world.ports, caller(AUDITOR), share)).values())


async def test_more_agreed_to_than_was_asked_for_is_said(world: World, version: str) -> None:
    for asked, agreed, said_so in (
        (WHOLE, WHOLE, False),
        (WHOLE, {**WHOLE, "items": ["code"]}, False),
        ({**WHOLE, "items": ["code"]}, WHOLE, True),
    ):
        share = await world.request(scope=asked)
        scope = await world.keep(Document.make("scope", scope=agreed), PROVIDER, CONSUMER)
        until = world.share_until(share)
        await world.act("AgreeShare", PROVIDER, Duty.LEAD, share=share, scope=scope, until=until)
        found = await evidence(world.ports, caller(ROOT), share)
        assert ("scope-widened" in said(found)) == said_so


async def test_a_grant_says_so_in_both_languages(world: World, version: str) -> None:
    dataset = world.chain.state.get(Dataset, DATASET)
    assert dataset is not None
    document = Document.make("basis", basis=[{"law": "政务数据共享条例", "article": "22"}])
    share = await world.act(
        "GrantShare",
        ROOT,
        Duty.DIRECTOR,
        consumer=STRANGER,
        dataset=DATASET,
        revision=dataset.published,
        basis=document,
        until=int(world.clock.now()) + 1000,
        document=document,
    )
    found = await evidence(world.ports, caller(STRANGER), share)
    (statement,) = [one for one in found["statements"] if one["code"] == "without-consent"]
    assert "without the provider's consent" in statement["en"] and "未经提供部门同意" in statement["zh"]
    assert any("without the provider's consent" in note for note in found["entries"][-1]["notes"])
    assert any("not held here" in line for line in found["not_checked"])


async def test_a_recovery_key_is_shown(world: World, share: str) -> None:
    key = world.signatures.key("recovered").address
    world.chain.do(
        "EnrolKey",
        ROOT,
        Duty.DIRECTOR,
        key=key,
        department=PROVIDER,
        kind=KeyKind.ACCOUNT,
        duty=Duty.LEAD,
        custody=Custody.OWN,
        start=0,
        until=0,
    )
    await world.act("EndShare", PROVIDER, Duty.LEAD, signer=key, share=share, cause=Cause.AGREED)
    found = await evidence(world.ports, caller(PROVIDER), share)
    assert "recovery-key" in said(found)
    assert found["entries"][-1]["key"]["recovery"] and found["entries"][-1]["key"]["enrolled_by"] == ROOT


async def test_a_key_retired_later_still_counts(world: World, share: str) -> None:
    key = world.chain.key_of(PROVIDER, Duty.LEAD)
    await world.act("RetireKey", PROVIDER, Duty.DIRECTOR, key=key, since=int(world.clock.now()), reason=1)
    found = await evidence(world.ports, caller(PROVIDER), share)
    assert "failed-check" not in said(found)


async def test_a_chain_that_disagrees_takes_the_grade(world: World, share: str) -> None:
    world.chain.told[-1] = type(world.chain.told[-1])(
        **{name: getattr(world.chain.told[-1], name) for name in world.chain.told[-1].__slots__} | {"head": "1" * 64}
    )
    assert (await evidence(world.ports, caller(CONSUMER), share))["grade"]["reached"] == "E0"


async def test_strangers_see_nothing(world: World, share: str) -> None:
    with pytest.raises(NotFound):
        await evidence(world.ports, caller(STRANGER), share)
