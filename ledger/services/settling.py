"""What becomes of an act whose transaction is in a final block, once the follower has read that block.

By then an act that landed has its entry and is final; what is left was returned by the Courier, or was in a transaction
that did nothing. Its submission has failed only if it can never land; else it waits for the acts it builds on, or is
returned to whoever holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.domain.acts import Kind
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.submissions import Submission, SubmissionState
from ledger.domain.touches import touches
from ledger.domain.values import Act
from ledger.errors import Refused
from ledger.ports import UnitOfWork

QUEUED, RETURNED, FAILED = SubmissionState.QUEUED, SubmissionState.RETURNED, SubmissionState.FAILED

HOPELESS: Final = frozenset(
    {"signed-expired", "departments-key-retired", "departments-key-expired", "journal-closed"}
)  # what time does not undo
MOST_TRIES = 8  # carried in vain so often, an act waits no longer for others


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is what the submission shows: code, detail, facts, and how often it was carried in vain."""

    state: SubmissionState
    note: str
    reason: dict[str, Any]


async def judge(work: UnitOfWork, act: Submission, refused: Refused, transaction: str, now: int) -> Verdict:
    """Why the contracts refused it, and whether it may still land. `transaction` is the hash that carried it."""
    tries = int((act.reason or {}).get("tries", 0)) + 1
    reason = {"code": refused.code, "detail": refused.detail, "facts": refused.facts, "tries": tries}
    state = await _state(work, act, refused, transaction, now)
    if state is QUEUED and tries >= MOST_TRIES:
        state = RETURNED
    return Verdict(state, refused.detail, reason)


async def _state(work: UnitOfWork, act: Submission, refused: Refused, transaction: str, now: int) -> SubmissionState:
    if refused.code in HOPELESS:
        return FAILED
    if refused.code == "signed-prior":
        return await _of_prior(work, act, transaction, now)
    digests = {value for kind, value in named(act.act) if kind is Kind.DIGEST}
    others = {value for kind, value in named(act.act) if kind is not Kind.DIGEST}
    # what it needs may have been carried behind it, after a transaction that went wrong
    return QUEUED if await work.moving_on(digests, others, apart_from=transaction) else RETURNED


async def _of_prior(work: UnitOfWork, act: Submission, transaction: str, now: int) -> SubmissionState:
    """It continues an act that was not the last one on its object when it was carried."""
    prior = str(act.act["prior"])
    if prior != ZERO_DIGEST and await work.entry(prior) is None:
        if await work.moving_on([prior], [], apart_from=""):
            return QUEUED  # it comes
        before = await work.submission(prior)
        return FAILED if before is not None and before.state is FAILED else RETURNED  # else it may come from elsewhere
    state = await work.load(touches(act.act, act.digest, act.department))
    still = refusal(state, act.act, act.digest, Circumstances(now, act.signatures, _trusted))
    return FAILED if still is not None and still.code == "signed-prior" else QUEUED


def named(act: Act) -> Sequence[tuple[Kind, str]]:
    """The objects an act names: by digest (`prior` among them), code or address; without its signer."""
    kinds = (Kind.DIGEST, Kind.CODE, Kind.ADDRESS)
    fields = [field for field in act.type.fields if field.kind in kinds and field.name != "signer"]
    return [(field.kind, act[field.name]) for field in fields if act[field.name] not in ("", ZERO_DIGEST)]


def _trusted(_address: str, _kind: int, _digest: str, _signature: bytes) -> bool:
    return True  # the contracts have looked at the signatures before they looked at `prior`
