"""Answering from the kept table: the records that a share lets out, and the proof of each.

What may leave is decided before anything is read: the share in force, its scope, the columns and filters asked for.
The use is durable before the first byte. A provider is shown what its consumer is shown.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from ledger.domain.acts import Method
from ledger.domain.callers import Caller
from ledger.domain.scopes import Filter, Granted
from ledger.domain.state import Share
from ledger.errors import Conflict, Corrupt, InvalidInput, InvalidProof, NotFound, PayloadElsewhere
from ledger.fingerprint import RECORD_SD, AnswerProof, Manifest, Schema
from ledger.fingerprint.conditions import Condition, conditions
from ledger.fingerprint.leaves import LeafRule
from ledger.ports import Ports
from ledger.services.delivering import ask_chain, party, record_use
from ledger.services.kept_tables import KeptTable, open_table
from ledger.services.pages import RecordsPage, read_token, token_of
from ledger.services.scoping import granted_by, require_provable, require_secret_keys
from ledger.services.selecting import Bounds, Selected, Wanted, prove, select
from ledger.services.versions import Held, held, material_of

Result = TypeVar("Result")
MOST = 1000
DEFAULT = 100


@dataclass(frozen=True, slots=True)
class Query:
    """`columns` None: all that are granted. `after` is the `next` of the page before."""

    columns: tuple[str, ...] | None = None
    filters: tuple[Filter, ...] = ()
    limit: int = DEFAULT
    after: str | None = None


async def answer_records(
    ports: Ports, caller: Caller, share: str, query: Query, bounds: Bounds | None = None
) -> RecordsPage:
    """One page of the delivered version's records, for the consumer of the share or its provider. Writes a use record.

    Raises as `delivering.authorised`; ScopeNotHeld, ScopeNotEnforceable, ScopeNotProvable; NotFound for a column that
    is not there or was not granted, which is one and the same; InvalidInput for a filter or a page that cannot be;
    Conflict if another version was delivered since the page before; PayloadElsewhere, Shredded, Corrupt.
    """
    if not 1 <= query.limit <= MOST:
        raise InvalidInput(f"a page has 1 to {MOST} records", parameter="limit")
    found, version, granted = await _allowed(ports, caller, share)
    schema = version.read_document().schema
    if granted is None or schema is None:
        raise NotFound("the delivered version is a file: it has no records", remedy="Download it: …/payload.")
    columns, asked = _asked(query, granted, schema)
    first = 0 if query.after is None else _first(query.after, version)
    require_provable(granted, version)
    if len(columns) < len(schema.names) and version.version.format != RECORD_SD:
        raise InvalidInput(
            f"{version.version.format} shows whole records only", parameter="columns", format=version.version.format
        )
    if caller.department == found.consumer:
        await ask_chain(ports, found)
    hidden = _without(schema, columns)
    met = (*conditions(granted.filters, schema), *asked)
    selected = await select_from(ports, version, Wanted(first, query.limit, met, hidden), bounds)
    await record_use(ports, caller, share, version, "records")
    more = selected.stop < version.version.records
    return RecordsPage(
        share=share,
        entry=version.entry,
        scope=found.scope,
        columns=columns,
        scope_filters=granted.filters,
        filters=query.filters,
        first=first,
        stop=selected.stop,
        shredded=selected.shredded,
        answer=selected.answer,
        next=token_of(version.version.id, selected.stop) if more else None,
    )


async def select_from(ports: Ports, found: Held, wanted: Wanted, bounds: Bounds | None = None) -> Selected:
    """From the version's kept table. Raises as `from_table`; TooLarge if one record is."""
    return await from_table(ports, found, lambda table, rule, tree: select(table, rule, tree, wanted, bounds))


async def prove_from_table(
    ports: Ports, found: Held, granted: Granted | None, indexes: Sequence[int], columns: Sequence[str] | None
) -> AnswerProof:
    """One proof of these records, of what is granted of them; `granted` None: all. Raises as `from_table`.

    Raises NotFound, the same whether a record does not exist or was not granted; and so for a column.
    """
    schema = found.read_document().schema
    if schema is None:
        raise InvalidInput("the version is a file: it has no records")
    if columns is not None and found.version.format != RECORD_SD:
        raise InvalidInput(f"{found.version.format} shows whole records only", format=found.version.format)
    seen = Granted(schema.names) if granted is None else granted
    require_provable(seen, found)
    shown = seen.columns if columns is None else columns
    require_columns(shown, seen)
    hidden = _without(schema, shown)
    met, numbers = conditions(seen.filters, schema), sorted(set(indexes))
    made = await from_table(ports, found, lambda table, rule, tree: prove(table, rule, tree, numbers, met, hidden))
    if made is None:
        raise NotFound(f"no record {', '.join(map(str, numbers[:20]))}, or none you may see")
    return made


async def from_table(ports: Ports, found: Held, work: Callable[[KeptTable, LeafRule, Manifest], Result]) -> Result:
    """What a thread makes of the version's kept table. Raises PayloadElsewhere, Shredded, NotFound, Unavailable.

    Raises Corrupt if what is kept is not what was anchored.
    """
    material = material_of(ports.vault, found)
    rule, tree = LeafRule(found.version.format, material.keys), _tree(found, material.manifest)
    table = await open_table(ports, found)

    def whole() -> Result:
        with closing(table):
            return work(table, rule, tree)

    try:
        return await asyncio.to_thread(whole)
    except InvalidProof as fault:
        raise Corrupt(f"the kept table is not the one that was anchored: {fault.detail}", **fault.facts) from fault


def _tree(found: Held, manifest: Manifest | None) -> Manifest:
    """The kept manifest, once it is known to be the version's."""
    if manifest is None:
        raise PayloadElsewhere(f"no table of version {found.version.number} of {found.version.dataset} is kept here")
    if manifest.records != found.version.records or manifest.root.hex() != found.version.root:
        raise Corrupt("the kept manifest does not lead to the anchored root")
    return manifest


async def _allowed(ports: Ports, caller: Caller, share: str) -> tuple[Share, Held, Granted | None]:
    found = await party(ports, caller, share)
    async with ports.store.read() as work:
        version = await held(work, str(found.version))
        granted = await granted_by(work, found, version)
        if caller.department == found.consumer:
            await require_secret_keys(work, ports.vault, caller.department, granted, version)
    if caller.department == found.consumer and found.method != Method.STORE:
        raise PayloadElsewhere(f"version {version.version.number} of {found.dataset} was delivered some other way")
    return found, version, granted


def _asked(query: Query, granted: Granted, schema: Schema) -> tuple[tuple[str, ...], tuple[Condition, ...]]:
    """The columns to show, in the table's order, and the caller's own filters, both of granted columns only."""
    wanted = granted.columns if query.columns is None else query.columns
    require_columns([*wanted, *(one.column for one in query.filters)], granted)
    if not wanted:
        raise InvalidInput("name at least one column", parameter="columns")
    shown = set(wanted)
    return tuple(name for name in granted.columns if name in shown), conditions(query.filters, schema)


def _without(schema: Schema, shown: Sequence[str]) -> list[int]:
    """The numbers of the columns that are not shown."""
    names = set(shown)
    return [at for at, name in enumerate(schema.names) if name not in names]


def require_columns(names: Sequence[str], granted: Granted) -> None:
    """One answer for a column that does not exist and for one that was not granted, whose name is the caller's own.

    Raises NotFound.
    """
    unknown = sorted(set(names) - set(granted.columns))
    if unknown:
        raise NotFound(
            f"there is no column {', '.join(repr(name[:100]) for name in unknown[:20])}, or none you may see",
            remedy="Name columns that the share's scope lists, exactly as the table has them.",
        )


def _first(after: str, version: Held) -> int:
    given, first = read_token(after)
    if given != version.version.id:
        raise Conflict(
            "another version has been delivered since that page",
            remedy="Start again without `after`.",
        )
    return first
