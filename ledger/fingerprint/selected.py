"""Reading a few stretches of a table: the batches between them are passed over, neither encoded nor hashed."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ledger.errors import NotFound
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.digests import DigestArray, no_digests
from ledger.fingerprint.leaves import LeafRule, leaf_array, pieces
from ledger.fingerprint.pipeline import in_order
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source
from ledger.fingerprint.tile_builder import TileBuilder
from ledger.fingerprint.tile_tree import TILE_RECORDS

_AT_ONCE = 1 << 14  # records in a batch: few enough for two threads to share a chunk
_FAR = 1 << 17  # records: so that even where each looking up reads from the start there are few of them
Cells = tuple[bytes | None, ...]


def spans_of(source: Source, schema: Schema, spans: Iterable[range]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(number of its first record, batch) of every record in the spans, which rise and do not overlap.

    Each batch lies in one span. What is far ahead is looked up, what is near is passed over. Ends early if the source
    does. Raises InvalidTable, TooLarge, for what is read and not passed over.
    """
    waiting = deque(span for span in spans if span)
    while waiting:
        first = waiting[0].start
        for rows in source.batches(schema, first):
            stop = first + rows.num_rows
            while waiting and waiting[0].start < stop:
                span = waiting[0]
                start, end = max(span.start, first), min(span.stop, stop)
                for at in range(start, end, _AT_ONCE):
                    yield at, rows.slice(at - first, min(_AT_ONCE, end - at))
                if span.stop > stop:
                    break
                waiting.popleft()
            first = stop
            if not waiting or waiting[0].start - first >= _FAR:
                break
        else:
            return


def read_records(
    source: Source, schema: Schema, rule: LeafRule, records: int, indexes: Sequence[int]
) -> tuple[Mapping[int, Cells], Mapping[int, list[bytes]]]:
    """The canonical cells of these records, and by tile the leaf hashes of the tiles they are in.

    A tile is short if the source ends in it. Raises NotFound for a record that a table of `records` does not have.
    """
    for index in indexes:
        if not 0 <= index < records:
            raise NotFound(f"The table has no record {index}; it has {records}, counted from 0.")
    wanted = set(indexes)
    tiles = sorted({index // TILE_RECORDS for index in wanted})
    cells: dict[int, Cells] = {}
    leaves: dict[int, list[bytes]] = {tile: [] for tile in tiles}
    spans = (range(tile * TILE_RECORDS, min((tile + 1) * TILE_RECORDS, records)) for tile in tiles)
    encoder = source.encoder(schema)
    for first, rows in spans_of(source, schema, spans):
        batch = encoder.encode(rows, first)
        leaves[first // TILE_RECORDS] += map(bytes, leaf_array(rule, batch, first))
        for index in wanted.intersection(range(first, first + batch.count)):
            cells[index] = batch.cells(index - first)
    return cells, leaves


@dataclass(frozen=True, slots=True)
class Rooted:
    """A span, how many records there were in it, its tile roots (n, 32) and the leaf hashes of its first tile."""

    span: range
    count: int
    tiles: DigestArray
    head: DigestArray


def rooted_spans(source: Source, schema: Schema, rule: LeafRule, spans: Iterable[range]) -> Iterator[Rooted]:
    """Every span, each from a tile's start on, with its tiles. Memory does not grow with a span but for its roots.

    Raises InvalidTable, TooLarge, Shredded, as for a fingerprint.
    """
    wanted = [span for span in spans if span]
    waiting = deque(wanted)
    tree, head = TileBuilder(), no_digests()
    with closing(in_order(_Hashing(source.encoder(schema), rule), spans_of(source, schema, wanted))) as results:
        for first, leaves in results:
            while first not in waiting[0]:
                yield Rooted(waiting.popleft(), tree.size, tree.tiles().array(), head)
                tree, head = TileBuilder(), no_digests()
            head = np.concatenate([head, leaves[: TILE_RECORDS - len(head)]])
            tree.extend(leaves)
    while waiting:
        yield Rooted(waiting.popleft(), tree.size, tree.tiles().array(), head)
        tree, head = TileBuilder(), no_digests()


@dataclass(frozen=True, slots=True)
class _Hashing:
    """What becomes of one batch: called in several threads at once."""

    encoder: RecordEncoder
    rule: LeafRule

    def __call__(self, numbered: tuple[int, pa.RecordBatch]) -> tuple[int, DigestArray]:
        first, rows = numbered
        found, at = [], first
        for piece in pieces(rows):
            found.append(leaf_array(self.rule, self.encoder.encode(piece, at), at))
            at += piece.num_rows
        return first, np.concatenate(found)
