"""The running head: one keccak over every entry, its signatures and its time, chained.

    head' = keccak256(abi.encode(head, index, module, actDigest, keccak256(abi.encode(signatures)), time))

The encoding is written out by hand (Solidity ABI, "Formal Specification of the Encoding"): the audit runs it for every
entry since the first. Digests and heads are 64 hex digits, addresses 0x text, as everywhere.
"""

from collections.abc import Iterable, Sequence

from ledger.domain.entries import Entry
from ledger.domain.identifiers import address_to_bytes, digest_to_bytes
from ledger.domain.keccak import keccak256

_TWELVE_ZEROS = bytes(12)
_LIST_OFFSET = (32).to_bytes(32, "big")
_EMPTY_LIST = keccak256(_LIST_OFFSET + bytes(32))


def first_head(chain_id: int, journal: str) -> str:
    """The head before entry 0: keccak256(abi.encode("ShareLedger", chainid, journal))."""
    name = b"ShareLedger"
    return keccak256(
        (96).to_bytes(32, "big")  # where the string starts: after three words
        + chain_id.to_bytes(32, "big")
        + _TWELVE_ZEROS
        + address_to_bytes(journal)
        + len(name).to_bytes(32, "big")
        + name.ljust(32, b"\0")
    ).hex()


def signatures_hash(signatures: Sequence[bytes]) -> bytes:
    """keccak256(abi.encode(bytes[])): offset, count, then an offset each, then length and padded bytes each."""
    if not signatures:
        return _EMPTY_LIST
    offset = 32 * len(signatures)
    offsets: list[bytes] = []
    bodies: list[bytes] = []
    for signature in signatures:
        offsets.append(offset.to_bytes(32, "big"))
        length = len(signature)
        body = length.to_bytes(32, "big") + signature + bytes(-length % 32)
        bodies.append(body)
        offset += len(body)
    return keccak256(_LIST_OFFSET + len(signatures).to_bytes(32, "big") + b"".join(offsets) + b"".join(bodies))


def next_head(head: str, index: int, module: str, digest: str, signatures: Sequence[bytes], time: int) -> str:
    """The head after one more entry. Raises InvalidDigest, InvalidInput."""
    return keccak256(
        digest_to_bytes(head)
        + index.to_bytes(32, "big")
        + _TWELVE_ZEROS
        + address_to_bytes(module)
        + digest_to_bytes(digest)
        + signatures_hash(signatures)
        + time.to_bytes(32, "big")
    ).hex()


def head_after(head: str, entry: Entry) -> str:
    """The head that `entry` must carry if it follows `head`."""
    return next_head(head, entry.index, entry.module, entry.digest, entry.signatures, entry.time)


def first_unchained(head: str, entries: Iterable[Entry]) -> Entry | None:
    """The first entry whose head does not follow from the one before it, starting at `head`; None if all do."""
    for entry in entries:
        head = head_after(head, entry)
        if head != entry.head:
            return entry
    return None
