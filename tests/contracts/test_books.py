"""Rulebook and Checkpoints."""

from tests.contracts.signing import code, digest_of
from tests.contracts.world import ZERO, World

RULE = {"rule": code("calendar/2026"), "kind": 1}
LOG = {"log": code("entries")}


def test_publishing_rules(world: World) -> None:
    for error, args, changes in (
        ("CodesInvalid", (ZERO,), {"rule": ZERO}),
        ("RulebookKind", (0,), {"kind": 0}),
        ("RulebookKind", (4,), {"kind": 4}),
        ("RulebookDocumentMissing", (), {"document": ZERO}),
    ):
        world.refuses("PublishRule", "BUREAU.director", error, *args, **{**RULE, **changes})
    world.refuses("PublishRule", "STAT.director", "DepartmentsRole", code("STAT"), 1, **RULE)
    world.act("PublishRule", "BUREAU.director", **RULE)
    second = world.sign("PublishRule", "BUREAU.director", **RULE, start=77, document=digest_of("second"))
    world.send(second)
    assert world.refusal(second).name == "SignedPrior"
    world.refuses("PublishRule", "BUREAU.director", "RulebookKind", 2, **{**RULE, "kind": 2})
    types = "(bytes32,bytes32,uint48,uint8)"
    found = world.view("Rulebook", "ruleOf(bytes32,bytes32)", types, code("BUREAU"), RULE["rule"])
    assert found == (second.digest, digest_of("second"), 77, 1)
    world.act("PublishRule", "LUAN.director", **{**RULE, "kind": 3}, prior=ZERO)  # another's rule of that name


def test_checkpoints_only_grow(world: World) -> None:
    world.refuses("PublishCheckpoint", "FUND.officer", "CodesInvalid", ZERO, log=ZERO)
    world.refuses("PublishCheckpoint", "FUND.officer", "CheckpointsSize", 0, 0, **LOG, size=0)
    world.refuses("PublishCheckpoint", "FUND.officer", "CheckpointsRootMissing", **LOG, root=ZERO)
    world.act("PublishCheckpoint", "FUND.officer", **LOG, size=10)
    for size in (9, 10):
        world.refuses("PublishCheckpoint", "FUND.officer", "CheckpointsSize", 10, size, **LOG, size=size)
    last = world.act("PublishCheckpoint", "FUND.officer", **LOG, size=2**64 - 1).digest
    world.refuses("PublishCheckpoint", "FUND.officer", "SignedPrior", last, ZERO, **LOG, prior=ZERO)
    types = "(bytes32,bytes32,bytes32,uint64)"
    found = world.view("Checkpoints", "checkpointOf(bytes32,bytes32)", types, code("FUND"), LOG["log"])
    assert found == (last, digest_of("root"), digest_of("state"), 2**64 - 1)
    world.act("PublishCheckpoint", "TOWN.officer", **LOG, size=1, prior=ZERO)  # another keeper's log of that name
