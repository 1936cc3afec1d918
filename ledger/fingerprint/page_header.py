"""The header of one Parquet page, read strictly: Apache Thrift's compact protocol, parquet.thrift's PageHeader.

Whoever wrote it is not trusted. What is read is bounded by the bytes given, whatever they say of themselves.
"""

from typing import Final, NamedTuple

DATA, INDEX, DICTIONARY, DATA_V2 = range(4)
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEEPEST: Final = 8
_DETAILS: Final = {DATA: 5, INDEX: 6, DICTIONARY: 7, DATA_V2: 8}
_ENCODING: Final = {DATA: 2, DICTIONARY: 2, DATA_V2: 4}
Fields = dict[int, "int | Fields"]


class PageHeader(NamedTuple):
    """`values` counts nulls too; an index page has none. `size` is the header's own, all are bytes but `values`."""

    kind: int
    uncompressed: int
    compressed: int
    values: int
    encoding: int
    size: int


def page_header(content: bytes) -> PageHeader:
    """The header that `content` begins with. Raises IndexError: it goes on after it; ValueError: it is none."""
    fields, size = _struct(content, 0, 0)
    kind, uncompressed, compressed = (_number(fields, name) for name in (1, 2, 3))
    if kind not in _DETAILS or uncompressed < 0 or compressed < 0:
        raise ValueError("not a page")
    if kind == INDEX:
        return PageHeader(kind, uncompressed, compressed, 0, 0, size)
    details = fields.get(_DETAILS[kind])
    if not isinstance(details, dict):
        raise ValueError("not a page")
    values, encoding = _number(details, 1), _number(details, _ENCODING[kind])
    if values < 0:
        raise ValueError("not a page")
    return PageHeader(kind, uncompressed, compressed, values, encoding, size)


def bare_bytes(content: bytes) -> tuple[int, bool]:
    """How many bytes at the start of a page of kind DATA_V2 are levels, and whether the rest is not compressed.

    `content` begins with its header. Raises what `page_header` raises.
    """
    details = _struct(content, 0, 0)[0].get(_DETAILS[DATA_V2])
    if not isinstance(details, dict):
        raise ValueError("not a page")
    levels = [_number(details, name) for name in (5, 6)]
    if min(levels) < 0:
        raise ValueError("not a page")
    return sum(levels), details.get(7) is False


def longest_value(content: bytes, count: int) -> int:
    """The bytes of the longest of the first `count` byte arrays in plain encoding. Raises ValueError: some lack."""
    found = at = 0
    for _ in range(count):
        size = int.from_bytes(content[at : at + 4], "little")
        at += 4 + size
        if at > len(content):
            raise ValueError("values are missing")
        found = max(found, size)
    return found


def _number(fields: Fields, name: int) -> int:
    found = fields.get(name)
    if type(found) is not int or not -(1 << 31) <= found < 1 << 31:
        raise ValueError("not a number")
    return found


def _struct(content: bytes, at: int, depth: int) -> tuple[Fields, int]:
    """The 32-bit numbers, truths and structs of a struct by their field ids; all else is passed over."""
    if depth > _DEEPEST:
        raise ValueError("too deep")
    fields: Fields = {}
    name = last = 0
    while head := content[at]:
        at += 1
        if head >> 4:
            name += head >> 4
        else:
            raw, at = varint(content, at)
            name = _signed(raw)
        kind = head & 15
        if name <= last:
            raise ValueError("doubled field")
        last = name
        if kind == _I32:
            raw, at = varint(content, at)
            fields[name] = _signed(raw)
        elif kind == _STRUCT:
            fields[name], at = _struct(content, at, depth + 1)
        elif kind in (_TRUE, _FALSE):
            fields[name] = kind == _TRUE
        else:
            at = _past(content, at, kind, depth)
    return fields, at + 1


def _past(content: bytes, at: int, kind: int, depth: int) -> int:
    """Where a value ends that is of no interest. Each element takes a byte or more: lists cannot be endless."""
    if kind == _BINARY:
        size, at = varint(content, at)
        return _within(content, at + size)
    if kind in (_BYTE, _TRUE, _FALSE):
        return _within(content, at + 1)
    if kind == _DOUBLE:
        return _within(content, at + 8)
    if kind in (_I16, _I32, _I64):
        return varint(content, at)[1]
    if kind == _STRUCT:
        return _struct(content, at, depth + 1)[1]
    if kind in (_LIST, _SET) and depth <= _DEEPEST:
        head = content[at]
        size, at = (head >> 4, at + 1) if head >> 4 < 15 else varint(content, at + 1)
        for _ in range(size):
            at = _past(content, at, head & 15, depth + 1)
        return at
    raise ValueError("a value of no known type")


def _within(content: bytes, end: int) -> int:
    if end > len(content):
        raise IndexError
    return end


def varint(content: bytes, at: int) -> tuple[int, int]:
    """The number of variable length (ULEB128, of 64 bits) at a place, and where it ends. Raises as `page_header`."""
    found = content[at]
    if found < 0x80:
        return found, at + 1
    found &= 0x7F
    for shift in range(7, 64, 7):
        at += 1
        byte = content[at]
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, at + 1
    raise ValueError("an endless number")


def _signed(raw: int) -> int:
    return (raw >> 1) ^ -(raw & 1)
