"""Who signed, and what must be said about it: derived from the state before the act, never taken from the event."""

from collections.abc import Iterator

from ledger.domain.acts import Mark, Role
from ledger.domain.state import Dataset, Department, Key, Share, State
from ledger.domain.values import Act


def ancestors(state: State, code: str) -> Iterator[Department]:
    """The departments strictly above, nearest first."""
    department = state.get(Department, code)
    while department is not None and department.parent is not None:
        department = state.get(Department, department.parent)
        if department is not None:
            yield department


def is_below(state: State, code: str, above: str) -> bool:
    """Whether `above` is a strict ancestor of the department."""
    return any(department.code == above for department in ancestors(state, code))


def is_authority(department: Department) -> bool:
    return bool(department.roles & Role.AUTHORITY)


def has_jurisdiction(state: State, authority: Department, code: str) -> bool:
    """Whether the department is an authority above `code`; the root is above itself too."""
    if not is_authority(authority):
        return False
    return is_below(state, code, authority.code) or (authority.parent is None and authority.code == code)


def authorities_above(state: State, code: str) -> Iterator[Department]:
    """The authorities strictly above, nearest first."""
    return filter(is_authority, ancestors(state, code))


def nearest_authority(state: State, code: str) -> str | None:
    """*The* authority of a department: the nearest above it; of the root, the root."""
    department = state.get(Department, code)
    if department is not None and department.parent is None:
        return code
    return next((above.code for above in authorities_above(state, code)), None)


def signing_department(state: State, act: Act) -> str:
    """The signer's department: the root for entry 0, "" if the key is unknown."""
    if act.signer is None:
        return str(act["department"])
    key = state.get(Key, act.signer)
    return key.department if key else ""


def marks_of(state: State, act: Act) -> Mark:
    """The marks of an act that the rules allow, given the state before it."""
    signer = signing_department(state, act)
    match act.name:
        case "EnrolKey":
            department = state.get(Department, act["department"])
            recovery = department is not None and department.code != signer and department.had_director
            return Mark.RECOVERY if recovery else Mark.NONE
        case "PublishDataset" | "ReturnDataset" | "GrantShare":
            dataset = state.get(Dataset, act["dataset"])
            return _superior(state, signer, dataset.provider) if dataset else Mark.NONE
        case "ExtendReply" | "SuspendShare" | "ResumeShare" | "EndShare":
            share = state.get(Share, act["share"])
            return Mark.NONE if share is None or _own(share, act, signer) else _superior(state, signer, share.provider)
        case "AttestQuality":
            return Mark.SELF if act["self_attested"] else Mark.NONE
        case _:
            return Mark.NONE


def _own(share: Share, act: Act, signer: str) -> bool:
    """Whether the signer acts as a party of the share, not as an authority above it."""
    match act.name:
        case "SuspendShare":
            return signer == share.provider
        case "ResumeShare":
            return signer == share.provider == share.suspended_by
        case "EndShare":
            return signer in (share.provider, share.consumer)
        case _:
            return False


def _superior(state: State, signer: str, provider: str) -> Mark:
    return Mark.NONE if signer == nearest_authority(state, provider) else Mark.SUPERIOR
