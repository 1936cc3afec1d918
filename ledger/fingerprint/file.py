"""share-file/1: the fingerprint of any file that is not read as a table, over chunks of 1 MiB."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ledger.errors import InvalidInput
from ledger.fingerprint.digests import DigestArray
from ledger.fingerprint.fingerprint import DIGEST_BYTES, FILE, Fingerprint
from ledger.fingerprint.kernel import engine
from ledger.fingerprint.kernel.engine import SLACK, Octets, digests_array
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.merkle import sha256, sm3
from ledger.fingerprint.pipeline import in_order
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.sources import Origin, open_binary, skip
from ledger.fingerprint.table import Begun
from ledger.fingerprint.tile_builder import TileBuilder
from ledger.fingerprint.tile_tree import TILE_RECORDS

FILE_CHUNK_BYTES = 1 << 20
_TOGETHER = 4  # chunks that are hashed side by side


class _Stretch(NamedTuple):
    """Chunks in a row: number of the first, their bytes (and 128 more), how many bytes."""

    first: int
    content: Octets
    size: int


def fingerprint_file(
    origin: Origin,
    keys: SegmentKeys | None,
    *,
    twin: bool = False,
    progress: Callable[[int], None] | None = None,
    begun: Begun | None = None,
    kept: Callable[[Callable[[], Begun]], None] | None = None,
) -> tuple[Fingerprint, Manifest]:
    """Read the file once, a few chunks at a time; `records` of the result counts chunks, `size` bytes.

    `keys` None means an open file. `progress` is called with the number of bytes done, every few chunks. `begun` and
    `kept` are those of `fingerprint_table`; a tile here is 256 MiB.

    Raises:
        InvalidInput: the file cannot be read.
        Shredded: the key of a segment is gone.
    """
    tree = TileBuilder(sha256, () if begun is None else begun.tiles)
    twin_tree = TileBuilder(sm3, () if begun is None else begun.twin or ())
    size = tree.size * FILE_CHUNK_BYTES

    def hashed(stretch: _Stretch) -> tuple[int, DigestArray, DigestArray | None]:
        starts = np.arange(0, stretch.size, FILE_CHUNK_BYTES, dtype=np.int64)
        stops = np.minimum(starts + FILE_CHUNK_BYTES, stretch.size)
        salts = None if keys is None else keys.salt_array(stretch.first, len(starts))
        found = engine().leaves(0, stretch.content, starts, stops, salts)
        return stretch.size, found, _twins(stretch.content, starts, stops, salts) if twin else None

    with closing(in_order(hashed, _stretches(origin, tree.size))) as results:
        for read, found, twins in results:
            tree.extend(found)
            if twins is not None:
                twin_tree.extend(twins)
            size += read
            if progress is not None:
                progress(size)
            if kept is not None and tree.size >= TILE_RECORDS:
                kept(lambda: Begun(tree.whole_tiles(), twin_tree.whole_tiles() if twin else None))
    manifest = Manifest(tree.size, tree.tiles())
    twin_root = twin_tree.root() if twin else None
    schema = bytes(DIGEST_BYTES)
    fingerprint = Fingerprint(FILE, keys is not None, schema, manifest.root, manifest.records, size, twin_root)
    return fingerprint, manifest


def _twins(
    content: Octets,
    starts: np.ndarray[tuple[int], np.dtype[np.int64]],
    stops: np.ndarray[tuple[int], np.dtype[np.int64]],
    salts: Octets | None,
) -> DigestArray:
    heads = [b"\x00"] * len(starts) if salts is None else [b"\x00" + bytes(salt) for salt in salts]
    spans = zip(heads, starts.tolist(), stops.tolist(), strict=True)
    return digests_array([sm3(head + content[start:stop].tobytes()) for head, start, stop in spans])


def _stretches(origin: Origin, first: int) -> Iterator[_Stretch]:
    with closing(_pieces(origin, _TOGETHER * FILE_CHUNK_BYTES, first * FILE_CHUNK_BYTES)) as found:
        for content, size in found:
            yield _Stretch(first, content, size)
            first += _TOGETHER


def chunks(origin: Origin) -> Iterator[bytes]:
    """The file in chunks of exactly 1 MiB, the last one of what is left. Raises InvalidInput if it cannot be read."""
    with closing(_pieces(origin, FILE_CHUNK_BYTES)) as found:
        for content, size in found:
            yield content[:size].tobytes()


def _pieces(origin: Origin, most: int, offset: int = 0) -> Generator[tuple[Octets, int], None, None]:
    """(bytes and 128 more, how many of them) from a byte on until the end; none is short but the last."""
    try:
        with open_binary(origin) as stream:
            if offset:
                skip(stream, offset)
            while True:
                content = np.empty(most + SLACK, np.uint8)
                size = _fill(stream, content.data[:most])
                if size:
                    yield content, size
                if size < most:
                    return
    except OSError as error:
        name = "The stream" if callable(origin) else Path(origin).name
        raise InvalidInput(f"{name} cannot be read: {error.strerror or 'input/output error'}.") from error


def _fill(stream: BinaryIO, target: memoryview) -> int:
    """As many bytes as there is room for, unless the stream ends: pipes and sockets may give less than asked for."""
    size = 0
    into = getattr(stream, "readinto", None)
    while size < len(target):
        if into is not None:
            count = into(target[size:]) or 0
        else:
            part = stream.read(len(target) - size)
            count = len(part)
            target[size : size + count] = part
        if not count:
            break
        size += count
    return size
