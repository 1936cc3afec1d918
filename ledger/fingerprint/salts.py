"""Salts of a table's records, derived from the keys of its segments.

A segment is a run of whole chunks (2^16 records) from a first record up to the next segment; the last one is open
ended. salt(i) is the first half of HMAC-SHA-256(key, u64(i)) (RFC 2104), so one stored key stands for any number of
salts, a proof gives away its own salt only, and deleting one key shreds one segment.
"""

import secrets
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ledger.errors import InvalidInput, Shredded
from ledger.fingerprint.fingerprint import DIGEST_BYTES
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.kernel.engine import Octets

CHUNK_RECORDS = 1 << 16
KEY_BYTES = 32
SALT_BYTES = 16
_ENTRY = struct.Struct(">Q32s")


@dataclass(frozen=True, slots=True)
class Segment:
    """The key of the records from `first_record` on. The key is never shown."""

    first_record: int
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Raises InvalidInput unless the segment starts at a chunk and its key has 32 bytes."""
        if self.first_record < 0 or self.first_record % CHUNK_RECORDS:
            raise InvalidInput(f"A segment starts at a whole chunk of {CHUNK_RECORDS} records.")
        if len(self.key) != KEY_BYTES:
            raise InvalidInput(f"A segment's key has {KEY_BYTES} bytes.")

    @classmethod
    def fresh(cls, first_record: int = 0) -> "Segment":
        """A segment with a new random key."""
        return cls(first_record, secrets.token_bytes(KEY_BYTES))


class SegmentKeys:
    """All segments of one version, in order. Those shredded are not there; asking for their keys raises Shredded."""

    __slots__ = ("_firsts", "gone", "segments")

    def __init__(self, segments: Iterable[Segment], *, gone: Iterable[int] = ()) -> None:
        """`gone` names the first records of shredded segments, whose keys no longer exist.

        Raises:
            InvalidInput: out of order, given twice, or record 0 is in no segment.
        """
        self.segments: tuple[Segment, ...] = tuple(segments)
        self.gone: tuple[int, ...] = tuple(sorted(gone))
        firsts = sorted([*(segment.first_record for segment in self.segments), *self.gone])
        given = [segment.first_record for segment in self.segments]
        if given != sorted(given):
            raise InvalidInput("Segments are given in order.")
        if not firsts or firsts[0] != 0 or len(set(firsts)) != len(firsts):
            raise InvalidInput("The segments start at record 0 and no two start at the same record.")
        self._firsts = firsts

    @classmethod
    def fresh(cls) -> "SegmentKeys":
        """One segment with a new random key: what a first version gets."""
        return cls([Segment.fresh()])

    def __repr__(self) -> str:
        return f"SegmentKeys(<{len(self.segments)} keys>)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SegmentKeys) and (self._firsts, self.segments) == (other._firsts, other.segments)

    __hash__ = None  # type: ignore[assignment]

    def to_bytes(self) -> bytes:
        """u64(first record) || key, for each segment: secret, to be wrapped before it is stored."""
        return b"".join(_ENTRY.pack(segment.first_record, segment.key) for segment in self.segments)

    @classmethod
    def from_bytes(cls, content: bytes, *, gone: Iterable[int] = ()) -> "SegmentKeys":
        """Read what `to_bytes` wrote. Raises InvalidInput."""
        if len(content) % _ENTRY.size:
            raise InvalidInput("Stored segment keys have 40 bytes each.")
        return cls((Segment(first, key) for first, key in _ENTRY.iter_unpack(content)), gone=gone)

    def key(self, index: int) -> bytes:
        """The key of the segment holding record `index`. Raises Shredded if it was deleted on purpose."""
        if index < 0:
            raise InvalidInput("Records are counted from 0.")
        first = self._firsts[bisect_right(self._firsts, index) - 1]
        for segment in self.segments:
            if segment.first_record == first:
                return segment.key
        raise Shredded(f"The key of the segment from record {first} on is gone.", first_record=first)

    def runs(self, first: int, count: int) -> Iterator[tuple[int, int, bytes]]:
        """(start, stop, key) for each stretch of records first .. first + count - 1 that shares a key."""
        stop = first + count
        while first < stop:
            at = bisect_right(self._firsts, first)
            end = min(stop, self._firsts[at]) if at < len(self._firsts) else stop
            yield first, end, self.key(first)
            first = end

    def shredded(self, first: int, count: int) -> Iterator[tuple[int, int]]:
        """(start, stop) of each stretch of records first .. first + count - 1 whose key is gone."""
        stop = first + count
        while first < stop:
            at = bisect_right(self._firsts, first)
            end = min(stop, self._firsts[at]) if at < len(self._firsts) else stop
            if self._firsts[at - 1] in self.gone:
                yield first, end
            first = end

    def salt_array(self, first: int, count: int) -> Octets:
        """(count, 16): salt(i) of the records from `first` on; not one after the other in memory."""
        return self._macs(first, count, 0)[:, :SALT_BYTES]

    def salt(self, index: int) -> bytes:
        """salt(index): the first 16 bytes of HMAC-SHA-256(key, u64(index))."""
        return bytes(self.salt_array(index, 1)[0])

    def field_salt_array(self, first: int, count: int, columns: int) -> Octets:
        """(count, columns, 16): fsalt(i, c); one HMAC over u64(i) || u32(c div 2) gives those of two columns."""
        pairs = (columns + 1) // 2
        halves = self._macs(first, count, pairs).reshape(count, 2 * pairs, SALT_BYTES)
        return np.ascontiguousarray(halves[:, :columns])

    def field_salts(self, first: int, count: int, columns: int) -> list[list[bytes]]:
        """The same, as bytes: for each record, one salt for each column."""
        return [[bytes(salt) for salt in record] for record in self.field_salt_array(first, count, columns)]

    def _macs(self, first: int, count: int, pairs: int) -> Octets:
        """(count * max(pairs, 1), 32). Raises Shredded if the key of one of these records is gone."""
        runs = [engine().macs(key, start, stop - start, pairs) for start, stop, key in self.runs(first, count)]
        return runs[0] if len(runs) == 1 else np.concatenate([*runs, np.empty((0, DIGEST_BYTES), np.uint8)])
