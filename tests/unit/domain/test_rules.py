"""The rules in the order of the contracts: each refusal once, by name and arguments."""

import pytest

from ledger.domain.acts import Custody, Duty, KeyKind, Role
from ledger.domain.apply import apply
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import Correction, Dataset, Department, InstalledModule, Key, Share, State, Version
from ledger.domain.values import Act
from ledger.errors import InvalidAct
from tests.unit.domain.world import (
    MODULES,
    OPENING,
    REQUEST,
    SUBMISSION,
    VERSION,
    Story,
    World,
    address,
    peopled,
    signed,
    story,
)

DATASET = "stats/area-codes"


@pytest.fixture
def world() -> World:
    return peopled()


@pytest.fixture
def told() -> Story:
    return story()


# the opening


@pytest.mark.parametrize(
    "fields",
    [
        {"level": 4},
        {"level": 0},
        {"roles": Role.PROVIDER},
        {"roles": 33},
        {"first_key": ZERO_ADDRESS},
        {"first_kind": 3},
        {"second_key": ZERO_ADDRESS},
        {"second_key": OPENING["first_key"]},
        {"second_kind": 0},
        {"custody": 0},
    ],
)
def test_unsound_opening(fields: dict[str, object]) -> None:
    refused = World().judge_opening(Act.make("OpenLedger", **(OPENING | fields)))
    assert type(refused).__name__ == "JournalOpening"


def test_openings_that_hold() -> None:
    world = World()
    world.open(second_key=ZERO_ADDRESS, second_kind=0, first_kind=KeyKind.CONTRACT)
    assert world.state.ledger is not None and world.state.ledger.root == "city"
    city = world.state.get(Department, "city")
    assert city is not None and city.standing_directors == 1 and city.had_director
    again = world.judge_opening(Act.make("OpenLedger", **OPENING))
    assert type(again).__name__ == "JournalOpening"
    empty = World().judge_opening(Act.make("OpenLedger", **(OPENING | {"department": ""})))
    assert type(empty).__name__ == "CodesInvalid"


def test_nothing_before_the_opening() -> None:
    act = World().act("CloseLedger", "root-1", successor=ZERO_ADDRESS)
    with pytest.raises(InvalidAct, match="no ledger"):
        refusal(State(), act, ZERO_DIGEST, Circumstances(0, (), signed))


# the signer and the signature


def test_key_comes_first(world: World) -> None:
    until = world.now + 5
    world.enrol("fund-director", "late", "fund", Duty.LEAD, start=until + 100)
    world.enrol("fund-director", "short", "fund", Duty.LEAD, until=until)
    request = {**REQUEST, "revision": ZERO_DIGEST, "until": 0}
    assert world.refused("RequestShare", "nobody", **request) == f"DepartmentsKeyUnknown({address('nobody')})"
    assert world.refused("RequestShare", "late", **request).startswith("DepartmentsKeyNotYet")
    assert world.refused("RequestShare", "short", **request).startswith("DatasetsUnknown")
    world.now = until
    assert world.refused("RequestShare", "short", **request).startswith("DatasetsUnknown")
    world.now += 1
    assert world.refused("RequestShare", "short", **request) == f"DepartmentsKeyExpired({address('short')},{until})"
    assert world.refused("RequestShare", "fund-officer", **request) == f"DepartmentsDuty({address('fund-officer')},1,2)"
    assert world.refused("RequestShare", "lab-lead", **request) == "DepartmentsRole(lab,4)"


def test_signatures(world: World) -> None:
    fields = {"successor": ZERO_ADDRESS}
    late = world.refused("CloseLedger", "root-1", valid_until=world.now - 1, **fields)
    assert late == f"SignedExpired({world.now - 1},{world.now})"
    world.judge(world.act("CloseLedger", "root-1", valid_until=world.now, **fields))
    none = world.refused("CloseLedger", "root-1", circumstances={"signatures": ()}, **fields)
    assert none == "SignedCount(0,1)"
    two = world.refused("CloseLedger", "root-1", circumstances={"signatures": (b"", b"")}, **fields)
    assert two == "SignedCount(2,1)"
    wrong = world.refused("CloseLedger", "root-1", circumstances={"signatures": (b"x",)}, **fields)
    assert wrong == f"SignedWrong({address('root-1')})"
    long = world.refused("CloseLedger", "root-1", circumstances={"signatures": (bytes(4097),)}, **fields)
    assert long == "SignedTooLong(4097)"
    assert world.refused("CloseLedger", "root-1", prior="11" * 32, **fields).startswith("SignedPrior(0000")


# the ledger


def test_modules_and_closing(world: World) -> None:
    module, code = address("disputes"), "ab" * 32
    fields = {"module": module, "code_hash": code}
    assert world.refused("AdmitModule", "county-director", **fields) == "JournalNotRoot(county)"
    assert world.refused("AdmitModule", "city-lead", **fields).startswith("DepartmentsDuty")
    for known in (*MODULES.values(), address("courier")):
        assert world.refused("AdmitModule", "root-1", **(fields | {"module": known})).startswith("JournalModuleKnown")
    for found in (ZERO_DIGEST, "cd" * 32):
        answer = world.refused("AdmitModule", "root-1", circumstances={"code_hash": lambda _, f=found: f}, **fields)
        assert answer == f"JournalModuleCode({module},{found})"
    admitted = world.do("AdmitModule", "root-1", **fields)
    assert world.state.get(InstalledModule, module) is not None
    assert world.refused("CloseLedger", "root-2", successor=ZERO_ADDRESS).startswith("SignedPrior")
    world.do("CloseLedger", "root-2", successor=address("next"), prior=admitted.digest)
    assert world.state.ledger is not None and world.state.ledger.successor == address("next")
    late = {"department": "new", "parent": "city", "level": 3, "roles": 2}
    assert world.refused("RegisterDepartment", "root-1", **late) == "JournalClosed()"
    assert world.refused("RegisterDepartment", "root-1", **(late | {"level": 1})) == "DepartmentsLevel(1)"


# departments and keys


def test_registering(world: World) -> None:
    fields = {"department": "town", "parent": "county", "level": 4, "roles": Role.PROVIDER.value}

    def refused(by: str = "county-director", **changes: object) -> str:
        return world.refused("RegisterDepartment", by, **(fields | changes))

    assert refused("county-lead").startswith("DepartmentsDuty")
    assert refused("fund-director") == "DepartmentsRole(fund,1)"
    assert refused(parent="nowhere") == "DepartmentsUnknown(nowhere)"
    assert refused(parent="city") == "DepartmentsJurisdiction(county,city)"
    assert refused(parent="lab") == "DepartmentsJurisdiction(county,lab)"
    assert refused(department="") == "CodesInvalid()"
    assert refused(department="fund") == "DepartmentsKnown(fund)"
    assert refused(level=2) == "DepartmentsLevel(2)"
    assert refused(level=6) == "DepartmentsLevel(6)"
    assert refused(roles=32) == "DepartmentsRoles(32)"
    assert refused(roles=Role.AUTHORITY) == "DepartmentsRoles(1)"
    world.do("RegisterDepartment", "county-director", **fields)
    world.do("RegisterDepartment", "root-1", **(fields | {"department": "town-2", "prior": "77" * 32}))


def test_changing(world: World) -> None:
    world.do("RegisterDepartment", "root-1", department="county-2", parent="city", level=3, roles=1)
    fund = world.state.get(Department, "fund")
    assert fund is not None
    fields = {"department": "fund", "parent": "county-2", "level": 3, "roles": 4, "prior": fund.last}

    def refused(by: str = "root-1", **changes: object) -> str:
        return world.refused("ChangeDepartment", by, **(fields | changes))

    assert refused("lab-director") == "DepartmentsRole(lab,1)"
    assert refused(department="nowhere") == "DepartmentsUnknown(nowhere)"
    assert refused(department="city") == "DepartmentsJurisdiction(city,city)"
    assert refused(parent="nowhere") == "DepartmentsUnknown(nowhere)"
    assert refused("county-director") == "DepartmentsJurisdiction(county,county-2)"
    assert refused(prior=ZERO_DIGEST).startswith("SignedPrior")
    assert refused(parent="fund") == "DepartmentsCycle(fund,fund)"
    assert refused(level=2) == "DepartmentsLevel(2)"
    county = world.state.get(Department, "county")
    assert county is not None
    below = {"department": "county", "parent": "fund", "prior": county.last}
    assert refused(**below) == "DepartmentsCycle(county,fund)"
    world.do("ChangeDepartment", "root-2", **fields)
    moved = world.state.get(Department, "fund")
    assert moved is not None and moved.parent == "county-2"


def test_enrolling(world: World) -> None:
    fields = {
        "key": address("new"),
        "department": "fund",
        "kind": 1,
        "duty": 1,
        "custody": 1,
        "mandate": ZERO_DIGEST,
        "start": 0,
        "until": 0,
    }

    def refused(by: str = "fund-director", **changes: object) -> str:
        return world.refused("EnrolKey", by, **(fields | changes))

    assert refused(department="nowhere") == "DepartmentsUnknown(nowhere)"
    assert refused("stats-director") == "DepartmentsJurisdiction(stats,fund)"
    assert refused("fund-director", department="county") == "DepartmentsJurisdiction(fund,county)"
    one = world.refused("EnrolKey", "fund-director", circumstances={"signatures": (b"",)}, **fields)
    assert one == "SignedCount(1,2)"
    for wrong in (
        {"key": ZERO_ADDRESS},
        {"kind": 3},
        {"duty": 0},
        {"duty": 4},
        {"custody": 0},
        {"until": world.now},
        {"start": world.now + 50, "until": world.now + 50},
    ):
        assert refused(**wrong) == "DepartmentsKeyTerms()"
    assert refused(key=address("stats-lead")).startswith("DepartmentsKeyKnown")
    world.do("EnrolKey", "fund-director", **fields)


def test_what_keeps_the_root_signs_at_once(world: World) -> None:
    terms = {"kind": 1, "duty": 3, "custody": 1, "mandate": ZERO_DIGEST, "start": world.now + 1, "until": 0}
    fields = {"key": address("new"), "department": "city", **terms}
    assert world.refused("EnrolKey", "root-1", **fields) == "DepartmentsKeyTerms()"
    for number, good in enumerate(({"until": world.now + 2}, {"duty": 2}, {"start": world.now})):
        world.do("EnrolKey", "root-1", **(fields | good | {"key": address(f"new-{number}")}))


def test_recovery_is_marked(world: World) -> None:
    own = world.enrol("fund-director", "own", "fund", Duty.LEAD)
    above = world.enrol("county-director", "above", "fund", Duty.LEAD)
    assert (own.marks, above.marks) == (0, 1)
    key = world.state.get(Key, address("above"))
    assert key is not None and key.recovery and key.enrolled_by == "county"
    world.do("RegisterDepartment", "root-1", department="new", parent="city", level=3, roles=4)
    assert world.enrol("root-1", "first", "new", Duty.OFFICER).marks == 0


def test_retiring(world: World) -> None:
    key = world.state.get(Key, address("fund-lead"))
    assert key is not None
    fields = {"key": key.address, "since": world.now, "reason": 1, "prior": key.last}

    def refused(by: str = "county-director", **changes: object) -> str:
        return world.refused("RetireKey", by, **(fields | changes))

    assert refused(key=address("nobody")).startswith("DepartmentsKeyUnknown")
    assert refused("stats-director") == "DepartmentsJurisdiction(stats,fund)"
    assert refused(prior=ZERO_DIGEST).startswith("SignedPrior")
    assert refused(since=world.now + 9).startswith("DepartmentsSince")
    assert refused(reason=5) == "DepartmentsReason(5)"
    retired = world.do("RetireKey", "county-director", **fields)
    assert refused(prior=retired.digest) == f"DepartmentsKeyRetired({key.address})"
    request = {**REQUEST, "revision": ZERO_DIGEST, "until": 0}
    assert world.refused("RequestShare", "fund-lead", **request) == f"DepartmentsKeyRetired({key.address})"


def test_the_root_keeps_a_standing_director(world: World) -> None:
    world.enrol("root-1", "root-3", "city", Duty.DIRECTOR, until=world.now + 9999)
    opening = world.entries[0].digest
    fields = {"since": world.now, "reason": 1, "prior": opening}
    world.do("RetireKey", "root-2", key=address("root-1"), **fields)
    last = world.refused("RetireKey", "root-3", key=address("root-2"), **fields)
    assert last == f"DepartmentsLastRootKey({address('root-2')})"
    world.enrol("root-2", "root-4", "city", Duty.DIRECTOR)
    world.do("RetireKey", "root-3", key=address("root-2"), **fields)


# datasets and versions


def test_submitting(world: World) -> None:
    def refused(by: str = "stats-director", **changes: object) -> str:
        return world.refused("SubmitDataset", by, **(SUBMISSION | changes))

    assert refused("fund-director") == "DepartmentsRole(fund,2)"
    assert refused("root-1") == f"DatasetsNotProvider({DATASET},city)"
    assert refused(dataset="") == "CodesInvalid()"
    assert refused(share_type=4) == "DatasetsShareType(4)"
    assert refused(grade=6) == "DatasetsGradeCore()"
    assert refused(grade=0) == "DatasetsGrade(0)"
    assert refused(grade=7) == "DatasetsGrade(7)"
    assert refused(share_type=3) == f"DatasetsBasisMissing({DATASET})"
    assert refused(conditions=ZERO_DIGEST) == f"DatasetsConditionsMissing({DATASET})"
    assert refused(document=ZERO_DIGEST) == f"DatasetsDocumentMissing({DATASET})"
    assert refused(prior="11" * 32).startswith("SignedPrior")
    world.do("SubmitDataset", "stats-director", **SUBMISSION)
    assert refused("root-1", department="city") == f"DatasetsNotProvider({DATASET},city)"
    assert refused().startswith("SignedPrior")


def test_publishing_returning_withdrawing(world: World) -> None:
    submitted = world.do("SubmitDataset", "stats-director", **SUBMISSION)
    fields = {"dataset": DATASET, "prior": submitted.digest}
    for name in ("PublishDataset", "ReturnDataset"):
        assert world.refused(name, "county-officer", **fields).startswith("DepartmentsDuty")
        assert world.refused(name, "county-lead", **(fields | {"dataset": "x"})) == "DatasetsUnknown(x)"
        assert world.refused(name, "stats-lead", **fields) == "DepartmentsRole(stats,1)"
    world.do("RegisterDepartment", "root-1", department="c2", parent="city", level=3, roles=1)
    world.enrol("root-1", "c2-lead", "c2", Duty.LEAD)
    assert world.refused("PublishDataset", "c2-lead", **fields) == "DepartmentsJurisdiction(c2,stats)"
    assert world.refused("AnchorVersion", "stats-officer", **VERSION) == f"DatasetsNotPublished({DATASET})"
    returned = world.do("ReturnDataset", "city-lead", **fields)
    assert returned.marks == 2
    fields["prior"] = returned.digest
    assert world.refused("PublishDataset", "county-lead", **fields) == f"DatasetsNothingPending({DATASET})"
    assert world.refused("WithdrawDataset", "stats-director", **fields) == f"DatasetsNothingPending({DATASET})"
    again = world.do("SubmitDataset", "stats-director", **(SUBMISSION | {"prior": returned.digest}))
    published = world.do("PublishDataset", "county-lead", dataset=DATASET, prior=again.digest)
    assert published.marks == 0
    fields["prior"] = published.digest
    assert world.refused("WithdrawDataset", "root-1", **fields) == f"DatasetsNotProvider({DATASET},city)"
    withdrawn = world.do("WithdrawDataset", "stats-director", **fields)
    dataset = world.state.get(Dataset, DATASET)
    assert dataset is not None and dataset.withdrawn and dataset.published is None
    world.do("SubmitDataset", "stats-director", **(SUBMISSION | {"prior": withdrawn.digest}))


def test_anchoring_and_shredding(told: Story) -> None:
    world = told.world
    second = VERSION | {"number": 2, "prior": told.version.digest}

    def refused(by: str = "stats-officer", **changes: object) -> str:
        return world.refused("AnchorVersion", by, **(second | changes))

    assert refused("fund-officer") == f"DatasetsNotProvider({DATASET},fund)"
    assert refused(prior=ZERO_DIGEST).startswith("SignedPrior")
    assert refused(number=3) == "DatasetsNumber(2,3)"
    assert refused(format="") == "CodesInvalid()"
    assert refused(root=ZERO_DIGEST) == "DatasetsRootMissing()"
    anchored = world.do("AnchorVersion", "stats-officer", **second)
    shred = {"dataset": DATASET, "number": 1, "whole": False, "prior": anchored.digest}
    assert world.refused("ShredVersion", "fund-officer", **shred).startswith("DatasetsNotProvider")
    assert world.refused("ShredVersion", "stats-officer", **(shred | {"number": 3})).startswith("DatasetsVersionUnk")
    part = world.do("ShredVersion", "stats-officer", **shred)
    whole = world.do("ShredVersion", "stats-officer", **(shred | {"whole": True, "prior": part.digest}))
    again = shred | {"prior": whole.digest}
    assert world.refused("ShredVersion", "stats-officer", **again) == f"DatasetsShredded({DATASET},1)"
    version = world.state.get(Version, told.version.digest)
    assert version is not None and version.shredded and version.partly_shredded


# shares


def test_requesting(told: Story) -> None:
    world = told.world
    fields = {**REQUEST, "revision": told.submitted.digest, "until": world.now + 500}

    def refused(by: str = "fund-lead", **changes: object) -> str:
        return world.refused("RequestShare", by, **(fields | changes))

    assert refused(consumer="stats") == "AuthorisationsNotConsumer(fund)"
    assert refused(dataset="x") == "DatasetsUnknown(x)"
    assert refused("stats-lead", consumer="stats") == "AuthorisationsSelf(stats)"
    assert refused(revision="11" * 32).startswith("AuthorisationsRevision")
    assert refused(until=world.now) == f"AuthorisationsUntil({world.now})"
    assert refused(document=ZERO_DIGEST) == "AuthorisationsDocumentMissing()"
    same = told.requested.act
    known = world.judge(same)
    assert known is not None and known.code == "authorisations-known"
    world.do("WithdrawDataset", "stats-director", dataset=DATASET, prior=told.published.digest)
    assert refused() == f"DatasetsNotPublished({DATASET})"


def test_not_shared_can_be_neither_requested_nor_granted() -> None:
    world = peopled()
    submission = SUBMISSION | {"share_type": 3, "basis": "ba" * 32}
    submitted = world.do("SubmitDataset", "stats-director", **submission)
    world.do("PublishDataset", "county-lead", dataset=DATASET, prior=submitted.digest)
    fields = {**REQUEST, "revision": submitted.digest, "until": world.now + 500}
    assert world.refused("RequestShare", "fund-lead", **fields) == f"AuthorisationsNotShared({DATASET})"
    grant = fields | {"basis": "ba" * 32}
    assert world.refused("GrantShare", "county-director", **grant) == f"AuthorisationsNotShared({DATASET})"


def test_the_way_of_a_share(told: Story) -> None:
    world = told.world
    assert told.refused("AskSupplement", "fund-officer") == f"AuthorisationsParty({told.share},fund)"
    assert told.refused("AskSupplement", "stats-officer", share="11" * 32) == f"AuthorisationsUnknown({'11' * 32})"
    told.move("AskSupplement", "stats-officer")
    assert told.refused("AskSupplement", "stats-officer") == f"AuthorisationsStage({told.share},2)"
    told.move("SupplyMaterials", "fund-officer")
    assert told.refused("AskSupplement", "stats-officer") == f"AuthorisationsOnce({told.share})"
    assert told.refused("ExtendReply", "stats-lead", working_days=5) == "DepartmentsRole(stats,1)"
    extended = told.move("ExtendReply", "city-lead", working_days=5)
    assert extended.marks == 2
    assert told.refused("ExtendReply", "county-lead", working_days=5) == f"AuthorisationsOnce({told.share})"
    terms = {"scope": ZERO_DIGEST, "conditions": ZERO_DIGEST, "until": world.now + 31 * 86_400}
    assert told.refused("AgreeShare", "stats-lead", **terms).startswith("AuthorisationsWidened")
    assert told.refused("AgreeShare", "stats-lead", **(terms | {"until": 1})) == "AuthorisationsUntil(1)"
    told.agree()
    assert told.refused("RefuseShare", "stats-lead") == f"AuthorisationsStage({told.share},3)"
    delivery = {"version": told.version.digest, "method": 1}
    assert told.refused("ConfirmDelivery", "fund-officer") == f"AuthorisationsStage({told.share},3)"
    wrong = told.refused("DeliverShare", "stats-officer", **(delivery | {"version": "11" * 32}))
    assert wrong == f"AuthorisationsVersion({'11' * 32})"
    assert told.refused("DeliverShare", "stats-officer", **(delivery | {"method": 5})) == "AuthorisationsMethod(5)"
    told.move("DeliverShare", "stats-officer", **delivery)
    told.move("ConfirmDelivery", "fund-officer")
    told.move("DeliverShare", "stats-officer", **delivery)
    share = world.state.get(Share, told.share)
    assert share is not None and share.authorised(world.now) and share.stage_name == "delivered"
    assert share.delivered_time is not None and share.delivered_time < world.now
    world.now = share.until
    assert told.refused("DeliverShare", "stats-officer", **(delivery | {"method": 0})) == "AuthorisationsMethod(0)"
    world.now = share.until + 1
    expired = told.refused("DeliverShare", "stats-officer", **delivery)
    assert expired == f"AuthorisationsExpired({told.share},{share.until})"
    assert told.refused("EndShare", "fund-lead", cause=0) == "AuthorisationsCause(0)"
    told.move("EndShare", "fund-lead", cause=1)
    assert told.refused("EndShare", "stats-lead", cause=1) == f"AuthorisationsStage({told.share},8)"


def test_withdrawing_a_request(told: Story) -> None:
    assert told.refused("WithdrawRequest", "stats-lead") == f"AuthorisationsParty({told.share},stats)"
    told.move("WithdrawRequest", "fund-lead")
    assert told.refused("WithdrawRequest", "fund-lead") == f"AuthorisationsStage({told.share},7)"


def test_refusing() -> None:
    conditional = story()
    assert conditional.refused("RefuseShare", "stats-lead", document=ZERO_DIGEST) == "AuthorisationsDocumentMissing()"
    conditional.move("RefuseShare", "stats-lead")
    open_item = story(share_type=1, conditions=ZERO_DIGEST)
    unconditional = f"AuthorisationsUnconditional({open_item.share})"
    assert open_item.refused("RefuseShare", "stats-lead") == unconditional
    dataset = {"dataset": DATASET, "prior": open_item.published.digest}
    open_item.world.do("WithdrawDataset", "stats-director", **dataset)
    terms = {"scope": ZERO_DIGEST, "conditions": ZERO_DIGEST, "until": open_item.world.now + 9}
    assert open_item.refused("AgreeShare", "stats-lead", **terms) == f"AuthorisationsWithdrawn({DATASET})"
    open_item.move("RefuseShare", "stats-lead")


def test_suspensions(told: Story) -> None:
    told.agree()
    assert told.refused("SuspendShare", "fund-lead") == f"AuthorisationsParty({told.share},fund)"
    assert told.refused("ResumeShare", "stats-lead") == f"AuthorisationsNotSuspended({told.share})"
    told.move("SuspendShare", "stats-lead")
    assert told.refused("SuspendShare", "county-lead") == f"AuthorisationsSuspended({told.share})"
    delivery = {"version": told.version.digest, "method": 1}
    assert told.refused("DeliverShare", "stats-officer", **delivery) == f"AuthorisationsSuspended({told.share})"
    assert told.refused("ResumeShare", "fund-lead") == f"AuthorisationsParty({told.share},fund)"
    assert told.move("ResumeShare", "city-lead").marks == 2
    told.move("SuspendShare", "county-lead")
    assert told.refused("ResumeShare", "stats-lead") == f"AuthorisationsParty({told.share},stats)"
    told.move("ResumeShare", "city-lead")
    told.move("SuspendShare", "city-lead")
    assert told.refused("ResumeShare", "county-lead") == f"AuthorisationsParty({told.share},county)"
    told.move("EndShare", "county-lead", cause=3)
    share = told.world.state.get(Share, told.share)
    assert share is not None and not share.suspended and share.suspended_by is None


def test_granting(told: Story) -> None:
    world = told.world
    fields = REQUEST | {"revision": told.submitted.digest, "basis": "ba" * 32, "until": world.now + 500}

    def refused(by: str = "county-director", **changes: object) -> str:
        return world.refused("GrantShare", by, **(fields | changes))

    assert refused("stats-director") == "DepartmentsRole(stats,1)"
    assert refused(consumer="nowhere") == "DepartmentsUnknown(nowhere)"
    assert refused(consumer="lab") == "DepartmentsRole(lab,4)"
    assert refused(consumer="stats") == "AuthorisationsSelf(stats)"
    assert refused(basis=ZERO_DIGEST) == "AuthorisationsBasisMissing()"
    granted = world.do("GrantShare", "root-1", **fields)
    share = world.state.get(Share, granted.digest)
    assert share is not None and share.granted and share.live and granted.marks == 2
    assert world.do("GrantShare", "county-director", **fields).marks == 0


# attestations and corrections


def test_attesting(told: Story) -> None:
    world = told.world
    fields = {"rules": "a0" * 32, "score": 999_999, "self_attested": False, "prior": told.version.digest}

    def refused(by: str = "lab-officer", **changes: object) -> str:
        return world.refused("AttestQuality", by, **(fields | changes))

    assert refused(prior="11" * 32) == f"AttestationsVersion({'11' * 32})"
    assert refused("fund-officer") == "DepartmentsRole(fund,8)"
    assert refused(self_attested=True) == "AttestationsSelf(lab)"
    assert refused("stats-officer") == "DepartmentsRole(stats,8)"
    assert refused(score=1_000_001) == "AttestationsScore(1000001)"
    assert refused(document=ZERO_DIGEST) == "AttestationsDocumentMissing()"
    attested = world.do("AttestQuality", "lab-officer", **fields)
    known = world.judge(attested.act)
    assert known is not None and known.code == "attestations-known"
    assert world.do("AttestQuality", "stats-officer", **(fields | {"self_attested": True})).marks == 4
    withdrawal = {"attestation": attested.digest, "prior": attested.digest}
    assert world.refused("WithdrawAttestation", "lab-officer", attestation="11" * 32).startswith("AttestationsUnknown")
    party = world.refused("WithdrawAttestation", "stats-officer", **withdrawal)
    assert party == f"AttestationsParty({attested.digest},stats)"
    withdrawn = world.do("WithdrawAttestation", "lab-officer", **withdrawal)
    again = withdrawal | {"prior": withdrawn.digest}
    assert world.refused("WithdrawAttestation", "lab-officer", **again).startswith("AttestationsWithdrawn")


def test_corrections(told: Story) -> None:
    world = told.world
    fields = {"share": told.share, "prior": told.version.digest}

    def refused(by: str = "fund-officer", **changes: object) -> str:
        return world.refused("RequestCorrection", by, **(fields | changes))

    assert refused(share="11" * 32) == f"AuthorisationsUnknown({'11' * 32})"
    assert refused("stats-officer") == f"AttestationsParty({told.share},stats)"
    assert refused() == f"AuthorisationsStage({told.share},1)"
    told.agree()
    assert refused(prior=ZERO_DIGEST) == f"AttestationsVersion({ZERO_DIGEST})"
    assert refused(document=ZERO_DIGEST) == "AttestationsDocumentMissing()"
    asked = world.do("RequestCorrection", "fund-officer", **fields)
    answer = {"correction": asked.digest, "outcome": 1, "version": ZERO_DIGEST, "prior": asked.digest}
    assert world.refused("ResolveCorrection", "stats-officer", **answer).startswith("DepartmentsDuty")
    assert world.refused("ResolveCorrection", "fund-lead", **answer) == f"AttestationsParty({asked.digest},fund)"
    for wrong, name in (
        ({"correction": "11" * 32}, "AttestationsUnknown"),
        ({"prior": ZERO_DIGEST}, "SignedPrior"),
        ({"outcome": 3}, "AttestationsOutcome"),
        ({"version": "11" * 32}, "AttestationsVersion"),
    ):
        assert world.refused("ResolveCorrection", "stats-lead", **(answer | wrong)).startswith(name)
    resolved = world.do("ResolveCorrection", "stats-lead", **(answer | {"version": told.version.digest}))
    again = answer | {"prior": resolved.digest}
    assert world.refused("ResolveCorrection", "stats-lead", **again) == f"AttestationsResolved({asked.digest})"
    correction = world.state.get(Correction, asked.digest)
    assert correction is not None and correction.answer_version == told.version.digest


# rules and checkpoints


def test_rules(world: World) -> None:
    fields = {"rule": "calendar", "kind": 1, "start": world.now}

    def refused(by: str = "county-director", **changes: object) -> str:
        return world.refused("PublishRule", by, **(fields | changes))

    assert refused("fund-director") == "DepartmentsRole(fund,1)"
    assert refused(rule="") == "CodesInvalid()"
    assert refused(kind=4) == "RulebookKind(4)"
    assert refused(document=ZERO_DIGEST) == "RulebookDocumentMissing()"
    first = world.do("PublishRule", "county-director", **fields)
    assert refused(kind=2, prior=first.digest) == "RulebookKind(2)"
    assert refused().startswith("SignedPrior")
    world.do("PublishRule", "county-director", **fields, prior=first.digest)
    world.do("PublishRule", "root-1", **fields)


def test_checkpoints(world: World) -> None:
    fields = {"log": "entries", "size": 5, "root": "60" * 32, "state": ZERO_DIGEST}

    def refused(**changes: object) -> str:
        return world.refused("PublishCheckpoint", "lab-officer", **(fields | changes))

    assert refused(log="") == "CodesInvalid()"
    assert refused(size=0) == "CheckpointsSize(0,0)"
    assert refused(root=ZERO_DIGEST) == "CheckpointsRootMissing()"
    first = world.do("PublishCheckpoint", "lab-officer", **fields)
    assert refused(prior=first.digest) == "CheckpointsSize(5,5)"
    world.do("PublishCheckpoint", "lab-officer", **(fields | {"prior": first.digest, "size": 6}))


def test_a_contract_key_is_asked_as_one(world: World) -> None:
    world.enrol("fund-director", "wallet", "fund", Duty.LEAD, kind=KeyKind.CONTRACT, custody=Custody.OWN)
    asked: list[int] = []

    def note(signer: str, kind: int, digest: str, signature: bytes) -> bool:
        asked.append(kind)
        return False

    request = {**REQUEST, "revision": ZERO_DIGEST, "until": 0, "dataset": DATASET}
    world.do("SubmitDataset", "stats-director", **SUBMISSION)
    answer = world.refused("RequestShare", "wallet", circumstances={"signed": note}, **request)
    assert answer == f"SignedWrong({address('wallet')})" and set(asked) == {2}


def test_apply_refuses_what_cannot_follow(world: World) -> None:
    told = story()
    with pytest.raises(InvalidAct, match="holds no share"):
        apply(world.state, told.agree())
    with pytest.raises(InvalidAct, match="before the ledger"):
        apply(State(), told.world.entries[1])
