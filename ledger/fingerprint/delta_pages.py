"""Pages of texts in Parquet's delta encodings: how many lengths they say there are, before room is made for them.

Apache Parquet's Encodings.md: DELTA_BINARY_PACKED holds the lengths, and a few bytes may say that there are 2^32.
"""

from typing import Any, Final

import pyarrow as pa

from ledger.fingerprint.page_header import DATA_V2, PageHeader, bare_bytes, varint

DELTA_LENGTHS, DELTA_TEXTS = 6, 7
_CODECS: Final = {"SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "ZSTD": "zstd", "LZ4": "lz4_raw"}


def inflated(content: bytes, size: int, codec: str) -> bytes | None:
    """The content of a page; None if it is compressed in a way not known here. Raises OSError, pa.ArrowException."""
    if codec == "UNCOMPRESSED":
        return content
    if codec not in _CODECS:
        return None
    if not size:
        return b""
    found: bytes = pa.Codec(_CODECS[codec]).decompress(content, size, asbytes=True)
    return found


def check_delta(stream: Any, offset: int, header: PageHeader, codec: str, optional: bool) -> None:
    """Raise ValueError if a data page whose body is at `offset` has more lengths than values; OSError.

    `optional`: there are levels before the values.
    """
    stream.seek(offset - header.size)
    head, body = stream.read(header.size), stream.read(header.compressed)
    for content in _values(head, body, header, codec, optional):
        try:
            _check(content, header)
        except IndexError:
            raise ValueError("it is cut off") from None


def _values(head: bytes, body: bytes, header: PageHeader, codec: str, optional: bool) -> list[bytes]:
    """What the page's values may be read from: one that says it is not compressed may be taken as if it was."""
    if header.kind != DATA_V2:
        content = inflated(body, header.uncompressed, codec)
        if content is None:
            raise ValueError("it is compressed in a way not known")
        return [content[4 + int.from_bytes(content[:4], "little") :] if optional else content]
    levels, bare = bare_bytes(head)
    body, size = body[levels:], header.uncompressed - levels
    if size < 0:
        raise ValueError("more levels than bytes")
    found = [body] if bare else []
    try:
        content = inflated(body, size, codec)
    except (OSError, pa.ArrowException):
        if not bare:
            raise
    else:
        if content is None and not bare:
            raise ValueError("it is compressed in a way not known")
        found += [] if content is None else [content]
    return found


def _check(content: bytes, header: PageHeader) -> None:
    if not content:
        return
    at = _past_lengths(content, 0, header.values, to_end=header.encoding == DELTA_TEXTS)
    if header.encoding == DELTA_TEXTS:
        _past_lengths(content, at, header.values, to_end=False)


def _past_lengths(content: bytes, at: int, most: int, *, to_end: bool) -> int:
    """Where the packed numbers at a place end, of which there may be `most`. Raises ValueError, IndexError."""
    block, at = varint(content, at)
    parts, at = varint(content, at)
    count, at = varint(content, at)
    _, at = varint(content, at)
    if count > most or not parts or block // parts < 32:
        raise ValueError("more lengths than values")
    left, each = count - 1, block // parts
    while left > 0 and to_end:
        _, at = varint(content, at)
        widths, at = content[at : at + parts], at + parts
        for width in widths:
            if left > 0:
                at += each * width // 8
                left -= each
        if at > len(content):
            raise ValueError("it is cut off")
    return at
