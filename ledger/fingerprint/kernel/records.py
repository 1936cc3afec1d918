"""Cells to records: u32(length) || bytes of each column, one record after the other."""

import numpy as np
from numba import njit

from ledger.fingerprint.kernel.intrinsics import copy16, get8, put8, put32

NULL = 0xFFFFFFFF
_PAGE = 4096


@njit(nogil=True, cache=True)
def look_up(indices, valid, known_starts, known_lengths, starts, lengths):
    """Cells that are named by their number in a dictionary. Returns the first whose number is in none, or all."""
    for at in range(len(indices)):
        starts[at], lengths[at] = known_starts[0], NULL
        if len(valid) and not valid[at]:
            continue
        place = indices[at]
        if place < 0 or place >= len(known_lengths):
            return at
        starts[at], lengths[at] = known_starts[place], known_lengths[place]
    return len(indices)


@njit(nogil=True, cache=True)
def measure(lengths, offsets):
    """Fill `offsets` (records + 1) with where records start; `lengths` is columns by records. Returns their size."""
    columns, records = lengths.shape
    for at in range(records):
        offsets[at + 1] = 4 * columns
    for column in range(columns):
        for at in range(records):
            size = lengths[column, at]
            offsets[at + 1] += 0 if size == NULL else np.int64(size)
    offsets[0] = 0
    for at in range(records):
        offsets[at + 1] += offsets[at]
    return offsets[records]


@njit(nogil=True, cache=True)
def join(starts, lengths, offsets, out):
    """Write the records. `out` has 128 bytes more than they need: cells are copied in steps of 16 bytes.

    Reading past a cell is safe as long as it stays within its page of memory.
    """
    columns, records = lengths.shape
    base = out.ctypes.data
    for at in range(records):
        target = base + offsets[at]
        for column in range(columns):
            size = np.int64(lengths[column, at])
            put32(target, size)
            target += 4
            if size == NULL:
                continue
            source = starts[column, at]
            for done in range(0, size, 16):
                if (source + done) & (_PAGE - 1) <= _PAGE - 16 or done + 16 <= size:
                    copy16(target + done, source + done)
                else:
                    for place in range(done, size):
                        put8(target + place, get8(source + place))
            target += size
    return 0


@njit(nogil=True, cache=True)
def fields(content, offsets, columns, starts, stops):
    """Where each field (marker and bytes) of each record starts and stops."""
    for at in range(len(offsets) - 1):
        place = offsets[at]
        for column in range(columns):
            starts[at * columns + column] = place
            size = np.int64(content[place]) << 24
            size |= np.int64(content[place + 1]) << 16
            size |= np.int64(content[place + 2]) << 8
            size |= np.int64(content[place + 3])
            place += 4 + (0 if size == NULL else size)
            stops[at * columns + column] = place
