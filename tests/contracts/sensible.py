"""Acts that should be accepted: drawn from what the state's objects can still do, signed by who may.

Each function answers the key that signs and the act's own fields, or None if nothing in the state allows such an act.
They only aim; whether an act is accepted is for the two sides to say.
"""

from collections.abc import Callable
from typing import Any, Final

from ledger.domain.acts import Custody, Duty, Level, Role, RuleKind, ShareType
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.marks import is_below
from ledger.domain.state import (
    Attestation,
    Checkpoint,
    Dataset,
    Department,
    InstalledModule,
    Key,
    Line,
    Rule,
    Version,
)
from tests.contracts.pools import Pools

Drawn = tuple[Key | None, dict[str, Any]] | None
Draw = Callable[[Pools], Drawn]


# the ledger, departments, keys


def admit_module(pools: Pools) -> Drawn:
    module = pools.one(pools.mostly(pools.cast.modules, lambda one: pools.state.get(InstalledModule, one) is None))
    if module is None:
        return None
    return _root_key(pools), {"module": module, "code_hash": pools.cast.code_hash(module)}


def close_ledger(pools: Pools) -> Drawn:
    return _root_key(pools), {"successor": pools.rng.choice([ZERO_ADDRESS, pools.cast.modules[0]])}


def _root_key(pools: Pools) -> Key | None:
    ledger = pools.state.ledger
    assert ledger is not None
    return pools.key_of(ledger.root, Duty.DIRECTOR)


def register_department(pools: Pools) -> Drawn:
    authority = pools.rng.choice(pools.departments(Role.AUTHORITY))
    parent = pools.rng.choice(pools.inside(authority.code))
    code = f"D{len(pools.departments())}"
    fields = {"department": code, "parent": parent.code, **_rank(pools, parent, parent.level, pools.rng.randrange(32))}
    return pools.key_of(authority.code, Duty.DIRECTOR), fields


def change_department(pools: Pools) -> Drawn:
    authority = pools.rng.choice(pools.departments(Role.AUTHORITY))
    subtree = pools.inside(authority.code)
    department = pools.one([one for one in subtree if one is not authority])
    if department is None:
        return None
    parent = pools.state.get(Department, department.parent)
    outside = pools.mostly(
        subtree, lambda one: one is not department and not is_below(pools.state, one.code, department.code)
    )
    if parent not in outside or pools.chance(0.4):
        level = [one for one in outside if one.level <= department.level]
        parent = pools.rng.choice(level if level and pools.chance(0.8) else outside)
    assert parent is not None
    roles = department.roles ^ (1 << pools.rng.randrange(5) if pools.chance(0.3) else 0)
    fields: dict[str, Any] = {"department": department.code, "parent": parent.code}
    fields |= _rank(pools, parent, max(department.level, parent.level), roles)
    return pools.key_of(authority.code, Duty.DIRECTOR), fields


def _rank(pools: Pools, parent: Department, level: int, roles: int) -> dict[str, int]:
    level = min(max(level + pools.rng.choice([0, 0, 0, 1]), parent.level), Level.VILLAGE)
    return {"level": level, "roles": roles & ~Role.AUTHORITY if level > Level.COUNTY else roles}


def enrol_key(pools: Pools) -> Drawn:
    department = _in_need(pools) if pools.chance(0.5) else pools.rng.choice(pools.departments())
    key = next((one for one in pools.cast.spares if pools.state.get(Key, one) is None), None)
    if key is None:
        return None
    start = pools.rng.choice([0, 0, 0, pools.now + pools.rng.randrange(1, 60)])
    until = 0 if pools.chance(0.7) else max(start, pools.now) + pools.rng.randrange(1, 400)
    above = pools.authority_over(department.code) if pools.chance(0.4) else None
    fields = {"key": key, "department": department.code, "kind": pools.cast.kind_of(key), "start": start}
    fields |= {"duty": pools.rng.choice(list(Duty)), "custody": pools.rng.choice(list(Custody)), "until": until}
    return pools.key_of(above or department.code, Duty.DIRECTOR), fields


def _in_need(pools: Pools) -> Department:
    """The department with the fewest keys that can sign now."""
    able = [key.department for key in pools.state.all(Key) if pools.in_force(key) and pools.holds(key)]
    return min(pools.departments(), key=lambda one: able.count(one.code))


def retire_key(pools: Pools) -> Drawn:
    """A department keeps more than one key of each duty if it has them; the root's own are another matter."""
    standing = [key for key in pools.mostly(pools.state.all(Key), lambda key: not key.retired) if pools.holds(key)]
    held = [(key.department, key.duty) for key in standing if pools.in_force(key)]
    key = pools.one([key for key in standing if held.count((key.department, key.duty)) > 1])
    ledger = pools.state.ledger
    if ledger is not None and pools.chance(0.15):
        key = pools.one([key for key in standing if key.department == ledger.root and key.duty == Duty.DIRECTOR])
    if key is None:
        return None
    above = pools.authority_over(key.department) if pools.chance(0.4) else None
    fields = {"key": key.address, "since": pools.now - pools.rng.randrange(3), "reason": pools.rng.randrange(1, 5)}
    return pools.key_of(above or key.department, Duty.DIRECTOR), fields


# datasets


def submit_dataset(pools: Pools) -> Drawn:
    known = list(pools.state.all(Dataset))
    if known and pools.chance(0.6):
        dataset = pools.rng.choice(known)
        code, provider = dataset.code, dataset.provider
    else:
        department = pools.one(pools.departments(Role.PROVIDER))
        if department is None:
            return None
        code, provider = f"{department.code}/{len(known)}", department.code
    share_type = pools.rng.choice([1, 1, 2, 2, 2, 3])
    fields = {
        "dataset": code,
        "department": provider,
        "share_type": share_type,
        "grade": pools.rng.randrange(1, 6),
        "basis": pools.digest() if share_type == ShareType.NOT_SHARED or pools.chance(0.3) else ZERO_DIGEST,
        "conditions": pools.digest() if share_type == ShareType.CONDITIONAL or pools.chance(0.3) else ZERO_DIGEST,
    }
    return pools.key_of(provider, Duty.DIRECTOR), fields


def withdraw_dataset(pools: Pools) -> Drawn:
    dataset = pools.one(pools.mostly(pools.state.all(Dataset), lambda one: one.pending or one.published))
    return (pools.key_of(dataset.provider, Duty.DIRECTOR), {"dataset": dataset.code}) if dataset is not None else None


def publish_dataset(pools: Pools) -> Drawn:
    dataset = pools.one(pools.mostly(pools.state.all(Dataset), lambda one: one.pending))
    authority = pools.authority_over(dataset.provider) if dataset else None
    return (pools.key_of(authority, Duty.LEAD), {"dataset": dataset.code}) if dataset and authority else None


def anchor_version(pools: Pools) -> Drawn:
    dataset = pools.one(pools.mostly(pools.state.all(Dataset), lambda one: one.published))
    if dataset is None:
        return None
    line = pools.state.get(Line, dataset.code)
    fields = {
        "dataset": dataset.code,
        "number": (line.count if line else 0) + 1,
        "format": "share-record/1",
        "salted": pools.chance(0.5),
        "records": pools.rng.choice([0, 1, 7, 2**64 - 1]),
        "size": pools.rng.randrange(2**64),
    }
    return pools.key_of(dataset.provider, Duty.OFFICER), fields


def shred_version(pools: Pools) -> Drawn:
    version = pools.one(pools.mostly(pools.state.all(Version), lambda one: not one.shredded))
    dataset = pools.state.get(Dataset, version.dataset) if version else None
    if version is None or dataset is None:
        return None
    fields = {"dataset": dataset.code, "number": version.number, "whole": pools.chance(0.4)}
    return pools.key_of(dataset.provider, Duty.OFFICER), fields


# attestations (corrections go with the shares), rules, checkpoints


def attest_quality(pools: Pools) -> Drawn:
    version = pools.one(list(pools.state.all(Version)))
    dataset = pools.state.get(Dataset, version.dataset) if version else None
    if version is None or dataset is None:
        return None
    others = [one.code for one in pools.departments(Role.ATTESTOR) if one.code != dataset.provider]
    attestor = pools.one([dataset.provider, *others])
    assert attestor is not None
    fields = {
        "prior": version.id,
        "score": pools.rng.randrange(1_000_001),
        "self_attested": attestor == dataset.provider,
    }
    return pools.key_of(attestor, Duty.OFFICER), fields


def withdraw_attestation(pools: Pools) -> Drawn:
    attestation = pools.one(pools.mostly(pools.state.all(Attestation), lambda one: not one.withdrawn))
    return (
        (pools.key_of(attestation.attestor, Duty.OFFICER), {"attestation": attestation.id})
        if attestation is not None
        else None
    )


def publish_rule(pools: Pools) -> Drawn:
    authority = pools.rng.choice(pools.departments(Role.AUTHORITY))
    rule = pools.rng.choice(["calendar", "profile", "quality/1"])
    known = pools.state.get(Rule, authority.code, rule)
    kind = known.kind if known else pools.rng.choice(list(RuleKind))
    return pools.key_of(authority.code, Duty.DIRECTOR), {"rule": rule, "kind": kind, "start": pools.any_time()}


def publish_checkpoint(pools: Pools) -> Drawn:
    department = pools.rng.choice(pools.departments())
    log = pools.rng.choice(["use", "api/1"])
    known = pools.state.get(Checkpoint, department.code, log)
    size = min((known.size if known else 0) + pools.rng.randrange(1, 100), 2**64 - 1)
    return pools.key_of(department.code, Duty.OFFICER), {"log": log, "size": size}


SENSIBLE: Final[dict[str, Draw]] = {
    "AdmitModule": admit_module,
    "CloseLedger": close_ledger,
    "RegisterDepartment": register_department,
    "ChangeDepartment": change_department,
    "EnrolKey": enrol_key,
    "RetireKey": retire_key,
    "SubmitDataset": submit_dataset,
    "WithdrawDataset": withdraw_dataset,
    "PublishDataset": publish_dataset,
    "ReturnDataset": publish_dataset,
    "AnchorVersion": anchor_version,
    "ShredVersion": shred_version,
    "AttestQuality": attest_quality,
    "WithdrawAttestation": withdraw_attestation,
    "PublishRule": publish_rule,
    "PublishCheckpoint": publish_checkpoint,
}
