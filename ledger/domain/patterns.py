"""Patterns of quality rules: matched in time linear in the text, whoever wrote them.

A rule set is written by one department and run by another's server over millions of cells, so a pattern must never be
able to stop it: Python's own `re` backtracks, takes exponential time on some patterns, and holds the whole process
meanwhile. Here a pattern is an automaton (Glushkov, 1961) whose states are made when they are first met.

The syntax is the part of Python's `re` that such an automaton can match, and means the same:

    x  \\x  .  [a-z]  [^a-z]  \\d \\D \\w \\W \\s \\S     one character; \\ before any that is no letter or digit
    \\n \\t \\r  \\xXX \\uXXXX                             characters by name or number
    ab   a|b   (…)   (?:…)                              one after the other, either, together
    ?  *  +  {m}  {m,}  {m,n}                           so many times
    ^ at the start, $ at the end                        allowed and without effect: a pattern matches a whole text

Not part of it: references, look-around, flags, lazy and possessive repetition, `^` and `$` elsewhere. Repetitions are
written out, so a pattern may come to at most 1000 characters so counted.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_POSITIONS: Final = 1000
MOST_DEPTH: Final = 50
MOST_EDGES: Final = 20_000  # of the automaton, kept at once; over that they are made again
_SINGLE: Final = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[dDwWsSntr]|[^0-9A-Za-z])"
    r"|\[\^?(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[dDwWsSntr]|[^0-9A-Za-z])|\](?<=\[\])|\](?<=\[\^\])|[^\]\\])*+\]"
    r"|[^\\\[\](){}|?*+^$]",
    re.DOTALL,
)
_SET_SIGNS: Final = re.compile(r"\[|--|&&|\|\||~~")  # in a class, what later versions of Python may read as sets
_COUNT: Final = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}", re.ASCII)


class BadPattern(ValueError):
    """What is wrong, and at which character."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern as its positions: sets of them as bits."""

    nullable: bool
    first: int
    last: int
    positions: tuple[int, ...]


_EMPTY: Final = _Part(True, 0, 0, ())


class _Node:
    """A state: the positions that may have matched the last character."""

    __slots__ = ("edges", "final", "positions")

    def __init__(self, positions: int, final: bool) -> None:
        self.positions, self.final = positions, final
        self.edges: dict[str, _Node] = {}


class Pattern:
    """A compiled pattern. Not for several threads at once."""

    def __init__(self, text: str) -> None:
        """Raises BadPattern."""
        self._tests: list[re.Pattern[str]] = []  # by position: which characters it takes
        self._follow: list[int] = []  # by position: which may come next
        whole = _Parser(text, self).whole()
        self._last, self._nullable = whole.last, whole.nullable
        self._by_test: dict[re.Pattern[str], int] = {}
        for position, test in enumerate(self._tests):
            self._by_test[test] = self._by_test.get(test, 0) | 1 << position
        self._start_set = whole.first
        self._forget()

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        node = self._start
        for character in text:
            node = node.edges.get(character) or self._step(node, character)
            if not node.positions:
                return False
        return node.final

    # the automaton

    def _forget(self) -> None:
        self._nodes: dict[int, _Node] = {}
        self._takes: dict[str, int] = {}
        self._edges = 0
        self._start = _Node(0, self._nullable)

    def _step(self, node: _Node, character: str) -> _Node:
        if self._edges >= MOST_EDGES:
            start = node is self._start
            self._forget()
            node = self._start if start else self._node(node.positions)
        self._edges += 1
        reached = self._start_set if node is self._start else self._after(node.positions)
        found = node.edges[character] = self._node(reached & self._taking(character))
        return found

    def _node(self, positions: int) -> _Node:
        if positions not in self._nodes:
            self._nodes[positions] = _Node(positions, bool(positions & self._last))
        return self._nodes[positions]

    def _after(self, positions: int) -> int:
        reached = 0
        while positions:
            lowest = positions & -positions
            reached |= self._follow[lowest.bit_length() - 1]
            positions ^= lowest
        return reached

    def _taking(self, character: str) -> int:
        if character not in self._takes:
            self._takes[character] = sum(mask for test, mask in self._by_test.items() if test.match(character))
        return self._takes[character]

    # building it

    def single(self, test: re.Pattern[str], at: int) -> _Part:
        if len(self._tests) >= MOST_POSITIONS:
            raise BadPattern(f"it comes to more than {MOST_POSITIONS} characters at character {at + 1}")
        self._tests.append(test)
        self._follow.append(0)
        position = len(self._tests) - 1
        return _Part(False, 1 << position, 1 << position, (position,))

    def joined(self, parts: Iterable[_Part]) -> _Part:
        whole = _EMPTY
        for part in parts:
            self._lead(whole, part)
            whole = _Part(
                whole.nullable and part.nullable,
                whole.first | (part.first if whole.nullable else 0),
                part.last | (whole.last if part.nullable else 0),
                whole.positions + part.positions,
            )
        return whole

    def repeated(self, part: _Part) -> _Part:
        """Once or more."""
        self._lead(part, part)
        return part

    def copy(self, part: _Part, at: int) -> _Part:
        """The part once more, with positions of its own."""
        moved = {position: self.single(self._tests[position], at).positions[0] for position in part.positions}

        def move(positions: int) -> int:
            return sum(1 << new for old, new in moved.items() if positions >> old & 1)

        for old, new in moved.items():
            self._follow[new] = move(self._follow[old])
        return _Part(part.nullable, move(part.first), move(part.last), tuple(moved.values()))

    def _lead(self, before: _Part, after: _Part) -> None:
        for position in before.positions:
            if before.last >> position & 1:
                self._follow[position] |= after.first


class _Parser:
    """Recursive descent over the pattern's text."""

    def __init__(self, text: str, made: Pattern) -> None:
        self._text, self._made, self._at, self._depth = text, made, 0, 0
        self._compiled: dict[str, re.Pattern[str]] = {}

    def whole(self) -> _Part:
        self._skip("^")
        part = self._either()
        self._skip("$")
        if self._at < len(self._text):
            raise self._bad(f"{self._text[self._at]!r} is not allowed here")
        return part

    def _either(self) -> _Part:
        parts = [self._sequence()]
        while self._skip("|"):
            parts.append(self._sequence())
        first = last = 0
        for part in parts:
            first, last = first | part.first, last | part.last
        nullable = any(part.nullable for part in parts)
        return _Part(nullable, first, last, tuple(position for part in parts for position in part.positions))

    def _sequence(self) -> _Part:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in "|)$":
            parts.append(self._times(self._one()))
        return self._made.joined(parts)

    def _one(self) -> _Part:
        if self._skip("("):
            self._depth += 1
            if self._depth > MOST_DEPTH:
                raise self._bad("too many parentheses in each other")
            if self._skip("?") and not self._skip(":"):
                raise self._bad("of the forms (?…) only (?:…) is known")
            part = self._either()
            if not self._skip(")"):
                raise self._bad("a parenthesis is not closed")
            self._depth -= 1
            return part
        found = _SINGLE.match(self._text, self._at)
        if found is None:
            raise self._bad("this is not one character, a class or a group")
        part = self._made.single(self._test(found[0]), self._at)
        self._at = found.end()
        return part

    def _test(self, single: str) -> re.Pattern[str]:
        if single not in self._compiled:
            if single[0] == "[" and _SET_SIGNS.search(single.replace("\\[", ""), 1):
                raise self._bad("in a class, write [ as \\[ and no sign twice")
            try:
                self._compiled[single] = re.compile(single, re.DOTALL if single != "." else 0)
            except re.error as error:
                raise self._bad(f"{single!r} is no class: {error.msg}") from None
        return self._compiled[single]

    def _times(self, part: _Part) -> _Part:
        made, at = self._made, self._at
        if self._skip("?"):
            least, most = 0, 1
        elif self._skip("*"):
            least, most = 0, None
        elif self._skip("+"):
            least, most = 1, None
        elif found := _COUNT.match(self._text, self._at):
            self._at = found.end()
            least = int(found[1])
            most = least if found[2] is None else int(found[3]) if found[3] else None
            if most is not None and most < least:
                raise self._bad("the most is below the least")
        else:
            return part
        if self._at < len(self._text) and self._text[self._at] in "?*+{":
            raise self._bad("a repetition of a repetition; put the first into parentheses")
        return made.joined(self._copies(part, least, most, at))

    def _copies(self, part: _Part, least: int, most: int | None, at: int) -> list[_Part]:
        """As many copies as it takes: those that must be, then those that may."""
        count = max(least, 1) if most is None else most
        if count == 0:
            return []
        # copied before anything leads from the part to itself
        copies = [part, *(self._made.copy(part, at) for _ in range(count - 1))]
        if most is None:
            copies[-1] = self._made.repeated(copies[-1])
        return [
            one if number < least else _Part(True, one.first, one.last, one.positions)
            for number, one in enumerate(copies)
        ]

    def _skip(self, mark: str) -> bool:
        found = self._text.startswith(mark, self._at)
        self._at += found
        return found

    def _bad(self, what: str) -> BadPattern:
        return BadPattern(f"{what}, at character {self._at + 1}")
