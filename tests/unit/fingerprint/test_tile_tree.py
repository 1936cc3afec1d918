"""The tree at every eighth level: paths against the plain oracle, on disk, and what is said of a damaged one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Corrupt, InvalidProof
from ledger.fingerprint import FILE, Fingerprint, Manifest, TileFile, TileTree, write_tile_file
from ledger.fingerprint.digests import Digests
from ledger.fingerprint.merkle import sha256, tree_root, verify_inclusion
from ledger.fingerprint.multi_path import multi_root, sibling_places
from ledger.fingerprint.tile_tree import level_sizes
from tests.conformance import reference

MANY = 66_000  # two chunks, three stored levels
LEAVES = [sha256(b"%d" % at) for at in range(MANY)]


def manifest_of(leaves: list[bytes]) -> Manifest:
    return Manifest(len(leaves), [tree_root(leaves[at : at + 256]) for at in range(0, len(leaves), 256)])


def tile(leaves: list[bytes], number: int) -> list[bytes]:
    return leaves[number * 256 : (number + 1) * 256]


def tiles(leaves: list[bytes], indexes: list[int]) -> dict[int, list[bytes]]:
    return {at // 256: tile(leaves, at // 256) for at in indexes}


def anchored(manifest: Manifest, **members: object) -> Fingerprint:
    told = {"format": FILE, "salted": False, "schema": bytes(32), "root": manifest.root, "records": manifest.records}
    return Fingerprint(**{**told, **members})  # type: ignore[arg-type]


MANIFEST = manifest_of(LEAVES)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 513, 1000])
def test_single_paths_are_those_of_the_rfc(size: int) -> None:
    leaves = LEAVES[:size]
    manifest = manifest_of(leaves)
    assert manifest.root == reference.root(leaves)
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        assert list(manifest.path(index, tile(leaves, index // 256))) == reference.path(index, leaves)


def test_paths_over_several_chunks() -> None:
    root = reference.root(LEAVES)
    assert MANIFEST.root == root and len(MANIFEST.chunks) == 2
    assert [len(level) for level in MANIFEST.tree.levels] == level_sizes(MANY) == [258, 2, 1]
    for index in (0, 300, 65_535, 65_536, MANY - 1):
        path = MANIFEST.path(index, tile(LEAVES, index // 256))
        assert verify_inclusion(LEAVES[index], index, MANY, path, root)
        assert list(path) == reference.path(index, LEAVES)


@given(st.integers(1, 2000), st.data())
@settings(deadline=None, max_examples=60)
def test_one_path_for_many_leaves(size: int, choices: st.DataObject) -> None:
    leaves = LEAVES[:size]
    indexes = sorted(choices.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=20)))
    path = manifest_of(leaves).paths(indexes, tiles(leaves, indexes))
    assert multi_root({at: leaves[at] for at in indexes}, size, path) == reference.root(leaves)
    assert len(path) == len(set(path)) == len(list(sibling_places(indexes, size)))
    # No node is given that the leaves lead to, and none twice: never more than the single paths together.
    single = {node for at in indexes for node in reference.path(at, leaves)}
    assert set(path) <= single


def test_all_leaves_need_no_path() -> None:
    assert MANIFEST.paths([0], tiles(LEAVES, [0]))
    few = manifest_of(LEAVES[:300])
    assert few.paths(list(range(300)), tiles(LEAVES[:300], [0, 299])) == ()


@pytest.mark.parametrize("indexes", [[], [3, 3], [4, 3], [-1], [MANY]])
def test_leaves_that_cannot_be_asked_for(indexes: list[int]) -> None:
    with pytest.raises(IndexError):
        MANIFEST.paths(indexes, {at // 256: tile(LEAVES, 0) for at in indexes})


def test_wrong_leaves_name_their_tile() -> None:
    wrong = [*tile(LEAVES, 7)[:-1], bytes(32)]
    for leaves in (wrong, tile(LEAVES, 7)[:-1], tile(LEAVES, 8)):
        with pytest.raises(InvalidProof) as refused:
            MANIFEST.paths([3, 7 * 256], {0: tile(LEAVES, 0), 7: leaves})
        assert refused.value.facts == {"tile": 7}


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "tiles"
    write_tile_file(path, MANIFEST)
    return path


def test_a_tree_on_disk_gives_the_same_paths(stored: Path) -> None:
    assert stored.stat().st_size < 8 * 2 + MANY / 256 * 33
    with TileFile(stored, anchored(MANIFEST)) as tree:
        for index in (0, 255, 256, 65_536, MANY - 1):
            assert tree.path(index, tile(LEAVES, index // 256)) == MANIFEST.path(index, tile(LEAVES, index // 256))
        assert tree.damage() == ()
    write_tile_file(stored, manifest_of(LEAVES[:10]))
    assert sorted(each.name for each in stored.parent.iterdir()) == ["tiles"]


def test_a_tree_of_another_table_is_refused(stored: Path) -> None:
    with pytest.raises(InvalidProof):
        TileFile(stored, anchored(MANIFEST, records=MANY - 1))
    with TileFile(stored, anchored(MANIFEST, root=bytes(32))) as tree, pytest.raises(Corrupt):
        tree.path(0, tile(LEAVES, 0))
    for content in (b"", b"share-tiles/1\n", stored.read_bytes()[:-1], stored.read_bytes() + b"x"):
        stored.write_bytes(content)
        with pytest.raises(InvalidProof):
            TileFile(stored, anchored(MANIFEST))


HEAD = len(b"share-tiles/1\n") + 8


@given(st.integers(0, 258 + 2 + 1 - 1), st.integers(0, 255), st.sampled_from([0, 300, 65_600, MANY - 1]))
@settings(deadline=None, max_examples=60)
def test_a_flipped_bit_is_named_or_does_no_harm(tmp_path_factory, node: int, bit: int, index: int) -> None:
    content = bytearray(MANIFEST.tree.to_bytes())
    content[HEAD + node * 32 + bit // 8] ^= 1 << bit % 8
    path = tmp_path_factory.mktemp("damaged") / "tiles"
    path.write_bytes(content)
    with TileFile(path, anchored(MANIFEST)) as tree:
        # The root, two chunks, then the tiles.
        spoilt = {0: range(258), 1: range(256), 2: range(256, 258)}.get(node, range(node - 3, node - 2))
        told = tree.damage()
        assert told and any(each.start <= spoilt.start < each.stop for each in told)
        try:
            proof = tree.path(index, tile(LEAVES, index // 256))
        except Corrupt as damage:
            assert damage.facts["first_tile"] <= spoilt.start <= damage.facts["last_tile"]
        else:
            assert verify_inclusion(LEAVES[index], index, MANY, proof, MANIFEST.root)


def test_digests_are_a_sequence() -> None:
    some = Digests.of(LEAVES[:5])
    assert (len(some), some[1], some[-1], list(some[1:3])) == (5, LEAVES[1], LEAVES[4], LEAVES[1:3])
    assert some[::2] == [LEAVES[0], LEAVES[2], LEAVES[4]] and some == Digests.of(LEAVES[:5]) != Digests.of(LEAVES[:4])
    assert Digests.of(some.array()) == some and hash(some) == hash(Digests.of(LEAVES[:5]))
    assert len(some[3:1]) == 0
    with pytest.raises(IndexError):
        some[5]
    for wrong in (b"x", bytes(33)):
        with pytest.raises(ValueError, match="digests"):
            Digests(wrong)
    with pytest.raises(ValueError, match="32"):
        Digests.of([b"x"])


def test_a_tree_needs_all_its_levels() -> None:
    with pytest.raises(InvalidProof):
        TileTree(MANY, MANIFEST.tree.levels[:2], MANIFEST.root)
    empty = TileTree.over(0, Digests(b""))
    assert (empty.root, empty.damage(), len(empty.chunks)) == (sha256(b""), (), 0)
