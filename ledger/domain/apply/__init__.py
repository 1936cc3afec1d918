"""The one pure function by which state changes: `apply(state, entry)`.

It presumes that the ledger accepted the entry (`ledger.domain.rules` tells whether it should have) and changes nothing
in place. The follower, the audit and the tests all use it; nothing else makes state.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ledger.domain.apply import attestations, authorisations, datasets, departments, journal, rulebook
from ledger.domain.entries import Entry
from ledger.domain.marks import marks_of, signing_department
from ledger.domain.state import State, StateObject
from ledger.errors import InvalidAct

Change = Callable[[State, Entry, str], tuple[StateObject, ...]]

_CHANGES: Final[dict[str, Change]] = {
    "LedgerOpened": journal.ledger_opened,
    "ModuleAdmitted": journal.module_admitted,
    "LedgerClosed": journal.ledger_closed,
    "DepartmentRegistered": departments.department_registered,
    "DepartmentChanged": departments.department_changed,
    "KeyEnrolled": departments.key_enrolled,
    "KeyRetired": departments.key_retired,
    "DatasetSubmitted": datasets.dataset_submitted,
    "DatasetWithdrawn": datasets.dataset_withdrawn,
    "DatasetPublished": datasets.dataset_published,
    "DatasetReturned": datasets.dataset_returned,
    "VersionAnchored": datasets.version_anchored,
    "VersionShredded": datasets.version_shredded,
    "ShareRequested": authorisations.share_requested,
    "RequestWithdrawn": authorisations.request_withdrawn,
    "SupplementAsked": authorisations.supplement_asked,
    "MaterialsSupplied": authorisations.materials_supplied,
    "ReplyExtended": authorisations.reply_extended,
    "ShareAgreed": authorisations.share_agreed,
    "ShareRefused": authorisations.share_refused,
    "ShareDelivered": authorisations.share_delivered,
    "DeliveryConfirmed": authorisations.delivery_confirmed,
    "ShareSuspended": authorisations.share_suspended,
    "ShareResumed": authorisations.share_resumed,
    "ShareEnded": authorisations.share_ended,
    "ShareGranted": authorisations.share_granted,
    "QualityAttested": attestations.quality_attested,
    "AttestationWithdrawn": attestations.attestation_withdrawn,
    "CorrectionRequested": attestations.correction_requested,
    "CorrectionResolved": attestations.correction_resolved,
    "RulePublished": rulebook.rule_published,
    "CheckpointPublished": rulebook.checkpoint_published,
}


def apply(state: State, entry: Entry) -> tuple[StateObject, ...]:
    """The objects that `entry` makes or changes, the ledger's own row always among them; `state` stays as it was.

    Raises InvalidAct if the entry speaks of an object that `state` does not hold: the ledger's rules would have
    refused it, so either the entry is false or the state is not that of the entry before.
    """
    changed = _CHANGES[entry.kind](state, entry, signing_department(state, entry.act))
    if state.ledger is None:
        if entry.kind != "LedgerOpened":
            raise InvalidAct(f"entry {entry.index} comes before the ledger's opening")
        return changed
    ledger = next((item for item in changed if type(item) is type(state.ledger)), state.ledger)
    others = tuple(item for item in changed if item is not ledger)
    return (replace(ledger, size=entry.index + 1, head=entry.head, time=entry.time, updated=entry.index), *others)


def follow(state: State, entry: Entry) -> tuple[StateObject, ...]:
    """`apply`, and put what changed into `state`; answers it too."""
    changed = apply(state, entry)
    state.put(*changed)
    return changed


def misreported(state: State, entry: Entry) -> list[str]:
    """Which derived members of the entry (`department`, `marks`) differ from what the state before it gives."""
    wrong = []
    if entry.department != signing_department(state, entry.act):
        wrong.append("department")
    if entry.marks != marks_of(state, entry.act):
        wrong.append("marks")
    return wrong
