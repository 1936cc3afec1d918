"""The whole way of a share, who may take which step, and what is refused on it."""

from typing import Any

import pytest

from ledger.domain.acts import Mark, ShareType
from tests.contracts.signing import code, digest_of
from tests.contracts.world import DATASET, ROOT, ZERO, Refusal, World

REQUESTED, SUPPLEMENT, AGREED, DELIVERED, CONFIRMED, REFUSED, WITHDRAWN, ENDED = range(1, 9)


def _authorised(world: World, share: bytes) -> bool:
    found = bool(world.view("Authorisations", "isAuthorised(bytes32)", "bool", share))
    who = world.share(share)
    listed = world.view(
        "Authorisations", "authorisationsOf(bytes32,bytes32)", "bytes32[]", who["dataset"], who["consumer"]
    )
    assert (share in listed) == found
    return found


def test_the_usual_way(world: World) -> None:
    revision = world.dataset()
    version = world.act("AnchorVersion", "STAT.officer", number=1).digest
    share = world.request(revision)
    assert world.share(share) | {"until": 0} == {
        "consumer": code("FUND"), "provider": code("STAT"), "dataset": DATASET, "revision": revision, "last": share,
        "version": ZERO, "suspended_by": ZERO, "until": 0, "stage": REQUESTED, "share_type": ShareType.CONDITIONAL,
        "asked": False, "extended": False, "granted": False,
    }  # fmt: skip
    assert not _authorised(world, share)
    until = world.chain.now + 1000
    stages = []
    for name, by, fields in (
        ("AskSupplement", "STAT.officer", {}),
        ("SupplyMaterials", "FUND.officer", {}),
        ("ExtendReply", "BUREAU.lead", {}),
        ("AgreeShare", "STAT.lead", {"until": until}),
        ("DeliverShare", "STAT.officer", {"version": version, "method": 1}),
        ("ConfirmDelivery", "FUND.officer", {}),
        ("DeliverShare", "STAT.officer", {"version": version, "method": 4}),
        ("SuspendShare", "STAT.lead", {}),
        ("ResumeShare", "STAT.lead", {}),
        ("EndShare", "STAT.lead", {"cause": 1}),
    ):
        entry = world.act(name, by, share=share, **fields)
        assert (entry.marks, entry.department) == (Mark.NONE, code(by.split(".")[0]))
        found = world.share(share)
        assert found["last"] == entry.digest
        stages.append(found["stage"])
        assert _authorised(world, share) == (AGREED <= found["stage"] <= CONFIRMED and name != "SuspendShare")
    assert stages == [2, 1, 1, 3, 4, 5, 4, 4, 4, 8]
    assert (found["until"], found["version"], found["asked"], found["extended"]) == (until, version, True, True)


def test_requests_that_are_refused(world: World) -> None:
    asked = {"consumer": code("FUND"), "revision": digest_of("x")}
    world.refuses("RequestShare", "FUND.lead", "DatasetsUnknown", DATASET, **asked)
    world.act("SubmitDataset", "STAT.director", dataset=DATASET, department=code("STAT"))
    world.refuses("RequestShare", "FUND.lead", "DatasetsNotPublished", DATASET, **asked)
    world.act("PublishDataset", "BUREAU.lead", dataset=DATASET)
    revision = world.view("Datasets", "offerOf(bytes32)", "bytes32,bytes32,uint8,bool", DATASET)[1]
    world.refuses("RequestShare", "FUND.lead", "AuthorisationsRevision", revision, digest_of("x"), **asked)
    asked["revision"] = revision
    now = world.chain.now
    world.refuses("RequestShare", "FUND.lead", "AuthorisationsUntil", now, **asked, until=now)
    world.refuses("RequestShare", "FUND.lead", "AuthorisationsDocumentMissing", **asked, document=ZERO)
    world.refuses("RequestShare", "TOWN.lead", "AuthorisationsNotConsumer", code("TOWN"), **asked)
    world.refuses("RequestShare", "STAT.lead", "DepartmentsRole", code("STAT"), 4, **asked)
    first = world.sign("RequestShare", "FUND.lead", **asked)
    world.send(first)
    assert world.refusal(first) == Refusal("AuthorisationsKnown", (first.digest,))
    renewed = world.act("RequestShare", "FUND.lead", **asked, prior=first.digest)  # names the share it renews
    assert world.share(renewed.digest)["stage"] == REQUESTED


def test_nobody_shares_with_itself(world: World) -> None:
    revision = world.dataset(name=code("TOWN/a"), provider="TOWN", by="COUNTY.lead")
    own = {"consumer": code("TOWN"), "dataset": code("TOWN/a"), "revision": revision}
    world.refuses("RequestShare", "TOWN.lead", "AuthorisationsSelf", code("TOWN"), **own)
    world.refuses("GrantShare", "COUNTY.director", "AuthorisationsSelf", code("TOWN"), **own)


def test_what_is_not_shared_is_neither_requested_nor_granted(world: World) -> None:
    revision = world.dataset(share_type=ShareType.NOT_SHARED)
    asked = {"consumer": code("FUND"), "revision": revision}
    world.refuses("RequestShare", "FUND.lead", "AuthorisationsNotShared", DATASET, **asked)
    world.refuses("GrantShare", "BUREAU.director", "AuthorisationsNotShared", DATASET, **asked)


def test_a_request_for_a_moved_revision_is_refused_and_an_old_request_keeps_its_type(world: World) -> None:
    old = world.dataset(share_type=ShareType.UNCONDITIONAL)
    share = world.request(old)
    new = world.dataset(share_type=ShareType.CONDITIONAL)
    asked = {"consumer": code("FUND"), "revision": old, "document": digest_of("second")}
    world.refuses("RequestShare", "FUND.lead", "AuthorisationsRevision", new, old, **asked)
    world.refuses("RefuseShare", "STAT.lead", "AuthorisationsUnconditional", share, share=share)
    world.act("AgreeShare", "STAT.lead", share=share)


def test_unconditional_is_refused_only_once_withdrawn(world: World) -> None:
    share = world.request(world.dataset(share_type=ShareType.UNCONDITIONAL))
    world.refuses("RefuseShare", "STAT.lead", "AuthorisationsUnconditional", share, share=share)
    world.act("WithdrawDataset", "STAT.director", dataset=DATASET)
    world.refuses("AgreeShare", "STAT.lead", "AuthorisationsWithdrawn", DATASET, share=share)
    world.act("RefuseShare", "STAT.lead", share=share)
    assert world.share(share)["stage"] == REFUSED


def test_replies(world: World) -> None:
    share = world.request(world.dataset(), until=world.chain.now + 500)
    asked = world.share(share)["until"]
    world.refuses("RefuseShare", "STAT.lead", "AuthorisationsDocumentMissing", share=share, document=ZERO)
    world.refuses("AgreeShare", "STAT.lead", "AuthorisationsWidened", asked, asked + 1, share=share, until=asked + 1)
    now = world.chain.now
    world.refuses("AgreeShare", "STAT.lead", "AuthorisationsUntil", now, share=share, until=now)
    world.act("AskSupplement", "STAT.officer", share=share)
    world.refuses("AskSupplement", "STAT.officer", "AuthorisationsStage", share, SUPPLEMENT, share=share)
    world.act("SupplyMaterials", "FUND.officer", share=share)
    world.refuses("SupplyMaterials", "FUND.officer", "AuthorisationsStage", share, REQUESTED, share=share)
    world.refuses("AskSupplement", "STAT.officer", "AuthorisationsOnce", share, share=share)
    assert world.act("ExtendReply", "LUAN.lead", share=share).marks == Mark.SUPERIOR
    world.refuses("ExtendReply", "BUREAU.lead", "AuthorisationsOnce", share, share=share)
    world.refuses("ExtendReply", "STAT.lead", "DepartmentsRole", code("STAT"), 1, share=share)
    outside = code("COUNTY"), code("STAT")
    world.refuses("ExtendReply", "COUNTY.lead", "DepartmentsJurisdiction", *outside, share=share)
    world.act("AgreeShare", "STAT.lead", share=share, until=asked)


def test_a_supplement_may_still_be_out_when_the_reply_comes(world: World) -> None:
    revision = world.dataset()
    for reply, by, stage in (("AgreeShare", "STAT.lead", AGREED), ("RefuseShare", "STAT.lead", REFUSED),
                             ("WithdrawRequest", "FUND.lead", WITHDRAWN)):  # fmt: skip
        share = world.request(revision, document=digest_of(reply))
        world.act("AskSupplement", "STAT.officer", share=share)
        world.act(reply, by, share=share)
        assert world.share(share)["stage"] == stage


PARTY = {  # who may: everyone else is refused as no party
    "WithdrawRequest": ("FUND", 2), "AskSupplement": ("STAT", 1), "SupplyMaterials": ("FUND", 1),
    "AgreeShare": ("STAT", 2), "RefuseShare": ("STAT", 2), "DeliverShare": ("STAT", 1), "ConfirmDelivery": ("FUND", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTY)
def test_parties(world: World, name: str) -> None:
    share = world.request(world.dataset())
    fields: dict[str, Any] = {"method": 1} if name == "DeliverShare" else {}
    for other in {"STAT", "FUND", "BUREAU", "TOWN"} - {PARTY[name][0]}:
        world.refuses(name, f"{other}.lead", "AuthorisationsParty", share, code(other), share=share, **fields)
    world.refuses(name, f"{PARTY[name][0]}.lead", "AuthorisationsUnknown", ZERO, share=ZERO, **fields)


STAGES = {
    "WithdrawRequest": {REQUESTED, SUPPLEMENT}, "AskSupplement": {REQUESTED}, "SupplyMaterials": {SUPPLEMENT},
    "ExtendReply": {REQUESTED, SUPPLEMENT}, "AgreeShare": {REQUESTED, SUPPLEMENT},
    "RefuseShare": {REQUESTED, SUPPLEMENT},
    "DeliverShare": {AGREED, DELIVERED, CONFIRMED}, "ConfirmDelivery": {DELIVERED},
    "SuspendShare": {AGREED, DELIVERED, CONFIRMED}, "EndShare": {AGREED, DELIVERED, CONFIRMED},
}  # fmt: skip


def _at_stages(world: World) -> dict[int, bytes]:
    """One share at each stage."""
    revision = world.dataset()
    version = world.act("AnchorVersion", "STAT.officer", number=1).digest
    steps: dict[int, list[tuple[str, str, dict[str, Any]]]] = {
        REQUESTED: [],
        SUPPLEMENT: [("AskSupplement", "STAT.officer", {})],
        AGREED: [("AgreeShare", "STAT.lead", {})],
        REFUSED: [("RefuseShare", "STAT.lead", {})],
        WITHDRAWN: [("WithdrawRequest", "FUND.lead", {})],
    }
    steps[DELIVERED] = [*steps[AGREED], ("DeliverShare", "STAT.officer", {"version": version, "method": 1})]
    steps[CONFIRMED] = [*steps[DELIVERED], ("ConfirmDelivery", "FUND.officer", {})]
    steps[ENDED] = [*steps[AGREED], ("EndShare", "FUND.lead", {"cause": 1})]
    shares = {}
    for stage, way in steps.items():
        shares[stage] = world.request(revision, document=digest_of(str(stage)))
        for name, by, fields in way:
            world.act(name, by, share=shares[stage], **fields)
        assert world.share(shares[stage])["stage"] == stage
    return shares


def test_every_act_at_every_stage(world: World) -> None:
    shares = _at_stages(world)
    extra: dict[str, dict[str, Any]] = {
        "EndShare": {"cause": 2},
        "DeliverShare": {"method": 1, "version": world.last["line", DATASET]},
    }
    by = {**{name: f"{who}.lead" for name, (who, _) in PARTY.items()}, "ExtendReply": "BUREAU.lead",
          "SuspendShare": "BUREAU.lead", "EndShare": "FUND.lead"}  # fmt: skip
    for name, allowed in STAGES.items():
        fields = extra.get(name, {})
        for stage, share in shares.items():
            signed = world.sign(name, by[name], share=share, **fields)
            if stage in allowed:
                world.chain.call(signed.module, signed.calldata)
            else:
                assert world.refusal(signed) == Refusal("AuthorisationsStage", (share, stage)), (name, stage)
    for share in shares.values():
        world.refuses("ResumeShare", "STAT.lead", "AuthorisationsNotSuspended", share, share=share)


def test_delivering(world: World) -> None:
    share = world.agreed(until=world.chain.now + 500)
    version = world.last["line", DATASET]
    good = {"share": share, "version": version, "method": 1}
    for method in (0, 5):
        world.refuses("DeliverShare", "STAT.officer", "AuthorisationsMethod", method, **{**good, "method": method})
    for unknown in (ZERO, digest_of("no version")):
        world.refuses("DeliverShare", "STAT.officer", "AuthorisationsVersion", unknown, **{**good, "version": unknown})
    world.dataset(name=code("STAT/other"))
    other = world.act("AnchorVersion", "STAT.officer", dataset=code("STAT/other"), number=1).digest
    world.refuses("DeliverShare", "STAT.officer", "AuthorisationsVersion", other, **{**good, "version": other})
    world.act("SuspendShare", "STAT.lead", share=share)
    world.refuses("DeliverShare", "STAT.officer", "AuthorisationsSuspended", share, **good)
    world.refuses("SuspendShare", "BUREAU.lead", "AuthorisationsSuspended", share, share=share)
    world.act("ResumeShare", "BUREAU.lead", share=share)
    world.act("ShredVersion", "STAT.officer", dataset=DATASET, number=1, whole=True)
    world.refuses("DeliverShare", "STAT.officer", "AuthorisationsVersion", version, **good)
    second = world.act("AnchorVersion", "STAT.officer", number=2).digest
    until = world.share(share)["until"]
    world.chain.wait_until(until)
    late = world.sign("DeliverShare", "STAT.officer", **{**good, "version": second})
    world.chain.call(late.module, late.calldata)  # the last second counts
    assert _authorised(world, share)
    world.chain.wait_until(until + 1)
    assert world.refusal(late) == Refusal("AuthorisationsExpired", (share, until))
    assert not _authorised(world, share)
    world.act("EndShare", "STAT.lead", share=share, cause=2)


def test_who_lifts_a_suspension(world: World) -> None:
    """The provider's by the provider or an authority above it; an authority's by that one or one above it."""
    revision = world.dataset(name=code("TOWN/a"), provider="TOWN", by="COUNTY.lead")
    share = world.request(revision, dataset=code("TOWN/a"))
    world.act("AgreeShare", "TOWN.lead", share=share)
    chain = world.chain
    rules: dict[str, dict[str, int | None]] = {
        "TOWN": {"TOWN": 0, "COUNTY": 0, "BUREAU": Mark.SUPERIOR, "LUAN": Mark.SUPERIOR, "FUND": None, "STAT": None},
        "COUNTY": {"TOWN": None, "COUNTY": 0, "BUREAU": Mark.SUPERIOR, "LUAN": Mark.SUPERIOR, "FUND": None},
        "BUREAU": {"TOWN": None, "COUNTY": None, "BUREAU": Mark.SUPERIOR, "LUAN": Mark.SUPERIOR, "FUND": None},
        "LUAN": {"TOWN": None, "COUNTY": None, "BUREAU": None, "LUAN": Mark.SUPERIOR},
    }
    for suspender, lifters in rules.items():
        snapshot, last = chain("evm_snapshot"), dict(world.last)
        marks = world.act("SuspendShare", f"{suspender}.lead", share=share).marks
        assert marks == (Mark.SUPERIOR if suspender in {"BUREAU", "LUAN"} else Mark.NONE)
        assert world.share(share)["suspended_by"] == code(suspender)
        for lifter, expected in lifters.items():
            if expected is None:
                world.refuses("ResumeShare", f"{lifter}.lead", "AuthorisationsParty", share, code(lifter), share=share)
                continue
            inner, before = chain("evm_snapshot"), dict(world.last)
            assert world.act("ResumeShare", f"{lifter}.lead", share=share).marks == expected
            assert _authorised(world, share)
            assert chain("evm_revert", inner)
            world.last = before
        assert chain("evm_revert", snapshot)
        world.last = last


def test_an_authority_that_lost_the_provider_may_still_lift_its_own(world: World) -> None:
    revision = world.dataset(name=code("TOWN/a"), provider="TOWN", by="COUNTY.lead")
    share = world.request(revision, dataset=code("TOWN/a"))
    world.act("AgreeShare", "TOWN.lead", share=share)
    world.act("SuspendShare", "COUNTY.lead", share=share)
    world.act("ChangeDepartment", "BUREAU.director", department=code("TOWN"), parent=code("STAT"), level=4, roles=6)
    assert world.act("ResumeShare", "COUNTY.lead", share=share).marks == Mark.SUPERIOR
    world.refuses("SuspendShare", "COUNTY.lead", "AuthorisationsParty", share, code("COUNTY"), share=share)


@pytest.mark.parametrize(
    ("by", "marks"),
    [("FUND", 0), ("STAT", 0), ("BUREAU", 0), ("LUAN", Mark.SUPERIOR), ("TOWN", None), ("COUNTY", None)],
)
def test_who_ends_a_share(world: World, by: str, marks: int | None) -> None:
    share = world.agreed()
    world.act("SuspendShare", "STAT.lead", share=share)
    if marks is None:
        world.refuses("EndShare", f"{by}.lead", "AuthorisationsParty", share, code(by), share=share, cause=1)
        return
    for cause in (0, 6):
        world.refuses("EndShare", f"{by}.lead", "AuthorisationsCause", cause, share=share, cause=cause)
    assert world.act("EndShare", f"{by}.lead", share=share, cause=5).marks == marks
    world.refuses("ResumeShare", "STAT.lead", "AuthorisationsNotSuspended", share, share=share)


def test_unknown_shares(world: World) -> None:
    for name, by, fields in (("ExtendReply", "BUREAU.lead", {}), ("SuspendShare", "STAT.lead", {}),
                             ("ResumeShare", "STAT.lead", {}), ("EndShare", "STAT.lead", {"cause": 1})):  # fmt: skip
        world.refuses(name, by, "AuthorisationsUnknown", ZERO, share=ZERO, **fields)
    assert not world.view("Authorisations", "isAuthorised(bytes32)", "bool", ZERO)
    assert world.share(ZERO)["stage"] == 0


def test_granting(world: World) -> None:
    grant = {"consumer": code("FUND"), "revision": digest_of("x")}
    world.refuses("GrantShare", "BUREAU.director", "DatasetsUnknown", DATASET, **grant)
    world.act("SubmitDataset", "STAT.director", dataset=DATASET, department=code("STAT"))
    world.refuses("GrantShare", "BUREAU.director", "DatasetsNotPublished", DATASET, **grant)
    world.act("PublishDataset", "BUREAU.lead", dataset=DATASET)
    revision = world.view("Datasets", "offerOf(bytes32)", "bytes32,bytes32,uint8,bool", DATASET)[1]
    world.refuses("GrantShare", "BUREAU.director", "AuthorisationsRevision", revision, digest_of("x"), **grant)
    grant["revision"] = revision
    now = world.chain.now
    for error, args, changes in (
        ("AuthorisationsBasisMissing", (), {"basis": ZERO}),
        ("AuthorisationsUntil", (now,), {"until": now}),
        ("AuthorisationsDocumentMissing", (), {"document": ZERO}),
        ("DepartmentsUnknown", (code("GONE"),), {"consumer": code("GONE")}),
        ("DepartmentsRole", (code("JUDGE"), 4), {"consumer": code("JUDGE")}),
    ):
        world.refuses("GrantShare", "BUREAU.director", error, *args, **{**grant, **changes})
    world.refuses("GrantShare", "STAT.director", "DepartmentsRole", code("STAT"), 1, **grant)
    outside = code("COUNTY"), code("STAT")
    world.refuses("GrantShare", "COUNTY.director", "DepartmentsJurisdiction", *outside, **grant)
    signed = world.sign("GrantShare", "BUREAU.director", **grant)
    assert world.send(signed).marks == Mark.NONE
    assert world.refusal(signed) == Refusal("AuthorisationsKnown", (signed.digest,))
    assert world.share(signed.digest)["granted"] and _authorised(world, signed.digest)
    assert world.act("GrantShare", "LUAN.director", **grant).marks == Mark.SUPERIOR
    version = world.act("AnchorVersion", "STAT.officer", number=1).digest
    share = {"share": signed.digest, "prior": signed.digest}
    world.act("DeliverShare", "STAT.officer", **share, version=version, method=2)


def test_the_root_grants_what_it_provides_to_others_as_its_own_authority(world: World) -> None:
    own = World.deploy(world.chain, roles=3)
    for key in ("LUAN.lead",):
        own.enrol(key, by="LUAN.director")
    own.act("RegisterDepartment", "LUAN.director", department=code("FUND"), parent=ROOT, level=2, roles=4)
    revision = own.dataset(provider="LUAN", by="LUAN.lead")
    granted = own.act("GrantShare", "LUAN.director", consumer=code("FUND"), revision=revision)
    assert granted.marks == Mark.NONE


def test_authorisations_in_force_are_listed_in_order(world: World) -> None:
    revision = world.dataset()
    shares = [
        world.request(revision, document=digest_of(str(i)), until=world.chain.now + 1000 * (i + 1)) for i in range(3)
    ]
    for share in shares:
        world.act("AgreeShare", "STAT.lead", share=share, until=world.share(share)["until"])
    listed = "Authorisations", "authorisationsOf(bytes32,bytes32)", "bytes32[]", DATASET, code("FUND")
    assert list(world.view(*listed)) == shares
    world.act("SuspendShare", "STAT.lead", share=shares[1])
    assert list(world.view(*listed)) == [shares[0], shares[2]]
    world.chain.wait_until(world.share(shares[0])["until"] + 1)
    assert list(world.view(*listed)) == [shares[2]]
    assert list(world.view(*listed[:4], code("TOWN"))) == []


def test_replayed_reordered_and_stale_acts_change_nothing(world: World) -> None:
    share = world.agreed()
    deliver = world.sign("DeliverShare", "STAT.officer", share=share, version=world.last["line", DATASET], method=1)
    confirm = world.sign("ConfirmDelivery", "FUND.officer", share=share, prior=deliver.digest)
    two_hands = world.sign("SuspendShare", "BUREAU.lead", share=share)
    last = world.share(share)["last"]
    assert world.refusal(confirm) == Refusal("SignedPrior", (last, deliver.digest))
    world.send(deliver)
    assert world.refusal(deliver) == Refusal("SignedPrior", (deliver.digest, last))
    assert world.refusal(two_hands) == Refusal("SignedPrior", (deliver.digest, last))
    world.send(confirm)
