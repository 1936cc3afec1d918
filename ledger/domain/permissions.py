"""Which duty and role each act asks of the department that signs it (Decree 809 arts. 13, 16, 17, 20–26)."""

from typing import Final

from ledger.domain.acts import Duty, Role

_AUTHORITY, _PROVIDER, _CONSUMER, _ATTESTOR = Role.AUTHORITY, Role.PROVIDER, Role.CONSUMER, Role.ATTESTOR
_ANY: Final = Role(0)

PERMISSIONS: Final[dict[str, tuple[Duty, Role]]] = {
    "AdmitModule": (Duty.DIRECTOR, _AUTHORITY),
    "CloseLedger": (Duty.DIRECTOR, _AUTHORITY),
    "RegisterDepartment": (Duty.DIRECTOR, _AUTHORITY),
    "ChangeDepartment": (Duty.DIRECTOR, _AUTHORITY),
    "EnrolKey": (Duty.DIRECTOR, _ANY),
    "RetireKey": (Duty.DIRECTOR, _ANY),
    "SubmitDataset": (Duty.DIRECTOR, _PROVIDER),
    "WithdrawDataset": (Duty.DIRECTOR, _ANY),
    "PublishDataset": (Duty.LEAD, _AUTHORITY),
    "ReturnDataset": (Duty.LEAD, _AUTHORITY),
    "AnchorVersion": (Duty.OFFICER, _ANY),
    "ShredVersion": (Duty.OFFICER, _ANY),
    "RequestShare": (Duty.LEAD, _CONSUMER),
    "WithdrawRequest": (Duty.LEAD, _ANY),
    "AskSupplement": (Duty.OFFICER, _ANY),
    "SupplyMaterials": (Duty.OFFICER, _ANY),
    "ExtendReply": (Duty.LEAD, _AUTHORITY),
    "AgreeShare": (Duty.LEAD, _ANY),
    "RefuseShare": (Duty.LEAD, _ANY),
    "DeliverShare": (Duty.OFFICER, _ANY),
    "ConfirmDelivery": (Duty.OFFICER, _ANY),
    "SuspendShare": (Duty.LEAD, _ANY),
    "ResumeShare": (Duty.LEAD, _ANY),
    "EndShare": (Duty.LEAD, _ANY),
    "GrantShare": (Duty.DIRECTOR, _AUTHORITY),
    "AttestQuality": (Duty.OFFICER, _ANY),
    "WithdrawAttestation": (Duty.OFFICER, _ANY),
    "RequestCorrection": (Duty.OFFICER, _ANY),
    "ResolveCorrection": (Duty.LEAD, _ANY),
    "PublishRule": (Duty.DIRECTOR, _AUTHORITY),
    "PublishCheckpoint": (Duty.OFFICER, _ANY),
}
"""`_ANY` where the party to the object decides (its provider, its consumer), not a role."""
