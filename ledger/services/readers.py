"""Who may read what an act carries: its parties, the authorities above them, and auditors (who read everything)."""

from dataclasses import dataclass
from typing import Final

from ledger.domain.marks import authorities_above
from ledger.domain.state import Correction, Dataset, Share, State
from ledger.domain.submissions import Submission

_FOR_EVERYONE: Final = frozenset(
    {
        "RegisterDepartment",
        "ChangeDepartment",
        "EnrolKey",
        "RetireKey",
        "PublishDataset",
        "WithdrawDataset",
        "AttestQuality",
        "WithdrawAttestation",
        "PublishRule",
        "AdmitModule",
        "CloseLedger",
    }
)
"""Acts on the catalogue and the tree. What SubmitDataset carries opens when it is published (`reading.document`)."""


@dataclass(frozen=True, slots=True)
class Readers:
    everyone: bool
    departments: frozenset[str]


def readers_of(submission: Submission, state: State) -> Readers:
    parties = {submission.department} | parties_of(submission, state)
    above = {above.code for code in parties for above in authorities_above(state, code)}
    return Readers(submission.act.name in _FOR_EVERYONE, frozenset(parties | above))


def parties_of(submission: Submission, state: State) -> set[str]:
    """Consumer and provider of the share, dataset or correction that the act is on."""
    act = submission.act
    found: set[str] = set()
    if "share" in act.values and (share := state.get(Share, act["share"])):
        found |= {share.consumer, share.provider}
    if "correction" in act.values and (correction := state.get(Correction, act["correction"])):
        found |= {correction.consumer, correction.provider}
    if "dataset" in act.values and (dataset := state.get(Dataset, act["dataset"])):
        found.add(dataset.provider)
    if "consumer" in act.values:
        found.add(act["consumer"])
    return found
