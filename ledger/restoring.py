"""Restoring a backup into an empty home: checked first, built aside, replayed against the chain, then moved in.

1 the backup passes every check (`ledger.backup_checks`)
2 files are written into a hidden folder in the home, payloads too or into the bucket, each read back against its digest
3 the rows go into an empty database, in one transaction, under the schema they had; then that is brought up to date
4 the ledger is opened as at any start, and the chain followed anew: the read model comes from there, and what was
  shredded since the backup is shredded again
5 at the number of entries the backup had, the head is the backup's; every entry, and the read model, is audited
6 everything moves from that folder into the home, the manifest last

Acts that were waiting are carried at the next start. One that meanwhile became final is recognised by its digest, and
the contracts refuse it a second time anyhow. Without its manifest a home is none, and a hidden folder left by a restore
that was killed is cleared away by the next one; only a server's database or a bucket would have to be emptied by hand.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from keys.private_files import create_private
from ledger.backup_checks import LARGEST_MANIFEST, BackupReport, check_backup, part
from ledger.chain.local.copying import NAME as JOURNAL_NAME
from ledger.errors import Conflict, Corrupt
from ledger.payload_place import bucket_of, open_payloads, require_empty_place
from ledger.runtime import Progress, Runtime, open_runtime, private_folder, read_couriers, read_manifest
from ledger.services.replaying import replay
from ledger.settings import Settings
from ledger.store.archive import ArchiveReader, Member, sync_folder, writing
from ledger.store.dump import DumpedTable, clear, load
from ledger.store.engine import open_engine
from ledger.store.payload_owner import clear_place

SUFFIX: Final = ".restoring"
KEYSTORE, PAYLOADS = "keystore/", "payloads/"
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    home: str
    backup_digest: str
    backup_entries: int
    entries: int  # now, on the chain
    head: str | None
    rows: dict[str, int]
    submissions: dict[str, int]  # by state, after following
    payloads: int
    keys: int
    keys_elsewhere: list[str]  # couriers whose keys are not in the keystore
    findings: list[dict[str, Any]]  # of the audit
    shred_again: list[str]  # versions shredded in part since, by a document that the backup does not have

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


async def restore(
    archive: Path, settings: Settings, *, digest: str | None = None, on_progress: Progress | None = None
) -> Restored:
    """Restore into the home, database and bucket of the settings; all must be empty. `digest`: what the file's must be.

    Raises Conflict if one is not empty, Corrupt if the backup is damaged or does not lead to its own head,
    WrongSchema, WrongChain, NotReady, Unavailable. Whatever it raises, all are as they were.
    """
    _require_empty(settings.home)
    await require_empty_place(settings)
    report = await asyncio.to_thread(check_backup, archive, digest=digest, on_progress=part(on_progress, 0, 500))
    if not report.ok:  # 1
        raise Corrupt(f"the backup cannot be used: {report.failures}", remedy="Use another backup.")
    with _aside(settings.home) as building, ArchiveReader(archive) as reader:
        inside = settings.model_copy(update={"home": building})
        told = reader.told()
        await _write_files(reader, inside)  # 2
        async with _stored(reader, inside, part(on_progress, 500, 1000)), _filled(reader, told, inside):  # 3
            async with open_runtime(inside) as runtime:
                await runtime.catch_up()  # 4
                restored = await _examine(runtime, told, report, settings)  # 5
            await asyncio.to_thread(_move, building, settings.home)  # 6
    return restored


def _require_empty(home: Path) -> None:
    if home.exists() and (not home.is_dir() or any(not _is_leftover(path) for path in home.iterdir())):
        raise Conflict(
            f"{home} is not empty, and a restore replaces nothing",
            remedy="Set SHARELEDGER_HOME to a folder that is empty or not there.",
        )


def _is_leftover(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(SUFFIX)


@contextmanager
def _aside(home: Path) -> Iterator[Path]:
    """A private folder in the home, gone at the end; the home too, if there was none and it is empty.

    Inside it, since a home may be a disk of its own. Raises Conflict while another restore is at work there.
    """
    was_there = home.exists()
    with writing(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another restore into {home} is at work", remedy="Wait until it has ended.") from None
        for path in home.iterdir():
            if _is_leftover(path):
                shutil.rmtree(path)
        building = home / f".{secrets.token_hex(6)}{SUFFIX}"
        with writing(home):
            building.mkdir(mode=0o700)
        try:
            yield building
        finally:
            shutil.rmtree(building, ignore_errors=True)
    finally:
        if not was_there and not any(home.iterdir()):
            home.rmdir()
        os.close(lock)


async def _write_files(reader: ArchiveReader, inside: Settings) -> None:
    private_folder(inside.keystore)
    create_private(inside.manifest_file, reader.content("manifest.json", LARGEST_MANIFEST))
    create_private(inside.courier_file, reader.content("courier", LARGEST_MANIFEST))
    for member in reader.members():
        if member.name.startswith(KEYSTORE):
            name = member.name.removeprefix(KEYSTORE)
            create_private(inside.keystore / name, reader.content(member.name, LARGEST_MANIFEST))
        elif member.name == JOURNAL_NAME:
            target = private_folder(inside.chain) / JOURNAL_NAME
            await asyncio.to_thread(_write_durably, target, partial(reader.pieces, member))


@asynccontextmanager
async def _stored(reader: ArchiveReader, inside: Settings, on_progress: Progress) -> AsyncIterator[None]:
    """The payloads in their place; a bucket is emptied again if what follows fails."""
    store = await asyncio.to_thread(bucket_of, inside)
    members = [member for member in reader.members() if member.name.startswith(PAYLOADS)]
    done, total = 0, sum(member.size for member in members)
    # Not within what is undone: a bucket that was empty a moment ago may be another ledger's by now.
    payloads = await open_payloads(inside, read_manifest(inside), writing=True)
    try:
        for member in members:
            await payloads.take_back(member.name.removeprefix(PAYLOADS), _in_turn(reader, member))
            done += member.size
            on_progress(done, total)
        yield
    except BaseException:
        if store is not None:
            await clear_place(store)
        raise


async def _in_turn(reader: ArchiveReader, member: Member) -> AsyncIterator[bytes]:
    for piece in reader.pieces(member):
        yield piece


def _write_durably(target: Path, pieces: Callable[[], Iterator[bytes]]) -> None:
    with writing(target), os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces():
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


@asynccontextmanager
async def _filled(reader: ArchiveReader, told: dict[str, Any], inside: Settings) -> AsyncIterator[None]:
    """The database with the backup's rows; emptied again if what follows fails."""
    private_folder(inside.home / "store")
    tables = []
    for name, about in told["tables"].items():
        member = reader.member(f"rows/{name}.jsonl")
        tables.append((DumpedTable.from_json(name, about["columns"]), partial(reader.lines, member)))
    engine = open_engine(inside.database)
    try:
        await load(engine, str(told["schema"]), tables)
        try:
            yield
        except BaseException:
            await clear(engine)
            raise
    finally:
        await engine.dispose()


async def _examine(runtime: Runtime, told: dict[str, Any], report: BackupReport, settings: Settings) -> Restored:
    ports, followed = runtime.ports, told["followed"] or {"entries": 0, "head": None}
    async with runtime.store.read() as work:
        cursor = await work.cursor()
        last = await work.entry(followed["entries"] - 1) if followed["entries"] else None
        states: Counter[str] = Counter()
        after = 0
        while page := await work.submissions(after=after, limit=PAGE):
            states.update(one.state.value for _, one in page)
            after = page[-1][0]
    reached = last.head if last else None
    if reached != followed["head"]:
        raise Corrupt(
            f"after {followed['entries']} entries the chain's head is {reached}, the backup's {followed['head']}",
            remedy="Point SHARELEDGER_RPC_URLS at the chain of this ledger, in step with its validators.",
        )
    audit = await replay(
        ports.node, ports.manifest, ports.signatures.recovers, store=ports.store, confirmations=settings.confirmations
    )
    if not audit.head_matches:
        raise Corrupt("the replayed entries do not lead to the chain's own head")
    return Restored(
        home=str(settings.home),
        backup_digest=report.digest,
        backup_entries=followed["entries"],
        entries=cursor.size if cursor else 0,
        head=cursor.head if cursor else None,
        rows={name: about["rows"] for name, about in told["tables"].items()},
        submissions=dict(states),
        payloads=int(report.contents["payloads"]),
        keys=int(report.contents["keys"]),
        keys_elsewhere=_keys_elsewhere(runtime),
        findings=[finding.to_json() for finding in audit.findings],
        shred_again=await _shredded_unseen(runtime, followed["entries"]),
    )


def _keys_elsewhere(runtime: Runtime) -> list[str]:
    there = runtime.settings.keystore
    return [one for one in read_couriers(runtime.settings)[:1] if not (there / f"{one}.json").exists()]


async def _shredded_unseen(runtime: Runtime, since: int) -> list[str]:
    """Versions shredded in part by entries the backup did not know: which segments, only the act's document says."""
    found: list[str] = []
    async with runtime.store.read() as work:
        after = since - 1
        while page := await work.entries(after, PAGE, kind="VersionShredded"):
            for entry in page:
                if not entry.act["whole"] and await work.document(entry.act["document"]) is None:
                    found.append(f"{entry.act['dataset']} {entry.act['number']}")
            after = page[-1].index
    return found


def _move(building: Path, home: Path) -> None:
    """Everything to the disk, then into the home, the manifest last: from then on it is one."""
    shutil.rmtree(building / "scratch", ignore_errors=True)
    with writing(home):
        for folder, _, files in os.walk(building):
            for name in files:
                descriptor = os.open(Path(folder) / name, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            sync_folder(Path(folder))
        for path in sorted(building.iterdir(), key=lambda path: path.name == "manifest.json"):
            path.rename(home / path.name)
            sync_folder(home)
        sync_folder(home.parent)
