"""Waiting for an act to be final, and what the end of it means."""

from typing import Any, Final

from ledger.cli.client import segment
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.texts import say

PAUSE: Final = 0.5  # seconds between two looks


def until_final(run: Run, submission: dict[str, Any]) -> dict[str, Any]:
    """The submission once it is final, failed or returned, or as it stands when --wait is over."""
    while submission.get("state") not in ("final", "failed", "returned") and run.surroundings.now() < run.deadline:
        run.surroundings.sleep(PAUSE)
        submission = run.client.get(f"/submissions/{segment(str(submission.get('digest')))}")
    return submission


def submission_answer(run: Run, submission: dict[str, Any]) -> Answer:
    """A submission, with what it means: final, still on its way, or refused (exit code 1)."""
    state = submission.get("state")
    note = ""
    if state == "final":
        note = say(run.out.lang, "final", entry=submission.get("entry"))
    elif state not in ("failed", "returned"):
        note = say(run.out.lang, "not-final", digest=submission.get("digest"))
    hide = frozenset({"signatures", "history", "as_of"})
    return Answer(submission, passed=state not in ("failed", "returned"), note=note, hide=hide)
