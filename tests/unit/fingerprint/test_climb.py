"""Paths in compiled code give the answers of the plain verification, and of the RFC's own words."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fingerprint import kernel
from ledger.fingerprint.climb import leads_to
from ledger.fingerprint.merkle import verify_inclusion
from ledger.fingerprint.multi_path import multi_root, sibling_places

SIZES = st.one_of(
    st.integers(1, 300), st.integers(1, 1 << 40), st.sampled_from([(1 << 62) - 1, 1 << 62, (1 << 63) + 1])
)


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    kernel.engine()


@given(SIZES, st.integers(0, 1 << 64), st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=200)
def test_a_right_path_passes_and_no_other(size: int, choice: int, seed: int) -> None:
    draw, index = random.Random(seed), choice % size
    leaf = draw.randbytes(32)
    path = [draw.randbytes(32) for _ in sibling_places([index], size)]
    root = multi_root({index: leaf}, size, path)
    assert (
        root is not None and leads_to(leaf, index, size, path, root) and verify_inclusion(leaf, index, size, path, root)
    )
    at, bit = draw.randrange(32), 1 << draw.randrange(8)

    def flipped(node: bytes) -> bytes:
        return bytes([*node[:at], node[at] ^ bit, *node[at + 1 :]])

    wrong = [
        (flipped(leaf), index, size, path, root),
        (leaf, index, size, path, flipped(root)),
        (leaf, index, size, [*path, leaf], root),
        (leaf, size, size, path, root),
        (leaf, -1, size, path, root),
        (leaf[:31], index, size, path, root),
        (leaf, index, size, path, root + b"x"),
    ]
    if path:
        place = draw.randrange(len(path))
        wrong += [
            (leaf, index, size, path[:-1], root),
            (leaf, index, size, [*path[:place], flipped(path[place]), *path[place + 1 :]], root),
            (leaf, index, size, [*path[:place], path[place] + b"x", path[place][:31], *path[place + 1 :]], root),
        ]
    for other in wrong:
        assert not leads_to(*other) and not verify_inclusion(*other)
    moved = draw.randrange(size)
    assert leads_to(leaf, moved, size, path, root) == verify_inclusion(leaf, moved, size, path, root)


@pytest.mark.parametrize("name", ["sha-ni", "vectors", "hashlib"])
def test_every_engine_agrees(name: kernel.Name) -> None:
    if name == "sha-ni" and kernel.engine_name() != "sha-ni":
        return  # this processor has no SHA extensions: nothing to compare
    draw = random.Random(7)
    with kernel.forced(name):
        for size in (1, 2, 3, 7, 256, 100_000_000):
            for index in {0, size // 3, size - 1}:
                leaf, path = draw.randbytes(32), [draw.randbytes(32) for _ in sibling_places([index], size)]
                root = multi_root({index: leaf}, size, path)
                assert root is not None and leads_to(leaf, index, size, path, root)
                assert not leads_to(leaf, index, size, path, leaf[::-1])
