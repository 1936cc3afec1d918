"""The bytes of a Parquet file that are looked at before it is decoded: headers of pages, lengths in dictionaries."""

from typing import Any

import numpy as np
from numba import njit

_HEADER, _DETAILS, _STATISTICS = range(3)
_DETAILS_OF = (5, 6, 7, 8)
_ENCODING_OF = (2, 0, 2, 4)
_INDEX = 1


@njit(nogil=True, cache=True)
def page_header(content: Any, found: Any) -> Any:
    """The size of the header that `content` begins with; 0 if it is for the plain reader to say what is the matter.

    `found` gets the page's kind, its bytes uncompressed and compressed, its values and their encoding.
    """
    found[:] = -1
    depth, name, outer, details = _HEADER, 0, 0, 0
    at: Any = 0
    while at < len(content):
        head = content[at]
        at += 1
        if head == 0:
            if depth == _HEADER:
                whole = 0 <= found[0] <= 3 and found[0] != _INDEX and found[1:].min() >= 0
                return at if whole else 0
            depth -= 1
            name = details if depth == _HEADER else outer
            continue
        if head < 16:
            return 0
        name += head >> 4
        kind = head & 15
        if kind == 12:
            if depth == _STATISTICS:
                return 0
            if depth == _HEADER:
                details = name
            else:
                outer = name
            depth, name = depth + 1, 0
        elif 4 <= kind <= 6 or kind == 8:
            raw, shift = np.uint64(0), np.uint64(0)
            while True:
                if at == len(content) or (shift > 28 and kind != 6) or shift > 63:
                    return 0
                raw |= np.uint64(content[at] & 127) << shift
                shift += np.uint64(7)
                at += 1
                if content[at - 1] < 128:
                    break
            if kind == 8:
                at += np.int64(raw)
            elif kind == 5 and depth != _STATISTICS:
                if raw > 0xFFFFFFFF:
                    return 0
                value = np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1))
                if depth == _HEADER:
                    if name <= 3:
                        found[name - 1] = value
                elif 0 <= found[0] <= 3 and details == _DETAILS_OF[found[0]]:
                    if name == 1:
                        found[3] = value
                    elif name == _ENCODING_OF[found[0]]:
                        found[4] = value
        elif kind == 3:
            at += 1
        elif kind == 7:
            at += 8
        elif kind not in (1, 2):
            return 0
    return 0


@njit(nogil=True, cache=True)
def longest(content: Any, count: Any) -> Any:
    """The bytes of the longest of the first `count` byte arrays in plain encoding; -1 if they are not all there."""
    found: Any = 0
    at: Any = 0
    for _ in range(count):
        if at + 4 > len(content):
            return -1
        size = np.int64(content[at]) | np.int64(content[at + 1]) << 8
        size |= np.int64(content[at + 2]) << 16 | np.int64(content[at + 3]) << 24
        at += 4 + size
        if at > len(content):
            return -1
        found = max(found, size)
    return found
