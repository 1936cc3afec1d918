"""How fast a reading goes and how long it has yet: a line on stderr, rewritten in a terminal, else now and then."""

import sys
import time
from collections.abc import Callable
from typing import Final, Self

from ledger.cli.output import Output, printable
from ledger.cli.texts import say

REDRAWN: Final = 0.2  # seconds, in a terminal
REPEATED: Final = 10.0  # seconds, in a log
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


class Pace:
    """Tell it how far it got; `total` are bytes, where they are known, of which `done` tells how many are read.

    `first` records were done by an earlier run: they are no part of this one's pace.
    """

    def __init__(
        self, out: Output, what: str, total: int | None, done: Callable[[], int] | None = None, *, first: int = 0
    ) -> None:
        self._out, self._what, self._total, self._done = out, what, total, done
        self._terminal = sys.stderr.isatty()
        self._begun = self._last = time.monotonic()
        self._first = first
        self._first_done: int | None = None if first else 0
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def records(self, records: int) -> None:
        """So many records are done."""
        self._step(records, 0 if self._done is None else self._done())

    def bytes(self, done: int) -> None:
        """So many bytes are done, of something that has no records."""
        self._step(None, done)

    def _step(self, records: int | None, done: int) -> None:
        if self._first_done is None:
            self._first_done = done
        now = time.monotonic()
        if now - self._last < (REDRAWN if self._terminal else REPEATED):
            return
        self._last = now
        line = printable(self._line(records, done, max(now - self._begun, 1e-3)))
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._drawn = True
        else:
            self._out.note(line)

    def _line(self, records: int | None, done: int, seconds: float) -> str:
        from ledger.fingerprint.kernel import engine_name

        lang = self._out.lang
        first_done = self._first_done or 0
        parts = []
        if records is not None:
            rate = f"{(records - self._first) / seconds:,.0f}"
            parts.append(say(lang, "pace", records=f"{records:,}", rate=rate))
        if self._total:
            parts.append(say(lang, "bytes-of", done=_size(done), total=_size(self._total)))
            parts.append(f"{_size((done - first_done) / seconds)}/s")
            if done > first_done:
                left = (self._total - done) * seconds / (done - first_done)
                parts.append(say(lang, "left", seconds=f"{max(left, 0):.0f}"))
        return f"{self._what}: " + " · ".join([*parts, engine_name()])


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""
