"""Many SHA-256 messages at once: leaves, nodes and HMACs over arrays. `engine` is told by its type: see `intrinsics`.

All of it runs without the interpreter's lock. Buffers that messages are read from must be readable for 64 bytes past
their last message: blocks are copied whole, whatever is needed of them.

Memory that is only reached by its address is an argument (`area`, `states`, `pointers`: see `scratch`): numba frees an
array of its own as soon as its name is used no more.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ledger.fingerprint.kernel.constants import START
from ledger.fingerprint.kernel.intrinsics import (
    MOST_LANES,
    compress,
    copy16,
    copy64,
    lanes,
    put8,
    put32,
    put64,
    put_digest,
    put_state,
    set_states,
    zero64,
)

AREA = 2 * MOST_LANES * 256
_STAGE = 256  # bytes for the blocks of a message that are not plain stretches of the record: its first, its last two
_BUCKETS = 256  # messages of so many blocks and more go side by side only with neighbours of the same size
_FIRST = np.array(START, np.uint32)


def scratch() -> tuple[NDArray[np.uint8], NDArray[np.uint32], NDArray[np.int64]]:
    """Memory for one call: staged blocks, states, block addresses."""
    return np.empty(AREA, np.uint8), np.empty(8 * MOST_LANES, np.uint32), np.empty((4, MOST_LANES), np.int64)


@njit(nogil=True, cache=True)
def _stage(stage, prefix, salt, record, length):
    """Lay out the first block and the padded end of prefix || salt || record; `salt` 0 means none."""
    put8(stage, prefix)
    head = 1
    if salt:
        copy16(stage + 1, salt)
        head = 17
    copy64(stage + head, record)
    size = head + length
    whole = size >> 6
    end = size & 63
    tail = stage
    if whole:
        tail = stage + 64
        copy64(tail, record + 64 * whole - head)
    zero64(tail + end)
    zero64(tail + 64)
    put8(tail + end, 0x80)
    put64(tail + (56 if end < 56 else 120), 8 * size)


@njit(nogil=True, cache=True)
def _run(engine, count, blocks, stages, sources, heads, sizes, targets, side, pointers, states):
    """Hash `count` staged messages of `blocks` blocks each, of the lanes from `side` on in these arrays.

    A lane without a message repeats the first one.
    """
    wide = lanes(engine)
    where, block = states.ctypes.data, pointers.ctypes.data
    set_states(engine, where, _FIRST.ctypes.data)
    for lane in range(wide):
        pointers[0, lane] = stages[side + lane if lane < count else side]
    compress(engine, where, block)
    for at in range(1, blocks):
        for lane in range(wide):
            own = side + lane if lane < count else side
            whole = sizes[own] >> 6
            if at < whole:
                pointers[0, lane] = sources[own] + 64 * at - heads
            elif whole:
                pointers[0, lane] = stages[own] + 64 * (1 + at - whole)
            else:
                pointers[0, lane] = stages[own] + 64 * at
        compress(engine, where, block)
    for lane in range(count):
        put_digest(engine, where, lane, targets[side + lane])


@njit(nogil=True, cache=True)
def leaves(engine, prefix, content, starts, stops, salts, step, out, area, states, pointers):
    """out[i] = SHA-256(prefix || salt(i) || content[starts[i]:stops[i]]).

    The first salt is at the address `salts`, 0 for no salts; from one to the next it is `step` bytes.

    Messages are taken in the order of their number of blocks, so that all lanes have the same number.
    """
    number = len(starts)
    wide = lanes(engine)
    head = 17 if salts else 1
    places = np.zeros(_BUCKETS + 1, np.int64)
    for at in range(number):
        blocks = (stops[at] - starts[at] + head + 72) >> 6
        places[min(blocks, _BUCKETS)] += 1
    total = 0
    for bucket in range(_BUCKETS + 1):
        here = places[bucket]
        places[bucket] = total
        total += here
    order = np.empty(number, np.int32)
    for at in range(number):
        bucket = min((stops[at] - starts[at] + head + 72) >> 6, _BUCKETS)
        order[places[bucket]] = at
        places[bucket] += 1
    # Two sets of stages: the next group is laid out before this one is hashed, so that its stores have settled.
    stages, sources = np.empty(2 * MOST_LANES, np.int64), np.empty(2 * MOST_LANES, np.int64)
    sizes, targets = np.empty(2 * MOST_LANES, np.int64), np.empty(2 * MOST_LANES, np.int64)
    for lane in range(2 * MOST_LANES):
        stages[lane] = area.ctypes.data + lane * _STAGE
    base, target = content.ctypes.data, out.ctypes.data
    begin, bucket, side = 0, 0, 0
    held_count, held_blocks = 0, 0
    while begin < number:
        while begin >= places[bucket]:
            bucket += 1
        count = min(wide, places[bucket] - begin)
        if bucket == _BUCKETS:
            first = order[begin]
            size = stops[first] - starts[first]
            same = 1
            while same < count and (stops[order[begin + same]] - starts[order[begin + same]]) == size:
                same += 1
            count = same
        blocks = 0
        for lane in range(count):
            at = order[begin + lane]
            own = side + lane
            sources[own] = base + starts[at]
            size = stops[at] - starts[at] + head
            sizes[own] = size
            targets[own] = target + 32 * at
            blocks = (size + 72) >> 6
            _stage(stages[own], prefix, salts + step * at if salts else 0, base + starts[at], size - head)
        other = MOST_LANES - side
        if held_count:
            _run(engine, held_count, held_blocks, stages, sources, head, sizes, targets, other, pointers, states)
        held_count, held_blocks = count, blocks
        side = other
        begin += count
    if held_count:
        other = MOST_LANES - side
        _run(engine, held_count, held_blocks, stages, sources, head, sizes, targets, other, pointers, states)


@njit(nogil=True, cache=True)
def parents(engine, nodes, number, out, area, states, pointers):
    """out[i] = SHA-256(0x01 || nodes[2i] || nodes[2i + 1]) for all pairs of the first `number` nodes; an odd last one
    is carried up. `out` may be `nodes`."""
    wide = lanes(engine)
    stage = area.ctypes.data
    for each in range(2 * MOST_LANES):
        zero64(stage + 128 * each + 64)
        put8(stage + 128 * each, 1)
        put8(stage + 128 * each + 65, 0x80)
        put64(stage + 128 * each + 120, 65 * 8)
    for side in range(2):
        for lane in range(MOST_LANES):
            pointers[2 * side, lane] = stage + 128 * (side * MOST_LANES + lane)
            pointers[2 * side + 1, lane] = pointers[2 * side, lane] + 64
    pairs = number >> 1
    source, target = nodes.ctypes.data, out.ctypes.data
    last = source + 64 * (pairs - 1)
    where, firsts = states.ctypes.data, pointers.ctypes.data
    for lane in range(wide):
        copy64(pointers[0, lane] + 1, min(source + 64 * lane, last))
    side = 0
    for begin in range(0, pairs, wide):
        # The next group is laid out before this one is hashed: its stores have settled when its turn comes.
        for lane in range(wide):
            copy64(pointers[2 - 2 * side, lane] + 1, min(source + 64 * (begin + wide + lane), last))
        set_states(engine, where, _FIRST.ctypes.data)
        compress(engine, where, firsts + 16 * MOST_LANES * side)
        compress(engine, where, firsts + 16 * MOST_LANES * side + 8 * MOST_LANES)
        for lane in range(min(wide, pairs - begin)):
            put_digest(engine, where, lane, target + 32 * (begin + lane))
        side = 1 - side
    if number & 1:
        copy16(target + 32 * pairs, source + 64 * pairs)
        copy16(target + 32 * pairs + 16, source + 64 * pairs + 16)


@njit(nogil=True, cache=True)
def macs(engine, inner, outer, first, count, pairs, out, area, states, pointers):
    """HMAC-SHA-256 of u64(i), or with pairs > 0 of u64(i) || u32(p) for p < pairs, for `count` values of i.

    `inner` and `outer` are the states after the two key blocks.
    """
    wide = lanes(engine)
    stage = area.ctypes.data
    blocks, ends = pointers[0], pointers[1]
    size = 12 if pairs else 8
    for lane in range(MOST_LANES):
        blocks[lane] = stage + 128 * lane
        ends[lane] = blocks[lane] + 64
        zero64(blocks[lane])
        zero64(ends[lane])
        put8(blocks[lane] + size, 0x80)
        put64(blocks[lane] + 56, 8 * (64 + size))
        put8(ends[lane] + 32, 0x80)
        put64(ends[lane] + 56, 8 * (64 + 32))
    number = count * max(pairs, 1)
    target, where, first_block = out.ctypes.data, states.ctypes.data, pointers.ctypes.data
    for begin in range(0, number, wide):
        for lane in range(wide):
            at = begin + lane
            if pairs:
                put64(blocks[lane], first + at // pairs)
                put32(blocks[lane] + 8, at % pairs)
            else:
                put64(blocks[lane], first + at)
        set_states(engine, where, inner.ctypes.data)
        compress(engine, where, first_block)
        for lane in range(wide):
            put_digest(engine, where, lane, ends[lane])
        set_states(engine, where, outer.ctypes.data)
        compress(engine, where, first_block + 8 * MOST_LANES)
        for lane in range(min(wide, number - begin)):
            put_digest(engine, where, lane, target + 32 * (begin + lane))


@njit(nogil=True, cache=True)
def key_state(engine, block, out, states, pointers):
    """The state after one block of 64 bytes."""
    for lane in range(MOST_LANES):
        pointers[0, lane] = block.ctypes.data
    set_states(engine, states.ctypes.data, _FIRST.ctypes.data)
    compress(engine, states.ctypes.data, pointers.ctypes.data)
    put_state(engine, states.ctypes.data, out.ctypes.data)
