"""The proof that a table only grew: that a later version begins with every record of an earlier one, in its place.

It is the consistency proof of RFC 9162 section 2.1.4 between the two roots. It shows it for the salted records: a
chunk that got a fresh key since is another chunk to it, so it can be made only where the keys were kept
(`ledger.fingerprint.inherit`), which the rule does for every chunk that is unchanged or only grew.

A proof carries nodes only. Both fingerprints come from the caller, who has them from the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import InvalidProof
from ledger.fingerprint.fingerprint import DIGEST_BYTES, FILE, Fingerprint, from_hex, object_members
from ledger.fingerprint.levels import top
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.merkle import tree_root, verify_consistency
from ledger.fingerprint.record_proof import Verdict
from ledger.fingerprint.tile_tree import TILE_RECORDS, TileTree

FORMAT = "share-growth/1"
MAX_PATH = 65


@dataclass(frozen=True, slots=True)
class GrowthProof:
    """PROOF(m, D[n]) of RFC 9162 section 2.1.4.1, lowest node first."""

    path: tuple[bytes, ...]

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "path": [node.hex() for node in self.path]}

    @classmethod
    def from_json(cls, value: Any) -> "GrowthProof":
        """Read what `to_json` wrote. Raises InvalidProof."""
        members = object_members(value, {"format", "path"})
        path = members["path"]
        if members["format"] != FORMAT or not isinstance(path, list) or len(path) > MAX_PATH:
            raise InvalidProof(f"This object is not a {FORMAT}.")
        return cls(tuple(from_hex(node, "path", DIGEST_BYTES) for node in path))


def boundary_tile(records: int) -> int | None:
    """The tile in which a table of that many records ends, whose leaf hashes a proof needs; None if with a tile."""
    return records // TILE_RECORDS if records % TILE_RECORDS else None


def prove_growth(first: int, grown: Manifest | TileTree, boundary: Sequence[bytes] | None = None) -> GrowthProof:
    """The proof that a table of `first` records is the beginning of the grown one.

    `boundary` are the grown table's leaf hashes of the tile `boundary_tile(first)`, if there is one.

    Raises:
        InvalidProof: more records than the grown table has, or leaf hashes that are not its tile's (facts: tile).
    """
    tree = grown.tree if isinstance(grown, Manifest) else grown
    if first > tree.records:
        raise InvalidProof(f"A table of {first} records is not the beginning of one of {tree.records}.")
    tile = boundary_tile(first)
    if tile is not None and first < tree.records and not _is_tile(tree, tile, boundary):
        raise InvalidProof(f"The leaf hashes of tile {tile} are needed, and must be the grown table's.", tile=tile)
    nodes = _Nodes(tree, tile, boundary or ())
    return GrowthProof(tuple(_subproof(nodes, 0, tree.records, first, True)) if first else ())


def _is_tile(tree: TileTree, tile: int, leaves: Sequence[bytes] | None) -> bool:
    return (
        leaves is not None and len(leaves) == len(tree.tile_range(tile)) and tree_root(leaves) == tree.levels[0][tile]
    )


class _Nodes:
    """Roots of stretches of a table that begin and end as a consistency proof's do."""

    def __init__(self, tree: TileTree, tile: int | None, boundary: Sequence[bytes]) -> None:
        self._tree, self._boundary = tree, boundary
        self._first = 0 if tile is None else tile * TILE_RECORDS

    def root(self, start: int, stop: int) -> bytes:
        if start % TILE_RECORDS or (stop % TILE_RECORDS and stop != self._tree.records):
            return tree_root(self._boundary[start - self._first : stop - self._first])
        first, last = start // TILE_RECORDS, -(-stop // TILE_RECORDS)
        return top(self._tree.levels[0][first:last].array())


def _subproof(nodes: _Nodes, start: int, stop: int, first: int, whole: bool) -> list[bytes]:
    """SUBPROOF of the stretch start .. stop - 1, `first` being counted from the table's start."""
    if first == stop:
        return [] if whole else [nodes.root(start, stop)]
    split = start + (1 << ((stop - start - 1).bit_length() - 1))
    if first <= split:
        return [*_subproof(nodes, start, split, first, whole), nodes.root(split, stop)]
    return [*_subproof(nodes, split, stop, first, False), nodes.root(start, split)]


def verify_growth(earlier: Fingerprint, later: Fingerprint, proof: GrowthProof) -> Verdict:
    """Is the earlier table the beginning of the later one? Never raises: a failed proof is an answer."""
    for member in ("format", "salted", "schema"):
        if getattr(earlier, member) != getattr(later, member):
            return Verdict(False, member, f"The two versions differ in their {member}.")
    if earlier.records > later.records:
        return Verdict(False, "records", f"The later version has {later.records} records of {earlier.records}.")
    sizes, roots = (earlier.records, later.records), (earlier.root, later.root)
    if not verify_consistency(*sizes, *roots, proof.path):
        return Verdict(False, "root", "The proof does not lead from the earlier root to the later one.")
    unit = "chunks" if earlier.format == FILE else "records"
    return Verdict(True, "grown", f"The first {sizes[0]} of {sizes[1]} {unit} are those of the earlier version.")
