"""The read model against the replay: rows missing, extra or changed, each named by table, key and column."""

from collections.abc import Sequence

from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.documents import document_digest, parse_json
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.state import SHAPES, State, StateObject
from ledger.errors import InvalidDocument, InvalidInput
from ledger.ports import Block, Cursor, RowDifference, UnitOfWork
from ledger.services.audit_report import MOST_A_CODE, Findings


class StoreAudit:
    """Compares one moment of the database with what the replay gives for the same moment."""

    def __init__(self, work: UnitOfWork, findings: Findings) -> None:
        self._work, self._findings = work, findings
        self._looked_at: set[str] = set()
        self.documents_not_held = 0

    async def entries(self, entries: Sequence[Entry]) -> None:
        """Rows of these entries, and the documents that their acts name."""
        for difference in await self._work.differing_entries(entries):
            self._row("stored-entries", difference, (int(difference.key),))
        self._findings.made("stored-entries", len(entries))
        for entry in entries:
            for name in ACT_DOCUMENTS[entry.act.name]:
                if entry.act[name] != ZERO_DIGEST:
                    await self._document(entry.act[name], entry)

    async def state(self, size: int, state: State) -> None:
        """Every row of every table, after entry size - 1."""
        for difference in await self._work.stray_entries(size, MOST_A_CODE):
            self._row("stored-entries", difference, ())
        for shape in SHAPES:
            for difference in await self._work.differing_objects(shape, state, MOST_A_CODE):
                self._row("stored-state", difference, _proof(state, shape, difference))
        self._findings.made("stored-state", len(state))

    def cursor(self, stored: Cursor, block: Block | None, size: int, head: str) -> None:
        """`block` is the node's at the cursor's height; size and head are the replay's at the end of it."""
        self._findings.made("cursor")
        wanted = {"block_hash": block.hash if block else None, "size": size, "head": head}
        given = {"block_hash": stored.block.hash, "size": stored.size, "head": stored.head}
        for column, value in wanted.items():
            if given[column] != value:
                detail = f"cursor, row 1, column {column}: {given[column]} is stored, {value} is right"
                self._findings.add("cursor", "row-changed", "cursor/1", detail)

    def _row(self, check: str, difference: RowDifference, entries: Sequence[int]) -> None:
        table, key, column = difference.table, difference.key, difference.column
        what = {"": "is missing", "*": "should not be there"}.get(column, f"was changed in column {column}")
        code = {"": "row-missing", "*": "row-extra"}.get(column, "row-changed")
        self._findings.add(check, code, f"{table}/{key}", f"table {table}, row {key}: it {what}", entries)

    async def _document(self, digest: str, entry: Entry) -> None:
        if digest in self._looked_at:
            return
        if len(self._looked_at) < 1_000_000:  # documents named twice are few; looking at one again does no harm
            self._looked_at.add(digest)
        try:
            stored = await self._work.document(digest)
            if stored is None:
                self.documents_not_held += 1
                return
            self._findings.made("documents")
            right = {"body": document_digest(stored.body) == digest, "kind": _kind(stored.body) == stored.kind}
        except (ValueError, TypeError) as error:
            right = {f"body, which cannot be read ({error})": False}
        column = next((column for column, good in right.items() if not good), None)
        if column is not None:
            told = f"table documents, row {digest}: it was changed in column {column}"
            self._findings.add("documents", "document-changed", f"documents/{digest}", told, (entry.index,))


def _kind(body: bytes) -> object:
    try:
        value = parse_json(body)
    except (InvalidDocument, InvalidInput):
        return None
    return value.get("kind") if isinstance(value, dict) else None


def _proof(state: State, shape: type[StateObject], difference: RowDifference) -> tuple[int, ...]:
    """The entries that made the right row and last changed it."""
    item: StateObject
    for item in state.all(shape):
        if " ".join(str(part) for part in item.key) == difference.key:
            first, last = getattr(item, "since", 0), getattr(item, "updated", 0)
            return (first,) if first == last else (first, last)
    return ()
