"""Whole levels of a tree at once, as arrays of digests."""

from ledger.fingerprint.canonical import EncodedBatch
from ledger.fingerprint.digests import DigestArray
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.leaves import LeafRule
from ledger.fingerprint.merkle import sha256


def leaf_array(rule: LeafRule, batch: EncodedBatch, first: int) -> DigestArray:
    """The leaf hashes of a batch under SHA-256, (count, 32)."""
    return rule.hashes(batch, first, sha256)[0]


def above(nodes: DigestArray) -> DigestArray:
    """The parents of a level, (n, 32) to (ceil(n / 2), 32); an odd last node is carried up as it is."""
    return engine().parents(nodes)


def top(nodes: DigestArray) -> bytes:
    """The root over one node or more."""
    while len(nodes) > 1:
        nodes = above(nodes)
    return bytes(nodes[0])
