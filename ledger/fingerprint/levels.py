"""Whole levels of a tree at once, as arrays of digests."""

from ledger.fingerprint.digests import DigestArray
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.kernel.engine import digests_array
from ledger.fingerprint.merkle import Hash, parents, sha256


def level_above(nodes: DigestArray, hash: Hash = sha256) -> DigestArray:
    """The next level up, (n, 32) to (ceil(n / 2), 32); an odd last node is carried up as it is."""
    if hash is sha256:
        return engine().parents(nodes)
    return digests_array(parents([bytes(node) for node in nodes], hash))


def top(nodes: DigestArray, hash: Hash = sha256) -> bytes:
    """The root over one node or more."""
    while len(nodes) > 1:
        nodes = level_above(nodes, hash)
    return bytes(nodes[0])
