"""Acts on the tree of departments and on keys: by directors, of an authority above or of the department itself."""

from ledger.domain.acts import Custody, Duty, KeyKind, Level, RetireReason, Role
from ledger.domain.marks import is_below
from ledger.domain.rules.case import Case, is_zero, refuse_if
from ledger.domain.state import Department, Key

_ALL_ROLES = sum(Role)


def register_department(case: Case) -> None:
    case.sign_in()
    case.check_role(Role.AUTHORITY)
    code, parent = case.act["department"], case.known_department(case.act["parent"])
    _check_in_subtree(case, parent.code)
    case.check_signatures()
    case.check_code("department")
    refuse_if(case.state.get(Department, code) is not None, "DepartmentsKnown", code)
    _check_level_and_roles(case, parent)


def change_department(case: Case) -> None:
    case.sign_in()
    case.check_role(Role.AUTHORITY)
    department = case.known_department(case.act["department"])
    below = case.is_strictly_above(department.code)
    refuse_if(not below, "DepartmentsJurisdiction", case.code, department.code)
    parent = case.known_department(case.act["parent"])
    _check_in_subtree(case, parent.code)
    case.check_signatures()
    case.check_prior(department.last)
    into_itself = parent.code == department.code or is_below(case.state, parent.code, department.code)
    refuse_if(into_itself, "DepartmentsCycle", department.code, parent.code)
    _check_level_and_roles(case, parent)


def enrol_key(case: Case) -> None:
    act = case.act
    case.sign_in()
    department = case.known_department(act["department"])
    _check_own_or_below(case, department.code)
    case.check_signatures((act["key"], act["kind"]))
    start, until = act["start"], act["until"]
    keeps_root = department.parent is None and act["duty"] == Duty.DIRECTOR and until == 0
    sound = (
        not is_zero(act["key"])
        and act["kind"] in set(KeyKind)
        and act["duty"] in set(Duty)
        and act["custody"] in set(Custody)
        and (until == 0 or (until > case.now and until > start))
        and not (keeps_root and start > case.now)
    )
    refuse_if(not sound, "DepartmentsKeyTerms")
    refuse_if(case.state.get(Key, act["key"]) is not None, "DepartmentsKeyKnown", act["key"])


def retire_key(case: Case) -> None:
    act = case.act
    case.sign_in()
    key = case.state.get(Key, act["key"])
    refuse_if(key is None, "DepartmentsKeyUnknown", act["key"])
    assert key is not None
    _check_own_or_below(case, key.department)
    case.check_signatures()
    case.check_prior(key.last)
    refuse_if(key.retired, "DepartmentsKeyRetired", key.address)
    refuse_if(act["since"] > case.now, "DepartmentsSince", act["since"])
    refuse_if(act["reason"] not in set(RetireReason), "DepartmentsReason", act["reason"])
    refuse_if(_is_last_root_key(case, key), "DepartmentsLastRootKey", key.address)


def _is_last_root_key(case: Case, key: Key) -> bool:
    department = case.known_department(key.department)
    standing = key.duty == Duty.DIRECTOR and key.until == 0
    return department.parent is None and standing and department.standing_directors == 1


def _check_in_subtree(case: Case, code: str) -> None:
    inside = code == case.code or is_below(case.state, code, case.code)
    refuse_if(not inside, "DepartmentsJurisdiction", case.code, code)


def _check_own_or_below(case: Case, code: str) -> None:
    reaches = code == case.code or case.is_strictly_above(code)
    refuse_if(not reaches, "DepartmentsJurisdiction", case.code, code)


def _check_level_and_roles(case: Case, parent: Department) -> None:
    level, roles = case.act["level"], case.act["roles"]
    refuse_if(not max(parent.level, Level.PROVINCE) <= level <= Level.VILLAGE, "DepartmentsLevel", level)
    too_low = bool(roles & Role.AUTHORITY) and level > Level.COUNTY
    refuse_if(roles > _ALL_ROLES or too_low, "DepartmentsRoles", roles)
