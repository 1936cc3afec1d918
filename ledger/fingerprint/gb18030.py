"""Decoding GB 18030 by one named table: GB 18030-2022, exactly.

Engines differ at A6D9 and 18 other code positions: the 2000 and 2005 editions gave them private-use characters and the
2022 edition exchanged each with the four-byte code of its standard character. Python's codec is of the first edition.
An exchange is a permutation of characters, so it is done on the decoded text, and no two files ever read the same.
"""

import re
from collections.abc import Iterable, Iterator

TABLE = "GB18030-2022"

# code position -> character, as the 2022 edition has it (A8BC already since 2005)
POSITIONS_2022 = {
    "a6d9": "\ufe10", "a6da": "\ufe12", "a6db": "\ufe11", "a6dc": "\ufe13", "a6dd": "\ufe14", "a6de": "\ufe15",
    "a6df": "\ufe16", "a6ec": "\ufe17", "a6ed": "\ufe18", "a6f3": "\ufe19", "a8bc": "\u1e3f", "fe59": "\u9fb4",
    "fe61": "\u9fb5", "fe66": "\u9fb6", "fe67": "\u9fb7", "fe6d": "\u9fb8", "fe7e": "\u9fb9", "fe90": "\u9fba",
    "fea0": "\u9fbb",
}  # fmt: skip


def _exchanges() -> dict[int, str]:
    """What to exchange after the running Python's codec: it is asked, so a later codec needs no change here."""
    table: dict[int, str] = {}
    for position, character in POSITIONS_2022.items():
        decoded = bytes.fromhex(position).decode("gb18030")
        if decoded != character:
            table[ord(decoded)] = character
            table[ord(character)] = decoded
    return table


_EXCHANGES = _exchanges()
_TOUCHED = re.compile("[" + "".join(map(chr, sorted(_EXCHANGES))) + "]") if _EXCHANGES else None


def corrected(lines: Iterable[str]) -> Iterator[str]:
    """Lines decoded by Python's `gb18030` codec, as GB 18030-2022 means them."""
    touched = _TOUCHED.search if _TOUCHED else lambda line: None
    for line in lines:
        yield line.translate(_EXCHANGES) if touched(line) else line


def decode(content: bytes) -> str:
    """All of `content` by the table. Raises UnicodeDecodeError."""
    return content.decode("gb18030").translate(_EXCHANGES)
