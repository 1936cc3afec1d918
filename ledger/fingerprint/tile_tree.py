"""A tree's nodes at every eighth level, which is all that any proof needs beside the leaves of its own tiles.

Level 8 are the roots of tiles of 2^8 records, level 16 those of chunks of 2^16, level 24, and so on up to one node: 33
bytes for each 256 records, where every node would be 16 KiB. The levels between are hashed again when a proof asks for
them: 255 nodes for each eighth level, whatever the size of the table. So a proof over 10^8 records reads 24 KiB.

What is read is never believed: a proof is handed out only if it leads to the root the tree was opened with, which comes
from the ledger. Where it does not, what is wrong is named: the records, or the part of the tree that is damaged.
"""

from collections.abc import Mapping, Sequence

from ledger.errors import Corrupt, InvalidProof
from ledger.fingerprint.digests import DigestArray, Digests
from ledger.fingerprint.fingerprint import DIGEST_BYTES, is_count
from ledger.fingerprint.levels import level_above, top
from ledger.fingerprint.merkle import Hash, parents, sha256
from ledger.fingerprint.multi_path import sibling_places

TILE_HEIGHT = 8
TILE_RECORDS = 1 << TILE_HEIGHT
CHUNK_TILES = 256
FORMAT = "share-tiles/1"
_MAGIC = FORMAT.encode() + b"\n"
_HEAD = len(_MAGIC) + 8

Rows = list[Sequence[bytes]]
"""The nodes of one whole or begun subtree of height 8, from its lowest level up to its root."""


class TileTree:
    """`levels` from tile roots up to the level of one node (none at all for an empty table); `root` is trusted."""

    __slots__ = ("levels", "records", "root")

    def __init__(self, records: int, levels: Sequence[Digests], root: bytes) -> None:
        """Raises InvalidProof unless every level has as many nodes as that many records call for."""
        if not is_count(records) or [len(level) for level in levels] != level_sizes(records):
            raise InvalidProof("A tree of tiles has one node for each subtree begun, at every eighth level.")
        self.records = records
        self.levels = tuple(levels)
        self.root = root

    @classmethod
    def over(cls, records: int, tiles: Digests) -> "TileTree":
        """The tree over these tile roots; its root is theirs. Raises InvalidProof if their number is wrong."""
        levels = [tiles]
        while len(levels[-1]) > 1:
            levels.append(Digests.of(subtree_roots(levels[-1].array())))
        return cls(records, levels, levels[-1][0] if len(tiles) else sha256(b""))

    @property
    def chunks(self) -> Digests:
        """The roots of the chunks of 2^16 records, the last one of what is left."""
        return self.levels[1] if len(self.levels) > 1 else self.levels[0]

    def tile_range(self, tile: int) -> range:
        """The records of one tile. Raises IndexError if there is no such tile."""
        if not 0 <= tile < len(self.levels[0]):
            raise IndexError(f"no tile {tile} of {len(self.levels[0])}")
        return range(tile * TILE_RECORDS, min((tile + 1) * TILE_RECORDS, self.records))

    def path(self, index: int, tile_leaves: Sequence[bytes]) -> tuple[bytes, ...]:
        """The inclusion path (RFC 9162) of leaf `index`, given the leaf hashes of its tile. Raises as `paths`."""
        return self.paths([index], {index // TILE_RECORDS: tile_leaves})

    def paths(self, indexes: Sequence[int], leaves: Mapping[int, Sequence[bytes]]) -> tuple[bytes, ...]:
        """One path for all these leaves (`ledger.fingerprint.multi_path`), given the leaf hashes of their tiles.

        Raises:
            IndexError: there is no such leaf, or they are not in rising order.
            InvalidProof: the leaves of a tile are not those of the tree (facts: tile).
            Corrupt: this tree is damaged (facts: the first tile and the last of the part that is).
        """
        places = list(sibling_places(indexes, self.records))
        rows = self._climb({at // TILE_RECORDS: leaves[at // TILE_RECORDS] for at in indexes})
        found = []
        for level, number in places:
            stage, within = divmod(level, TILE_HEIGHT)
            block = number >> (TILE_HEIGHT - within)
            found.append(bytes(rows[stage, block][within][number - (block << (TILE_HEIGHT - within))]))
        return tuple(found)

    def damage(self) -> tuple[range, ...]:
        """The tiles under each node that does not lead to what stands above it: a look at all of the tree."""
        found = []
        for stage in range(len(self.levels)):
            for block in range(-(-len(self.levels[stage]) // TILE_RECORDS)):
                if top(self._block(stage, block).array()) != self._above(stage, block):
                    found.append(self._tiles_under(stage, block))
        return tuple(found)

    def to_bytes(self) -> bytes:
        """A line naming the format, u64(records), then the levels from the root down, so that a proof reads two places.

        The upper levels of 10^8 records are 48 KiB, right behind the head; of the last, the tile roots, it reads 8 KiB.
        """
        return b"".join([_MAGIC, self.records.to_bytes(8, "big"), *map(bytes, reversed(self.levels))])

    # ---- climbing ----------------------------------------------------------------------------------------------------

    def _climb(self, leaves: Mapping[int, Sequence[bytes]]) -> dict[tuple[int, int], Rows]:
        """(stage, block) -> its nodes, for every block above the leaves, with what those lead to in its place."""
        rows: dict[tuple[int, int], Rows] = {}
        known: dict[int, bytes] = {}
        for tile, hashes in leaves.items():
            if len(hashes) != len(self.tile_range(tile)):
                raise InvalidProof(f"Tile {tile} has {len(self.tile_range(tile))} records.", tile=tile)
            rows[0, tile] = climbed(hashes)
            known[tile] = bytes(rows[0, tile][-1][0])
        for stage in range(len(self.levels) - 1):
            entries = {block: list(self._block(stage, block)) for block in {number // TILE_RECORDS for number in known}}
            for number, node in known.items():
                entries[number // TILE_RECORDS][number % TILE_RECORDS] = node
            known = {}
            for block, nodes in entries.items():
                rows[stage + 1, block] = climbed(nodes)
                known[block] = bytes(rows[stage + 1, block][-1][0])
        if known != {0: self.root}:
            self._refuse(leaves, rows)
        return rows

    def _refuse(self, leaves: Mapping[int, Sequence[bytes]], rows: Mapping[tuple[int, int], Rows]) -> None:
        """Say what is wrong: the stored nodes if they do not lead to the root by themselves, else the leaves."""
        blocks = set(leaves)
        for stage in range(len(self.levels)):
            blocks = {block // TILE_RECORDS for block in blocks}
            for block in sorted(blocks):
                if top(self._block(stage, block).array()) != self._above(stage, block):
                    tiles = self._tiles_under(stage, block)
                    raise Corrupt(
                        f"The stored tree is damaged over tiles {tiles.start} to {tiles.stop - 1}.",
                        remedy="Take the table's fingerprint again: it writes the tree anew.",
                        first_tile=tiles.start,
                        last_tile=tiles.stop - 1,
                    )
        wrong = min(tile for tile in leaves if bytes(rows[0, tile][-1][0]) != self.levels[0][tile])
        raise InvalidProof(f"The records of tile {wrong} are not those of the tree.", tile=wrong)

    def _block(self, stage: int, block: int) -> Digests:
        return self.levels[stage][block * TILE_RECORDS : (block + 1) * TILE_RECORDS]

    def _above(self, stage: int, block: int) -> bytes:
        return self.levels[stage + 1][block] if stage + 1 < len(self.levels) else self.root

    def _tiles_under(self, stage: int, block: int) -> range:
        each = TILE_RECORDS ** (stage + 1)
        return range(block * each, min((block + 1) * each, len(self.levels[0])))


def level_sizes(records: int) -> list[int]:
    """How many nodes the stored levels of a tree of that many records have."""
    sizes = [-(-records // TILE_RECORDS)]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // TILE_RECORDS))
    return sizes


def subtree_roots(nodes: DigestArray, hash: Hash = sha256) -> DigestArray:
    """Eight levels up: the root of each run of 256 nodes, (ceil(n / 256), 32), the last one of what is left."""
    for _ in range(TILE_HEIGHT):
        nodes = level_above(nodes, hash)
    return nodes


def climbed(nodes: Sequence[bytes]) -> Rows:
    """Nodes, their parents, and so on up to the one root."""
    rows: Rows = [nodes]
    while len(rows[-1]) > 1:
        rows.append(parents(rows[-1]))
    return rows


def levels_of(content: memoryview) -> tuple[int, list[Digests]]:
    """(records, levels) of what `TileTree.to_bytes` wrote. Raises InvalidProof."""
    if bytes(content[: len(_MAGIC)]) != _MAGIC or len(content) < _HEAD:
        raise InvalidProof(f"These bytes are not a {FORMAT}.")
    records = int.from_bytes(content[len(_MAGIC) : _HEAD], "big")
    sizes = level_sizes(records)
    whole = _HEAD + DIGEST_BYTES * sum(sizes)
    if whole != len(content):
        raise InvalidProof(f"A {FORMAT} of {records} records has {whole} bytes; these are {len(content)}.")
    levels, end = [], whole
    for size in sizes:
        levels.append(Digests(content[end - DIGEST_BYTES * size : end]))
        end -= DIGEST_BYTES * size
    return records, levels
