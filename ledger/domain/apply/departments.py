"""The tree of departments and their keys."""

from dataclasses import replace

from ledger.domain.acts import Duty, Mark
from ledger.domain.apply.found import found
from ledger.domain.entries import Entry
from ledger.domain.marks import marks_of
from ledger.domain.state import Department, Key, State, StateObject


def department_registered(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    department = Department(
        code=act["department"],
        parent=act["parent"],
        level=act["level"],
        roles=act["roles"],
        document=act["document"],
        had_director=False,
        standing_directors=0,
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
    )
    return (department,)


def department_changed(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    changed = replace(
        found(state, Department, act["department"]),
        parent=act["parent"],
        level=act["level"],
        roles=act["roles"],
        document=act["document"],
        last=entry.digest,
        updated=entry.index,
    )
    return (changed,)


def key_enrolled(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    key = Key(
        address=act["key"],
        department=act["department"],
        kind=act["kind"],
        duty=act["duty"],
        custody=act["custody"],
        mandate=act["mandate"],
        start=act["start"],
        until=act["until"],
        recovery=bool(marks_of(state, act) & Mark.RECOVERY),
        enrolled_by=signer,
        retired=False,
        retired_time=None,
        retired_since=None,
        reason=None,
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
    )
    if key.duty != Duty.DIRECTOR:
        return (key,)
    department = found(state, Department, key.department)
    standing = department.standing_directors + (key.until == 0)
    return (key, replace(department, had_director=True, standing_directors=standing, updated=entry.index))


def key_retired(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    key = found(state, Key, act["key"])
    retired = replace(
        key,
        retired=True,
        retired_time=entry.time,
        retired_since=act["since"],
        reason=act["reason"],
        last=entry.digest,
        updated=entry.index,
    )
    if key.duty != Duty.DIRECTOR or key.until != 0:
        return (retired,)
    department = found(state, Department, key.department)
    standing = department.standing_directors - 1
    return (retired, replace(department, standing_directors=standing, updated=entry.index))
