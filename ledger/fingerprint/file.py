"""share-file/1: the fingerprint of any file that is not read as a table, over chunks of 1 MiB."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ledger.errors import InvalidInput
from ledger.fingerprint.fingerprint import DIGEST_BYTES, FILE, Fingerprint
from ledger.fingerprint.manifest import Manifest, TileBuilder
from ledger.fingerprint.merkle import sha256, sm3
from ledger.fingerprint.salts import SegmentKeys
from ledger.fingerprint.sources import Origin, open_binary

FILE_CHUNK_BYTES = 1 << 20


def fingerprint_file(
    origin: Origin,
    keys: SegmentKeys | None,
    *,
    twin: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[Fingerprint, Manifest]:
    """Read the file once, a chunk at a time; `records` of the result counts chunks, `size` bytes.

    `keys` None means an open file. `progress` is called with the number of bytes done after each chunk.

    Raises:
        InvalidInput: the file cannot be read.
        Shredded: the key of a segment is gone.
    """
    tree, twin_tree = TileBuilder(sha256), TileBuilder(sm3)
    size = 0
    for index, chunk in enumerate(chunks(origin)):
        message = b"\x00" + (b"" if keys is None else keys.salt(index)) + chunk
        tree.extend([sha256(message)])
        if twin:
            twin_tree.extend([sm3(message)])
        size += len(chunk)
        if progress is not None:
            progress(size)
    manifest = Manifest(tree.size, tree.tiles())
    twin_root = twin_tree.root() if twin else None
    schema = bytes(DIGEST_BYTES)
    fingerprint = Fingerprint(FILE, keys is not None, schema, manifest.root, manifest.records, size, twin_root)
    return fingerprint, manifest


def chunks(origin: Origin) -> Iterator[bytes]:
    """The file in chunks of exactly 1 MiB, the last one of what is left. Raises InvalidInput if it cannot be read."""
    try:
        with open_binary(origin) as stream:
            while chunk := _whole(stream):
                yield chunk
    except OSError as error:
        name = "The stream" if callable(origin) else Path(origin).name
        raise InvalidInput(f"{name} cannot be read: {error.strerror or 'input/output error'}.") from error


def _whole(stream: BinaryIO) -> bytes:
    """A full chunk unless the stream ends: pipes and sockets may give less than asked for."""
    parts: list[bytes] = []
    wanted = FILE_CHUNK_BYTES
    while wanted and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)
