"""Errors of the console itself, and which exit code an error means.

0  done, and every check passed
1  a check failed, or the act was refused
2  it could not be run: input, connection, permissions of a file, configuration
130  interrupted
"""

from functools import cache
from typing import Any

from ledger.errors import (
    Conflict,
    Corrupt,
    IdempotencyMismatch,
    InvalidInput,
    NotPermitted,
    Refused,
    ShareLedgerError,
    Shredded,
    StillRunning,
    Unavailable,
)

GOOD, FAILED, NOT_RUN, INTERRUPTED = 0, 1, 2, 130
_NO = (Refused, NotPermitted, Conflict, Corrupt)
_NOT_RUN = (IdempotencyMismatch, StillRunning, Shredded)


class InvalidOption(InvalidInput):
    code = "invalid-option"
    title = "An option cannot be read"
    title_zh = "参数无效"
    remedy = "Correct it; --help shows what it takes."


class UnreadableFile(InvalidInput):
    code = "unreadable-file"
    title = "A file cannot be read or written"
    title_zh = "文件无法读写"
    remedy = "Check the path and its permissions."


class NoAnswer(Unavailable):
    code = "no-answer"
    title = "The server does not answer"
    title_zh = "服务器无应答"
    remedy = "Check --server (SHARELEDGER_SERVER) and that `shareledger serve` or `up` is running there."


class NotOurServer(Unavailable):
    code = "not-our-server"
    title = "What answered is not this product's API"
    title_zh = "应答方不是本产品的接口"
    remedy = "Check --server (SHARELEDGER_SERVER)."


class NotFinalYet(Unavailable):
    code = "not-final-yet"
    title = "The act is not final yet"
    title_zh = "尚未最终确认"
    remedy = "Wait again; the act stays queued whatever happens to this command."


class Mismatch(ShareLedgerError):
    """What the server gave is not what was asked for, or contradicts the ledger. Nothing was signed."""

    code = "server-mismatch"
    title = "The server's answer does not fit what was asked for; nothing was signed"
    title_zh = "服务器返回内容与请求不符，未签署任何内容"
    remedy = "Rely on this server for nothing until its operator has explained this."


class Internal(ShareLedgerError):
    code = "internal"
    title = "A defect of this program"
    title_zh = "程序内部错误"
    remedy = "Run the command again with --debug and report what it prints."


class Answered(ShareLedgerError):
    """A problem document (RFC 9457) from the server, kept as it came."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.kind = class_of(str(problem.get("code", "")))
        super().__init__(
            str(problem.get("detail") or problem.get("title") or self.kind.title),
            remedy=str(problem.get("next_step") or problem.get("remedy") or self.kind.remedy),
        )


@cache
def _classes() -> dict[str, type[ShareLedgerError]]:
    import ledger.domain.refusals  # noqa: F401  defines one class per Solidity error below Refused

    found: dict[str, type[ShareLedgerError]] = {}
    waiting: list[type[ShareLedgerError]] = [ShareLedgerError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return found


def class_of(code: str) -> type[ShareLedgerError]:
    """The error class with this code; the base of all for one this program does not know."""
    return _classes().get(code, ShareLedgerError)


def exit_code(error: BaseException) -> int:
    """1 if the answer is no, 2 if there was none."""
    kind = error.kind if isinstance(error, Answered) else type(error)
    if issubclass(kind, _NOT_RUN):
        return NOT_RUN
    return FAILED if issubclass(kind, (*_NO, Mismatch)) else NOT_RUN


def problem_of(error: Any) -> dict[str, Any]:
    """An error as a JSON object: code, title, title_zh, detail, next_step and, where there are any, facts."""
    kind = error.kind if isinstance(error, Answered) else type(error)
    told = {
        "code": kind.code,
        "title": kind.title,
        "title_zh": kind.title_zh,
        "detail": error.detail,
        "next_step": error.next_step,
    }
    if error.facts:
        told["facts"] = error.facts
    if isinstance(error, Answered):
        told |= {name: value for name, value in error.problem.items() if value is not None}
        told.setdefault("status", error.status)
    return told
