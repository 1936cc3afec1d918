"""What all sources that are one file have in common, whatever its form."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from ledger.errors import InvalidTable
from ledger.fingerprint.canonical import RecordEncoder
from ledger.fingerprint.read_options import Form, ReadOptions
from ledger.fingerprint.schema import Schema
from ledger.fingerprint.sources import Bookmark, Bookmarks, Origin, label, size_of


class FileSource(ABC):
    """A file, or a callable that opens one as a binary stream, read as its options say.

    `total` is its size in bytes if that is known, `done` how far the reading that goes on now has come.
    """

    form: ClassVar[Form]
    form_name: ClassVar[str]

    def __init__(self, origin: Origin, options: ReadOptions | None = None, *, name: str | None = None) -> None:
        """Raises InvalidTable if the options are for another form."""
        self.options = options or ReadOptions(form=self.form)
        if self.options.form != self.form:
            raise InvalidTable(f"These read options are not for {self.form_name}.", option="form")
        self.name = label(origin, name)
        self.total = size_of(origin)
        self.done = 0
        self._origin = origin

    @abstractmethod
    def encoder(self, schema: Schema) -> RecordEncoder:
        """See `ledger.fingerprint.sources.Source`."""

    @abstractmethod
    def batches(self, schema: Schema, first: int = 0) -> Iterator[pa.RecordBatch]:
        """See `ledger.fingerprint.sources.Source`."""


class TextSource(FileSource):
    """A text file, whose records can only be found by reading on from a place where one is known to begin."""

    def __init__(
        self,
        origin: Origin,
        options: ReadOptions | None = None,
        *,
        name: str | None = None,
        begun: Bookmark | None = None,
    ) -> None:
        """`begun` is a bookmark of the same file read with the same options. Raises InvalidTable."""
        super().__init__(origin, options, name=name)
        self.bookmarks = Bookmarks(begun)


class ArrowValues(FileSource):
    """A file whose columns have types of Arrow's own."""

    def encoder(self, schema: Schema) -> RecordEncoder:
        return RecordEncoder(schema, "value", zone=self.options.zone, name=self.name)
