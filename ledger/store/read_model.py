"""Entries, objects and the cursor: everything that a rebuild from the chain brings back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ledger.domain.acts import BY_ENTRY, Mark
from ledger.domain.entries import Entry
from ledger.domain.identifiers import format_signature, parse_signature
from ledger.domain.state import Ref, State, StateObject
from ledger.domain.subjects import subject
from ledger.domain.submissions import SubmissionState
from ledger.domain.values import Act
from ledger.ports import Block, Cursor
from ledger.store.bulk import Known, put
from ledger.store.conditions import among, matching
from ledger.store.rows import Rows
from ledger.store.steps import add_steps
from ledger.store.tables import REBUILDABLE, STATE_TABLES, cursor, decoded, entries, submissions, undecoded

_COLUMNS = tuple(entries.columns.keys())
_WHOLE = sa.select(*undecoded(entries, "act", "signatures"))
_BY_KEY = {
    shape: sa.select(table).where(among("keys", *(table.c[name] for name in shape.KEY)))
    for shape, table in STATE_TABLES.items()
}
_ANSWERS = (
    submissions.c.digest == entries.c.digest,
    entries.c.index.between(sa.bindparam("first"), sa.bindparam("last")),
)
_FINAL = sa.bindparam("final", type_=sa.Text)
_ENDED = sa.select(submissions.c.digest).where(*_ANSWERS, submissions.c.state != _FINAL)  # else it is a rebuild
_FINISH = sa.update(submissions).where(*_ANSWERS).values(state=_FINAL, entry=entries.c.index, reason=sa.null())


class ReadModel(Rows):
    async def cursor(self) -> Cursor | None:
        row = (await self._connection.execute(sa.select(cursor))).first()
        return Cursor(Block(row.block, row.block_hash), row.size, row.head) if row else None

    async def identity(self) -> tuple[int, str] | None:
        """(chain id, Journal) of the ledger these rows are of."""
        row = (await self._connection.execute(sa.select(cursor))).first()
        return (row.chain_id, row.journal) if row else None

    async def load(self, wanted: Iterable[Ref]) -> State:
        state, seen, waiting = State(), set[Ref](), set(wanted)
        while waiting:  # one round a level of references, one statement a type
            seen |= waiting
            by_shape: dict[type[StateObject], list[tuple[Any, ...]]] = defaultdict(list)
            for shape, key in waiting:
                by_shape[shape].append(key)
            found = [item for shape, keys in by_shape.items() for item in await self._by_key(shape, keys)]
            state.put(*found)
            waiting = {ref for item in found for ref in item.refs()} - seen
        return state

    async def _by_key(self, shape: type[StateObject], keys: Sequence[tuple[Any, ...]]) -> list[StateObject]:
        wanted = [key[0] for key in keys] if len(shape.KEY) == 1 else keys
        return [shape(*row) for row in await self._connection.execute(_BY_KEY[shape], {"keys": wanted})]

    async def objects(
        self, shape: type[Any], *, after: tuple[Any, ...] | None = None, limit: int = 1000, **where: Any
    ) -> list[Any]:
        table = STATE_TABLES[shape]
        key = [table.c[name] for name in shape.KEY]
        query = sa.select(table).where(*matching(table, where)).order_by(*key).limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*after) if len(key) > 1 else key[0] > after[0])
        return [shape(*row) for row in await self._connection.execute(query)]

    async def entries(self, after: int, limit: int, **where: Any) -> list[Entry]:
        query = _WHOLE.where(entries.c.index > after, *matching(entries, where))
        return [_entry(row) for row in await self._connection.execute(query.order_by(entries.c.index).limit(limit))]

    async def entry(self, key: int | str) -> Entry | None:
        column = entries.c.index if isinstance(key, int) else entries.c.digest
        row = (await self._connection.execute(_WHOLE.where(column == key))).first()
        return _entry(row) if row else None

    async def record(self, new: Sequence[Entry], changed: Iterable[StateObject], reached: Cursor) -> None:
        if new:
            await put(self._connection, entries, _COLUMNS, [tuple(row_of(entry).values()) for entry in new])
            await self._upsert(changed)
            await self._finish(new)
        opening = new[0] if new and new[0].index == 0 else None
        values = {"block": reached.block.number, "block_hash": reached.block.hash}
        values |= {"size": reached.size, "head": reached.head}
        if opening is None:
            await self._connection.execute(sa.update(cursor).values(values))
        else:
            values |= {"id": 1, "chain_id": self._chain_id, "journal": opening.module}
            await self._connection.execute(sa.insert(cursor).values(values))

    async def _upsert(self, changed: Iterable[StateObject]) -> None:
        by_shape: dict[type[StateObject], list[tuple[Any, ...]]] = defaultdict(list)
        for item in changed:
            by_shape[type(item)].append(item.row())
        for shape, rows in by_shape.items():
            table = STATE_TABLES[shape]
            await put(self._connection, table, tuple(table.columns.keys()), rows, Known.REPLACED)

    async def _finish(self, new: Sequence[Entry]) -> None:
        """End the submissions that these entries answer, whoever carried them."""
        asked = {"first": new[0].index, "last": new[-1].index, "final": SubmissionState.FINAL}
        at, note = self._now(), "recorded"
        await add_steps(self._connection, _ENDED, SubmissionState.FINAL, at, note, **asked)
        await self._connection.execute(_FINISH, asked)

    async def rewind(self) -> None:
        for table in REBUILDABLE:
            await self._connection.execute(sa.delete(table))


def row_of(entry: Entry) -> dict[str, Any]:
    """The columns of an entry's row."""
    return {
        "index": entry.index,
        "kind": entry.kind,
        "module": entry.module,
        "digest": entry.digest,
        "signer": entry.signer,
        "department": entry.department,
        "subject": subject(entry.act, entry.digest),
        "marks": int(entry.marks),
        "time": entry.time,
        "head": entry.head,
        "act": entry.act.to_json(),
        "signatures": [format_signature(raw) for raw in entry.signatures],
        "block": entry.block_number,
        "block_hash": entry.block_hash,
        "transaction_hash": entry.transaction,
    }


def _entry(row: Any) -> Entry:
    return Entry(
        index=row.index,
        module=row.module,
        act=Act.from_json(BY_ENTRY[row.kind].name, decoded(row.act)),
        digest=row.digest,
        signatures=tuple(parse_signature(text) for text in decoded(row.signatures)),
        department=row.department,
        marks=Mark(row.marks),
        time=row.time,
        head=row.head,
        block_number=row.block,
        block_hash=row.block_hash,
        transaction=row.transaction_hash,
    )
