"""Up a tree by one path (RFC 9162 section 2.1.3.2): the same steps as `merkle.verify_inclusion`, in compiled code.

Only one message is hashed at a time, each waiting for the one before: what is saved is the interpreter's part.
"""

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from ledger.fingerprint.kernel.constants import START
from ledger.fingerprint.kernel.intrinsics import (
    MOST_LANES,
    compress,
    copy16,
    put8,
    put64,
    put_digest,
    set_states,
    zero64,
)

if TYPE_CHECKING:
    from ledger.fingerprint.kernel.engine import Octets

MOST_SIZE = 1 << 62  # leaves of a tree whose numbers are counted with here
_FIRST = np.array(START, np.uint32)
_STAGE = 256


@njit(nogil=True, cache=True)
def _climb(engine, nodes, number, index, last, stage, states, pointers):
    """Do the first of these nodes and the `number` from the third on lead to the second?"""
    area, given = stage.ctypes.data, nodes.ctypes.data
    node = area + 128
    zero64(area + 64)
    put8(area, 1)
    put8(area + 65, 0x80)
    put64(area + 120, 65 * 8)
    for lane in range(MOST_LANES):
        pointers[0, lane] = area
        pointers[1, lane] = area + 64
    where, blocks, first = states.ctypes.data, pointers.ctypes.data, _FIRST.ctypes.data
    copy16(node, given)
    copy16(node + 16, given + 16)
    for at in range(number):
        if last == 0:
            return False
        sibling = given + 64 + 32 * at
        on_left = (index & 1) == 1 or index == last
        left, right = (sibling, node) if on_left else (node, sibling)
        copy16(area + 1, left)
        copy16(area + 17, left + 16)
        copy16(area + 33, right)
        copy16(area + 49, right + 16)
        if on_left:
            while (index & 1) == 0 and index != 0:
                index >>= 1
                last >>= 1
        index >>= 1
        last >>= 1
        set_states(engine, where, first)
        compress(engine, where, blocks)
        compress(engine, where, blocks + 8 * MOST_LANES)
        put_digest(engine, where, 0, node)
    same = last == 0
    for at in range(32):
        same = same and stage[128 + at] == nodes[32 + at]
    return same


def climbs(engine: "np.uint8 | np.uint16", nodes: "Octets", index: int, size: int) -> bool:
    """Do leaf `index` of `size` (at most 2^62) and its siblings lead to the root?

    `nodes` are digests one after the other: the leaf's hash, the root, then the siblings, lowest first.
    """
    stage, states = np.empty(_STAGE, np.uint8), np.empty(8 * MOST_LANES, np.uint32)
    pointers = np.empty((2, MOST_LANES), np.int64)
    return bool(_climb(engine, nodes, len(nodes) // 32 - 2, index, size - 1, stage, states, pointers))
