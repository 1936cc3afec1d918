"""`provesRecord` against an independent RFC 9162 tree, and for the proofs that the product makes."""

from dataclasses import replace

import pytest

from ledger.fingerprint import (
    RECORD,
    RECORD_SD,
    Disclosure,
    Manifest,
    RecordProof,
    RowsSource,
    Schema,
    Segment,
    SegmentKeys,
    disclose_record,
    fingerprint_table,
    prove_record,
    verify_disclosure,
    verify_record,
)
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


COLUMNS = Schema.text(["code", "name", "phone"])
TABLE = RowsSource([(f"{at:06d}", f"村民{at}", None if at % 7 else "") for at in range(700)])
KEYS = SegmentKeys([Segment(0, bytes(range(32)))])


def _product_proof(format: str, manifest: Manifest, index: int) -> RecordProof | Disclosure:
    if format == RECORD_SD:
        return disclose_record(TABLE, COLUMNS, KEYS, manifest, index, ["name"])
    return prove_record(TABLE, COLUMNS, KEYS, manifest, index)


@pytest.mark.parametrize("format", [RECORD, RECORD_SD])
def test_a_record_s_own_proof_is_verified_on_chain(world: World, format: str) -> None:
    """The contract gets the salted leaf, the number and the path of a proof, and nothing of the record."""
    fingerprint, manifest = fingerprint_table(TABLE, COLUMNS, KEYS, format=format)
    version = _anchor(world, fingerprint.records, fingerprint.root)
    for index in (0, 255, 256, 511, 699):
        proof = _product_proof(format, manifest, index)
        verdict = verify_disclosure if isinstance(proof, Disclosure) else verify_record
        path = list(proof.path)
        assert verdict(fingerprint, proof, COLUMNS) and _proves(world, version, proof.leaf, index, path)  # type: ignore[operator]
        assert not _proves(world, version, proof.leaf, (index + 1) % 700, path)
        for wrong in _tampered(proof):
            assert not verdict(fingerprint, wrong, COLUMNS)  # type: ignore[operator]
            assert not _proves(world, version, wrong.leaf, index, path)


def _tampered(proof: RecordProof | Disclosure) -> list[RecordProof | Disclosure]:
    """The same proof with another cell, and with another salt."""
    if isinstance(proof, RecordProof):
        return [replace(proof, cells=(b"x", *proof.cells[1:])), replace(proof, salt=bytes(16))]
    hidden, shown, rest = proof.fields
    others = [replace(shown, cell=b"x"), replace(shown, salt=bytes(16))]  # type: ignore[call-arg]
    return [replace(proof, fields=(hidden, other, rest)) for other in others]
