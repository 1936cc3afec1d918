"""From an act to its answer: 202 with where to look, or, for who prefers to wait, 201 once it is final."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request

from api.preferring import preferred_wait
from api.problems import problem_of_reason
from api.replies import Reply
from api.routing import leave_place
from api.runtime import Runtime
from api.schemas.views import submission_json
from api.turns import AllTurns
from ledger.domain.callers import Caller
from ledger.domain.submissions import Submission, SubmissionState
from ledger.services import acting, reading


def location(digest: str) -> str:
    return f"/v1/submissions/{digest}"


async def answer_one(request: Request, runtime: Runtime, submission: Submission) -> Reply:
    """201 final, 202 on its way, or the problem for which it failed or was returned."""
    runtime.wake()
    with _waiting(request) as wait:
        if wait:
            submission = await acting.wait_final(runtime.ports, submission.digest, wait)
    headers = {"Location": location(submission.digest), **_applied(wait)}
    if submission.state in (SubmissionState.FAILED, SubmissionState.RETURNED) and submission.reason:
        return problem_of_reason(request, submission, headers)
    return Reply(_status([submission]), submission_json(submission), headers)


async def answer_many(request: Request, runtime: Runtime, submissions: Sequence[Submission]) -> Reply:
    """201 if all are final, else 202; each item tells its own state and, if it has one, its reason."""
    runtime.wake()
    with _waiting(request) as wait:
        if wait:
            ends = runtime.ports.clock.now() + wait
            submissions = [
                await acting.wait_final(runtime.ports, one.digest, max(0.0, ends - runtime.ports.clock.now()))
                for one in submissions
            ]
    headers = {"Location": "/v1/submissions", **_applied(wait)}
    return Reply(_status(submissions), {"items": [submission_json(one) for one in submissions]}, headers)


async def stand_now(runtime: Runtime, caller: Caller, digests: Sequence[str]) -> list[Submission]:
    """Submissions as they are: what a retry after a crash is answered with."""
    async with reading.opened(runtime.ports) as work:
        return [await reading.submission(work, caller, digest) for digest in digests]


@contextmanager
def _waiting(request: Request) -> Iterator[int]:
    """How many seconds to wait. None while too many others do: a preference may be passed over (RFC 7240 §2)."""
    seconds = preferred_wait(request)
    if not seconds:
        yield 0
        return
    leave_place(request)
    turns: AllTurns = request.app.state.turns
    with turns.waits.at_once(request.state.caller.id) as free:
        yield seconds if free else 0


def _status(submissions: Sequence[Submission]) -> int:
    return 201 if all(one.state is SubmissionState.FINAL for one in submissions) else 202


def _applied(wait: int) -> dict[str, Any]:
    return {"Preference-Applied": f"wait={wait}"} if wait else {}
