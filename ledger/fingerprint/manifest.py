"""The inner nodes of a fingerprint's tree worth keeping: the root of every tile of 2^8 leaves.

They are checkable against the root, a proof needs only one tile re-read beside them, and two of them side by side
name the tiles in which two tables differ. Kept beside the payload; 32 bytes for each 256 records.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.errors import InvalidProof
from ledger.fingerprint.fingerprint import DIGEST_BYTES, Fingerprint, from_hex, is_count, object_members
from ledger.fingerprint.merkle import Hash, inclusion_path, parents, sha256, tree_root

TILE_HEIGHT = 8
TILE_RECORDS = 1 << TILE_HEIGHT
CHUNK_TILES = 256
FORMAT = "share-manifest/1"
_MAGIC = FORMAT.encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`records` leaves under `tiles`, each the SHA-256 root of 256 leaves (the last one of what is left)."""

    records: int
    tiles: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Raises InvalidProof unless there is one 32-byte root for each begun tile."""
        if not is_count(self.records) or len(self.tiles) != -(-self.records // TILE_RECORDS):
            raise InvalidProof("A manifest has one tile root for each 256 records begun.")
        if any(len(tile) != DIGEST_BYTES for tile in self.tiles):
            raise InvalidProof("A tile root has 32 bytes.")

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return tree_root(self.tiles)

    @property
    def chunks(self) -> tuple[bytes, ...]:
        """The roots of the chunks of 2^16 records, the last one of what is left."""
        return tuple(tree_root(self.tiles[at : at + CHUNK_TILES]) for at in range(0, len(self.tiles), CHUNK_TILES))

    def matches(self, fingerprint: Fingerprint) -> bool:
        """Is this the manifest of that fingerprint? Ask before relying on a manifest that came from elsewhere."""
        return self.records == fingerprint.records and self.root == fingerprint.root

    def differing_tiles(self, other: "Manifest") -> tuple[int, ...]:
        """The numbers of the tiles that are not the same in both, those only one of them has included."""
        common = min(len(self.tiles), len(other.tiles))
        differing = [at for at in range(common) if self.tiles[at] != other.tiles[at]]
        return (*differing, *range(common, max(len(self.tiles), len(other.tiles))))

    def tile_range(self, tile: int) -> range:
        """The records of one tile. Raises IndexError if there is no such tile."""
        if not 0 <= tile < len(self.tiles):
            raise IndexError(f"no tile {tile} of {len(self.tiles)}")
        return range(tile * TILE_RECORDS, min((tile + 1) * TILE_RECORDS, self.records))

    def path(self, index: int, tile_leaves: list[bytes]) -> tuple[bytes, ...]:
        """The inclusion path (RFC 9162) of leaf `index`, given the leaf hashes of its tile.

        Raises:
            IndexError: there is no such leaf.
            InvalidProof: those leaves are not the tile's: the table was changed, or another key was used.
        """
        if not 0 <= index < self.records:
            raise IndexError(f"no record {index} of {self.records}")
        tile = index // TILE_RECORDS
        if tree_root(tile_leaves) != self.tiles[tile]:
            raise InvalidProof(f"The records of tile {tile} are not those of the manifest.", tile=tile)
        return (*inclusion_path(tile_leaves, index % TILE_RECORDS), *inclusion_path(self.tiles, tile))

    def to_bytes(self) -> bytes:
        """A line naming the format, u64(records), then the tile roots."""
        return _MAGIC + self.records.to_bytes(8, "big") + b"".join(self.tiles)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read what `to_bytes` wrote. Raises InvalidProof."""
        head = len(_MAGIC) + 8
        if not content.startswith(_MAGIC) or len(content) < head or (len(content) - head) % DIGEST_BYTES:
            raise InvalidProof(f"These bytes are not a {FORMAT}.")
        tiles = tuple(content[at : at + DIGEST_BYTES] for at in range(head, len(content), DIGEST_BYTES))
        return cls(int.from_bytes(content[len(_MAGIC) : head], "big"), tiles)

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "records": self.records, "tiles": [tile.hex() for tile in self.tiles]}

    @classmethod
    def from_json(cls, value: Any) -> "Manifest":
        """Read what `to_json` wrote. Raises InvalidProof."""
        members = object_members(value, {"format", "records", "tiles"})
        if members["format"] != FORMAT or not isinstance(members["tiles"], list):
            raise InvalidProof(f"This object is not a {FORMAT}.")
        return cls(members["records"], tuple(from_hex(tile, "tiles", DIGEST_BYTES) for tile in members["tiles"]))


class TileBuilder:
    """Leaf hashes in, tile roots out, in one pass and with the memory of one tile beside the roots themselves."""

    def __init__(self, hash: Hash = sha256) -> None:
        self._hash = hash
        self._tiles: list[bytes] = []
        self._open: list[bytes] = []
        self.size = 0

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the end."""
        before = len(self._open)
        self._open.extend(leaves)
        self.size += len(self._open) - before
        whole = len(self._open) // TILE_RECORDS * TILE_RECORDS
        if whole:
            level = self._open[:whole]
            for _ in range(TILE_HEIGHT):
                level = parents(level, self._hash)
            self._tiles += level
            del self._open[:whole]

    def tiles(self) -> tuple[bytes, ...]:
        """The roots so far, that of a begun tile included."""
        return (*self._tiles, tree_root(self._open, self._hash)) if self._open else tuple(self._tiles)

    def root(self) -> bytes:
        """The root over everything added so far."""
        return tree_root(self.tiles(), self._hash)
