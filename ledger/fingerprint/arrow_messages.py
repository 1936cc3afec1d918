"""What the messages of an Arrow IPC file say of themselves before they are read: how much memory they will take.

Arrow's columnar format, "Serialization and Interprocess Communication": Message.fbs, File.fbs. A compressed buffer
begins with its size once it is inflated. A buffer that is mapped takes nothing, unless it must be copied to be used.
"""

from typing import Any, Final

from ledger.errors import InvalidTable, TooLarge
from ledger.fingerprint.flat_table import FlatTable

MESSAGE_BYTES: Final = 128 << 20
"""Of one record batch and all dictionaries, as they lie there and inflated."""
_METADATA_BYTES: Final = 1 << 24
_MAGIC: Final = b"ARROW1"
_SCHEMA, _DICTIONARY, _RECORDS = 1, 2, 3
_GOES_ON: Final = b"\xff\xff\xff\xff"
_OLD_COMPRESSION: Final = b"ARROW:experimental_compression"
_AS_IT_IS: Final = -1
SMALLER_BATCHES: Final = "Write the file with fewer rows in a record batch, or without compression."


class Messages:
    """The messages of an open file, each looked at before Arrow's reader comes to it.

    All raise InvalidTable, where a message is damaged; TooLarge, where it would take more than 128 MiB; OSError.
    """

    def __init__(self, stream: Any, name: str, *, mapped: bool) -> None:
        """`stream` can seek; where it is stays as it is. `mapped`: its bytes take no memory by being read."""
        self._stream, self._name, self._mapped = stream, name, mapped
        self._size: int = stream.size()
        self._at = 0  # of a stream: where its next message begins
        self._swapped = False
        self._dictionaries: dict[int, int] = {}
        self._blocks: list[tuple[int, int]] | None = None

    def batch_of_file(self, number: int) -> int:
        """The bytes that record batch `number` of the file format takes, with all dictionaries."""
        return self._watched(lambda: self._of_file(number))

    def next_batch(self) -> int:
        """The bytes that the next record batch of the stream format takes, with the dictionaries up to it."""
        return self._watched(self._of_stream)

    def _watched(self, look: Any) -> int:
        before = self._stream.tell()
        try:
            return int(look())
        except ValueError as reason:
            raise InvalidTable(f"{self._name} cannot be read: {reason}.", file=self._name) from None
        finally:
            self._stream.seek(before)

    def _of_file(self, number: int) -> int:
        if self._blocks is None:
            self._blocks = self._footer()
        if number >= len(self._blocks):
            raise ValueError("its footer is damaged")
        return self._checked(self._take(*self._blocks[number])[0])

    def _of_stream(self) -> int:
        while True:
            bytes_taken, self._at, kind = self._take(self._at, None)
            self._checked(bytes_taken)
            if kind in (_RECORDS, None):
                return bytes_taken

    def _footer(self) -> list[tuple[int, int]]:
        """Where the record batches are, and how long their metadata is; the dictionaries are counted."""
        end = self._size - len(_MAGIC) - 4
        size = int.from_bytes(self._read(end, 4), "little")
        if size > min(end, _METADATA_BYTES):
            raise ValueError("its footer is damaged")
        footer = FlatTable.root(self._read(end - size, size))
        self._note(footer.table(1))
        for offset, length, _ in footer.structs(2, "qi4xq"):
            self._checked(self._take(offset, length)[0])
        return [(offset, length) for offset, length, _ in footer.structs(3, "qi4xq")]

    def _take(self, at: int, length: int | None) -> tuple[int, int, int | None]:
        """The bytes that the message at `at` takes, where it ends, and its kind; None if there is none.

        `length` is that of its metadata, if it was said elsewhere.
        """
        head = self._read(at, min(8, max(0, self._size - at)))
        start = at + (8 if head[:4] == _GOES_ON else 4)  # before Arrow 0.15 there was no mark
        size = int.from_bytes(head[start - at - 4 : start - at], "little")
        if length is None and not size:
            return self._held(0), at, None
        if size > _METADATA_BYTES or (length is not None and start + size != at + length):
            raise ValueError("a message is damaged")
        content = self._read(start, size)
        message = FlatTable.root(content)
        kind, body = message.number(1, "B"), message.number(3, "q")
        begin, header = start + size, message.table(2)
        if header is None or not 0 <= body <= self._size - begin:
            raise ValueError("a message is damaged")
        if _OLD_COMPRESSION in content:
            raise ValueError("it is compressed as no file is since Arrow 1.0")
        taken = 0
        if kind == _SCHEMA:
            self._note(header)
        elif kind == _RECORDS:
            taken = self._records(header, begin, body)
        elif kind == _DICTIONARY:
            self._dictionary(header, begin, body)
        return self._held(taken), begin + body, kind

    def _note(self, schema: FlatTable | None) -> None:
        self._swapped = schema is not None and schema.number(0, "h") != 0

    def _dictionary(self, header: FlatTable, begin: int, body: int) -> None:
        records = header.table(1)
        if records is None:
            raise ValueError("a dictionary is damaged")
        name, grows = header.number(0, "q"), bool(header.number(2, "B"))
        taken = self._records(records, begin, body, copied=grows)
        self._dictionaries[name] = taken + (self._dictionaries.get(name, 0) if grows else 0)

    def _held(self, taken: int) -> int:
        return taken + sum(self._dictionaries.values())

    def _records(self, records: FlatTable, begin: int, body: int, *, copied: bool = False) -> int:
        """The bytes that the buffers take: what is copied or inflated, and what is read for it."""
        compressed = records.table(3) is not None
        taken = body if compressed or not self._mapped else 0
        for offset, length in records.structs(2, "qq"):
            if not (0 <= offset <= body and 0 <= length <= body - offset):
                raise ValueError("a buffer leads out of its message")
            if compressed and length:
                if length < 8:
                    raise ValueError("a buffer is damaged")
                inflated = int.from_bytes(self._read(begin + offset, 8), "little", signed=True)
                if inflated < _AS_IT_IS:
                    raise ValueError("a buffer is damaged")
                taken += max(0, inflated)
            if copied or self._swapped:
                taken += length
        return taken

    def _checked(self, taken: int) -> int:
        if taken > MESSAGE_BYTES:
            raise TooLarge(
                f"{self._name}: a record batch takes {taken} bytes of memory; the limit is {MESSAGE_BYTES}.",
                remedy=SMALLER_BATCHES,
                file=self._name,
            )
        return taken

    def _read(self, at: int, size: int) -> bytes:
        if not 0 <= at <= self._size - size:
            raise ValueError("a message is cut off")
        self._stream.seek(at)
        found: bytes = self._stream.read(size)
        return found
