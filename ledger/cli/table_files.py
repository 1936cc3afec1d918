"""Which files are read as tables, by their names, and the columns that they declare by themselves."""

from typing import Final

from ledger.fingerprint import ArrowSource, CsvSource, ParquetSource, Schema, Source

FORMS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
}
MEDIA: Final = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".feather": "application/vnd.apache.arrow.file",
}


def own_schema(source: Source) -> Schema | None:
    """The schema that a file declares by itself; None for JSON Lines, and CSV without a header.

    Raises InvalidTable, InvalidSchema, TooLarge.
    """
    if isinstance(source, CsvSource):
        return source.schema() if source.options.header else None
    return source.schema() if isinstance(source, ParquetSource | ArrowSource) else None
