"""What a caller may see. The catalogue is open to every department; who asks whom is for the parties and auditors.

An object that the caller may not see is answered like one that does not exist: NotFound.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

from ledger.domain.acts import Role
from ledger.domain.callers import Caller
from ledger.domain.entries import Entry
from ledger.domain.marks import authorities_above
from ledger.domain.state import Correction, Department, Revision, Share, State, StateObject, Version
from ledger.domain.submissions import Submission
from ledger.errors import NotFound
from ledger.ports import Cursor, Ports, StoredDocument, UnitOfWork

PAGE = 1000
AT_ONCE = 5000  # codes in one question


async def as_of(work: UnitOfWork) -> dict[str, Any] | None:
    """How far the read model is: what every answer carries. None before entry 0."""
    cursor: Cursor | None = await work.cursor()
    if cursor is None:
        return None
    return {"block": cursor.block.number, "entry": cursor.size - 1, "head": cursor.head}


@asynccontextmanager
async def opened(ports: Ports) -> AsyncIterator[UnitOfWork]:
    """A unit of work for reading: everything read through it is of one moment."""
    async with ports.store.read() as work:
        yield work


async def catalogue_object(work: UnitOfWork, shape: type[StateObject], *key: Any) -> Any:
    """A department, key, dataset, revision, version, attestation, rule or checkpoint. Raises NotFound."""
    found = (await work.load([(shape, key)])).get(shape, *key)
    if found is None:
        raise NotFound(f"no {shape.__name__.lower()} {'/'.join(str(part) for part in key)}")
    return found


async def share(work: UnitOfWork, caller: Caller, id: str) -> Share:
    """Raises NotFound, also if the caller is neither a party, nor an authority above one, nor an auditor."""
    state = await work.load([(Share, (id,))])
    found = state.get(Share, id)
    if found is None or not _sees(caller, state, found.consumer, found.provider):
        raise NotFound(f"no share {id}")
    return found


async def correction(work: UnitOfWork, caller: Caller, id: str) -> Correction:
    state = await work.load([(Correction, (id,))])
    found = state.get(Correction, id)
    if found is None or not _sees(caller, state, found.consumer, found.provider):
        raise NotFound(f"no correction {id}")
    return found


async def seen(
    work: UnitOfWork,
    caller: Caller,
    shape: type[Share] | type[Correction],
    *,
    after: str | None,
    limit: int,
    **where: Any,
) -> list[Any]:
    """Shares or corrections the caller may see, by id. An authority also sees those of the departments below it.

    What is read is what is shown, however much there is that the caller may not see.
    """
    start, parties = (after,) if after else None, await _parties(work, caller)
    if parties is None:
        return await work.objects(shape, after=start, limit=limit, **where)
    found: dict[Any, Any] = {}
    for side, some in product(("consumer", "provider"), _batched(sorted(parties), AT_ONCE)):
        codes = [code for code in some if where.get(side) in (None, code)]
        if codes:
            page = await work.objects(shape, after=start, limit=limit, **{**where, side: codes})
            found.update((item.key, item) for item in page)
    return [found[key] for key in sorted(found)][:limit]


async def _parties(work: UnitOfWork, caller: Caller) -> set[str] | None:
    """The departments whose shares the caller may see, as `_sees` has it; None: those of all."""
    own = (await work.load([(Department, (caller.department,))])).get(Department, caller.department)
    if caller.audits or own is None or Role.AUTHORITY not in caller.roles:
        return None if caller.audits else {caller.department}
    if own.parent is None:
        return None
    parties, parents = {own.code}, [own.code]
    while parents:
        below = [code for some in _batched(parents, AT_ONCE) for code in await _children(work, some)]
        parents = [code for code in below if code not in parties]
        parties.update(parents)
    return parties


async def _children(work: UnitOfWork, parents: Sequence[str]) -> list[str]:
    return [one.code for one in await _every(work, Department, parent=parents)]


async def _every(work: UnitOfWork, shape: type[StateObject], **where: Any) -> list[Any]:
    """All objects of a kind, from as many pages as that takes."""
    found: list[Any] = []
    while True:
        page = await work.objects(shape, after=found[-1].key if found else None, limit=PAGE, **where)
        found += page
        if len(page) < PAGE:
            return found


def _batched(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def visible(state: State, caller: Caller) -> State:
    """The state as the caller knows it: shares and corrections of others are refused like ones that do not exist."""
    hidden = {
        (type(item), item.key) for item in _private(state) if not _sees(caller, state, item.consumer, item.provider)
    }
    return State(item for item in state if (type(item), item.key) not in hidden) if hidden else state


def _private(state: State) -> list[Share | Correction]:
    """What not everyone may know of: between whom is in its `consumer` and `provider`."""
    return [*state.all(Share), *state.all(Correction)]


def _sees(caller: Caller, state: State, *parties: str) -> bool:
    """A party, an authority above one (each administers sharing at its level: art. 8), or an auditor.

    An API key that was not given its department's role of authority sees what the department is a party to.
    """
    if caller.audits or caller.department in parties:
        return True
    if Role.AUTHORITY not in caller.roles:
        return False
    return any(above.code == caller.department for party in parties for above in authorities_above(state, party))


async def document(work: UnitOfWork, caller: Caller, digest: str) -> StoredDocument:
    """By digest. Raises NotFound, also if the caller is not one of its readers."""
    found = await work.document(digest)
    if found is not None and (
        caller.audits or found.open or caller.department in found.readers or await _published(work, caller, found)
    ):
        return found
    raise NotFound(f"no document {digest}")


async def _published(work: UnitOfWork, caller: Caller, found: StoredDocument) -> bool:
    """Whether it belongs to a published catalogue item, or to a version that the caller has a live share of.

    An item or version may name any digest at all; it opens only what its own department could read anyway.
    """
    for where in ({"document": found.digest}, {"conditions": found.digest}, {"basis": found.digest}):
        revisions: Sequence[Revision] = await work.objects(Revision, after=None, limit=PAGE, **where)
        if any(item.published_time is not None and item.department in found.readers for item in revisions):
            return True
    for version in await work.objects(Version, document=found.digest):
        shares: Sequence[Share] = await work.objects(Share, dataset=version.dataset, consumer=caller.department)
        if any(item.live and item.provider in found.readers for item in shares):
            return True
    return False


async def submission(work: UnitOfWork, caller: Caller, digest: str) -> Submission:
    found = await work.submission(digest)
    if found is None or not (caller.audits or found.department == caller.department):
        raise NotFound(f"no submission {digest}")
    return found


async def submissions(
    work: UnitOfWork, caller: Caller, *, after: int, limit: int, **where: Any
) -> list[tuple[int, Submission]]:
    own = None if caller.audits else caller.department
    return await work.submissions(after=after, limit=limit, department=own, **where)


async def entries(work: UnitOfWork, caller: Caller, *, after: int, limit: int, **where: Any) -> list[Entry]:
    """In order. An auditor sees all; others those that their own department signed."""
    if not caller.audits:
        where = {**where, "department": caller.department}
    return await work.entries(after, limit, **where)


async def entry(work: UnitOfWork, caller: Caller, key: int | str) -> Entry:
    """One entry, for an auditor, its signer's department, and the parties of the share it is on."""
    found = await work.entry(key)
    if found is None:
        raise NotFound(f"no entry {key}")
    if caller.audits or found.department == caller.department or not _is_private(found):
        return found
    ids = {found.digest, *(found.act.values.get(name) for name in ("share", "correction"))}
    state = await work.load([(shape, (id,)) for shape in (Share, Correction) for id in ids if id])
    if any(_sees(caller, state, item.consumer, item.provider) for item in _private(state)):
        return found
    raise NotFound(f"no entry {key}")


def _is_private(found: Entry) -> bool:
    """Whether the entry tells who asks whom."""
    return "share" in found.act.values or "consumer" in found.act.values or "correction" in found.act.values


async def history(work: UnitOfWork, caller: Caller, id: str, *, after: int, limit: int) -> list[Entry]:
    """Entries on a share after an index, oldest first, corrections included. Raises NotFound like `share`."""
    await share(work, caller, id)
    corrections = await _every(work, Correction, share=id)
    return await work.entries(after, limit, subject=(id, *(item.id for item in corrections)))
