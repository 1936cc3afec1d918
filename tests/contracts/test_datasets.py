"""A dataset from submission to withdrawal, and its line of versions."""

from ledger.domain.acts import Grade, Mark, ShareType
from tests.contracts.signing import code, digest_of
from tests.contracts.world import DATASET, ZERO, Refusal, World

SUBMIT = {"dataset": DATASET, "department": code("STAT")}


def _dataset(world: World) -> tuple[object, ...]:
    types = "(bytes32,bytes32,bytes32,bytes32,bytes32,uint32,bool)"
    found: tuple[object, ...] = world.view("Datasets", "datasetOf(bytes32)", types, DATASET)
    return found


def test_life_of_a_dataset(world: World) -> None:
    first = world.act("SubmitDataset", "STAT.director", **SUBMIT).digest
    assert _dataset(world) == (code("STAT"), first, first, ZERO, ZERO, 0, False)
    returned = world.act("ReturnDataset", "BUREAU.lead", dataset=DATASET)
    assert (returned.marks, _dataset(world)[2:4]) == (Mark.NONE, (ZERO, ZERO))
    second = world.act("SubmitDataset", "STAT.director", **SUBMIT, share_type=ShareType.UNCONDITIONAL).digest
    published = world.act("PublishDataset", "LUAN.lead", dataset=DATASET)
    assert (published.marks, published.department) == (Mark.SUPERIOR, code("LUAN"))
    offer = world.view("Datasets", "offerOf(bytes32)", "bytes32,bytes32,uint8,bool", DATASET)
    assert offer == (code("STAT"), second, ShareType.UNCONDITIONAL, False)
    third = world.act("SubmitDataset", "STAT.director", **SUBMIT).digest
    assert _dataset(world)[2:4] == (third, second)  # the old revision is offered until the new one is published
    withdrawn = world.act("WithdrawDataset", "STAT.director", dataset=DATASET).digest
    assert _dataset(world) == (code("STAT"), withdrawn, ZERO, ZERO, ZERO, 0, True)
    world.dataset()
    assert _dataset(world)[6] is False


def test_revisions_are_kept(world: World) -> None:
    basis = {"share_type": ShareType.NOT_SHARED, "grade": Grade.IMPORTANT, "conditions": ZERO}
    revision = world.dataset(**basis)
    types = "(bytes32,bytes32,uint8,uint8)"
    found = world.view("Datasets", "revisionOf(bytes32)", types, revision)
    assert found == (digest_of("basis"), ZERO, ShareType.NOT_SHARED, Grade.IMPORTANT)
    assert world.view("Datasets", "revisionOf(bytes32)", types, ZERO) == (ZERO, ZERO, 0, 0)


def test_submissions_that_are_refused(world: World) -> None:
    refuse = "SubmitDataset", "STAT.director"
    for error, args, changes in (
        ("CodesInvalid", (ZERO,), {"dataset": ZERO}),
        ("DatasetsShareType", (0,), {"share_type": 0}),
        ("DatasetsShareType", (4,), {"share_type": 4}),
        ("DatasetsGrade", (0,), {"grade": 0}),
        ("DatasetsGrade", (7,), {"grade": 7}),
        ("DatasetsGradeCore", (), {"grade": Grade.CORE}),
        ("DatasetsBasisMissing", (DATASET,), {"share_type": ShareType.NOT_SHARED, "basis": ZERO}),
        ("DatasetsConditionsMissing", (DATASET,), {"share_type": ShareType.CONDITIONAL, "conditions": ZERO}),
        ("DatasetsDocumentMissing", (DATASET,), {"document": ZERO}),
        ("DatasetsNotProvider", (DATASET, code("STAT")), {"department": code("TOWN")}),
        ("SignedPrior", (ZERO, digest_of("x")), {"prior": digest_of("x")}),
    ):
        world.refuses(*refuse, error, *args, **{**SUBMIT, **changes})
    other = {"dataset": DATASET, "department": code("FUND")}
    world.refuses("SubmitDataset", "FUND.director", "DepartmentsRole", code("FUND"), 2, **other)
    world.act(
        "SubmitDataset", "STAT.director", **SUBMIT, share_type=ShareType.UNCONDITIONAL, conditions=ZERO, basis=ZERO
    )
    theirs = {"dataset": DATASET, "department": code("TOWN")}
    world.refuses("SubmitDataset", "TOWN.director", "DatasetsNotProvider", DATASET, code("TOWN"), **theirs)


def test_who_publishes(world: World) -> None:
    for name in ("PublishDataset", "ReturnDataset"):
        world.refuses(name, "BUREAU.lead", "DatasetsUnknown", DATASET, dataset=DATASET)
    world.act("SubmitDataset", "STAT.director", **SUBMIT)
    for name in ("PublishDataset", "ReturnDataset"):
        world.refuses(name, "STAT.lead", "DepartmentsRole", code("STAT"), 1, dataset=DATASET)
        world.refuses(name, "COUNTY.lead", "DepartmentsJurisdiction", code("COUNTY"), code("STAT"), dataset=DATASET)
    again = world.sign("PublishDataset", "BUREAU.lead", dataset=DATASET)
    world.send(again)
    assert world.refusal(again).name == "SignedPrior"
    for name in ("PublishDataset", "ReturnDataset"):
        world.refuses(name, "BUREAU.lead", "DatasetsNothingPending", DATASET, dataset=DATASET)


def test_withdrawing(world: World) -> None:
    world.refuses("WithdrawDataset", "STAT.director", "DatasetsUnknown", DATASET, dataset=DATASET)
    world.act("SubmitDataset", "STAT.director", **SUBMIT)
    world.refuses("WithdrawDataset", "TOWN.director", "DatasetsNotProvider", DATASET, code("TOWN"), dataset=DATASET)
    world.act("WithdrawDataset", "STAT.director", dataset=DATASET)  # what was only pending, too
    world.refuses("WithdrawDataset", "STAT.director", "DatasetsNothingPending", DATASET, dataset=DATASET)


def test_line_of_versions(world: World) -> None:
    world.act("SubmitDataset", "STAT.director", **SUBMIT)
    first = {"dataset": DATASET, "number": 1}
    world.refuses("AnchorVersion", "STAT.officer", "DatasetsNotPublished", DATASET, **first)
    world.act("PublishDataset", "BUREAU.lead", dataset=DATASET)
    for error, args, changes in (
        ("DatasetsNumber", (1, 0), {"number": 0}),
        ("DatasetsNumber", (1, 2), {"number": 2}),
        ("CodesInvalid", (ZERO,), {"format": ZERO}),
        ("DatasetsRootMissing", (), {"root": ZERO}),
        ("DatasetsUnknown", (code("GONE"),), {"dataset": code("GONE")}),
    ):
        world.refuses("AnchorVersion", "STAT.officer", error, *args, **{**first, **changes})
    world.refuses("AnchorVersion", "TOWN.officer", "DatasetsNotProvider", DATASET, code("TOWN"), **first)
    one = world.act("AnchorVersion", "STAT.officer", **first, salted=False).digest
    two = world.act("AnchorVersion", "STAT.officer", number=2).digest
    types = "(bytes32,bytes32,uint64,uint64,uint32,bool,bool)"
    assert world.view("Datasets", "versionOf(bytes32)", types, one) == (
        DATASET,
        digest_of("root"),
        7,
        100,
        1,
        False,
        False,
    )
    assert world.view("Datasets", "versionId(bytes32,uint32)", "bytes32", DATASET, 2) == two
    place = world.view("Datasets", "placeOf(bytes32)", "bytes32,bytes32,uint32,bool", two)
    assert place == (DATASET, code("STAT"), 2, False)
    world.refuses("AnchorVersion", "STAT.officer", "DatasetsNumber", 3, 2, number=2)
    world.act("WithdrawDataset", "STAT.director", dataset=DATASET)
    world.refuses("AnchorVersion", "STAT.officer", "DatasetsNotPublished", DATASET, number=3)


def test_shredding(world: World) -> None:
    world.dataset()
    version = world.act("AnchorVersion", "STAT.officer", number=1).digest
    shred = {"dataset": DATASET, "number": 1, "whole": True}
    gone = {**shred, "number": 2}
    world.refuses("ShredVersion", "STAT.officer", "DatasetsVersionUnknown", DATASET, 2, **gone)
    world.refuses("ShredVersion", "TOWN.officer", "DatasetsNotProvider", DATASET, code("TOWN"), **shred)
    part = world.sign("ShredVersion", "STAT.officer", dataset=DATASET, number=1, whole=False)
    world.send(part)
    assert world.refusal(part).name == "SignedPrior"
    world.act("ShredVersion", "STAT.officer", dataset=DATASET, number=1, whole=False)  # another part
    assert world.view("Datasets", "placeOf(bytes32)", "bytes32,bytes32,uint32,bool", version)[3] is False
    world.act("ShredVersion", "STAT.officer", **shred)
    assert world.view("Datasets", "placeOf(bytes32)", "bytes32,bytes32,uint32,bool", version)[3] is True
    for whole in (True, False):
        world.refuses("ShredVersion", "STAT.officer", "DatasetsShredded", DATASET, 1, **{**shred, "whole": whole})
    world.act("AnchorVersion", "STAT.officer", number=2)  # the line goes on


def test_chain_of_acts_signed_ahead(world: World) -> None:
    submit = world.sign("SubmitDataset", "STAT.director", **SUBMIT)
    publish = world.sign("PublishDataset", "BUREAU.lead", dataset=DATASET, prior=submit.digest)
    withdraw = world.sign("WithdrawDataset", "STAT.director", dataset=DATASET, prior=publish.digest)
    assert world.refusal(withdraw) == Refusal("DatasetsUnknown", (DATASET,))
    world.send(submit)
    assert world.refusal(withdraw) == Refusal("SignedPrior", (submit.digest, publish.digest))
    world.send(publish)
    world.send(withdraw)
