"""The fingerprint of a table, in one pass over its source."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.fingerprint import RECORD, Fingerprint
from ledger.fingerprint.leaves import LeafRule, pieces
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.merkle import Hash, sha256, sm3
from ledger.fingerprint.pipeline import in_order
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source
from ledger.fingerprint.tile_builder import Run, TileBuilder, run_of

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Begun:
    """The roots of the first whole tiles of a table, known from an earlier pass; `twin` those under SM3, if wanted."""

    tiles: Sequence[bytes]
    twin: Sequence[bytes] | None = None


def fingerprint_table(
    source: Source,
    schema: Schema,
    keys: SegmentKeys | None,
    *,
    format: str = RECORD,
    twin: bool = False,
    size: int | None = None,
    progress: Progress | None = None,
    begun: Begun | None = None,
    kept: Callable[[Callable[[], Begun]], None] | None = None,
) -> tuple[Fingerprint, Manifest]:
    """Read the whole source once; memory does not grow with it but for 32 bytes per 256 records.

    `keys` None means an open table (share-record-sd/1 has none). `twin` adds the SM3 root. `size` is passed through
    into the fingerprint. `progress` is called with the number of records done after each batch, in this thread. `begun`
    goes on after the tiles of an earlier pass over the same source; `kept` is called after each batch in which a
    tile was finished, with what tells what such a pass would need.

    Raises:
        InvalidTable: a row the schema refuses, naming file, row and column; a file that cannot be read.
        InvalidInput: share-record-sd/1 without keys.
        Shredded: the key of a segment is gone.
        TooLarge: a line over the limit.
        ValueError: `begun` without SM3 tiles for a twin root, or with another number of them.
    """
    work = _Work(source.encoder(schema), LeafRule(format, keys), (sha256, sm3) if twin else (sha256,))
    trees = _trees(work.functions, begun)
    with closing(in_order(work, _numbered(source, schema, trees[0].size))) as results:
        for runs in results:
            before = trees[0].size
            for run in runs:
                for tree, part in zip(trees, run, strict=True):
                    tree.add(part)
            if progress is not None:
                progress(trees[0].size)
            if kept is not None and trees[0].size // 256 > before // 256:
                kept(lambda: Begun(trees[0].whole_tiles(), trees[1].whole_tiles() if twin else None))
    manifest = Manifest(trees[0].size, trees[0].tiles())
    twin_root = trees[1].root() if twin else None
    fingerprint = Fingerprint(
        format, keys is not None, schema.digest(), manifest.root, manifest.records, size, twin_root
    )
    return fingerprint, manifest


def _trees(functions: Sequence[Hash], begun: Begun | None) -> list[TileBuilder]:
    known: list[Any] = [(), ()]
    if begun is not None:
        known = [begun.tiles, begun.twin or ()]
        if len(functions) == 2 and len(known[1]) != len(known[0]):
            raise ValueError("a twin root goes on from as many SM3 tiles as SHA-256 tiles")
    return [TileBuilder(function, tiles) for function, tiles in zip(functions, known, strict=False)]


def _numbered(source: Source, schema: Schema, first: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    for batch in source.batches(schema, first):
        yield first, batch
        first += batch.num_rows


@dataclass(frozen=True, slots=True)
class _Work:
    """What becomes of one batch: called in several threads at once."""

    encoder: RecordEncoder
    rule: LeafRule
    functions: tuple[Hash, ...]

    def __call__(self, numbered: tuple[int, pa.RecordBatch]) -> list[list[Run]]:
        first, batch = numbered
        found = []
        for piece in pieces(batch):
            hashes = self.rule.hashes(self.encoder.encode(piece, first), first, *self.functions)
            found.append([run_of(each, first, function) for each, function in zip(hashes, self.functions, strict=True)])
            first += piece.num_rows
        return found
