"""What an audit found: numbered checks, findings that name a thing and the entries that prove it, and what was left."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.services.checks import Check

MOST_A_CODE = 200  # findings of one code that are kept; the rest are counted
MOST_LATE = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """`article` of Decree 809 where one is concerned (21, 39-3); `entries` are the indices that prove it.

    A finding never accuses beyond its entries. `state` is open until somebody explains or rectifies it.
    """

    code: str
    article: str | None
    subject: str
    detail: str
    entries: tuple[int, ...] = ()
    state: str = "open"

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "article": self.article,
            "subject": self.subject,
            "detail": self.detail,
            "entries": list(self.entries),
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`lateness` are facts about deadlines, not about tampering; `not_checked` says what nobody looked at."""

    entries: int
    head: str
    head_matches: bool
    block: int
    findings: tuple[Finding, ...]
    omitted: int  # findings and facts about deadlines beyond those listed
    lateness: tuple[Finding, ...]
    checks: tuple[Check, ...]
    not_checked: tuple[str, ...]
    seconds: float

    @property
    def clean(self) -> bool:
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        return {
            "clean": self.clean,
            "entries": self.entries,
            "head": self.head,
            "head_matches": self.head_matches,
            "block": self.block,
            "findings": [finding.to_json() for finding in self.findings],
            "omitted": self.omitted,
            "lateness": [finding.to_json() for finding in self.lateness],
            "checks": [check.to_json() for check in self.checks],
            "not_checked": list(self.not_checked),
            "seconds": round(self.seconds, 3),
        }


CHECKS = {
    "index": "entries have indices from 0 on without a gap, and times that never go back",
    "digest": "each act's digest is that of its fields, for its own module on this chain",
    "signature": "each act is signed by the keys it needs",
    "lawful": "the ledger's rules allow each act in the state before it",
    "derived": "department and marks are what the state before the entry gives",
    "head": "each entry's head follows from the one before",
    "node": "number of entries and head are the node's own, at that block",
    "opening": "entry 0 is the opening that the manifest names",
    "cursor": "the read model stands where it says, on the node's chain",
    "stored-entries": "every stored entry is the ledger's, and none is missing or extra",
    "stored-state": "every row of the read model follows from the entries",
    "documents": "documents held here have the digests that acts carry",
    "payload-rows": "payload rows and keys are what the versions' documents say",
    "payloads": "every payload kept here has the bytes it was stored with",
}


@dataclass
class Findings:
    """Collects findings under the numbered checks; keeps a bounded number of each code."""

    kept: list[Finding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    _by_code: Counter[str] = field(default_factory=Counter)
    _by_check: Counter[str] = field(default_factory=Counter)
    _made: Counter[str] = field(default_factory=Counter)

    def made(self, check: str, times: int = 1) -> None:
        """A check was made so many times, whatever came of it."""
        self._made[check] += times

    def add(
        self,
        check: str,
        code: str,
        subject: str,
        detail: str,
        entries: Sequence[int] = (),
        *,
        article: str | None = None,
    ) -> None:
        self._by_check[check] += 1
        self._by_code[code] += 1
        self._made[check] = max(self._made[check], 1)
        if self._by_code[code] <= MOST_A_CODE:
            self.kept.append(Finding(code, article, subject, detail, tuple(entries)))

    @property
    def omitted(self) -> int:
        return sum(max(0, count - MOST_A_CODE) for count in self._by_code.values())

    def failed(self, check: str) -> bool:
        return self._by_check[check] > 0

    def checks(self) -> tuple[Check, ...]:
        return tuple(self._check(number, code, told) for number, (code, told) in enumerate(CHECKS.items(), 1))

    def _check(self, number: int, code: str, told: str) -> Check:
        if not self._made[code]:
            return Check(number, code, None, told)
        faults = self._by_check[code]
        return Check(number, code, not faults, f"{told}: {f'{faults} findings' if faults else self._made[code]}")
