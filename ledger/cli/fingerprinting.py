"""What `shareledger fingerprint` does: finds the source, the keys and an earlier run's note, and reads once."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.cli.failures import InvalidOption
from ledger.cli.output import Answer
from ledger.cli.pace import Pace
from ledger.cli.private_input import others_may_read, read_key, read_url
from ledger.cli.run import Run
from ledger.cli.table_files import FORMS, own_schema
from ledger.cli.texts import say
from ledger.cli.values import read_json
from ledger.errors import InvalidTable
from ledger.fingerprint import (
    FILE,
    RECORD,
    CsvSource,
    Fingerprint,
    JsonLinesSource,
    ReadOptions,
    Schema,
    SegmentKeys,
    Source,
    fingerprint_file,
    fingerprint_table,
    open_source,
)
from ledger.fingerprint.kernel import engine_note
from ledger.fingerprint.sources import Bookmarks
from ledger.fingerprint.tile_tree import TILE_RECORDS
from ledger.services.resuming import Note, Stopped, Work, forget_old, keeper, usual_file

DUCKDB: Final = ("duckdb:", (".duckdb", ".ddb"))
_MEMBERS: Final = ("format", "salted", "schema", "root", "records", "twin_root")


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    target: str | None
    url_file: str | None
    key_file: str | None
    open_data: bool
    format: str | None
    schema: Path | None
    twin: bool
    form: str | None
    read: dict[str, Any]
    query: str | None
    order: list[str]
    resume_file: Path | None
    resumes: bool


def take(run: Run, asked: Asked) -> Answer:
    """The fingerprint as one object, with the seconds it took.

    Raises InvalidOption, UnreadableFile, keys.errors.UnsafePermissions; what reading and fingerprinting raise.
    """
    keys = _keys(run, asked)
    url = _url(asked)
    schema = None if asked.schema is None else Schema.from_json(read_json(asked.schema))
    if url is not None:
        return _tell(run, asked, keys, *_of_query(run, asked, url, schema, keys))
    file = Path(asked.target or "")
    file.stat()  # its own error, before anything is begun
    if file.is_dir():
        raise InvalidOption(
            f"{file} is a folder",
            remedy="Name one file; folders of parts are for `version verify` and `version diff`.",
        )
    if asked.format == FILE or (asked.format is None and asked.form is None and file.suffix.lower() not in FORMS):
        return _tell(run, asked, keys, *_of_file(run, asked, file, keys))
    options = ReadOptions.from_json({**asked.read, "form": asked.form or FORMS.get(file.suffix.lower(), "csv")})
    return _tell(run, asked, keys, *_of_table(run, asked, file, options, schema, keys))


def _keys(run: Run, asked: Asked) -> SegmentKeys | None:
    if asked.open_data == (asked.key_file is not None):
        raise InvalidOption(
            "give --key-file for a salted fingerprint, or --open for open data",
            remedy="Salts keep anybody from guessing records back from their proofs; open data needs none.",
        )
    if asked.key_file == "-" == asked.url_file:
        raise InvalidOption("standard input cannot hold both the key and the address")
    if asked.key_file is None:
        return None
    if others_may_read(asked.key_file):
        run.out.say("key-file-open", path=asked.key_file)
    return read_key(asked.key_file)


def _url(asked: Asked) -> str | None:
    """The address of a database; None if a file is meant."""
    if (asked.target is None) == (asked.url_file is None):
        raise InvalidOption("name a file or the address of a database, or give --url-file")
    url = read_url(asked.url_file) if asked.url_file is not None else asked.target
    is_database = url is not None and ("://" in url or url.lower().endswith(DUCKDB[1]))
    if is_database != (asked.query is not None):
        raise InvalidOption("a database needs --query and --order-by; a file takes neither")
    if is_database and asked.url_file is None and not (url or "").startswith(DUCKDB[0]) and "://" in (url or ""):
        from ledger.store.query_source import has_password

        if has_password(url or ""):
            raise InvalidOption(
                "a password on the command line can be read by everybody on this machine",
                remedy="Put the address into a file of mode 0600 and give --url-file, or use the driver's own file "
                "(PGPASSFILE).",
            )
    return url if is_database else None


def _of_query(
    run: Run, asked: Asked, url: str, schema: Schema | None, keys: SegmentKeys | None
) -> tuple[Fingerprint, float]:
    zone = asked.read["zone_offset"]
    query = asked.query or ""
    source: Source
    if url.startswith(DUCKDB[0]) or "://" not in url:
        from ledger.fingerprint.duckdb_source import DuckDbSource

        source = DuckDbSource(_duckdb_path(url), query, asked.order, zone_offset=zone)
        schema = schema or source.schema()
    else:
        from ledger.store.query_source import QuerySource

        source = QuerySource(url, query, asked.order, zone_offset=zone)
    if schema is None:
        raise InvalidOption("a query needs --schema: drivers do not tell the types of its columns")
    started = time.monotonic()
    with Pace(run.out, say(run.out.lang, "fingerprinting"), None) as pace:
        found, _ = fingerprint_table(
            source, schema, keys, format=asked.format or RECORD, twin=asked.twin, progress=pace.records
        )
    return found, time.monotonic() - started


def _duckdb_path(url: str) -> Path:
    """`duckdb:///relative` and `duckdb:////absolute`, as SQLAlchemy writes SQLite's; or the path itself."""
    if not url.startswith(DUCKDB[0]):
        return Path(url)
    if not url.startswith("duckdb:///"):
        raise InvalidOption("the address of a DuckDB file looks like duckdb:///folder/file.duckdb")
    return Path(url.removeprefix("duckdb:///"))


def _of_file(run: Run, asked: Asked, file: Path, keys: SegmentKeys | None) -> tuple[Fingerprint, float]:
    if asked.schema is not None or asked.form is not None:
        raise InvalidOption("a file that is not read as a table takes neither --schema nor --form")
    before = file.stat()
    note, stopped = _note(run, asked, Work.on_file(file, FILE, None, None, twin=asked.twin), keys)
    started = time.monotonic()
    with Pace(run.out, say(run.out.lang, "fingerprinting"), before.st_size, first=_records(stopped)) as pace:
        found, _ = fingerprint_file(
            file,
            keys,
            twin=asked.twin,
            progress=pace.bytes,
            begun=None if stopped is None else stopped.begun,
            kept=None if note is None else keeper(note, lambda record: None),
        )
    return _finished(file, before, note, found), time.monotonic() - started


def _of_table(
    run: Run, asked: Asked, file: Path, options: ReadOptions, schema: Schema | None, keys: SegmentKeys | None
) -> tuple[Fingerprint, float]:
    before = file.stat()
    source = open_source(file, options)
    schema = schema or own_schema(source)
    if schema is None:
        raise InvalidOption(
            "this table declares no columns: give --schema",
            remedy='Write them into a file: {"columns": [{"name": "code", "type": "text"}]}, in the table\'s order.',
        )
    format = asked.format or RECORD
    note, stopped = _note(run, asked, Work.on_file(file, format, schema, options, twin=asked.twin), keys)
    if stopped is not None and isinstance(source, CsvSource | JsonLinesSource):
        source.bookmarks = Bookmarks(stopped.bookmark)
    started = time.monotonic()
    what, first = say(run.out.lang, "fingerprinting"), _records(stopped)
    with Pace(run.out, what, source.total, lambda: source.done, first=first) as pace:
        found, _ = fingerprint_table(
            source,
            schema,
            keys,
            format=format,
            twin=asked.twin,
            progress=pace.records,
            begun=None if stopped is None else stopped.begun,
            kept=None if note is None else keeper(note, _bookmark(source)),
        )
    return _finished(file, before, note, found), time.monotonic() - started


def _note(run: Run, asked: Asked, work: Work, keys: SegmentKeys | None) -> tuple[Note | None, Stopped | None]:
    """Where to note how far it got, and what an earlier run noted there."""
    if not asked.resumes:
        return None, None
    place = asked.resume_file or usual_file(work)
    if asked.resume_file is None:
        forget_old(place.parent)
    note = Note(place, work, keys)
    return note, _stopped(run, note)


def _stopped(run: Run, note: Note) -> Stopped | None:
    try:
        stopped = note.read()
    except FileNotFoundError:
        return None
    if stopped is None:
        run.out.say("not-going-on")
    else:
        run.out.say("going-on", record=f"{_records(stopped):,}")
    return stopped


def _records(stopped: Stopped | None) -> int:
    """How many an earlier run did."""
    return 0 if stopped is None else len(stopped.begun.tiles) * TILE_RECORDS


def _bookmark(source: Any) -> Callable[[int], Any]:
    marks = getattr(source, "bookmarks", None)
    return marks.before if isinstance(marks, Bookmarks) else lambda record: None


def _finished(file: Path, before: Any, note: Note | None, found: Fingerprint) -> Fingerprint:
    """The fingerprint, if the file stood still; the note is of no more use either way. Raises InvalidTable."""
    if note is not None:
        with suppress(OSError):
            note.remove()
    after = file.stat()
    if (after.st_size, after.st_mtime_ns, after.st_ino) != (before.st_size, before.st_mtime_ns, before.st_ino):
        raise InvalidTable(
            f"{file.name} was changed while it was read.",
            remedy="Fingerprint a copy that stands still.",
            file=file.name,
        )
    return found


def _tell(run: Run, asked: Asked, keys: SegmentKeys | None, found: Fingerprint, seconds: float) -> Answer:
    whole = found.to_json()
    told = {name: whole[name] for name in _MEMBERS if name in whole}
    phrase = "chunks-fingerprinted" if found.format == FILE else "fingerprinted"
    rate = f"{found.records / max(seconds, 1e-9):,.0f}"
    note = say(
        run.out.lang, phrase, records=f"{found.records:,}", seconds=f"{seconds:.2f}", rate=rate, engine=engine_note()
    )
    return Answer({**told, "seconds": round(seconds, 3)}, note=note)
