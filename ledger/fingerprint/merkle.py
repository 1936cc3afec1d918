"""Merkle trees of RFC 9162 section 2.1: roots, proofs, and their verification.

Everything here works on *leaf hashes*, never on leaf data, so a node of any aligned subtree can stand where a leaf
stands: the tree over the roots of whole tiles is the same tree. The hash is a parameter (SHA-256 unless told
otherwise, SM3 for the twin root). Used for tables, for files and for the ledger's own log.
"""

import hashlib
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives import hashes

Hash = Callable[[bytes], bytes]


def sha256(message: bytes) -> bytes:
    """SHA-256 (FIPS 180-4), 32 bytes."""
    return hashlib.sha256(message).digest()


def sm3(message: bytes) -> bytes:
    """SM3 (GB/T 32905-2016), 32 bytes."""
    state = hashes.Hash(hashes.SM3())
    state.update(message)
    return state.finalize()


def leaf_hash(content: bytes, hash: Hash = sha256) -> bytes:
    """H(0x00 || content): RFC 9162 section 2.1.1."""
    return hash(b"\x00" + content)


def node_hash(left: bytes, right: bytes, hash: Hash = sha256) -> bytes:
    """H(0x01 || left || right): RFC 9162 section 2.1.1."""
    return hash(b"\x01" + left + right)


def parents(level: Sequence[bytes], hash: Hash = sha256) -> list[bytes]:
    """The next level up. An odd last node is carried up as it is, which yields exactly the RFC's shape."""
    above = [hash(b"\x01" + left + right) for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def tree_root(nodes: Sequence[bytes], hash: Hash = sha256) -> bytes:
    """MTH over `nodes` (leaf hashes, or roots of equally high aligned subtrees); H("") when there are none."""
    if not nodes:
        return hash(b"")
    level = nodes
    while len(level) > 1:
        level = parents(level, hash)
    return level[0]


class Accumulator:
    """The root of a growing tree in O(log n) memory: a stack of whole subtrees, highest first."""

    def __init__(self, hash: Hash = sha256) -> None:
        self._hash = hash
        self._stack: list[tuple[int, bytes]] = []
        self.size = 0

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        self.append_subtree(leaf, 0)

    def append_subtree(self, root: bytes, height: int) -> None:
        """Add the root of a whole subtree of 2^height leaves.

        Raises:
            ValueError: the present size is not a multiple of 2^height, so the subtree would not be one of the tree's.
        """
        if self.size % (1 << height):
            raise ValueError(f"a subtree of height {height} cannot start at leaf {self.size}")
        self.size += 1 << height
        while self._stack and self._stack[-1][0] == height:
            root = node_hash(self._stack.pop()[1], root, self._hash)
            height += 1
        self._stack.append((height, root))

    def root(self) -> bytes:
        """The root over everything added so far; the accumulator can go on growing."""
        if not self._stack:
            return self._hash(b"")
        root = self._stack[-1][1]
        for _, left in reversed(self._stack[:-1]):
            root = node_hash(left, root, self._hash)
        return root


def inclusion_path(nodes: Sequence[bytes], index: int, hash: Hash = sha256) -> list[bytes]:
    """PATH(index, D_n) of RFC 9162 section 2.1.3.1, lowest sibling first.

    Raises:
        IndexError: index is not in 0 .. len(nodes) - 1.
    """
    if not 0 <= index < len(nodes):
        raise IndexError(f"no leaf {index} in a tree of {len(nodes)}")
    path = []
    level = nodes
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = parents(level, hash)
        index >>= 1
    return path


def consistency_path(nodes: Sequence[bytes], first: int, hash: Hash = sha256) -> list[bytes]:
    """PROOF(first, D_n) of RFC 9162 section 2.1.4.1. Empty when first is 0 (no statement) or the whole tree.

    Raises:
        IndexError: first is not in 0 .. len(nodes).
    """
    if not 0 <= first <= len(nodes):
        raise IndexError(f"no first tree of {first} leaves in a tree of {len(nodes)}")
    return [] if first == 0 else _subproof(nodes, first, True, hash)


def _subproof(nodes: Sequence[bytes], first: int, whole: bool, hash: Hash) -> list[bytes]:
    if first == len(nodes):
        return [] if whole else [tree_root(nodes, hash)]
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    if first <= split:
        return [*_subproof(nodes[:split], first, whole, hash), tree_root(nodes[split:], hash)]
    return [*_subproof(nodes[split:], first - split, False, hash), tree_root(nodes[:split], hash)]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes, hash: Hash = sha256
) -> bool:
    """RFC 9162 section 2.1.3.2: is `leaf` (a leaf hash) number `index` of the tree of `size` leaves under `root`?

    Never raises: whatever is wrong with a proof, the answer is False.
    """
    if not 0 <= index < size or not _same_length(root, leaf, *path):
        return False
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node, hash)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling, hash)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(
    first_size: int,
    second_size: int,
    first_root: bytes,
    second_root: bytes,
    path: Sequence[bytes],
    hash: Hash = sha256,
) -> bool:
    """RFC 9162 section 2.1.4.2: is the tree under `second_root` the one under `first_root`, only grown?

    An empty first tree is consistent with everything, if its root is H("") and the path is empty. Never raises.
    """
    if not 0 <= first_size <= second_size or not _same_length(second_root, first_root, *path):
        return False
    if first_size == second_size:
        return not path and first_root == second_root
    if first_size == 0:
        return not path and first_root == hash(b"")
    nodes = list(path)
    if first_size & (first_size - 1) == 0:
        nodes.insert(0, first_root)
    if not nodes:
        return False
    position, last = first_size - 1, second_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old, hash), node_hash(sibling, new, hash)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling, hash)
        position >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root


def _same_length(root: bytes, *nodes: bytes) -> bool:
    # A node of another length could shift the border between left and right inside the hashed message.
    return all(len(node) == len(root) for node in nodes)
