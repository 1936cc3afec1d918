"""The audit finds nothing on a true ledger, and names every single thing that was changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.domain.acts import Custody, Duty
from ledger.domain.documents import Document
from ledger.domain.entries import Entry
from ledger.domain.state import Department, Share, State, Version
from ledger.errors import Unavailable
from ledger.services.audit_report import AuditReport
from ledger.services.replaying import replay
from tests.fakes.chain import ROOT, tampered
from tests.harness.databases import POSTGRESQL, kind  # noqa: F401 (both databases)
from tests.unit.services.world import CONSUMER, DATASET, PROVIDER, World, table

DAY = 86_400


async def audit(world: World, **options: Any) -> AuditReport:
    given = {"store": world.store, "payloads": world.payloads, "now": int(world.clock.now()), **options}
    return await replay(world.chain, world.chain.manifest, world.signatures.recovers, **given)


async def change(world: World, statement: str, **values: Any) -> None:
    async with world.engine.begin() as connection:
        done = await connection.execute(sa.text(statement), values)
        assert done.rowcount > 0


# what its types do not let in, and what is written otherwise there
NOT_ON_POSTGRESQL = {
    "UPDATE shares SET suspended = 'x'",
    "UPDATE entries SET act = '{' WHERE \"index\" = 7",
    "UPDATE payloads SET fingerprint = '{'",
}
ON_POSTGRESQL = {
    "UPDATE shares SET suspended = 1": "UPDATE shares SET suspended = true",
    "UPDATE payloads SET manifest = x'00'": "UPDATE payloads SET manifest = '\\x00'",
    "UPDATE documents SET body = body || x'20' WHERE kind = 'version'": (
        "UPDATE documents SET body = body || '\\x20' WHERE kind = 'version'"
    ),
}


def codes(report: AuditReport) -> list[str]:
    return sorted(finding.code for finding in report.findings)


async def test_a_true_ledger(world: World, version: str, share: str) -> None:
    seen: list[tuple[int, int]] = []
    report = await audit(world, progress=lambda done, size: seen.append((done, size)))
    assert report.clean and report.head_matches and report.lateness == ()
    assert report.entries == len(world.chain.told) and report.head == world.chain.told[-1].head
    assert all(check.ok for check in report.checks), [check for check in report.checks if not check.ok]
    assert [check.number for check in report.checks] == list(range(1, len(report.checks) + 1))
    assert seen[-1] == (report.entries, report.entries)
    assert report.to_json()["clean"] is True and report.to_json()["not_checked"]


async def test_without_a_database_only_the_chain_is_checked(world: World, share: str) -> None:
    report = await audit(world, store=None, payloads=None)
    assert report.clean and report.head_matches
    assert {check.code for check in report.checks if check.ok is None} == {
        "cursor", "stored-entries", "stored-state", "documents", "payload-rows", "payloads",
    }  # fmt: skip
    assert "the read model, documents and payloads" in report.not_checked


# ---- the node lies ---------------------------------------------------------------------------------------------------


def other_signature(entry: Entry) -> Entry:
    return replace(entry, signatures=(bytes(range(64)) + b"\x1b",)) if entry.index == 9 else entry


def other_field(entry: Entry) -> Entry:
    return replace(entry, act=entry.act.replace(level=5)) if entry.index == 3 else entry


@pytest.mark.parametrize(
    ("lie", "found"),
    [
        (tampered(9, index=10), {"entry-index", "entry-head"}),
        (tampered(9, head="1" * 64), {"entry-head"}),
        (tampered(9, digest="1" * 64), {"entry-digest", "entry-head", "entry-signature"}),
        (tampered(9, time=1), {"entry-time", "entry-head"}),
        (tampered(9, department="341599"), {"entry-derived"}),
        (tampered(9, module="0x" + "1" * 40), {"entry-module", "entry-digest", "entry-head"}),
        (other_signature, {"entry-signature", "entry-head"}),
        (other_field, {"entry-digest"}),
    ],
)
async def test_a_lying_node(world: World, share: str, lie: Callable[[Entry], Entry | None], found: set[str]) -> None:
    world.chain.lie = lie
    report = await audit(world, store=None, payloads=None)
    assert not report.clean and set(codes(report)) >= found, codes(report)


async def test_a_node_that_withholds_the_end(world: World, share: str) -> None:
    last = world.chain.told[-1].index
    world.chain.lie = lambda entry: None if entry.index == last else entry
    report = await audit(world, store=None, payloads=None)
    assert codes(report) == ["head"] and not report.head_matches


async def test_a_node_that_withholds_one_entry(world: World, share: str) -> None:
    world.chain.lie = lambda entry: None if entry.index == 12 else entry
    report = await audit(world, store=None, payloads=None)
    assert {"entry-index", "entry-head"} <= set(codes(report)) and report.head_matches
    assert report.findings[0].entries == (13,)


async def test_an_act_the_rules_forbid(world: World, version: str) -> None:
    """Should a contract ever let it through."""
    share = await world.request()
    world.chain.do("AgreeShare", CONSUMER, Duty.LEAD, force=True, share=share, until=world.share_until(share))
    report = await audit(world, store=None, payloads=None)
    assert codes(report) == ["entry-unlawful"]
    assert "authorisations-party" in report.findings[0].detail
    assert report.findings[0].entries == (len(world.chain.told) - 1,)


async def test_another_opening(world: World) -> None:
    manifest = replace(world.chain.manifest, opening=world.chain.manifest.opening.replace(older_size=7))
    report = await replay(world.chain, manifest, world.signatures.recovers)
    assert codes(report) == ["opening"]


async def test_a_node_that_is_gone_or_forgetful(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.chain.forgets = True
    with pytest.raises(Unavailable):
        await audit(world)


# ---- the database was changed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "code", "named"),
    [
        ("UPDATE shares SET until = until + 1", "row-changed", ("shares", "column until")),
        ("UPDATE shares SET suspended = 1", "row-changed", ("shares", "column suspended")),
        ("UPDATE shares SET suspended = 'x'", "row-changed", ("shares", "column suspended")),
        ("UPDATE departments SET roles = 31 WHERE code = '341500.gjj'", "row-changed", ("341500.gjj", "column roles")),
        ("UPDATE versions SET records = 601", "row-changed", ("versions", "column records")),
        ("UPDATE keys SET custody = 1 WHERE custody = 2 AND duty = 1", "row-changed", ("keys", "column custody")),
        ("UPDATE ledger SET head = 'x'", "row-changed", ("ledger", "column head")),
        ("DELETE FROM shares", "row-missing", ("shares", "missing")),
        ("UPDATE shares SET id = 'other'", "row-extra", ("shares", "should not be there")),
        ('UPDATE entries SET time = time + 1 WHERE "index" = 7', "row-changed", ("entries", "row 7", "column time")),
        ("UPDATE entries SET act = '{' WHERE \"index\" = 7", "row-changed", ("entries", "row 7", "column act")),
        ("UPDATE entries SET subject = 'x' WHERE \"index\" = 7", "row-changed", ("entries", "row 7", "column subject")),
        ('UPDATE entries SET signer = NULL WHERE "index" = 7', "row-changed", ("entries", "row 7", "column signer")),
        ('DELETE FROM entries WHERE "index" = 7', "row-missing", ("entries", "row 7")),
        ('UPDATE entries SET "index" = 1000 WHERE "index" = 7', "row-extra", ("entries", "row 1000")),
        ('UPDATE entries SET "index" = -1 WHERE "index" = 7', "row-extra", ("entries", "row -1")),
        ("UPDATE cursor SET size = size - 1", "row-changed", ("cursor", "column size")),
        ("UPDATE cursor SET head = 'x'", "row-changed", ("cursor", "column head")),
        ("UPDATE cursor SET block_hash = 'x'", "row-changed", ("cursor", "column block_hash")),
        ("UPDATE cursor SET block = block + 100", "row-changed", ("cursor", "column block")),
        ("DELETE FROM cursor", "row-missing", ("cursor", "missing")),
        ("UPDATE documents SET body = body || x'20' WHERE kind = 'version'", "document-changed", ("documents", "body")),
        ("UPDATE documents SET kind = 'scope' WHERE kind = 'version'", "document-changed", ("documents", "kind")),
        ("UPDATE payloads SET object = NULL", "row-changed", ("payloads", "column object")),
        ("UPDATE payloads SET manifest = x'00'", "row-changed", ("payloads", "manifest")),
        ("UPDATE payloads SET fingerprint = '[]'", "row-changed", ("payloads", "fingerprint")),
        ("UPDATE payloads SET fingerprint = '{'", "row-changed", ("payloads", "cannot be read")),
        ("UPDATE payloads SET wrapped_key = NULL", "keys-missing", ("payloads", "wrapped_key")),
        ("UPDATE segment_keys SET wrapped_key = NULL", "keys-missing", ("payloads", "segment keys")),
        ("UPDATE table_parts SET wrapped_key = NULL", "keys-missing", ("table_parts", "/0", "key is gone")),
        (
            "UPDATE table_parts SET object = document",
            "row-changed",
            ("table_parts", "/0", "not what the document says"),
        ),
        ("UPDATE table_parts SET records = records - 1", "row-changed", ("table_parts", "/0")),
        ("UPDATE table_parts SET first_record = 65536", "row-changed", ("table_parts", "/0", "missing")),
        ("DELETE FROM table_parts", "row-changed", ("table_parts", "/0", "missing")),
    ],
)
async def test_a_changed_row_is_named(
    world: World, version: str, share: str, statement: str, code: str, named: tuple[str, ...]
) -> None:
    if world.engine.dialect.name == POSTGRESQL:
        if statement in NOT_ON_POSTGRESQL:
            with pytest.raises(sa.exc.DBAPIError):
                await change(world, statement)
            return
        statement = ON_POSTGRESQL.get(statement, statement)
    await change(world, statement)
    report = await audit(world)
    found = [finding for finding in report.findings if finding.code == code]
    assert any(all(word in finding.detail for word in named) for finding in found), report.findings
    assert report.head_matches, "the chain is what it was"


async def test_one_change_is_one_finding_with_its_entries(world: World, share: str) -> None:
    await change(world, "UPDATE shares SET until = 1")
    (finding,) = (await audit(world)).findings
    assert finding.subject == f"shares/{share}" and finding.state == "open"
    found = world.chain.state.get(Share, share)
    assert found is not None and finding.entries == (found.since, found.updated)


async def test_a_rolled_back_read_model_is_late_not_false(world: World, share: str) -> None:
    """Whoever stores less than the chain has is behind; the follower will catch up."""
    world.chain.do("SuspendShare", PROVIDER, Duty.LEAD, share=share)
    report = await audit(world)
    assert report.clean and report.head_matches and report.entries == len(world.chain.told)
    assert "1 entries that the read model has not followed yet" in report.not_checked


async def test_an_empty_database(world: World) -> None:
    async with world.store.write() as work:
        await work.rewind()
        await work.commit()
    report = await audit(world)
    assert "the read model is empty" in report.not_checked


async def test_many_findings_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.services.audit_report.MOST_A_CODE", 3)
    await change(world, "UPDATE entries SET time = 0")
    report = await audit(world)
    assert len(report.findings) == 3 and report.omitted == len(world.chain.told) - 3


# ---- payloads --------------------------------------------------------------------------------------------------------


async def test_a_changed_byte_of_a_payload(world: World, version: str) -> None:
    """Of the file as it came, and of a part of the table."""
    assert len(world.payloads.objects) == 2
    for stored in list(world.payloads.objects):
        world.payloads.flip(stored)
        (finding,) = (await audit(world)).findings
        assert finding.code == "payload-changed" and stored in finding.detail
        assert f"version 1 of {DATASET}" in finding.detail
        world.payloads.flip(stored)


async def test_a_lost_payload(world: World, version: str) -> None:
    world.payloads.objects.clear()
    assert codes(await audit(world)) == ["payload-missing", "payload-missing"]
    assert codes(await audit(world, payloads=None)) == []


async def test_a_payload_row_cannot_be_pointed_elsewhere(world: World, version: str) -> None:
    """The version's own document names the object, so hiding the row hides nothing."""
    for stored in list(world.payloads.objects):
        world.payloads.flip(stored)
    await change(world, "DELETE FROM segment_keys")
    await change(world, "DELETE FROM table_parts")
    await change(world, "DELETE FROM payloads")
    assert codes(await audit(world)) == ["payload-changed", "payload-changed", "row-missing"]


async def test_what_was_prepared_and_never_anchored_is_looked_at_too(world: World) -> None:
    await world.prepare(table())
    for stored in list(world.payloads.objects):
        world.payloads.flip(stored)
    assert codes(await audit(world)) == ["payload-changed", "payload-changed"]


async def test_shredding_is_no_finding(world: World, version: str) -> None:
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, dataset=DATASET, number=1, whole=True)
    world.payloads.objects.clear()
    assert (await audit(world)).clean


# ---- deadlines -------------------------------------------------------------------------------------------------------


async def test_lateness_is_a_fact_and_no_finding(world: World, version: str) -> None:
    share = await world.request()
    report = await audit(world, now=int(world.clock.now()) + 10 * DAY)
    assert report.clean and [finding.code for finding in report.lateness] == ["late-reply"]
    world.clock.time += 10 * DAY
    world.chain.do("AgreeShare", PROVIDER, Duty.LEAD, share=share, until=world.share_until(share), force=True)
    await world.follow()
    report = await audit(world, now=int(world.clock.now()) + 60 * DAY)
    late = {finding.code: finding for finding in report.lateness}
    assert late.keys() == {"late-reply", "late-delivery"}
    assert late["late-reply"].article == "39-3" and PROVIDER in late["late-reply"].detail
    assert "was done at" in late["late-reply"].detail and "still open" in late["late-delivery"].detail


async def test_a_published_profile_is_counted_with(world: World, version: str) -> None:
    from ledger.domain.acts import RuleKind
    from ledger.domain.clock import Clock, Limit, profile_document

    tight = profile_document("tight", {Clock.DELIVER: Limit(Clock.DELIVER, "22", 1)})
    await world.keep(tight, ROOT, open=True)
    await world.act("PublishRule", ROOT, Duty.DIRECTOR, rule="profile", kind=RuleKind.PROFILE, start=0, document=tight)
    share = await world.request()
    await world.agree(share)
    report = await audit(world, now=int(world.clock.now()) + 5 * DAY)
    assert [finding.code for finding in report.lateness] == ["late-delivery"]
    report = await audit(world, store=None, payloads=None, now=int(world.clock.now()) + 5 * DAY)
    assert report.lateness == (), "without the document, only the national profile is at hand"


async def test_documents_that_are_not_held_are_counted(world: World) -> None:
    document = Document.make("department", department="341502", name="金安区", level=3, roles=4)
    world.chain.do(
        "RegisterDepartment", ROOT, Duty.DIRECTOR, department="341502", parent=ROOT, level=3, roles=4, document=document
    )
    await world.follow()
    report = await audit(world)
    assert report.clean and "1 documents that acts name are not held here" in report.not_checked


async def test_a_contract_key_is_accepted_not_rechecked(world: World) -> None:
    address = world.chain.key_of("wallet", Duty.OFFICER)
    world.chain.do(
        "EnrolKey",
        ROOT,
        Duty.DIRECTOR,
        key=address,
        department=PROVIDER,
        kind=2,
        duty=Duty.OFFICER,
        custody=Custody.OWN,
        start=0,
        until=0,
    )
    report = await audit(world, store=None, payloads=None)
    assert report.clean
    assert "1 signatures of contract keys: accepted by the chain, not re-checked" in report.not_checked


async def test_the_state_is_never_shared(world: World) -> None:
    """An audit rebuilds its own; what the product holds in memory cannot leak into it."""
    world.chain.state = State([replace(item, level=1) for item in world.chain.state.all(Department)])
    assert (await audit(world)).clean


async def test_a_version_that_names_the_document_of_another_accuses_nobody(world: World, version: str) -> None:
    """Anyone may name any digest: that is odd, but no tampering, and hides none either."""
    other = "341500/tjj/other"
    item = await world.keep(Document.make("conditions", conditions="another item"), PROVIDER)
    terms = {"dataset": other, "department": PROVIDER, "share_type": 1, "grade": 1, "document": item}
    world.chain.do("SubmitDataset", PROVIDER, Duty.DIRECTOR, **terms)
    world.chain.do("PublishDataset", ROOT, Duty.LEAD, dataset=other)
    right = world.chain.state.get(Version, version)
    assert right is not None
    fingerprint = {"format": right.format, "salted": True, "root": "ab" * 32, "records": 1, "size": 1}
    await world.act(
        "AnchorVersion", PROVIDER, Duty.OFFICER, dataset=other, number=1, document=right.document, **fingerprint
    )
    assert (await audit(world)).clean
    await world.act("ShredVersion", PROVIDER, Duty.OFFICER, dataset=other, number=1, whole=True)
    for stored in list(world.payloads.objects):
        world.payloads.flip(stored)
    assert codes(await audit(world)) == ["payload-changed", "payload-changed"]
