"""Measuring quality: A and B of each indicator, on the kept payload or on a copy."""

from dataclasses import replace

import pytest

from ledger.domain.acts import Duty, RuleKind
from ledger.domain.documents import Document
from ledger.domain.quality import check_report
from ledger.errors import InvalidInput, InvalidTable, NotFound, NotPermitted, PayloadElsewhere
from ledger.services.attesting import measure
from tests.fakes.chain import ROOT
from tests.unit.services.world import ATTESTOR, CONSUMER, OPTIONS, PROVIDER, World, caller, stream, table

RULES = Document.make(
    "quality-rules",
    name="codes",
    measures=[
        {"code": "0201", "weight": 1, "columns": ["code", "name"]},
        {"code": "0304", "weight": 1, "columns": ["code"]},
        {"code": "0302", "weight": 2, "columns": ["code"], "pattern": "[0-9]{12}"},
    ],
)


@pytest.fixture
async def rules(world: World) -> str:
    await world.keep(RULES, ROOT, open=True)
    await world.act("PublishRule", ROOT, Duty.DIRECTOR, rule="codes", kind=RuleKind.QUALITY, start=0, document=RULES)
    return RULES.digest


async def test_a_clean_table(world: World, version: str, rules: str) -> None:
    measured = await measure(world.ports, caller(ATTESTOR), version, rules)
    assert measured.score == 1_000_000 and measured.verified.ok
    assert [(one["a"], one["b"]) for one in measured.indicators] == [(1200, 1200), (600, 600), (600, 600)]
    assert measured.fields == {"rules": rules, "score": 1_000_000, "self_attested": False, "prior": version}
    assert check_report(Document.from_json(measured.document), RULES) == []
    report = await world.keep(Document.from_json(measured.document), ATTESTOR, open=True)
    await world.act("AttestQuality", ATTESTOR, Duty.OFFICER, document=report, **measured.fields)


async def test_a_copy_with_planted_errors(world: World, version: str, rules: str) -> None:
    dirty = table(r1="341502000000,村1,1", r2="34150200,村2,2", r3="341502000003,-,3")
    measured = await measure(world.ports, caller(ATTESTOR), version, rules, source=stream(dirty))
    assert [(one["a"], one["b"]) for one in measured.indicators] == [(1199, 1200), (598, 600), (599, 600)]
    assert measured.score < 1_000_000 and not measured.verified.ok
    assert measured.to_json()["is_the_version"] is False


async def test_a_providers_own_measurement_is_a_self_attestation(world: World, version: str, rules: str) -> None:
    assert (await measure(world.ports, caller(PROVIDER), version, rules)).fields["self_attested"] is True


async def test_who_and_what_is_refused(world: World, version: str, rules: str) -> None:
    with pytest.raises(NotPermitted):
        await measure(world.ports, caller(CONSUMER), version, rules)
    with pytest.raises(NotFound):
        await measure(world.ports, caller(ATTESTOR), version, "1" * 64)
    with pytest.raises(InvalidTable):
        await measure(world.ports, caller(ATTESTOR), version, rules, source=stream(b"other\n1\n"))
    unpublished = await world.keep(Document.make("quality-rules", name="mine", measures=RULES["measures"]), ATTESTOR)
    with pytest.raises(NotFound, match="published"):
        await measure(world.ports, caller(ATTESTOR), version, unpublished.digest)
    file = await world.anchor(
        await world.prepare(table(), options=replace(OPTIONS, format="share-file/1", schema=None))
    )
    with pytest.raises(InvalidInput):
        await measure(world.ports, caller(ATTESTOR), file, rules)
    elsewhere = await world.anchor(await world.prepare(table(), keep_payload=False))
    with pytest.raises(PayloadElsewhere):
        await measure(world.ports, caller(ATTESTOR), elsewhere, rules)
    assert (await measure(world.ports, caller(ATTESTOR), elsewhere, rules, source=stream(table()))).verified.ok
