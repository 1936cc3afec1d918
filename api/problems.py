"""RFC 9457: every error leaves as `application/problem+json`, whatever raised it.

`code` is stable and never reused; `type` is the same as a URN. `title` follows Accept-Language, `title_zh` is always
there. `facts` are JSON values for a program.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import errors as own
from api.replies import Reply
from keys import errors as keys
from ledger import errors
from ledger.domain import refusals  # noqa: F401  (declares every refusal)
from ledger.domain.submissions import Submission

PROBLEM_TYPE: Final = "application/problem+json"
URN: Final = "urn:shareledger:problem:"

Problem = errors.ShareLedgerError | keys.KeysError

STATUSES: Final[dict[type[Exception], int]] = {
    errors.InvalidInput: 422,
    errors.InvalidSettings: 500,
    errors.TooLarge: 413,
    errors.NotAuthenticated: 401,
    errors.NotPermitted: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.IdempotencyMismatch: 422,
    errors.StillRunning: 409,
    errors.Refused: 409,
    errors.Corrupt: 500,
    errors.Shredded: 410,
    errors.NotReady: 503,
    errors.Unavailable: 503,
    keys.KeysError: 503,
    keys.NoSuchKey: 403,
}
"""By class, the nearest ancestor counting; `HttpError`s carry their own."""

RETRY_AFTER: Final[dict[type[Exception], int]] = {
    errors.StillRunning: 1,
    errors.Unavailable: 2,
    errors.NotReady: 30,
    keys.KeysError: 30,
    own.OutOfTime: 1,
    own.Busy: 2,
}
"""Seconds."""


def status_of(kind: type[Exception]) -> int:
    """The HTTP status of an error class. Raises LookupError for one that nobody has mapped."""
    if issubclass(kind, own.HttpError):
        return kind.status
    for ancestor in kind.__mro__:
        if ancestor in STATUSES:
            return STATUSES[ancestor]
    raise LookupError(f"{kind.__name__} has no HTTP status")


@dataclass(frozen=True, slots=True)
class ProblemRow:
    code: str
    status: int
    title: str
    title_zh: str
    next_step: str


def problem_table() -> list[ProblemRow]:
    """Every problem this API can answer with, by status and code."""
    rows = {
        kind.code: ProblemRow(kind.code, status_of(kind), kind.title, kind.title_zh, kind.remedy)
        for kind in every_problem()
    }
    return sorted(rows.values(), key=lambda row: (row.status, row.code))


def every_problem() -> Iterator[type[Problem]]:
    """Every error class that can be raised, the bare bases left out; not those of the command line, built on top."""
    waiting: list[type[Problem]] = [errors.ShareLedgerError, keys.KeysError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(below for below in kind.__subclasses__() if not below.__module__.startswith("ledger.cli"))
        if kind not in (errors.ShareLedgerError, keys.KeysError, own.HttpError) and not _abstract(kind):
            yield kind


def _abstract(kind: type[Problem]) -> bool:
    """A base that shares its parent's code is a family, not a problem of its own."""
    return kind.__base__ is not None and getattr(kind.__base__, "code", None) == kind.code


def problem_reply(
    error: Problem, *, request_id: str, chinese: bool = False, extra: Mapping[str, str] | None = None
) -> Reply:
    """The problem document of an error. An error class without a status counts as a defect: 500."""
    kind = type(error)
    try:
        status = status_of(kind)
    except LookupError:
        status = 500
    headers = dict(extra or {})
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="shareledger"'
    usual = next((RETRY_AFTER[one] for one in kind.__mro__ if one in RETRY_AFTER), None)
    pause = error.facts.get("retry_after", usual)
    if pause is not None and status in (409, 429, 503):
        headers["Retry-After"] = str(pause)
    if status == 408:
        headers["Connection"] = "close"  # what else was sent is not wanted any more (RFC 9110 §15.5.9)
    return _document(kind, status, error.detail, error.next_step, error.facts, request_id, chinese, headers)


def problem_of_reason(request: Request, submission: Submission, headers: Mapping[str, str]) -> Reply:
    """The problem for which a submission failed or was returned, told by its stored reason."""
    reason = submission.reason or {}
    kind = _by_code().get(str(reason.get("code")), errors.Refused)
    return _document(
        kind,
        409,
        str(reason.get("detail", kind.title)),
        kind.remedy,
        {**reason.get("facts", {}), "submission": submission.digest, "state": str(submission.state)},
        request.state.request_id,
        wants_chinese(request.headers.get("accept-language")),
        headers,
    )


@cache
def _by_code() -> dict[str, type[Problem]]:
    return {kind.code: kind for kind in every_problem()}


def _document(
    kind: type[Problem],
    status: int,
    detail: str,
    next_step: str,
    facts: Mapping[str, Any],
    request_id: str,
    chinese: bool,
    headers: Mapping[str, str],
) -> Reply:
    body = {
        "type": URN + kind.code,
        "title": kind.title_zh if chinese else kind.title,
        "title_zh": kind.title_zh,
        "status": status,
        "detail": detail,
        "code": kind.code,
        "next_step": next_step,
        "instance": f"urn:shareledger:request:{request_id}",
        "facts": dict(facts),
    }
    return Reply(status, body, {**headers, "Content-Language": "zh" if chinese else "en"}, PROBLEM_TYPE)


def from_http(error: HTTPException) -> own.HttpError | errors.ShareLedgerError:
    """Starlette's own errors, in our words."""
    match error.status_code:
        case 404:
            return own.NoSuchPath()
        case 405:
            return own.MethodNotAllowed()
        case 413:
            return errors.TooLarge()
        case 415:
            return own.UnsupportedMediaType()
        case 400:
            return own.MalformedJson()
        case _:
            return own.InternalError()


def from_validation(error: RequestValidationError) -> errors.InvalidInput:
    """Where the request breaks its schema and how; never what was sent there."""
    found = [
        {"where": ".".join(str(part) for part in one["loc"]), "problem": str(one["msg"])} for one in error.errors()
    ]
    shown = "; ".join(f"{one['where']}: {one['problem']}" for one in found[:5])
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return errors.InvalidInput(shown + more, errors=found[:100])


def wants_chinese(accept_language: str | None) -> bool:
    """Whether Accept-Language prefers Chinese over English (RFC 9110 §12.5.4); English if it says neither."""
    best: dict[str, float] = {}
    for item in (accept_language or "").split(",")[:20]:
        tag, _, parameter = item.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in ("zh", "en"):
            best[language] = max(best.get(language, 0.0), _quality(parameter))
    return best.get("zh", 0.0) > best.get("en", 0.0)


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


def respond(request: Request, error: Problem, extra: Mapping[str, str] | None = None) -> Response:
    """The problem as a response to this request."""
    return problem_reply(
        error,
        request_id=request.state.request_id,
        chinese=wants_chinese(request.headers.get("accept-language")),
        extra=extra,
    ).response()
