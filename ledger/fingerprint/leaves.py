"""Leaf hashes of a batch: the other side of the seam, where canonical bytes meet salts and a hash."""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.errors import InvalidInput
from ledger.fingerprint.canonical import EncodedBatch
from ledger.fingerprint.fingerprint import RECORD, RECORD_SD
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

    def hashes(self, batch: EncodedBatch, first: int, *functions: Hash) -> list[list[bytes]]:
        """The leaf hashes of records first .. first + batch.count - 1, once under each hash function given.

        Salts are HMAC-SHA-256 whatever the function, so they are made once for all.
        """
        if self.format == RECORD_SD and self.keys is not None:
            field_salts = self.keys.field_salts(first, batch.count, len(batch.columns))
            return [sd_leaves(batch, field_salts, function) for function in functions]
        records = batch.records()
        if self.keys is not None:
            salted = zip(self.keys.salts(first, batch.count), records, strict=True)
            records = [salt + record for salt, record in salted]
        return [[function(b"\x00" + record) for record in records] for function in functions]


def sd_leaves(batch: EncodedBatch, field_salts: list[list[bytes]], hash: Hash) -> list[bytes]:
    """leaf(i) of share-record-sd/1: H(0x00 || the fields' digests)."""
    columns = [[head + body for head, body in zip(*column, strict=True)] for column in batch.columns]
    found = []
    for salts, fields in zip(field_salts, zip(*columns, strict=True), strict=True):
        digests = [hash(b"\x02" + salt + framed) for salt, framed in zip(salts, fields, strict=True)]
        found.append(hash(b"\x00" + b"".join(digests)))
    return found


def encoded(source: Source, schema: Schema, first: int = 0) -> Iterator[tuple[int, EncodedBatch]]:
    """(number of its first record, batch) from record `first` on. Raises InvalidTable, TooLarge."""
    encoder = source.encoder(schema)
    for rows in source.batches(schema, first):
        yield first, encoder.encode(rows, first)
        first += len(rows)


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
        yield from found if left is None else found[:left]
        if left is not None:
            left -= len(found)
            if left <= 0:
                return
