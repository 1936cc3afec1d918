"""The answer of a verification: numbered checks, every one reported, none stopping the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

DECISIVE = frozenset({"root", "included", "grown"})
"""What a verification is about: without one of these held, it has shown nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` None means that it was not checked; `detail` says why, or what was found."""

    number: int
    code: str
    ok: bool | None
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {"number": self.number, "code": self.code, "ok": self.ok, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """`differences` are the records (chunks of a file) that differ; `complete` says whether that is all of them.

    With unequal counts whatever follows the first difference has moved, so only `first` is named.
    """

    checks: tuple[Check, ...]
    differences: tuple[int, ...] = ()
    complete: bool = True
    first: int | None = None

    @property
    def ok(self) -> bool:
        """No check failed, and the one that matters was made."""
        return not self.failed and any(check.ok and check.code in DECISIVE for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.ok is False)

    def check(self, code: str) -> Check:
        """Raises KeyError if there is no such check."""
        for check in self.checks:
            if check.code == code:
                return check
        raise KeyError(code)

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "checks": [check.to_json() for check in self.checks],
            "differences": list(self.differences),
            "complete": self.complete,
            "first_difference": self.first,
            "not_checked": [check.code for check in self.checks if check.ok is None],
        }


class Checklist:
    """Collects checks under the fixed numbers of one kind of verification; one that was never made reads so."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._numbers = {code: number for number, code in enumerate(codes, 1)}
        self._made: dict[str, Check] = {}

    def add(self, code: str, ok: bool | None, detail: str) -> bool:
        """Note a check; answers whether it held."""
        self._made[code] = Check(self._numbers[code], code, ok, detail)
        return ok is True

    def made(self, code: str) -> bool:
        return code in self._made

    def all(self) -> tuple[Check, ...]:
        """In order of their numbers."""
        return tuple(
            self._made.get(code, Check(number, code, None, "what it needs was not at hand"))
            for code, number in self._numbers.items()
        )
