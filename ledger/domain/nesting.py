"""How deep JSON nests, told before it is parsed.

Python's parser recurses in C. A library that raises the interpreter's recursion limit (py_ecc does) takes its guard
away, and a line of brackets then crashes the process; so every text from outside is measured first.
"""

import re
from typing import Final

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ALIKE: Final = str.maketrans("{}", "[]")
_NOT_BRACKETS: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*+"?|[^"\[\]{}]++)++', re.DOTALL)


def nests_deeper(text: str, most: int) -> bool:
    """Whether brackets outside strings ever stand more than `most` deep. Linear in time."""
    brackets = _NOT_BRACKETS.sub("", text).translate(_ALIKE)
    for _ in range(most):  # each round takes away the innermost pairs, and so one level
        if not brackets:
            return False
        brackets = brackets.replace("[]", "")
    return bool(brackets) and _counted(text, most)  # deeper, or not in pairs


def _counted(text: str, most: int) -> bool:
    depth = 0
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if mark in ("[", "{"):
            depth += 1
            if depth > most:
                return True
        elif mark in ("]", "}"):
            depth -= 1
    return False
