"""Leaf hashes to tile roots, as they come."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ledger.fingerprint.digests import DigestArray, Digests
from ledger.fingerprint.fingerprint import DIGEST_BYTES
from ledger.fingerprint.levels import top
from ledger.fingerprint.merkle import Hash, sha256
from ledger.fingerprint.tile_tree import TILE_RECORDS, subtree_roots


@dataclass(frozen=True, slots=True)
class Run:
    """Some leaves in a row as whole tiles' roots, and the leaves before and behind them whose tiles are not whole."""

    head: DigestArray
    tiles: DigestArray
    tail: DigestArray


def run_of(leaves: DigestArray, first: int, hash: Hash = sha256) -> Run:
    """`leaves`, (n, 32), are those from number `first` on. The work that can be done before the rest is known."""
    ahead = min(-first % TILE_RECORDS, len(leaves))
    whole = (len(leaves) - ahead) // TILE_RECORDS * TILE_RECORDS
    tiles = subtree_roots(leaves[ahead : ahead + whole], hash)
    return Run(leaves[:ahead], tiles, leaves[ahead + whole :])


class TileBuilder:
    """Leaf hashes in, tile roots out, in one pass and with the memory of one tile beside the roots themselves."""

    def __init__(self, hash: Hash = sha256, tiles: Iterable[bytes] = ()) -> None:
        """`tiles` are the roots of the whole tiles of leaves that were added before."""
        self._hash = hash
        self._roots = bytearray(b"".join(tiles))
        self._open = np.empty((0, DIGEST_BYTES), np.uint8)

    @property
    def size(self) -> int:
        """How many leaves were added."""
        return len(self._roots) // DIGEST_BYTES * TILE_RECORDS + len(self._open)

    @property
    def open_leaves(self) -> DigestArray:
        """The leaves whose tile is not whole yet."""
        return self._open

    def extend(self, leaves: DigestArray) -> None:
        """Add leaf hashes, (n, 32), at the end."""
        self.add(run_of(leaves, self.size, self._hash))

    def add(self, run: Run) -> None:
        """Add at the end what `run_of` made of the leaves from number `size` on."""
        self._open = np.concatenate([self._open, run.head])
        if len(self._open) == TILE_RECORDS:
            self._append(subtree_roots(self._open, self._hash).tobytes())
            self._open = self._open[:0]
        self._append(run.tiles.tobytes())
        if len(run.tail):
            self._open = run.tail.copy()

    def _append(self, more: bytes) -> None:
        try:
            self._roots += more
        except BufferError:  # somebody still holds what `whole_tiles` gave, which is not to change
            self._roots = self._roots + more

    def whole_tiles(self) -> Digests:
        """The roots of the whole tiles so far; not copied, since there may be many."""
        return Digests(memoryview(self._roots).toreadonly())

    def tiles(self) -> Digests:
        """The roots so far, that of a begun tile included."""
        return Digests(bytes(self._roots) + subtree_roots(self._open, self._hash).tobytes())

    def root(self) -> bytes:
        """The root over everything added so far."""
        nodes = self.tiles().array()
        return top(nodes, self._hash) if len(nodes) else self._hash(b"")
