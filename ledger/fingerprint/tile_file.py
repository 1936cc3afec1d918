"""A tree of tiles on disk, read where a proof needs it and nowhere else."""

import mmap
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ledger.errors import InvalidProof
from ledger.fingerprint.fingerprint import Fingerprint
from ledger.fingerprint.manifest import Manifest
from ledger.fingerprint.tile_tree import TileTree, levels_of


class TileFile:
    """The tree in the file at `path`, of the table with that fingerprint, which the caller has from the ledger.

    Opening reads the first page of the file; `tree.path` and `tree.paths` read the blocks they need, of 8 KiB each. A
    context manager: the tree is not to be used after it.
    """

    def __init__(self, path: Path, fingerprint: Fingerprint) -> None:
        """Raises OSError, InvalidProof if the file is no such tree or of another number of records."""
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise InvalidProof("An empty file is no tree of tiles.")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_RANDOM"):
            self._map.madvise(mmap.MADV_RANDOM)  # what stands around a block is of no use
        view = memoryview(self._map)
        records, levels = levels_of(view)
        if records != fingerprint.records:
            raise InvalidProof(f"The tree is of {records} records; {fingerprint.records} were anchored.")
        self.tree = TileTree(records, levels, fingerprint.root)

    def __enter__(self) -> TileTree:
        return self.tree

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Nodes that were handed out are bytes of their own and stay."""
        del self.tree
        with suppress(BufferError):  # somebody holds a level still: the map goes when that does
            self._map.close()


def write_tile_file(path: Path, manifest: Manifest) -> None:
    """Write the tree of a manifest, durably: all of it or none. An older one is replaced. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(manifest.tree.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
