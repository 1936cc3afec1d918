"""Memory for what lives as long as one batch of records."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def blank(shape: int | tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An array of no particular contents, as `numpy.empty` makes, out of Arrow's pool.

    The pool gives the same pages again; the system's allocator hands pieces of this size back and gets new ones, which
    the kernel fills with zeros first: a tenth of the time of a fingerprint.
    """
    kind = np.dtype(dtype)
    count = shape if isinstance(shape, int) else int(np.prod(shape))
    return np.frombuffer(pa.allocate_buffer(count * kind.itemsize), kind).reshape(shape)
