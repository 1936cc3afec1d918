"""The contracts' rules in Python: would the ledger accept this act now, and if not, why.

The order of checks is the contracts' own, so the answer is the very error the chain would give: 1 the key is enrolled
and in force; 2 its duty, its department's role and jurisdiction; 3 the signatures; 4 the state of the object, `prior`
included.
The contracts decide; this model refuses early, audits every entry, and is held against them by tests.
"""

from collections.abc import Callable
from typing import Final

from ledger.domain.rules import attestations, authorisations, datasets, departments, journal, rulebook
from ledger.domain.rules.case import Case, Circumstances
from ledger.domain.state import State
from ledger.domain.values import Act
from ledger.errors import InvalidAct, Refused

__all__ = ["Case", "Circumstances", "refusal"]

_RULES: Final[dict[str, Callable[[Case], None]]] = {
    "AdmitModule": journal.admit_module,
    "CloseLedger": journal.close_ledger,
    "RegisterDepartment": departments.register_department,
    "ChangeDepartment": departments.change_department,
    "EnrolKey": departments.enrol_key,
    "RetireKey": departments.retire_key,
    "SubmitDataset": datasets.submit_dataset,
    "WithdrawDataset": datasets.withdraw_dataset,
    "PublishDataset": datasets.publish_dataset,
    "ReturnDataset": datasets.return_dataset,
    "AnchorVersion": datasets.anchor_version,
    "ShredVersion": datasets.shred_version,
    "RequestShare": authorisations.request_share,
    "WithdrawRequest": authorisations.withdraw_request,
    "AskSupplement": authorisations.ask_supplement,
    "SupplyMaterials": authorisations.supply_materials,
    "ExtendReply": authorisations.extend_reply,
    "AgreeShare": authorisations.agree_share,
    "RefuseShare": authorisations.refuse_share,
    "DeliverShare": authorisations.deliver_share,
    "ConfirmDelivery": authorisations.confirm_delivery,
    "SuspendShare": authorisations.suspend_share,
    "ResumeShare": authorisations.resume_share,
    "EndShare": authorisations.end_share,
    "GrantShare": authorisations.grant_share,
    "AttestQuality": attestations.attest_quality,
    "WithdrawAttestation": attestations.withdraw_attestation,
    "RequestCorrection": attestations.request_correction,
    "ResolveCorrection": attestations.resolve_correction,
    "PublishRule": rulebook.publish_rule,
    "PublishCheckpoint": rulebook.publish_checkpoint,
}


def refusal(state: State, act: Act, digest: str, circumstances: Circumstances) -> Refused | None:
    """Why the ledger would refuse the act in these circumstances, or None if it would accept it.

    `state` holds at least the closure of `touches(act, digest, department)`. Entry 0 is judged too (`OpenLedger`),
    against an empty state. Raises InvalidAct for any other act if there is no ledger yet.
    """
    try:
        if act.name == "OpenLedger":
            journal.open_ledger(state, act)
            return None
        if state.ledger is None:
            raise InvalidAct("there is no ledger yet")
        case = Case(state, act, digest, circumstances)
        _RULES[act.name](case)
        case.check_open_ledger()  # the Journal records last
    except Refused as refused:
        return refused
    return None
