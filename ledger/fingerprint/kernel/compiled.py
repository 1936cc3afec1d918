"""The engines of compiled code: SHA extensions where the processor has them, plain vectors elsewhere."""

import numpy as np

from ledger.fingerprint.kernel.cache import compiled_code_kept
from ledger.fingerprint.kernel.engine import DIGEST_BYTES, Name, Octets, Places, as_array, key_blocks
from ledger.fingerprint.kernel.intrinsics import has_sha_extensions
from ledger.fingerprint.kernel.memory import blank

with compiled_code_kept():
    from ledger.fingerprint.kernel import climbing, hashing


class CompiledEngine:
    """Several messages side by side, without the interpreter's lock."""

    compiled = True

    def __init__(self, name: Name) -> None:
        """Raises ValueError if this processor has no SHA extensions and they are asked for."""
        if name == "sha-ni" and not has_sha_extensions():
            raise ValueError("this processor has no SHA extensions")
        self.name: Name = name
        # The type tells which code is meant: see `intrinsics`.
        self._engine = np.uint8(0) if name == "sha-ni" else np.uint16(0)

    def leaves(self, prefix: int, content: Octets, starts: Places, stops: Places, salts: Octets | None) -> Octets:
        found = blank((len(starts), DIGEST_BYTES), np.uint8)
        first, step = (0, 0) if salts is None else (salts.ctypes.data, salts.strides[0])
        hashing.leaves(self._engine, prefix, content, starts, stops, first, step, found, *hashing.scratch())
        return found

    def parents(self, nodes: Octets) -> Octets:
        found = blank(((len(nodes) + 1) // 2, DIGEST_BYTES), np.uint8)
        if len(nodes):
            hashing.parents(self._engine, nodes, len(nodes), found, *hashing.scratch())
        return found

    def macs(self, key: bytes, first: int, count: int, pairs: int = 0) -> Octets:
        keyed = np.empty((2, 8), np.uint32)
        area, states, pointers = hashing.scratch()
        for block, state in zip(key_blocks(key), keyed, strict=True):
            hashing.key_state(self._engine, as_array(block), state, states, pointers)
        found = blank((count * max(pairs, 1), DIGEST_BYTES), np.uint8)
        hashing.macs(self._engine, keyed[0], keyed[1], first, count, pairs, found, area, states, pointers)
        return found

    def climbs(self, nodes: Octets, index: int, size: int) -> bool:
        return climbing.climbs(self._engine, nodes, index, size)
