"""Trees, inclusion and consistency, and that nothing but the true proof verifies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fingerprint.merkle import (
    Accumulator,
    consistency_path,
    inclusion_path,
    leaf_hash,
    sha256,
    sm3,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([at])) for at in range(70)]
sizes = st.integers(1, len(LEAVES))


def flipped(node, bit):
    changed = bytearray(node)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("hash", [sha256, sm3])
def test_every_inclusion_of_every_small_tree(hash):
    for size in range(1, 35):
        root = tree_root(LEAVES[:size], hash)
        for index in range(size):
            path = inclusion_path(LEAVES[:size], index, hash)
            assert verify_inclusion(LEAVES[index], index, size, path, root, hash)
            for other in range(size):
                assert (other == index) == verify_inclusion(LEAVES[index], other, size, path, root, hash)
            assert not verify_inclusion(LEAVES[index], index, size, [*path, LEAVES[0]], root, hash)
            if path:
                assert not verify_inclusion(LEAVES[index], index, size, path[:-1], root, hash)


@pytest.mark.parametrize("hash", [sha256, sm3])
def test_every_consistency_of_every_small_tree(hash):
    roots = [tree_root(LEAVES[:size], hash) for size in range(35)]
    for second in range(35):
        for first in range(second + 1):
            path = consistency_path(LEAVES[:second], first, hash)
            assert verify_consistency(first, second, roots[first], roots[second], path, hash)
            assert not verify_consistency(first, second, roots[first], roots[second], [*path, LEAVES[0]], hash)
            assert not verify_consistency(first, second, LEAVES[-1], roots[second], path, hash)
            if first:
                assert not verify_consistency(first, second, roots[first], LEAVES[-1], path, hash)
            if path:
                assert not verify_consistency(first, second, roots[first], roots[second], path[:-1], hash)
                assert not verify_consistency(first, second, roots[first], roots[second], [], hash)


@given(st.data(), sizes)
@settings(deadline=None)
def test_any_flipped_bit_fails(choices, size):
    index = choices.draw(st.integers(0, size - 1))
    bit = choices.draw(st.integers(0, 255))
    root, path, leaf = tree_root(LEAVES[:size]), inclusion_path(LEAVES[:size], index), LEAVES[index]
    assert not verify_inclusion(flipped(leaf, bit), index, size, path, root)
    assert not verify_inclusion(leaf, index, size, path, flipped(root, bit))
    for at in range(len(path)):
        assert not verify_inclusion(leaf, index, size, [*path[:at], flipped(path[at], bit), *path[at + 1 :]], root)
    first = choices.draw(st.integers(1, size))
    old, steps = tree_root(LEAVES[:first]), consistency_path(LEAVES[:size], first)
    for at in range(len(steps)):
        wrong = [*steps[:at], flipped(steps[at], bit), *steps[at + 1 :]]
        assert not verify_consistency(first, size, old, root, wrong)


def test_nodes_of_another_length_never_verify():
    left, right = LEAVES[0], LEAVES[1]
    root = tree_root([left, right])
    assert verify_inclusion(left, 0, 2, [right], root)
    assert not verify_inclusion(left + right[:1], 0, 2, [right[1:]], root)
    assert not verify_inclusion(left, 0, 2, [right, b""], root)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_positions_outside_the_tree(index, size):
    assert not verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])
    with pytest.raises(IndexError):
        inclusion_path(LEAVES[: max(size, 0)], index)


def test_trees_out_of_order_are_not_consistent():
    assert not verify_consistency(2, 1, LEAVES[0], LEAVES[0], [])
    assert not verify_consistency(-1, 1, LEAVES[0], LEAVES[0], [])
    with pytest.raises(IndexError):
        consistency_path(LEAVES[:3], 4)


@given(sizes, st.data())
@settings(deadline=None)
def test_whole_subtrees_stand_for_their_leaves(size, choices):
    tree, at = Accumulator(), 0
    while at < size:
        heights = [height for height in range(7) if at % (1 << height) == 0 and at + (1 << height) <= size]
        height = choices.draw(st.sampled_from(heights))
        tree.append_subtree(tree_root(LEAVES[at : at + (1 << height)]), height)
        at += 1 << height
    assert tree.size == size
    assert tree.root() == tree_root(LEAVES[:size])


def test_a_subtree_must_be_aligned():
    tree = Accumulator()
    tree.append(LEAVES[0])
    with pytest.raises(ValueError, match="cannot start"):
        tree.append_subtree(LEAVES[1], 1)
