"""Backups: everything of a home that no chain brings back, of one moment, while the product runs.

In it are the rows that only the database knows, the encrypted payloads those rows name, the keystore's encrypted files,
the manifest, who carries, and, of a local chain, its journal up to the block that the database had followed. So the
rows know every document of every entry in it, and what was on its way is sent again after a restore, the same bytes.

Nothing in it is less protected than where it came from, and nothing more: keys and payloads are encrypted, documents
and acts are readable. Not in it: the passphrase, keys in a PKCS#11 token, the read model. A payload shredded later
stays readable with a backup and the passphrase for as long as the backup is kept.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final

from keys.keystore import Keystore
from ledger.backup_checks import OBJECT_TABLES, BackupReport, check_backup, part
from ledger.chain.local.copying import NAME as JOURNAL_NAME
from ledger.chain.local.copying import copy_journal
from ledger.domain.manifest import Manifest
from ledger.errors import Corrupt, NotFound
from ledger.payload_place import open_payloads
from ledger.ports import Cursor
from ledger.runtime import Progress, private_folder, read_couriers, read_manifest
from ledger.settings import Settings
from ledger.store.archive import PIECE, ArchiveWriter, Finished, writing
from ledger.store.dump import DumpedTable, dumped_table, kept_tables, snapshot
from ledger.store.engine import open_engine
from ledger.store.payloads import Payloads
from ledger.store.schema import check_schema

SUFFIX: Final = ".slbackup"
SCRATCH: Final = "backup-"
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written, read back and found good."""

    file: Finished
    report: BackupReport
    missing: tuple[str, ...]  # payloads that rows name and that were not there
    keys_elsewhere: tuple[str, ...]  # the courier's, if it is in a token


@dataclass
class _Rows:
    """One moment's rows, in a file without a name, and what else was read in the same transaction."""

    file: BinaryIO
    cursor: Cursor | None
    schema: str
    tables: dict[str, tuple[DumpedTable, int, int, int]] = field(default_factory=dict)  # table, rows, start, end
    objects: list[str] = field(default_factory=list)

    def pieces(self, name: str) -> Iterator[bytes]:
        _, _, at, end = self.tables[name]
        self.file.seek(at)
        while at < end:
            piece = self.file.read(min(PIECE, end - at))
            at += len(piece)
            yield piece


async def back_up(settings: Settings, target: Path, *, on_progress: Progress | None = None) -> Backup:
    """Write a backup of the home into the new file `target`, or into a new file in the folder `target`.

    `on_progress` is told thousandths. Raises Conflict if the file is there, NotReady without a ledger, WrongSchema,
    Unavailable if a disk is full, Corrupt if what was written does not read back, or a payload is not what it was.
    """
    manifest = read_manifest(settings)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=SCRATCH, dir=_swept(settings))))
        writer = stack.enter_context(ArchiveWriter(_file_of(target, manifest)))
        spool = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
        rows = await _read_rows(settings, spool)
        small = _small_files(settings)
        if not settings.nodes():
            last = rows.cursor.block.number if rows.cursor else None
            await asyncio.to_thread(copy_journal, settings.chain, scratch / JOURNAL_NAME, last)
        payloads = await open_payloads(settings, manifest, writing=False)
        kept, missing = await _sizes(payloads, rows.objects)
        step, done, total = part(on_progress, 0, 500), 0, sum(kept.values())

        for name, content in small.items():
            writer.add(name, [content], len(content))
        for name, (_, _, start, end) in rows.tables.items():
            writer.add(f"rows/{name}.jsonl", rows.pieces(name), end - start)
        if (scratch / JOURNAL_NAME).exists():
            writer.add(JOURNAL_NAME, _file_pieces(scratch / JOURNAL_NAME), (scratch / JOURNAL_NAME).stat().st_size)
        for digest, size in kept.items():
            writer.begin(f"payloads/{digest}", size)
            async for piece in payloads.stored_bytes(digest):
                writer.write(piece)
                done += len(piece)
                step(done, total)
            writer.end()
        await asyncio.to_thread(writer.seal, _told(manifest, rows, missing))
        # Stopping before this line leaves a hidden file that cannot be taken for a backup.
        report = await asyncio.to_thread(
            check_backup, writer.part, scratch=scratch, on_progress=part(on_progress, 500, 1000)
        )
        if not report.ok:
            raise Corrupt(f"what was written does not read back: {report.failures}", remedy="Try another disk.")
        finished = await asyncio.to_thread(writer.publish)
    elsewhere = tuple(one for one in read_couriers(settings)[:1] if f"keystore/{one}.json" not in small)
    return Backup(finished, report, tuple(missing), elsewhere)


def _swept(settings: Settings) -> Path:
    """The home's scratch folder, without what backups left there that were killed."""
    scratch = private_folder(settings.scratch)
    for left in scratch.glob(f"{SCRATCH}*"):
        if left.stat().st_mtime < time.time() - DAY:
            shutil.rmtree(left, ignore_errors=True)
    return scratch


def _file_of(target: Path, manifest: Manifest) -> Path:
    if not target.is_dir():
        return target
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return target / f"shareledger-{manifest.journal[2:10]}-{at}{SUFFIX}"


async def _read_rows(settings: Settings, spool: BinaryIO) -> _Rows:
    engine = open_engine(settings.database)
    try:
        await check_schema(engine)
        async with snapshot(engine) as moment:
            rows = _Rows(spool, moment.cursor, moment.schema)
            for table in kept_tables():
                dumped, number, start = dumped_table(table), 0, spool.tell()
                async for line in moment.lines(table):
                    with writing(settings.scratch):
                        spool.write(line)
                    number += 1
                    if table.name in OBJECT_TABLES and (named := dumped.row(line))["object"] is not None:
                        rows.objects.append(named["object"])
                rows.tables[table.name] = (dumped, number, start, spool.tell())
    finally:
        await engine.dispose()
    return rows


def _small_files(settings: Settings) -> dict[str, bytes]:
    """Manifest, courier and key files, as they are."""
    found = {"manifest.json": settings.manifest_file.read_bytes(), "courier": settings.courier_file.read_bytes()}
    keystore = Keystore(settings.keystore)
    for name in [*keystore.addresses(), *keystore.secrets()]:
        found[f"keystore/{name}.json"] = (keystore.folder / f"{name}.json").read_bytes()
    return found


async def _sizes(payloads: Payloads, objects: list[str]) -> tuple[dict[str, int], list[str]]:
    """Stored size by digest, and those that are not there: the audit finds them too."""
    kept: dict[str, int] = {}
    missing: list[str] = []
    for digest in dict.fromkeys(objects):
        try:
            kept[digest] = await payloads.stored_size(digest)
        except NotFound:
            missing.append(digest)
    return kept, missing


def _told(manifest: Manifest, rows: _Rows, missing: list[str]) -> dict[str, Any]:
    """What the last member says about the others."""
    cursor = rows.cursor
    followed = cursor and {
        "block": cursor.block.number,
        "block_hash": cursor.block.hash,
        "entries": cursor.size,
        "head": cursor.head,
    }
    return {
        "program": version("shareledger"),
        "created": time.time_ns() // 1_000_000,
        "chain_id": manifest.chain_id,
        "journal": manifest.journal,
        "followed": followed,
        "schema": rows.schema,
        "tables": {
            name: {"columns": table.to_json(), "rows": number} for name, (table, number, _, _) in rows.tables.items()
        },
        "missing_payloads": missing,
    }


def _file_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
