"""Leaf hashes of a batch: where canonical bytes meet salts and a hash."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ledger.errors import InvalidInput
from ledger.fingerprint.canonical import EncodedBatch
from ledger.fingerprint.digests import DigestArray
from ledger.fingerprint.fingerprint import RECORD, RECORD_SD
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.kernel.engine import Octets, digests_array
from ledger.fingerprint.merkle import Hash, sha256
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source


@dataclass(frozen=True, slots=True)
class LeafRule:
    """How records become leaves: the format and, unless the table is open, the keys."""

    format: str
    keys: SegmentKeys | None

    def __post_init__(self) -> None:
        """Raises InvalidInput for a format that is no table's, or share-record-sd/1 without keys."""
        if self.format not in (RECORD, RECORD_SD):
            raise InvalidInput(f"A table's format is {RECORD} or {RECORD_SD}.", format=self.format)
        if self.format == RECORD_SD and self.keys is None:
            raise InvalidInput(f"{RECORD_SD} is always salted: it needs keys.")

    def hashes(self, batch: EncodedBatch, first: int, *functions: Hash) -> list[DigestArray]:
        """The leaf hashes of records first .. first + batch.count - 1, (count, 32), under each hash function given.

        Salts are HMAC-SHA-256 whatever the function, so they are made once for all.
        """
        if self.format == RECORD_SD and self.keys is not None:
            field_salts = self.keys.field_salt_array(first, batch.count, batch.width)
            return [sd_leaves(batch, field_salts, function) for function in functions]
        salts = None if self.keys is None else self.keys.salt_array(first, batch.count)
        bounds = batch.offsets
        return [_digests(function, 0, batch.content, bounds[:-1], bounds[1:], salts) for function in functions]


def leaf_array(rule: LeafRule, batch: EncodedBatch, first: int) -> DigestArray:
    """The leaf hashes of a batch under SHA-256, (count, 32)."""
    return rule.hashes(batch, first, sha256)[0]


def sd_leaves(batch: EncodedBatch, field_salts: Octets, hash: Hash) -> DigestArray:
    """leaf(i) of share-record-sd/1: H(0x00 || the fields' digests). `field_salts`: (count, columns, 16)."""
    digests = _digests(hash, 2, batch.content, *batch.fields(), field_salts.reshape(-1, field_salts.shape[-1]))
    return digest_leaves(digests.reshape(batch.count, -1), hash)


def digest_leaves(joined: Octets, hash: Hash = sha256) -> DigestArray:
    """H(0x00 || row) of each row."""
    count, size = joined.shape
    bounds = np.arange(count + 1, dtype=np.int64) * size
    content = np.empty(count * size + 128, np.uint8)
    content[: count * size] = joined.reshape(-1)
    return _digests(hash, 0, content, bounds[:-1], bounds[1:], None)


def _digests(
    hash: Hash,
    prefix: int,
    content: Octets,
    starts: np.ndarray[tuple[int], np.dtype[np.int64]],
    stops: np.ndarray[tuple[int], np.dtype[np.int64]],
    salts: Octets | None,
) -> DigestArray:
    if hash is sha256:
        return engine().leaves(prefix, content, starts, stops, salts)
    head = bytes([prefix])
    view = content.data
    spans = zip(starts.tolist(), stops.tolist(), strict=True)
    if salts is None:
        return digests_array([hash(head + view[start:stop]) for start, stop in spans])
    return digests_array(
        [hash(head + salt.tobytes() + view[start:stop]) for salt, (start, stop) in zip(salts, spans, strict=True)]
    )


def pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in runs of few enough rows that what is made of them stays in the processor's caches."""
    most = max(256, PIECE_CELLS // max(batch.num_columns, 1))
    for at in range(0, batch.num_rows, most):
        yield batch.slice(at, most)


PIECE_CELLS = 1 << 17


def encoded(source: Source, schema: Schema, first: int = 0) -> Iterator[tuple[int, EncodedBatch]]:
    """(number of its first record, batch) from record `first` on. Raises InvalidTable, TooLarge."""
    encoder = source.encoder(schema)
    for batch in source.batches(schema, first):
        for piece in pieces(batch):
            yield first, encoder.encode(piece, first)
            first += piece.num_rows


def leaves(
    source: Source,
    schema: Schema,
    keys: SegmentKeys | None,
    *,
    first: int = 0,
    count: int | None = None,
    format: str = RECORD,
    hash: Hash = sha256,
) -> Iterator[bytes]:
    """Leaf hashes of records `first` .. `first + count - 1`, or to the end; fewer if the source ends before.

    Raises:
        InvalidTable: a row the schema refuses.
        Shredded: the key of one of these records is gone.
    """
    rule = LeafRule(format, keys)
    left = count
    for start, batch in encoded(source, schema, first):
        found = rule.hashes(batch, start, hash)[0]
        yield from map(bytes, found if left is None else found[:left])
        if left is not None:
            left -= len(found)
            if left <= 0:
                return
