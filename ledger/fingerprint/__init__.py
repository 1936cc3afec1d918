"""Fingerprints: canonical records, salts, Merkle trees, proofs, column-wise disclosure. No network, no store."""

from ledger.fingerprint.csv_source import CsvSource
from ledger.fingerprint.file import fingerprint_file
from ledger.fingerprint.fingerprint import FILE, RECORD, RECORD_SD, Fingerprint
from ledger.fingerprint.inherit import inherit_keys
from ledger.fingerprint.json_source import JsonLinesSource
from ledger.fingerprint.leaves import leaves
from ledger.fingerprint.locate import Difference, locate, tile_leaves
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.read_options import ReadOptions
from ledger.fingerprint.record_proof import RecordProof, Verdict, prove_record, verify_record
from ledger.fingerprint.salts import Segment, SegmentKeys
from ledger.fingerprint.schema import Column, Schema
from ledger.fingerprint.sd import Disclosure, disclose_record, verify_disclosure
from ledger.fingerprint.sources import Origin, RowsSource, Source
from ledger.fingerprint.table import fingerprint_table

__all__ = [
    "FILE",
    "RECORD",
    "RECORD_SD",
    "Column",
    "CsvSource",
    "Difference",
    "Disclosure",
    "Fingerprint",
    "JsonLinesSource",
    "Manifest",
    "Origin",
    "ReadOptions",
    "RecordProof",
    "RowsSource",
    "Schema",
    "Segment",
    "SegmentKeys",
    "Source",
    "Verdict",
    "disclose_record",
    "fingerprint_file",
    "fingerprint_table",
    "inherit_keys",
    "leaves",
    "locate",
    "open_source",
    "prove_record",
    "tile_leaves",
    "verify_disclosure",
    "verify_record",
]


def open_source(origin: Origin, options: ReadOptions, *, name: str | None = None) -> CsvSource | JsonLinesSource:
    """The source that its read options call for."""
    if options.form == "jsonl":
        return JsonLinesSource(origin, options, name=name)
    return CsvSource(origin, options, name=name)
