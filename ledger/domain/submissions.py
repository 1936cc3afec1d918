"""An act on its way: queued → sent → included → final, or failed; returned is a stop from which it may still go on.

A submission is known by its act's digest, never by a transaction: whoever carried the act, the entry with that digest
ends it. Nothing here decides whether an act is lawful; the contracts do.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ledger.domain.values import Act


class SubmissionState(StrEnum):
    QUEUED = "queued"  # durable here, in no live transaction
    SENT = "sent"  # in a transaction whose bytes are stored and were handed to a node
    INCLUDED = "included"  # that transaction is in a block that is not final yet
    RETURNED = "returned"  # the contracts refused it just now; whoever holds it may carry it again until it expires
    FINAL = "final"  # the follower found its entry
    FAILED = "failed"  # it can never become an entry

    @property
    def open(self) -> bool:
        return self not in (SubmissionState.FINAL, SubmissionState.FAILED)


OPEN_STATES = tuple(state for state in SubmissionState if state.open)
MOVING_STATES = tuple(state for state in OPEN_STATES if state is not SubmissionState.RETURNED)
"""Of acts that move on by themselves; what was returned waits for whoever holds it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a submission's history."""

    at: int  # unix milliseconds
    state: SubmissionState
    note: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    digest: str  # 64 hex digits
    module: str  # address
    act: Act
    signatures: tuple[bytes, ...]
    department: str  # the signer's
    subject: str  # code, address or digest of the object the act is on
    state: SubmissionState = SubmissionState.QUEUED
    reason: dict[str, Any] | None = None  # why it was returned or failed: code, detail, facts
    entry: int | None = None  # index, once final
    transaction: str | None = None  # hash of the transaction that last carried it
    created: int = 0  # unix milliseconds
    history: tuple[Step, ...] = field(default=())

    @property
    def valid_until(self) -> int:
        return int(self.act["valid_until"])
