"""What becomes of an act whose transaction is in a final block, once the follower has read that block.

By then an act that landed has its entry and is final; what is left was returned by the Courier, or was in a transaction
that did nothing. Its submission has failed only if it can never land; else it waits for the acts it builds on, or is
returned to whoever holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger import telemetry
from ledger.domain.acts import Kind
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.refusals import Refusal
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import Key, State
from ledger.domain.submissions import Submission, SubmissionState
from ledger.domain.touches import touches
from ledger.domain.values import Act
from ledger.errors import Refused
from ledger.ports import UnitOfWork

QUEUED, RETURNED, FAILED = SubmissionState.QUEUED, SubmissionState.RETURNED, SubmissionState.FAILED

HOPELESS: Final = frozenset(
    {"signed-expired", "departments-key-retired", "departments-key-expired", "journal-closed"}
)  # what time does not undo
_SIGNATURES: Final = frozenset({"signed-wrong", "signed-count", "signed-too-long", "signed-gas"})  # not judged here
MOST_TRIES = 5  # carried in vain so often, an act waits no longer for others


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
    telemetry.VERDICTS.labels(state.value).inc()
    return Verdict(state, refused.detail, reason)


async def _state(work: UnitOfWork, act: Submission, refused: Refused, transaction: str, now: int) -> SubmissionState:
    state = await work.load(touches(act.act, act.digest, act.department))
    if refused.code in HOPELESS and _is_hopeless(state, act, refused.code, now):
        return FAILED
    if refused.code == "signed-prior" and await _prior_to_come(work, act):
        return await _with_prior(work, act)
    if isinstance(refused, Refusal) and refused.code not in _SIGNATURES:
        still = refusal(state, act.act, act.digest, Circumstances(now, act.signatures, _trusted))
        if still is None:
            return QUEUED  # what stood in its way is gone
        if refused.code == still.code == "signed-prior":
            return FAILED  # the object moved on
    digests = {value for kind, value in named(act.act) if kind is Kind.DIGEST}
    others = {value for kind, value in named(act.act) if kind is not Kind.DIGEST}
    # what it needs may have been carried behind it, after a transaction that went wrong
    return QUEUED if await work.moving_on(digests, others, apart_from=transaction) else RETURNED


def _is_hopeless(state: State, act: Submission, code: str, now: int) -> bool:
    """Whether our own rows say so too: a node's word for why an act was refused can be false, and `failed` is final."""
    key, ledger = state.get(Key, act.act.signer), state.ledger
    now = max(now, ledger.time if ledger else 0)
    match code:
        case "signed-expired":
            return act.valid_until < now
        case "departments-key-retired":
            return key is not None and bool(key.retired)
        case "departments-key-expired":
            return key is not None and 0 < key.until < now
        case _:
            return ledger is not None and ledger.closed


async def _prior_to_come(work: UnitOfWork, act: Submission) -> bool:
    """Whether it continues an act that is no entry (yet)."""
    prior = str(act.act["prior"])
    return prior != ZERO_DIGEST and await work.entry(prior) is None


async def _with_prior(work: UnitOfWork, act: Submission) -> SubmissionState:
    """It shares the fate of the act it continues, which may also be on its way by another hand."""
    prior = str(act.act["prior"])
    if await work.moving_on([prior], [], apart_from=""):
        return QUEUED
    before = await work.submission(prior)
    return FAILED if before is not None and before.state is FAILED else RETURNED


def named(act: Act) -> Sequence[tuple[Kind, str]]:
    """The objects an act names: by digest (`prior` among them), code or address; without its signer."""
    kinds = (Kind.DIGEST, Kind.CODE, Kind.ADDRESS)
    fields = [field for field in act.type.fields if field.kind in kinds and field.name != "signer"]
    return [(field.kind, act[field.name]) for field in fields if act[field.name] not in ("", ZERO_DIGEST)]


def _trusted(_address: str, _kind: int, _digest: str, _signature: bytes) -> bool:
    return True  # the contracts have looked at the signatures before they looked at `prior`
