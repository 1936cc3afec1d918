"""The fingerprint of a table, in one pass over its source."""

from collections.abc import Callable

from ledger.fingerprint.fingerprint import RECORD, Fingerprint
from ledger.fingerprint.leaves import LeafRule, encoded
from ledger.fingerprint.manifest import Manifest, TileBuilder
from ledger.fingerprint.merkle import sha256, sm3
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source

Progress = Callable[[int], None]


def fingerprint_table(
    source: Source,
    schema: Schema,
    keys: SegmentKeys | None,
    *,
    format: str = RECORD,
    twin: bool = False,
    size: int | None = None,
    progress: Progress | None = None,
) -> tuple[Fingerprint, Manifest]:
    """Read the whole source once; memory does not grow with it but for 32 bytes per 256 records.

    `keys` None means an open table (share-record-sd/1 has none). `twin` adds the SM3 root. `size` is passed through
    into the fingerprint. `progress` is called with the number of records done after each batch.

    Raises:
        InvalidTable: a row the schema refuses, naming file, row and column; a file that cannot be read.
        InvalidInput: share-record-sd/1 without keys.
        Shredded: the key of a segment is gone.
        TooLarge: a line over the limit.
    """
    rule = LeafRule(format, keys)
    tree, twin_tree = TileBuilder(sha256), TileBuilder(sm3)
    functions = (sha256, sm3) if twin else (sha256,)
    for first, batch in encoded(source, schema):
        found = rule.hashes(batch, first, *functions)
        tree.extend(found[0])
        if twin:
            twin_tree.extend(found[1])
        if progress is not None:
            progress(tree.size)
    manifest = Manifest(tree.size, tree.tiles())
    twin_root = twin_tree.root() if twin else None
    fingerprint = Fingerprint(
        format, keys is not None, schema.digest(), manifest.root, manifest.records, size, twin_root
    )
    return fingerprint, manifest
