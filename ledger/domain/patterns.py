"""Patterns of quality rules: RE2, so that they are matched in time linear in the text, whoever wrote them.

A rule set is written by one department and run by another's server over millions of cells, so a pattern must never be
able to stop it: Python's own `re` backtracks, may take exponential time, and holds the whole process meanwhile.
The syntax is RE2's (https://github.com/google/re2/wiki/Syntax): no references, no look-around; `\\d` and its like are
ASCII; a character by number is `\\x{91d1}`.
"""

from functools import lru_cache
from typing import Final

import re2

LONGEST: Final = 1000  # characters of a pattern
_SHORT: Final = 256  # characters of a text that is worth keeping
_MEMORY: Final = 8 << 20  # bytes for one pattern's program and states


class BadPattern(ValueError):
    """What is wrong with it, in RE2's words."""


class Pattern:
    """A pattern that matches whole texts. Raises BadPattern: not RE2, too long, or too large once compiled."""

    __slots__ = ("_matches", "_short")

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise BadPattern(f"it has {len(text)} characters; at most {LONGEST} are taken")
        options = re2.Options()
        options.log_errors = False  # the reason is in the exception; a pattern is no business of our log
        options.max_mem = _MEMORY
        try:
            compiled = re2.compile(text, options)
        except re2.error as error:
            reason = error.args[0] if error.args else error
            raise BadPattern(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None

        def matches(cell: str) -> bool:
            try:
                return compiled.fullmatch(cell) is not None
            except UnicodeEncodeError:  # bytes that are no text in the file's encoding: no pattern describes them
                return False

        self._matches = matches
        # columns repeat their values, and crossing into RE2 costs more than a short match
        self._short = lru_cache(maxsize=4096)(matches)

    def matches(self, text: str) -> bool:
        return self._short(text) if len(text) <= _SHORT else self._matches(text)
