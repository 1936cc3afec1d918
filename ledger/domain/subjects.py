"""The one object an act is on: as text, for histories; and its last act, for the next one's `prior`."""

from typing import Final

from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.state import (
    Attestation,
    Checkpoint,
    Correction,
    Dataset,
    Department,
    Key,
    Rule,
    Share,
    State,
    StateObject,
)
from ledger.domain.values import Act

_OWN_DIGEST: Final = frozenset({"RequestShare", "GrantShare", "AttestQuality", "RequestCorrection"})
_FIELD: Final = {
    "RegisterDepartment": "department",
    "ChangeDepartment": "department",
    "EnrolKey": "key",
    "RetireKey": "key",
    "SubmitDataset": "dataset",
    "WithdrawDataset": "dataset",
    "PublishDataset": "dataset",
    "ReturnDataset": "dataset",
    "AnchorVersion": "dataset",
    "ShredVersion": "dataset",
    "WithdrawAttestation": "attestation",
    "ResolveCorrection": "correction",
    "PublishRule": "rule",
    "PublishCheckpoint": "log",
}


def subject(act: Act, digest: str) -> str:
    """A code, an address, or the digest of the act that created the object; "ledger" for the ledger itself."""
    if act.name in _OWN_DIGEST:
        return digest
    if "share" in act.values:
        return str(act["share"])
    return str(act[_FIELD[act.name]]) if act.name in _FIELD else "ledger"


_SHAPES: Final[dict[str, tuple[type[StateObject], str]]] = {
    "ChangeDepartment": (Department, "department"),
    "RetireKey": (Key, "key"),
    "SubmitDataset": (Dataset, "dataset"),
    "WithdrawDataset": (Dataset, "dataset"),
    "PublishDataset": (Dataset, "dataset"),
    "ReturnDataset": (Dataset, "dataset"),
    "WithdrawAttestation": (Attestation, "attestation"),
    "ResolveCorrection": (Correction, "correction"),
}
_OWNED: Final[dict[str, tuple[type[StateObject], str]]] = {
    "PublishRule": (Rule, "rule"),
    "PublishCheckpoint": (Checkpoint, "log"),
}


def last_of(state: State, act: Act, department: str) -> str:
    """The digest of the last act on the object, zero if there is none; what a creating act's `prior` may be is free.

    `department` is the signer's: rules and logs are numbered per department.
    """
    if act.name in ("AdmitModule", "CloseLedger"):
        return state.ledger.last if state.ledger else ZERO_DIGEST
    if act.name in ("AnchorVersion", "ShredVersion"):
        return state.line_last(act["dataset"])
    if act.name in _OWN_DIGEST:
        return ZERO_DIGEST
    if "share" in act.values:
        found: StateObject | None = state.get(Share, act["share"])
    elif act.name in _OWNED:
        shape, field = _OWNED[act.name]
        found = state.get(shape, department, act[field])
    elif act.name in _SHAPES:
        shape, field = _SHAPES[act.name]
        found = state.get(shape, act[field])
    else:
        found = None
    return str(getattr(found, "last", ZERO_DIGEST))
