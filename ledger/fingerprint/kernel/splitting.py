"""Records back to columns: the cells of each column one after the other, without their markers."""

import numpy as np
from numba import njit

from ledger.fingerprint.kernel.intrinsics import copy16

NULL = 0xFFFFFFFF


@njit(nogil=True, cache=True)
def measure(content, offsets, starts, bounds, there):
    """Fill in, columns by records: `starts`, where each cell lies in `content`; `bounds` (one more each), where it will
    lie in its column; `there`, 0 for a null and 1 for any other cell."""
    columns = len(bounds)
    bounds[:, 0] = 0
    for at in range(len(offsets) - 1):
        place = offsets[at]
        for column in range(columns):
            size = np.int64(content[place]) << 24
            size |= np.int64(content[place + 1]) << 16
            size |= np.int64(content[place + 2]) << 8
            size |= np.int64(content[place + 3])
            there[column, at] = size != NULL
            if size == NULL:
                size = np.int64(0)
            starts[column, at] = place + 4
            bounds[column, at + 1] = bounds[column, at] + size
            place += 4 + size


@njit(nogil=True, cache=True)
def split(content, starts, bounds, bases, out):
    """Write the cells of column c from `out[bases[c]]` on.

    Cells are copied in steps of 16 bytes: `content` can be read that far past its last record, `out` has 16 bytes more
    than the cells need, and what runs over into the next cell's place is written before that cell is.
    """
    columns, records = starts.shape
    begin, target = content.ctypes.data, out.ctypes.data
    for column in range(columns):
        base = target + bases[column]
        for at in range(records):
            source, to = begin + starts[column, at], base + bounds[column, at]
            for done in range(0, bounds[column, at + 1] - bounds[column, at], 16):
                copy16(to + done, source + done)
