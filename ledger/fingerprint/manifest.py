"""The inner nodes of a fingerprint's tree worth keeping: the root of every tile of 2^8 leaves.

They are checkable against the root, a proof needs only one tile re-read beside them, and two of them side by side
name the tiles in which two tables differ. Kept beside the payload; 32 bytes for each 256 records.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.errors import InvalidProof
from ledger.fingerprint.digests import Digests
from ledger.fingerprint.fingerprint import DIGEST_BYTES, Fingerprint, is_count, object_members
from ledger.fingerprint.tile_tree import CHUNK_TILES, TILE_HEIGHT, TILE_RECORDS, TileTree

FORMAT = "share-manifest/1"
_MAGIC = FORMAT.encode() + b"\n"

__all__ = ["CHUNK_TILES", "FORMAT", "TILE_HEIGHT", "TILE_RECORDS", "Manifest"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`records` leaves under `tiles`, each the SHA-256 root of 256 leaves (the last one of what is left)."""

    records: int
    tiles: Sequence[bytes]
    _tree: list[TileTree] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises InvalidProof unless there is one 32-byte root for each begun tile."""
        try:
            object.__setattr__(self, "tiles", Digests.of(self.tiles))
        except ValueError:
            raise InvalidProof("A tile root has 32 bytes.") from None
        if not is_count(self.records) or len(self.tiles) != -(-self.records // TILE_RECORDS):
            raise InvalidProof("A manifest has one tile root for each 256 records begun.")

    @property
    def tree(self) -> TileTree:
        """The levels above the tiles, hashed when first asked for."""
        if not self._tree:
            self._tree.append(TileTree.over(self.records, Digests.of(self.tiles)))
        return self._tree[0]

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return self.tree.root

    @property
    def chunks(self) -> Sequence[bytes]:
        """The roots of the chunks of 2^16 records, the last one of what is left."""
        return self.tree.chunks

    def matches(self, fingerprint: Fingerprint) -> bool:
        """Is this the manifest of that fingerprint? Ask before relying on a manifest that came from elsewhere."""
        return self.records == fingerprint.records and self.root == fingerprint.root

    def differing_tiles(self, other: "Manifest") -> tuple[int, ...]:
        """The numbers of the tiles that are not the same in both, those only one of them has included."""
        mine, others = Digests.of(self.tiles).array(), Digests.of(other.tiles).array()
        common = min(len(mine), len(others))
        differing = (mine[:common] != others[:common]).any(axis=1).nonzero()[0].tolist()
        return (*differing, *range(common, max(len(mine), len(others))))

    def tile_range(self, tile: int) -> range:
        """The records of one tile. Raises IndexError if there is no such tile."""
        return self.tree.tile_range(tile)

    def path(self, index: int, tile_leaves: Sequence[bytes]) -> tuple[bytes, ...]:
        """The inclusion path (RFC 9162) of leaf `index`, given the leaf hashes of its tile.

        Raises:
            IndexError: there is no such leaf.
            InvalidProof: those leaves are not the tile's: the table was changed, or another key was used.
        """
        return self.tree.path(index, tile_leaves)

    def paths(self, indexes: Sequence[int], leaves: Mapping[int, Sequence[bytes]]) -> tuple[bytes, ...]:
        """One path for all these leaves, given the leaf hashes of their tiles by tile. Raises as `path`."""
        return self.tree.paths(indexes, leaves)

    def to_bytes(self) -> bytes:
        """A line naming the format, u64(records), then the tile roots."""
        return _MAGIC + self.records.to_bytes(8, "big") + bytes(Digests.of(self.tiles))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read what `to_bytes` wrote. Raises InvalidProof."""
        head = len(_MAGIC) + 8
        if not content.startswith(_MAGIC) or len(content) < head or (len(content) - head) % DIGEST_BYTES:
            raise InvalidProof(f"These bytes are not a {FORMAT}.")
        return cls(int.from_bytes(content[len(_MAGIC) : head], "big"), Digests(memoryview(content)[head:]))

    def to_json(self) -> dict[str, Any]:
        """`tiles` are all roots one after the other, in base64 (RFC 4648 section 4)."""
        tiles = base64.b64encode(bytes(Digests.of(self.tiles))).decode()
        return {"format": FORMAT, "records": self.records, "tiles": tiles}

    @classmethod
    def from_json(cls, value: Any) -> "Manifest":
        """Read what `to_json` wrote. Raises InvalidProof."""
        members = object_members(value, {"format", "records", "tiles"})
        if members["format"] != FORMAT or not isinstance(members["tiles"], str):
            raise InvalidProof(f"This object is not a {FORMAT}.")
        try:
            tiles = Digests(base64.b64decode(members["tiles"], validate=True))
        except ValueError:
            raise InvalidProof("tiles must be digests of 32 bytes, in base64.", member="tiles") from None
        return cls(members["records"], tiles)
