"""Decoding GB 18030 by one named table: GB 18030-2022, exactly.

Engines differ at A6D9 and 18 other code positions: the 2000 and 2005 editions gave them private-use characters and the
2022 edition exchanged each with the four-byte code of its standard character. Python's codec is of the first edition.
An exchange is a permutation of characters, so it is done on the decoded text, and no two files ever read the same.
"""

import codecs
import re
from io import RawIOBase
from typing import BinaryIO

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


_MARK = "shareledger.mark"
_PIECE = 1 << 18


def _mark(error: UnicodeError) -> tuple[str, int]:
    """A lone surrogate for bytes that cannot be decoded: in UTF-8 that is refused again, by row and column."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_MARK, _mark)


class Utf8Stream(RawIOBase):
    """A GB 18030 stream as UTF-8. What cannot be decoded is an encoded surrogate in it, which is not UTF-8 either."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("gb18030")(_MARK)
        self._held = memoryview(b"")
        self.taken = 0  # bytes of the stream

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """Fill some of `target`; 0 at the end. Raises OSError."""
        while not self._held:
            piece = self._stream.read(_PIECE)
            self.taken += len(piece)
            text = self._decoder.decode(piece, final=not piece)
            if _TOUCHED is not None and _TOUCHED.search(text):
                text = text.translate(_EXCHANGES)
            self._held = memoryview(text.encode("utf-8", "surrogatepass"))
            if not piece:
                break
        count = min(len(target), len(self._held))
        target[:count] = self._held[:count]
        self._held = self._held[count:]
        return count


def decode(content: bytes) -> str:
    """All of `content` by the table. Raises UnicodeDecodeError."""
    return content.decode("gb18030").translate(_EXCHANGES)
