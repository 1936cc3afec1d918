"""One path for many leaves of a tree of RFC 9162 section 2.1: the siblings of all, each given once.

The shape is that of single paths: level by level from the leaves up, an odd last node carried up as it is. A sibling
that the leaves themselves lead to is not given. The nodes stand level by level, from the leaves up, and from left to
right within a level: for given leaves and size there is exactly one such list, so a proof has one form only.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from ledger.fingerprint.merkle import Hash, node_hash, sha256


def sibling_places(indexes: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """(level, number within it) of each node that the path of these leaves holds, in the path's order.

    Raises IndexError unless the indexes are rising, at least one, and leaves of a tree of `size`.
    """
    if not indexes or any(one >= other for one, other in pairwise(indexes)):
        raise IndexError("the leaves of a path are given once each, in rising order")
    if indexes[0] < 0 or indexes[-1] >= size:
        raise IndexError(f"a leaf is not in the tree of {size}")
    known, width, level = list(indexes), size, 0
    while width > 1:
        above: list[int] = []
        at = 0
        while at < len(known):
            number = known[at]
            above.append(number >> 1)
            both = not number & 1 and at + 1 < len(known) and known[at + 1] == number + 1
            if not both and number ^ 1 < width:
                yield level, number ^ 1
            at += 2 if both else 1
        known, width, level = above, (width + 1) >> 1, level + 1


def multi_root(leaves: Mapping[int, bytes], size: int, path: Sequence[bytes], hash: Hash = sha256) -> bytes | None:
    """The root that these leaf hashes (by number) and this path lead to; None if the path is not one of theirs.

    Never raises: whatever is wrong with a proof, there is no root.
    """
    numbers = sorted(leaves)
    if not numbers or numbers[0] < 0 or numbers[-1] >= size:
        return None
    level = [(number, leaves[number]) for number in numbers]
    length = len(level[0][1])
    if any(len(node) != length for _, node in level) or any(len(node) != length for node in path):
        return None  # a node of another length could shift the border between left and right
    given, width = iter(path), size
    while width > 1:
        above = _parents(level, given, width, hash)
        if above is None:
            return None
        level, width = above, (width + 1) >> 1
    return level[0][1] if next(given, None) is None else None


def _parents(
    level: Sequence[tuple[int, bytes]], given: Iterator[bytes], width: int, hash: Hash
) -> list[tuple[int, bytes]] | None:
    above: list[tuple[int, bytes]] = []
    at = 0
    while at < len(level):
        number, node = level[at]
        sibling: bytes | None = None
        if not number & 1 and at + 1 < len(level) and level[at + 1][0] == number + 1:
            at += 1
            sibling = level[at][1]
        elif number ^ 1 < width:
            sibling = next(given, None)
            if sibling is None:
                return None
        if sibling is not None:
            node = node_hash(sibling, node, hash) if number & 1 else node_hash(node, sibling, hash)
        above.append((number >> 1, node))
        at += 1
    return above
