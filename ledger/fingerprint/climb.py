"""Whether a single path leads to a root: in compiled code where it is at hand, else by `merkle.verify_inclusion`."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ledger.fingerprint import kernel
from ledger.fingerprint.fingerprint import DIGEST_BYTES
from ledger.fingerprint.merkle import verify_inclusion

_MOST_SIZE: Final = 1 << 62
_ONE_LENGTH: Final = {DIGEST_BYTES}


def leads_to(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2 under SHA-256: is `leaf` (a leaf hash) number `index` of the tree of `size` leaves?

    Never raises: whatever is wrong with a proof, the answer is False.
    """
    engine = kernel.chosen()
    if engine is None or not engine.compiled or not 0 <= index < size <= _MOST_SIZE:
        return verify_inclusion(leaf, index, size, path, root)
    nodes = (leaf, root, *path)
    if set(map(len, nodes)) != _ONE_LENGTH:
        return False
    return engine.climbs(np.frombuffer(b"".join(nodes), np.uint8), index, size)
