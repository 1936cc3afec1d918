"""The tree, jurisdiction, and the life of a key."""

from typing import Any

import pytest

from ledger.domain.acts import Custody, Duty, KeyKind, Level, Mark, Role
from tests.contracts.signing import Hand, code
from tests.contracts.world import FOREVER, NOBODY, ROOT, ZERO, Refusal, World

NEW: dict[str, Any] = {"department": code("NEW"), "parent": code("BUREAU"), "level": Level.CITY, "roles": 0}


def _reach(world: World, authority: str, department: str) -> tuple[bool, bool]:
    found = world.view("Departments", "reach(bytes32,bytes32)", "bool,bool", code(authority), code(department))
    assert world.view("Departments", "isAbove(bytes32,bytes32)", "bool", code(authority), code(department)) == found[0]
    return found  # type: ignore[no-any-return]


def test_who_is_above_whom(world: World) -> None:
    above = {
        ("LUAN", "LUAN"): (True, True), ("LUAN", "BUREAU"): (True, True), ("LUAN", "STAT"): (True, False),
        ("BUREAU", "STAT"): (True, True), ("BUREAU", "TOWN"): (True, False), ("COUNTY", "TOWN"): (True, True),
        ("BUREAU", "BUREAU"): (False, False), ("STAT", "BUREAU"): (False, False), ("COUNTY", "STAT"): (False, False),
        ("TOWN", "COUNTY"): (False, False), ("LUAN", "NOBODY"): (False, False), ("NOBODY", "STAT"): (False, False),
    }  # fmt: skip
    for (authority, department), expected in above.items():
        assert _reach(world, authority, department) == expected
    for department, nearest in {"LUAN": "LUAN", "BUREAU": "LUAN", "STAT": "BUREAU", "TOWN": "COUNTY"}.items():
        assert world.view("Departments", "nearestAuthority(bytes32)", "bytes32", code(department)) == code(nearest)
    assert world.view("Departments", "rolesOf(bytes32)", "uint16", code("FUND")) == Role.CONSUMER
    assert world.view("Departments", "isBelow(bytes32,bytes32)", "bool", code("TOWN"), ROOT)
    assert not world.view("Departments", "isBelow(bytes32,bytes32)", "bool", ROOT, ROOT)


def test_a_department_without_the_role_is_nobody_s_authority(world: World) -> None:
    world.act("ChangeDepartment", "BUREAU.director", department=code("COUNTY"), parent=code("BUREAU"),
              level=Level.COUNTY, roles=int(Role.PROVIDER))  # fmt: skip
    assert _reach(world, "COUNTY", "TOWN") == (False, False)
    assert _reach(world, "BUREAU", "TOWN") == (True, True)
    assert world.view("Departments", "nearestAuthority(bytes32)", "bytes32", code("TOWN")) == code("BUREAU")


def test_registering(world: World) -> None:
    world.act("RegisterDepartment", "BUREAU.director", **NEW)
    assert world.view("Departments", "departmentOf(bytes32)", "(bytes32,bytes32,uint8,uint16,bool)", code("NEW")) == (
        code("BUREAU"), world.last["department", code("NEW")], Level.CITY, 0, False,
    )  # fmt: skip
    for error, args, changes in (
        ("DepartmentsKnown", (code("NEW"),), {}),
        ("DepartmentsUnknown", (code("GONE"),), {"parent": code("GONE")}),
        ("DepartmentsUnknown", (ZERO,), {"parent": ZERO}),
        ("DepartmentsJurisdiction", (code("BUREAU"), ROOT), {"parent": ROOT}),
        ("DepartmentsLevel", (0,), {"department": code("X"), "level": 0}),
        ("DepartmentsLevel", (6,), {"department": code("X"), "level": 6}),
        ("DepartmentsLevel", (1,), {"department": code("X"), "level": 1}),
        ("DepartmentsLevel", (2,), {"department": code("X"), "parent": code("COUNTY")}),
        ("DepartmentsRoles", (32,), {"department": code("X"), "roles": 32}),
        ("DepartmentsRoles", (1,), {"department": code("X"), "roles": 1, "level": Level.TOWNSHIP}),
    ):
        world.refuses("RegisterDepartment", "BUREAU.director", error, *args, **{**NEW, **changes})
    world.refuses("RegisterDepartment", "STAT.director", "DepartmentsRole", code("STAT"), 1, **NEW)
    world.refuses("RegisterDepartment", "BUREAU.lead", "DepartmentsDuty", Hand("BUREAU.lead").address, 2, 3, **NEW)
    world.refuses("ChangeDepartment", "STAT.director", "DepartmentsRole", code("STAT"), 1, **NEW)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b"0", True), (b"a-Z.9/_", True), (b"x" * 32, True), (b"", False), (b"\0A", False), (b"A\0B", False),
        (b"A B", False), ("市".encode(), False), (b"A" * 31 + b"\x7f", False), (b"A@", False), (b"A[", False),
        (b"A`", False), (b"A{", False), (b"A:", False), (b"A,", False), (b"A\xff", False),
    ],
)  # fmt: skip
def test_codes(world: World, text: bytes, good: bool) -> None:
    word = text.ljust(32, b"\0")
    if good:
        world.act("RegisterDepartment", "BUREAU.director", **{**NEW, "department": word})
    else:
        world.refuses("RegisterDepartment", "BUREAU.director", "CodesInvalid", word, **{**NEW, "department": word})


def test_every_byte_of_a_code(world: World) -> None:
    allowed = set(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-./_")
    for byte in range(256):
        word = (b"A" + bytes([byte]) + b"Z").ljust(32, b"\0")
        signed = world.sign("RegisterDepartment", "BUREAU.director", **{**NEW, "department": word})
        if byte in allowed:
            world.chain.call(signed.module, signed.calldata)
        else:
            assert world.refusal(signed) == Refusal("CodesInvalid", (word,))


def test_moving_a_department(world: World) -> None:
    town = {"department": code("TOWN"), "level": Level.TOWNSHIP, "roles": int(Role.PROVIDER)}
    for error, args, by, changes in (
        ("DepartmentsJurisdiction", ("COUNTY", "BUREAU"), "COUNTY.director", {"parent": code("BUREAU")}),
        ("DepartmentsUnknown", ("GONE",), "BUREAU.director", {"parent": code("GONE")}),
        ("DepartmentsUnknown", ("GONE",), "BUREAU.director", {"parent": code("STAT"), "department": code("GONE")}),
        ("DepartmentsJurisdiction", ("BUREAU", "BUREAU"), "BUREAU.director",
         {"parent": code("STAT"), "department": code("BUREAU")}),
        ("DepartmentsJurisdiction", ("LUAN", "LUAN"), "LUAN.director", {"parent": code("STAT"), "department": ROOT}),
        ("DepartmentsJurisdiction", ("BUREAU", "LUAN"), "BUREAU.director", {"parent": ROOT}),
        ("DepartmentsCycle", ("COUNTY", "COUNTY"), "BUREAU.director",
         {"department": code("COUNTY"), "parent": code("COUNTY")}),
        ("DepartmentsCycle", ("COUNTY", "TOWN"), "BUREAU.director",
         {"department": code("COUNTY"), "parent": code("TOWN")}),
    ):  # fmt: skip
        world.refuses("ChangeDepartment", by, error, *map(code, args), **{**town, **changes})
    under = {**town, "parent": code("STAT")}
    world.refuses("ChangeDepartment", "BUREAU.director", "DepartmentsLevel", 1, **{**under, "level": 1})
    world.refuses("ChangeDepartment", "BUREAU.director", "DepartmentsRoles", 1, **{**under, "roles": 1})
    world.act("ChangeDepartment", "BUREAU.director", **town, parent=code("STAT"))
    assert _reach(world, "COUNTY", "TOWN") == (False, False)
    assert _reach(world, "BUREAU", "TOWN") == (True, True)
    stale = world.sign("ChangeDepartment", "BUREAU.director", **town, parent=code("BUREAU"))
    world.act("ChangeDepartment", "LUAN.director", **town, parent=code("FUND"))
    assert world.refusal(stale).name == "SignedPrior"


def test_whose_keys_one_may_enrol(world: World) -> None:
    assert world.enrol("STAT.first", by="STAT.director", duty=Duty.OFFICER).marks == Mark.NONE
    entry = world.enrol("STAT.second", by="BUREAU.director", duty=Duty.OFFICER)
    assert (entry.marks, entry.department) == (Mark.RECOVERY, code("BUREAU"))
    assert world.enrol("JUDGE.second", by="LUAN.director", duty=Duty.LEAD).marks == Mark.NONE  # never had a director
    for by, department in (("FUND.director", "STAT"), ("COUNTY.director", "STAT"), ("STAT.director", "BUREAU")):
        fields = {"key": Hand("x").address, "department": code(department), "duty": 1, "with_key": "x"}
        args = (code(by.split(".")[0]), code(department))
        world.refuses("EnrolKey", by, "DepartmentsJurisdiction", *args, **fields)
    unknown = {"key": Hand("x").address, "department": code("GONE"), "duty": 1, "with_key": "x"}
    world.refuses("EnrolKey", "LUAN.director", "DepartmentsUnknown", code("GONE"), **unknown)


def test_recovery_is_marked_even_after_the_last_director_left(world: World) -> None:
    director = world.address("STAT.director")
    world.act("RetireKey", "BUREAU.director", key=director, since=0, reason=2)
    assert world.enrol("STAT.newdirector", by="BUREAU.director", duty=Duty.DIRECTOR).marks == Mark.RECOVERY


def test_terms_of_a_key(world: World) -> None:
    now = world.chain.now
    good = {"key": Hand("x").address, "department": code("STAT"), "duty": Duty.OFFICER, "with_key": "x"}
    for changes in (
        {"kind": 0}, {"kind": 3}, {"duty": 0}, {"duty": 4}, {"custody": 0}, {"custody": 3}, {"until": now},
        {"until": now + 50, "start": now + 50},
    ):  # fmt: skip
        world.refuses("EnrolKey", "STAT.director", "DepartmentsKeyTerms", **{**good, **changes})
    nobody = {**good, "key": NOBODY}
    world.refuses("EnrolKey", "STAT.director", "SignedWrong", NOBODY, **nobody)
    world.enrol("STAT.x", by="STAT.director", duty=Duty.OFFICER, custody=Custody.HOST, start=now + 50, until=now + 51)
    terms = (Duty.OFFICER, Custody.HOST, now + 50, now + 51, 0, 0, 0)
    assert world.key("STAT.x") == (code("STAT"), world.last["key", world.address("STAT.x")], KeyKind.ACCOUNT, *terms)


def test_the_new_key_signs_too(world: World) -> None:
    fields = {"key": Hand("x").address, "department": code("STAT"), "duty": Duty.OFFICER}
    world.refuses("EnrolKey", "STAT.director", "SignedWrong", Hand("x").address, **fields, with_key="y")
    both = world.sign("EnrolKey", "STAT.director", **fields, with_key="x")
    assert world.refusal(both.with_signatures(*reversed(both.signatures))).name == "SignedWrong"
    assert world.refusal(both.with_signatures(both.signatures[0])) == Refusal("SignedCount", (1, 2))
    world.send(both)


def test_a_key_is_enrolled_once(world: World) -> None:
    key = world.address("STAT.officer")
    for department, by in (("STAT", "STAT.director"), ("FUND", "FUND.director")):
        again = {"key": key, "department": code(department), "duty": 1, "with_key": "STAT.officer"}
        world.refuses("EnrolKey", by, "DepartmentsKeyKnown", key, **again)
    world.act("RetireKey", "STAT.director", key=key, since=0, reason=1)
    world.refuses("EnrolKey", "STAT.director", "DepartmentsKeyKnown", key, key=key, department=code("STAT"), duty=1,
                  with_key="STAT.officer")  # fmt: skip


def test_a_key_s_dates(world: World) -> None:
    start, until = world.chain.now + 100, world.chain.now + 200
    world.enrol("STAT.temp", by="STAT.director", duty=Duty.OFFICER, start=start, until=until)
    key, log = world.address("STAT.temp"), {"log": code("log")}
    world.refuses("PublishCheckpoint", "STAT.temp", "DepartmentsKeyNotYet", key, start, **log)
    world.chain.wait_until(start)
    world.chain.call(world.modules["Checkpoints"], world.sign("PublishCheckpoint", "STAT.temp", **log).calldata)
    world.chain.wait_until(until)
    world.chain.call(world.modules["Checkpoints"], world.sign("PublishCheckpoint", "STAT.temp", **log).calldata)
    world.chain.wait_until(until + 1)
    world.refuses("PublishCheckpoint", "STAT.temp", "DepartmentsKeyExpired", key, until, **log)


def test_a_retired_key_signs_nothing_more_and_what_it_signed_stays(world: World) -> None:
    revision = world.dataset()
    key = world.address("STAT.director")
    waiting = world.sign("WithdrawDataset", "STAT.director", dataset=code("STAT/division"))
    world.act("RetireKey", "BUREAU.director", key=key, since=world.chain.now - 5, reason=3)
    assert world.refusal(waiting) == Refusal("DepartmentsKeyRetired", (key,))
    assert world.request(revision)
    found = world.key("STAT.director")
    assert found[7] == world.chain.now - 1 and found[9] == 3


def test_retiring(world: World) -> None:
    key = world.address("STAT.officer")
    good = {"key": key, "since": 0, "reason": 1}
    world.refuses("RetireKey", "STAT.director", "DepartmentsKeyUnknown", NOBODY, **{**good, "key": NOBODY})
    world.refuses("RetireKey", "FUND.director", "DepartmentsJurisdiction", code("FUND"), code("STAT"), **good)
    coming = world.chain.now + 100
    world.refuses("RetireKey", "STAT.director", "DepartmentsSince", coming, **{**good, "since": coming})
    for reason in (0, 5):
        world.refuses("RetireKey", "STAT.director", "DepartmentsReason", reason, **{**good, "reason": reason})
    world.act("RetireKey", "STAT.director", **good)
    world.refuses("RetireKey", "STAT.director", "DepartmentsKeyRetired", key, **good)


def test_the_root_keeps_a_director(world: World) -> None:
    first, second = world.address("LUAN.director"), world.address("LUAN.second")
    leave = {"since": 0, "reason": 1}
    world.enrol("LUAN.temp", by="LUAN.director", duty=Duty.DIRECTOR, until=FOREVER)  # ends, so it counts for nothing
    world.act("RetireKey", "LUAN.second", key=first, **leave)
    world.refuses("RetireKey", "LUAN.second", "DepartmentsLastRootKey", second, key=second, **leave)
    world.refuses("RetireKey", "LUAN.temp", "DepartmentsLastRootKey", second, key=second, **leave)
    world.act("RetireKey", "LUAN.second", key=world.address("LUAN.lead"), **leave)
    world.enrol("LUAN.third", by="LUAN.second", duty=Duty.DIRECTOR, until=0)
    assert world.view("Departments", "rootKeys()", "uint256") == 2
    world.act("RetireKey", "LUAN.third", key=second, **leave)
    assert world.view("Departments", "rootKeys()", "uint256") == 1


def test_what_keeps_the_root_signs_at_once(world: World) -> None:
    """Else the root could be left with a key that begins in a million years."""
    soon = world.chain.now + 100
    later = {"key": Hand("x").address, "department": ROOT, "duty": Duty.DIRECTOR, "start": soon, "with_key": "x"}
    world.refuses("EnrolKey", "LUAN.director", "DepartmentsKeyTerms", **{**later, "until": 0})
    for number, changes in enumerate(({"until": FOREVER}, {"until": 0, "duty": Duty.LEAD}, {"until": 0, "start": 0})):
        key = {"key": Hand(f"x{number}").address, "with_key": f"x{number}"}
        world.act("EnrolKey", "LUAN.director", **{**later, **changes, **key})
    assert world.view("Departments", "rootKeys()", "uint256") == 3
    below = {**later, "department": code("STAT"), "until": 0}
    world.act("EnrolKey", "STAT.director", **below)


def test_a_deep_tree_still_fits_an_act(world: World) -> None:
    """Thirty steps below the root, far deeper than the five levels of the law."""
    parent = code("TOWN")
    for step in range(30):
        below = {**NEW, "department": code(f"DEEP{step}"), "parent": parent, "level": Level.VILLAGE}
        gas = world.act("RegisterDepartment", "LUAN.director", **below).gas
        parent = below["department"]
    assert gas < 500_000
