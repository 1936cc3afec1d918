"""Leaf hashes of what is kept of a version, tile by tile, reading only what a tile needs.

A table is read from its sealed parts, a file by its chunks. Only a table that was kept before there were parts is
decrypted whole.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from ledger.errors import Corrupt, NotFound
from ledger.fingerprint import FILE, SegmentKeys, open_source
from ledger.fingerprint.file import FILE_CHUNK_BYTES
from ledger.fingerprint.manifest import TILE_RECORDS
from ledger.fingerprint.merkle import sha256
from ledger.ports import Ports
from ledger.services.fingerprinting import TileReader
from ledger.services.kept_tables import keeps_table, open_table
from ledger.services.material import Material
from ledger.services.versions import Held, data_key, payload_at_hand


async def tile_leaves(ports: Ports, found: Held, material: Material, tile: int) -> list[bytes]:
    """The leaf hashes of one tile: 256 of them, fewer at the end.

    Raises NotFound for a tile that is not there; PayloadElsewhere, Shredded, Corrupt, Unavailable.
    """
    if material.manifest is None or not 0 <= tile < len(material.manifest.tiles):
        raise NotFound(f"version {found.version.id} has no tile {tile}")
    if found.version.format == FILE:
        return await file_leaves(ports, found, material.keys, tile)
    async with AsyncExitStack() as opened:
        reader = await _reader(ports, opened, found, material)
        return await asyncio.to_thread(reader, tile)


async def file_leaves(ports: Ports, found: Held, keys: SegmentKeys | None, tile: int) -> list[bytes]:
    """The leaf hashes of a tile of a share-file/1 version. Raises PayloadElsewhere, Shredded, NotFound, Corrupt."""
    digest, key = data_key(ports.vault, found)
    chunk, leaves = tile * TILE_RECORDS, list[bytes]()
    start, end = (min(at * FILE_CHUNK_BYTES, found.version.size) for at in (chunk, chunk + TILE_RECORDS))
    if start == end:
        return leaves
    waiting = bytearray()
    async for piece in await ports.payloads.open(digest, key, start=start, end=end):
        waiting += piece
        start += len(piece)
        while len(waiting) >= FILE_CHUNK_BYTES or (waiting and start == end):
            salt = b"" if keys is None else keys.salt(chunk + len(leaves))
            leaves.append(await asyncio.to_thread(sha256, b"\x00" + salt + waiting[:FILE_CHUNK_BYTES]))
            del waiting[:FILE_CHUNK_BYTES]
    return leaves


class KeptLeaves:
    """The same, for a thread that names differences: asked for in rising order, each record is hashed once.

    Nothing is opened before the first tile is asked for; `opened` closes it.
    """

    def __init__(self, ports: Ports, opened: AsyncExitStack, found: Held, material: Material) -> None:
        self._ports, self._opened, self._found, self._material = ports, opened, found, material
        self._loop = asyncio.get_running_loop()
        self._reader: TileReader | None = None

    def __call__(self, tile: int) -> Sequence[bytes]:
        """Raises PayloadElsewhere, NotFound, Corrupt: then there is nothing right to compare with."""
        if self._found.version.format == FILE:
            asked = file_leaves(self._ports, self._found, self._material.keys, tile)
            return asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        if self._reader is None:
            opening = _reader(self._ports, self._opened, self._found, self._material)
            self._reader = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return self._reader(tile)


async def _reader(ports: Ports, opened: AsyncExitStack, found: Held, material: Material) -> TileReader:
    keys = material.keys if found.version.salted else None
    if keeps_table(found):
        table = await open_table(ports, found)
        opened.callback(table.close)
        return TileReader(table, table.schema, found.version.format, keys, finds=True)
    document = found.read_document()
    if document.schema is None:
        raise Corrupt("the document of a table has no schema")
    origin = await opened.enter_async_context(payload_at_hand(ports, found))
    source = open_source(origin, document.read, name="the kept payload")
    return TileReader(source, document.schema, found.version.format, keys)
