"""Salts of a table's records, derived from the keys of its segments.

A segment is a run of whole chunks (2^16 records) from a first record up to the next segment; the last one is open
ended. salt(i) is the first half of HMAC-SHA-256(key, u64(i)) (RFC 2104), so one stored key stands for any number of
salts, a proof gives away its own salt only, and deleting one key shreds one segment.
"""

import hashlib
import secrets
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ledger.errors import InvalidInput, Shredded

CHUNK_RECORDS = 1 << 16
KEY_BYTES = 32
SALT_BYTES = 16
_ENTRY = struct.Struct(">Q32s")
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


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

    def salts(self, first: int, count: int) -> list[bytes]:
        """salt(i), 16 bytes each, for `count` records from `first` on."""
        found: list[bytes] = []
        pack = struct.Struct(">Q").pack
        for start, stop, key in self.runs(first, count):
            found += [mac[:SALT_BYTES] for mac in macs(key, map(pack, range(start, stop)))]
        return found

    def salt(self, index: int) -> bytes:
        """salt(index): the first 16 bytes of HMAC-SHA-256(key, u64(index))."""
        return self.salts(index, 1)[0]

    def field_salts(self, first: int, count: int, columns: int) -> list[list[bytes]]:
        """fsalt(i, c) for each record and column: one HMAC over u64(i) || u32(c div 2) gives those of two columns."""
        pack = struct.Struct(">QI").pack
        pairs = (columns + 1) // 2
        found: list[list[bytes]] = []
        for start, stop, key in self.runs(first, count):
            halves = macs(key, (pack(record, pair) for record in range(start, stop) for pair in range(pairs)))
            for at in range(0, len(halves), pairs):
                joined = b"".join(halves[at : at + pairs])
                found.append([joined[SALT_BYTES * c : SALT_BYTES * (c + 1)] for c in range(columns)])
        return found


def macs(key: bytes, messages: Iterable[bytes]) -> list[bytes]:
    """HMAC-SHA-256 of each message under one key.

    The two key blocks are hashed once and their states copied: a third of the time of `hmac.digest` per short message.
    """
    block = key.ljust(64, b"\x00")
    inner, outer = hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))
    found = []
    for message in messages:
        state = inner.copy()
        state.update(message)
        last = outer.copy()
        last.update(state.digest())
        found.append(last.digest())
    return found
