"""Which objects an act's rules look at first.

Their closure over `refs()` is everything `apply` and `refusal` read: see `ledger.domain.state`.
"""

from typing import Final

from ledger.domain.state import (
    LEDGER_KEY,
    Attestation,
    Checkpoint,
    Correction,
    Dataset,
    Department,
    InstalledModule,
    Key,
    Ledger,
    Line,
    Ref,
    Revision,
    Rule,
    RuleText,
    Share,
    StateObject,
    Version,
    VersionNumber,
)
from ledger.domain.values import Act

_Touch = tuple[type[StateObject], str]  # a type, and the fields that make its key

_DIGEST: Final = "@digest"  # the act's own digest: what a creating act creates
_OWN: Final = "@department"  # the signer's department

_SHARE: Final[tuple[_Touch, ...]] = ((Share, "share"),)
_DATASET: Final[tuple[_Touch, ...]] = ((Dataset, "dataset"),)

_TOUCHES: Final[dict[str, tuple[_Touch, ...]]] = {
    "OpenLedger": (),
    "AdmitModule": ((InstalledModule, "module"),),
    "CloseLedger": (),
    "RegisterDepartment": ((Department, "department"), (Department, "parent")),
    "ChangeDepartment": ((Department, "department"), (Department, "parent")),
    "EnrolKey": ((Key, "key"), (Department, "department")),
    "RetireKey": ((Key, "key"),),
    "SubmitDataset": (*_DATASET, (Revision, _DIGEST)),
    "WithdrawDataset": _DATASET,
    "PublishDataset": _DATASET,
    "ReturnDataset": _DATASET,
    "AnchorVersion": (*_DATASET, (Line, "dataset")),
    "ShredVersion": (*_DATASET, (Line, "dataset"), (VersionNumber, "dataset number")),
    "RequestShare": (*_DATASET, (Share, _DIGEST)),
    "WithdrawRequest": _SHARE,
    "AskSupplement": _SHARE,
    "SupplyMaterials": _SHARE,
    "ExtendReply": _SHARE,
    "AgreeShare": _SHARE,
    "RefuseShare": _SHARE,
    "DeliverShare": (*_SHARE, (Version, "version")),
    "ConfirmDelivery": _SHARE,
    "SuspendShare": _SHARE,
    "ResumeShare": _SHARE,
    "EndShare": _SHARE,
    "GrantShare": (*_DATASET, (Department, "consumer"), (Share, _DIGEST)),
    "AttestQuality": ((Version, "prior"), (Attestation, _DIGEST)),
    "WithdrawAttestation": ((Attestation, "attestation"),),
    "RequestCorrection": (*_SHARE, (Version, "prior"), (Correction, _DIGEST)),
    "ResolveCorrection": ((Correction, "correction"), (Version, "version")),
    "PublishRule": ((Rule, f"{_OWN} rule"), (RuleText, _DIGEST)),
    "PublishCheckpoint": ((Checkpoint, f"{_OWN} log"),),
}


def touches(act: Act, digest: str, department: str) -> list[Ref]:
    """(type, key) of the ledger, the signer's key and the objects the act names, existing or not.

    `department` is the signer's, as the entry or submission says, or "" if nobody knows the key: rules and checkpoints
    belong to it.
    """
    special = {_DIGEST: digest, _OWN: department}
    refs: list[Ref] = [(Ledger, LEDGER_KEY)]
    if act.signer is not None:
        refs.append((Key, (act.signer,)))
    for shape, fields in _TOUCHES[act.name]:
        refs.append((shape, tuple(special[name] if name in special else act[name] for name in fields.split())))
    return refs
