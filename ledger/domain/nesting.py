"""How deep JSON nests, told before it is parsed.

Python's parser recurses in C. A library that raises the interpreter's recursion limit (py_ecc does) takes its guard
away, and a line of brackets then crashes the process; so every text from outside is measured first.
"""

import re
from typing import Final

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def nests_deeper(text: str, most: int) -> bool:
    """Whether brackets outside strings ever stand more than `most` deep. Linear in time, constant in memory."""
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
