"""Fingerprints: canonical records, salts, Merkle trees, proofs, column-wise disclosure. No network, no store."""

from pathlib import Path
from typing import Final

from ledger.fingerprint.answer_proof import AnswerProof, prove_records, verify_answer
from ledger.fingerprint.arrow_source import ArrowSource
from ledger.fingerprint.csv_source import CsvSource
from ledger.fingerprint.diff import compare_tables
from ledger.fingerprint.difference import TableDifference
from ledger.fingerprint.file import fingerprint_file
from ledger.fingerprint.file_source import FileSource
from ledger.fingerprint.fingerprint import FILE, RECORD, RECORD_SD, Fingerprint
from ledger.fingerprint.growth import GrowthProof, prove_growth, verify_growth
from ledger.fingerprint.inherit import inherit_keys
from ledger.fingerprint.json_source import JsonLinesSource
from ledger.fingerprint.leaves import leaves
from ledger.fingerprint.locate import Difference, locate, tile_leaves
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.parquet_source import ParquetSource
from ledger.fingerprint.parts_source import PartsSource
from ledger.fingerprint.read_options import ReadOptions
from ledger.fingerprint.record_proof import RecordProof, Verdict, prove_record, verify_record
from ledger.fingerprint.refingerprint import Refingerprint, refingerprint
from ledger.fingerprint.salts import Segment, SegmentKeys
from ledger.fingerprint.schema import Column, Schema
from ledger.fingerprint.sd import Disclosure, disclose_record, verify_disclosure
from ledger.fingerprint.sources import Origin, RowsSource, Source, rows_of
from ledger.fingerprint.table import fingerprint_table
from ledger.fingerprint.tile_file import TileFile, write_tile_file
from ledger.fingerprint.tile_tree import TileTree

SOURCES: Final[dict[str, type[FileSource]]] = {
    "csv": CsvSource,
    "jsonl": JsonLinesSource,
    "parquet": ParquetSource,
    "arrow": ArrowSource,
}

__all__ = [
    "FILE",
    "RECORD",
    "RECORD_SD",
    "AnswerProof",
    "ArrowSource",
    "Column",
    "CsvSource",
    "Difference",
    "Disclosure",
    "FileSource",
    "Fingerprint",
    "GrowthProof",
    "JsonLinesSource",
    "Manifest",
    "Origin",
    "ParquetSource",
    "PartsSource",
    "ReadOptions",
    "RecordProof",
    "Refingerprint",
    "RowsSource",
    "Schema",
    "Segment",
    "SegmentKeys",
    "Source",
    "TableDifference",
    "TileFile",
    "TileTree",
    "Verdict",
    "compare_tables",
    "disclose_record",
    "fingerprint_file",
    "fingerprint_table",
    "inherit_keys",
    "leaves",
    "locate",
    "open_source",
    "prove_growth",
    "prove_record",
    "prove_records",
    "refingerprint",
    "rows_of",
    "tile_leaves",
    "verify_answer",
    "verify_disclosure",
    "verify_growth",
    "verify_record",
    "write_tile_file",
]


def open_source(origin: Origin, options: ReadOptions, *, name: str | None = None) -> FileSource | PartsSource:
    """The source that its read options call for; of a folder, its files one after the other."""
    if not callable(origin) and Path(origin).is_dir():
        return PartsSource(Path(origin), options, SOURCES[options.form], name or Path(origin).name)
    return SOURCES[options.form](origin, options, name=name)
