"""`provesRecord` against an independent RFC 9162 tree."""

import pytest

from tests.contracts import rfc9162
from tests.contracts.chain import Reverted
from tests.contracts.signing import digest_of
from tests.contracts.world import DATASET, Refusal, World, decode_error

LEAVES = [rfc9162.leaf(str(i).encode()) for i in range(70)]


def _anchor(world: World, size: int, root: bytes) -> bytes:
    if ("id", DATASET) not in world.last:
        world.dataset()
    types = "(bytes32,bytes32,bytes32,bytes32,bytes32,uint32,bool)"
    number = world.view("Datasets", "datasetOf(bytes32)", types, DATASET)[5] + 1
    return world.act("AnchorVersion", "STAT.officer", dataset=DATASET, number=number, records=size, root=root).digest


def _proves(world: World, version: bytes, leaf: bytes, index: int, path: list[bytes]) -> bool:
    signature = "provesRecord(bytes32,bytes32,uint64,bytes32[])"
    return bool(world.view("Datasets", signature, "bool", version, leaf, index, path))


def test_sizes_1_to_70(world: World) -> None:
    for size in range(1, 71):
        leaves = LEAVES[:size]
        version = _anchor(world, size, rfc9162.root(leaves))
        every = size in {1, 2, 3, 6, 7, 8, 13, 33, 64, 70}
        for index in range(size) if every else {0, size // 2, size - 1}:
            path = rfc9162.path(index, leaves)
            assert _proves(world, version, leaves[index], index, path)
        assert not _proves(world, version, leaves[0], size, rfc9162.path(0, leaves))


def test_any_change_is_noticed(world: World) -> None:
    for size in (1, 2, 5, 13, 64):
        leaves = LEAVES[:size]
        version = _anchor(world, size, rfc9162.root(leaves))
        for index in {0, size // 2, size - 1}:
            path = rfc9162.path(index, leaves)
            good = (leaves[index], index, path)
            assert _proves(world, version, *good)
            for other in range(size):
                assert _proves(world, version, leaves[index], other, path) == (other == index)
            assert not _proves(world, version, digest_of("other leaf"), index, path)
            assert not _proves(world, version, leaves[index], index, [*path, digest_of("more")])
            assert not _proves(world, version, leaves[index], 2**64 - 1, path)
            for position in range(len(path)):
                assert not _proves(world, version, *good[:2], path[:position] + path[position + 1 :])
                assert not _proves(world, version, *good[:2], [*path[:position], digest_of("x"), *path[position + 1 :]])
            if len(path) > 1:
                assert not _proves(world, version, *good[:2], path[::-1])


def test_an_empty_version_proves_nothing(world: World) -> None:
    root = rfc9162.root([])
    version = _anchor(world, 0, root)
    assert not _proves(world, version, root, 0, [])


def test_the_count_is_the_version_s_own(world: World) -> None:
    """A leaf of the same root, at an index that only another count would allow."""
    leaves = LEAVES[:3]
    version = _anchor(world, 2, rfc9162.root(leaves))  # anchored with a wrong count
    assert not _proves(world, version, leaves[2], 2, rfc9162.path(2, leaves))


def test_a_path_longer_than_the_tree_is_high(world: World) -> None:
    """The root of two leaves, anchored as one: the second leaf climbs past the top to the same hash."""
    leaves = LEAVES[:2]
    version = _anchor(world, 1, rfc9162.root(leaves))
    assert not _proves(world, version, leaves[1], 0, [leaves[0]])


def test_an_inner_node_passes_for_a_leaf_only_in_another_tree(world: World) -> None:
    leaves = LEAVES[:4]
    inner = rfc9162.root(leaves[:2])
    version = _anchor(world, 4, rfc9162.root(leaves))
    assert not _proves(world, version, inner, 0, [rfc9162.root(leaves[2:])])


def test_a_very_large_version(world: World) -> None:
    """Index and size up to 64 bits: the last leaf of 2**63 + 1 is the right child of the root."""
    left, right = digest_of("all before"), rfc9162.leaf(b"last")
    root = rfc9162.root([left, right])
    version = _anchor(world, 2**63 + 1, root)
    assert _proves(world, version, right, 2**63, [left])
    assert not _proves(world, version, right, 2**63 - 1, [left])


def test_an_unknown_version(world: World) -> None:
    unknown = digest_of("unknown")
    with pytest.raises(Reverted) as refused:
        _proves(world, unknown, LEAVES[0], 0, [])
    assert decode_error(refused.value.reason) == Refusal("DatasetsVersionId", (unknown,))
