"""The doctor's judgement: numbered checks, every one reported, none stopping the next. Pure; `ledger.examining` looks.

A diagnosis names its check and its case; what that means in words, and what to do, is for whoever shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

CHECKS: Final = (
    "platform",
    "settings",
    "home",
    "manifest",
    "keystore",
    "signer",
    "local-chain",
    "node",
    "contracts",
    "comparison",
    "database",
    "schema",
    "history",
    "lag",
    "queue",
    "lease",
    "clock",
    "disk",
    "server",
    "payloads",
)
"""In order; a check of several nodes is reported once for each, under one number. Codes are never reused."""

FEW_BLOCKS: Final = 10  # nothing to speak of
PLENTY: Final = 4  # times the disk that must be left
SLOW_SECONDS: Final = 1.0  # for a node to answer a small question
PYTHONS: Final = ((3, 11), (3, 13))


class Verdict(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`facts` are JSON values. `subject` tells one node from another, without its secrets."""

    check: str
    verdict: Verdict
    case: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""

    @property
    def number(self) -> int:
        return CHECKS.index(self.check) + 1


def good(check: str, case: str = "good", /, **facts: Any) -> Diagnosis:
    return Diagnosis(check, Verdict.GOOD, case, facts)


def warning(check: str, case: str, /, **facts: Any) -> Diagnosis:
    return Diagnosis(check, Verdict.WARNING, case, facts)


def failed(check: str, case: str, /, **facts: Any) -> Diagnosis:
    return Diagnosis(check, Verdict.FAILED, case, facts)


def not_applicable(check: str, case: str, /, **facts: Any) -> Diagnosis:
    return Diagnosis(check, Verdict.NOT_APPLICABLE, case, facts)


# ---- what is judged by figures --------------------------------------------------------------------------------------


def platform(python: tuple[int, int], facts: Mapping[str, str]) -> Diagnosis:
    """`facts`: python, system, machine."""
    if not PYTHONS[0] <= python <= PYTHONS[1]:
        return failed("platform", "python", **facts)
    known = facts["system"] == "linux" and facts["machine"] in ("x86_64", "AMD64")
    return good("platform", **facts) if known else warning("platform", "other", **facts)


def node(
    name: str,
    error: str | None,
    seconds: float,
    identity: tuple[int | None, str | None],
    expected: tuple[int, str] | None,
    block: int | None,
    code_error: str | None,
) -> list[Diagnosis]:
    """One node: does it answer, is its chain (id, hash of block 0) the manifest's, and are the contracts on it ours?"""
    facts = {"node": name, "milliseconds": round(seconds * 1000, 1), "chain_id": identity[0], "genesis": identity[1]}
    facts |= {"block": block}
    contracts = not_applicable("contracts", "needs-another")
    if error is not None:
        answers = failed("node", "silent", node=name, why=error)
    elif expected is None:
        answers = warning("node", "unknown", **facts)
    elif identity[0] != expected[0]:
        answers = failed("node", "chain-id", **facts, expected=expected[0])
    elif identity[1] != expected[1]:
        answers = failed("node", "genesis", **facts, expected=expected[1])
    else:
        answers = warning("node", "slow", **facts) if seconds >= SLOW_SECONDS else good("node", **facts)
        contracts = failed("contracts", "other-code", why=code_error) if code_error else good("contracts")
    return [replace(one, subject=name) for one in (answers, contracts)]


def lag(followed: int, newest: int, confirmations: int, most: int) -> Diagnosis:
    """Of the read model behind the newest final block; `most` blocks are an alarm."""
    behind = max(0, newest - confirmations - followed)
    facts = {"behind": behind, "followed": followed, "newest": newest}
    if newest < followed:
        return failed("lag", "node-behind", **facts)
    if behind >= most:
        return failed("lag", "behind", **facts)
    return warning("lag", "behind", **facts) if behind > FEW_BLOCKS else good("lag", **facts)


def queue(waiting: int, seconds: float, most: float) -> Diagnosis:
    """Of the acts under way; the oldest has waited for so long, and `most` is an alarm."""
    facts = {"waiting": waiting, "oldest_seconds": round(seconds)}
    if not waiting:
        return good("queue", "empty", **facts)
    return failed("queue", "stalled", **facts) if seconds >= most else good("queue", "moving", **facts)


def lease(holder: str | None, left_seconds: float, serving: bool) -> Diagnosis:
    """Of who carries. `serving`: a product runs here, so somebody should."""
    if holder is not None and left_seconds >= 0:
        return good("lease", "held", holder=holder, seconds=round(left_seconds, 1))
    return failed("lease", "nobody") if serving else not_applicable("lease", "stopped")


def clock(ahead: float | None, drift: float, synchronised: bool | None, error: float | None, most: float) -> Diagnosis:
    """`ahead`: seconds of the newest block before our clock; `drift`: how unevenly our two clocks ran just now."""
    facts = {"ahead_seconds": None if ahead is None else round(ahead, 1), "synchronised": synchronised}
    facts |= {"error_seconds": None if error is None else round(error, 3), "drift_seconds": round(drift, 3)}
    if ahead is not None and ahead >= most:
        return failed("clock", "behind", **facts)
    if abs(drift) > 1:
        return failed("clock", "jumping", **facts)
    if synchronised is False:
        return warning("clock", "unsynchronised", **facts)
    return good("clock", **facts)


def disk(free: Mapping[str, tuple[int, int | None]], least: int) -> Diagnosis:
    """`free`: place → (bytes, files); `least` bytes must be left."""
    place = min(free, key=lambda name: free[name][0])
    mib = {name: size >> 20 for name, (size, _) in free.items()}
    facts = {"place": place, "free_mib": mib[place], "least_mib": least >> 20, "all_mib": mib}
    if free[place][0] < least:
        return failed("disk", "nearly-full", **facts)
    scarce = [name for name, (_, files) in free.items() if files is not None and files < 1000]
    if scarce:
        return failed("disk", "no-files", **facts | {"place": scarce[0]})
    return warning("disk", "filling", **facts) if free[place][0] < PLENTY * least else good("disk", **facts)
