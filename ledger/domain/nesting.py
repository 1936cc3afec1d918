"""How deep JSON nests, told before it is parsed.

Python's parser recurses in C. A library that raises the interpreter's recursion limit (py_ecc does) takes its guard
away, and a line of brackets then crashes the process; so every text from outside is measured first.
"""

import re
from typing import Final

_MARKS: Final = b'"[]{}'
_OTHERS: Final = bytes(set(range(256)) - set(_MARKS))
_ALIKE: Final = bytes.maketrans(b"{}", b"[]")
_STRING: Final = re.compile(rb'"[^"]*"?')


def nests_deeper(text: str, most: int) -> bool:
    """Whether brackets outside strings ever stand more than `most` deep. Linear in time.

    A backslash outside a string is no JSON, and ends the parser's work; what follows it is measured all the same.
    """
    # escapes go first, pairs of backslashes before the quotes that follow them; then all but quotes and brackets
    plain = text.encode("utf-8", "surrogatepass").replace(rb"\\", b"").replace(rb"\"", b"")
    brackets = _STRING.sub(b"", plain.translate(_ALIKE, _OTHERS))
    shallow = brackets
    for _ in range(most):  # each round takes away the innermost pairs, and so one level
        if not shallow:
            return False
        shallow = shallow.replace(b"[]", b"")
    return bool(shallow) and _counted(brackets, most)  # deeper, or not in pairs


def _counted(brackets: bytes, most: int) -> bool:
    depth = 0
    for mark in brackets:
        depth += 1 if mark == ord("[") else -1
        if depth > most:
            return True
    return False
