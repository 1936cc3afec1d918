"""Entries, objects and the cursor: everything that a rebuild from the chain brings back."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from ledger.domain.acts import BY_ENTRY, Mark
from ledger.domain.entries import Entry
from ledger.domain.identifiers import format_signature, parse_signature
from ledger.domain.state import Ref, State, StateObject
from ledger.domain.subjects import subject
from ledger.domain.submissions import SubmissionState
from ledger.domain.values import Act
from ledger.ports import Block, Cursor
from ledger.store.bulk import Known, inserting
from ledger.store.conditions import among, matching
from ledger.store.rows import Rows
from ledger.store.steps import add_steps
from ledger.store.tables import REBUILDABLE, STATE_TABLES, cursor, decoded, entries, restoring, submissions, undecoded
from ledger.store.together import Asked, Prepared

_COLUMNS = tuple(entries.columns.keys())
_WHOLE = sa.select(*undecoded(entries, "act", "signatures"))
_BY_KEY = {
    shape: sa.select(table).where(among("keys", *(table.c[name] for name in shape.KEY)))
    for shape, table in STATE_TABLES.items()
}
_PREPARED = {shape: Prepared(query.params(keys=())) for shape, query in _BY_KEY.items()}
_RESTORING: dict[type[StateObject], list[tuple[int, Callable[[Any], Any]]]] = {
    shape: [(place, restore) for place, column in enumerate(table.columns) if (restore := restoring(column.type))]
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
            found = await self._by_key(by_shape)
            state.put(*found)
            waiting = {ref for item in found for ref in item.refs()} - seen
        return state

    async def _by_key(self, keys: Mapping[type[StateObject], Sequence[tuple[Any, ...]]]) -> list[StateObject]:
        wanted = {shape: [key[0] for key in some] if len(shape.KEY) == 1 else some for shape, some in keys.items()}
        if self._connection.dialect.name == "sqlite":
            asked = [_PREPARED[shape].asked({"keys": orjson.dumps(some).decode()}) for shape, some in wanted.items()]
            answers = zip(wanted, await self._together(asked), strict=True)
            return [_restored(shape, row) for shape, rows in answers for row in rows]
        found: list[StateObject] = []
        for shape, some in wanted.items():
            found += [shape(*row) for row in await self._connection.execute(_BY_KEY[shape], {"keys": some})]
        return found

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
            dialect = self._connection.dialect.name
            rows = [tuple(row_of(entry).values()) for entry in new]
            await self._together([*inserting(dialect, entries, _COLUMNS, rows), *_upserting(dialect, changed)])
            await self._finish(new)
        opening = new[0] if new and new[0].index == 0 else None
        values = {"block": reached.block.number, "block_hash": reached.block.hash}
        values |= {"size": reached.size, "head": reached.head}
        if opening is None:
            await self._connection.execute(sa.update(cursor).values(values))
        else:
            values |= {"id": 1, "chain_id": self._chain_id, "journal": opening.module}
            await self._connection.execute(sa.insert(cursor).values(values))

    async def _finish(self, new: Sequence[Entry]) -> None:
        """End the submissions that these entries answer, whoever carried them."""
        asked = {"first": new[0].index, "last": new[-1].index, "final": SubmissionState.FINAL}
        at, note = self._now(), "recorded"
        await add_steps(self._connection, _ENDED, SubmissionState.FINAL, at, note, **asked)
        await self._connection.execute(_FINISH, asked)

    async def rewind(self) -> None:
        for table in REBUILDABLE:
            await self._connection.execute(sa.delete(table))


def _upserting(dialect: str, changed: Iterable[StateObject]) -> Iterator[Asked]:
    by_shape: dict[type[StateObject], list[tuple[Any, ...]]] = defaultdict(list)
    for item in changed:
        by_shape[type(item)].append(item.row())
    for shape, rows in by_shape.items():
        table = STATE_TABLES[shape]
        yield from inserting(dialect, table, tuple(table.columns.keys()), rows, Known.REPLACED)


def _restored(shape: type[StateObject], row: Sequence[Any]) -> StateObject:
    """An object from the values that SQLite keeps for it."""
    values = list(row)
    for place, restore in _RESTORING[shape]:
        values[place] = restore(values[place])
    return shape(*values)


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
