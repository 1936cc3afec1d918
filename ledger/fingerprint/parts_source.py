"""A table in several files: the parts of a folder, one after the other by name, as Spark and its like write them."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from ledger.errors import InvalidTable
from ledger.fingerprint.canonical import EncodedBatch, RecordEncoder
from ledger.fingerprint.read_options import ReadOptions
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Source


class PartsSource:
    """The files of a folder, all read by the same options; names beginning with `.` or `_` are no parts.

    Each part with a header has its own. An error names the part, and the row in it.
    """

    unit = "records"

    def __init__(
        self, folder: Path, options: ReadOptions, open_part: Callable[[Path, ReadOptions], Source], name: str
    ) -> None:
        """Raises InvalidTable if there is no part, or something that is no file."""
        self.options = options
        self.name = name
        self.total: int | None = None
        self.done = 0
        files = sorted((each for each in folder.iterdir() if each.name[0] not in "._"), key=lambda each: each.name)
        if not files or not all(each.is_file() for each in files):
            raise InvalidTable(f"{name} is no folder of parts: files are expected in it, and nothing else.", file=name)
        self.parts: Sequence[Source] = [open_part(file, options) for file in files]
        self._starts = [0]  # the first record of each part, as far as the parts before it were read

    def encoder(self, schema: Schema) -> RecordEncoder:
        return _PartsEncoder(schema, [part.encoder(schema) for part in self.parts], self._starts, self.name)

    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        number = min(bisect_right(self._starts, first), len(self.parts)) - 1
        known = number + 1 < len(self._starts)
        for at in range(number, len(self.parts)):
            # Only a part that was read from its start before, so that its length is known, may be entered in its midst.
            enter = first - self._starts[at] if known and at == number else 0
            record = self._starts[at] + enter
            for batch in self._part(at, schema, enter):
                stop = record + batch.num_rows
                if stop > first:
                    self.done = stop
                    yield batch.slice(max(0, first - record))
                record = stop
            if len(self._starts) == at + 1:
                self._starts.append(record)

    def _part(self, at: int, schema: Schema, first: int) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.parts[at].batches(schema, first)
        except InvalidTable as error:
            raise _of_the_whole(error, self._starts[at]) from None


class _PartsEncoder(RecordEncoder):
    """Each part's own encoder for its records: it names the part, and counts its rows."""

    def __init__(self, schema: Schema, parts: Sequence[RecordEncoder], starts: Sequence[int], name: str) -> None:
        super().__init__(schema, "canonical", name=name)
        self._parts, self._starts = parts, starts

    def encode(self, batch: pa.RecordBatch, first: int) -> EncodedBatch:
        number = min(bisect_right(self._starts, first), len(self._parts)) - 1
        start = self._starts[number]
        try:
            return self._parts[number].encode(batch, first - start)
        except InvalidTable as error:
            raise _of_the_whole(error, start) from None


def _of_the_whole(error: InvalidTable, start: int) -> InvalidTable:
    """The same error; its record is counted from the first of all parts, its row from the first of its own."""
    if isinstance(error.facts.get("record"), int):
        error.facts["record"] += start
    return error
