"""Tables of FlatBuffers, read strictly: nothing is believed that leads out of the bytes there are."""

import struct
from typing import Final, Self

_PLACE: Final = struct.Struct("<I")
_BACK: Final = struct.Struct("<i")
_SLOT: Final = struct.Struct("<H")


class FlatTable:
    """One table. All that read it raise ValueError where it is damaged, and cost no more than what they give."""

    __slots__ = ("_at", "_content", "_slots", "_slots_size")

    def __init__(self, content: bytes, at: int) -> None:
        """The table that begins at byte `at`."""
        self._content, self._at = content, at
        self._slots = at - self._read(_BACK, at)
        self._slots_size = self._read(_SLOT, self._slots)

    @classmethod
    def root(cls, content: bytes) -> Self:
        """The table that the bytes are there for."""
        if len(content) < _PLACE.size:
            raise ValueError("it has no root")
        return cls(content, _PLACE.unpack_from(content)[0])

    def number(self, field: int, form: str, default: int = 0) -> int:
        """The number of a field, whose form is one of the struct module."""
        at = self._field(field)
        return default if at is None else self._read(struct.Struct(f"<{form}"), at)

    def table(self, field: int) -> Self | None:
        """The table of a field, if it is there."""
        at = self._field(field)
        return None if at is None else type(self)(self._content, at + self._read(_PLACE, at))

    def structs(self, field: int, form: str) -> list[tuple[int, ...]]:
        """The structs of a field that is a vector of them; none if it is not there."""
        at = self._field(field)
        if at is None:
            return []
        at += self._read(_PLACE, at)
        each = struct.Struct(f"<{form}")
        count, first = self._read(_PLACE, at), at + _PLACE.size
        stop = first + count * each.size
        if stop > len(self._content):
            raise ValueError("a vector leads out of it")
        return list(each.iter_unpack(self._content[first:stop]))

    def _field(self, field: int) -> int | None:
        slot = 4 + 2 * field
        if slot + _SLOT.size > self._slots_size:
            return None
        offset = self._read(_SLOT, self._slots + slot)
        return self._at + offset if offset else None

    def _read(self, form: struct.Struct, at: int) -> int:
        if not 0 <= at <= len(self._content) - form.size:
            raise ValueError("an offset leads out of it")
        found: int = form.unpack_from(self._content, at)[0]
        return found
