"""What changed between two tables: files or folders here, or versions whose payload the server keeps."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.cli.client import segment
from ledger.cli.failures import InvalidOption, Mismatch
from ledger.cli.material import anchoring_of
from ledger.cli.output import Answer
from ledger.cli.progress import progress
from ledger.cli.run import Run
from ledger.cli.table_files import FORMS, own_schema
from ledger.cli.texts import say
from ledger.cli.values import read_json
from ledger.domain.documents import document_digest
from ledger.fingerprint import CsvSource, PartsSource, ReadOptions, Schema, compare_tables, open_source
from ledger.services.material import VersionDocument

_VERSION: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COLUMNS: Final = ("change", "old", "new")


@dataclass(frozen=True, slots=True)
class _Table:
    """`schema` None: it does not say what its columns are; `guess`: the lower, the surer its types."""

    name: str
    file: Path
    read: ReadOptions
    schema: Schema | None
    guess: int


def compare(
    run: Run, old: str, new: str, *, schema: Path | None, read: Mapping[str, Any], limit: int, folder: Path | None
) -> Answer:
    """The records added, removed and changed. A version is fetched to a temporary file first.

    Raises Answered (no such version, its payload is kept elsewhere), Mismatch, InvalidOption, InvalidTable, OSError.
    """
    with ExitStack() as opened:
        tables = [opened.enter_context(_table(run, each, read, folder)) for each in (old, new)]
        columns = _columns(tables, schema)
        before, after = (open_source(table.file, table.read, name=table.name) for table in tables)
        with progress(say(run.out.lang, "comparing"), None, unit="records") as step:
            found = compare_tables(before, after, columns, limit=limit, folder=folder, progress=step)
    told = {"old": old, "new": new, **found.to_json()}
    note = say(run.out.lang, "differs" if found else "same", **told["counts"])
    return Answer(told, columns=_COLUMNS, rows="differences", passed=not found, note=note)


@contextmanager
def _table(run: Run, name: str, read: Mapping[str, Any], folder: Path | None) -> Iterator[_Table]:
    file = Path(name)
    if file.exists() or not _VERSION.fullmatch(name):
        yield _own_table(file, read)
        return
    _, entry, body = anchoring_of(run, name, None)
    if body is None or document_digest(body) != entry.act["document"]:
        raise Mismatch(f"the document of version {name} is not to be had, or is another")
    document = VersionDocument.parse(body)
    if document.schema is None:
        raise InvalidOption(f"version {name} is a file that is not read as a table")
    with tempfile.NamedTemporaryFile(prefix="shareledger-diff-", dir=folder) as copy:  # mode 0600, gone afterwards
        with (
            run.client.stream(f"/versions/{segment(name)}/payload", {}) as response,
            progress(say(run.out.lang, "downloading"), document.size) as step,
        ):
            for piece in response.iter_raw():
                copy.write(piece)
                step(copy.tell())
        copy.flush()
        if copy.tell() != entry.act["size"]:
            raise Mismatch(f"the payload of version {name} came with {copy.tell()} bytes of {entry.act['size']}")
        yield _Table(f"version {document.number}", Path(copy.name), document.read, document.schema, 0)


def _own_table(file: Path, read: Mapping[str, Any]) -> _Table:
    """A file, or a folder of parts, read as its name says. Raises OSError, InvalidTable."""
    file.stat()
    source = open_source(file, ReadOptions.from_json({**read, "form": _form(file)}))
    one = source.parts[0] if isinstance(source, PartsSource) else source
    return _Table(file.name, file, source.options, own_schema(one), 2 if isinstance(one, CsvSource) else 1)


def _form(file: Path) -> str:
    if file.is_dir():
        file = min((each for each in file.iterdir() if each.name[0] not in "._"), default=file)
    return FORMS.get(file.suffix.lower(), "csv")


def _columns(tables: Sequence[_Table], schema: Path | None) -> Schema:
    """What both are read as: what is given, else what a version declares, a typed file, or the header of a CSV file."""
    if schema is not None:
        return Schema.from_json(read_json(schema))
    declared = [table for table in tables if table.schema is not None]
    chosen = min(declared, key=lambda table: table.guess, default=None)
    if chosen is None or chosen.schema is None:
        raise InvalidOption("neither table says what its columns are: give --schema")
    return chosen.schema
