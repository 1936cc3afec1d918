"""Drafts: from what a department means to what it signs.

Fills the signer, `prior` (the last act on the object) and the validity, and makes documents of objects that were given
in place of digests. Nothing is stored here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.domain.acts import Kind
from ledger.domain.callers import Caller
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.permissions import PERMISSIONS
from ledger.domain.shapes import kind_members
from ledger.domain.state import LEDGER_KEY, Key, Ledger
from ledger.domain.subjects import last_of
from ledger.domain.touches import touches
from ledger.domain.values import Act, act_type
from ledger.errors import InvalidAct, InvalidDocument, NotPermitted
from ledger.ports import Clock, Ports, UnitOfWork
from ledger.proofs.typed_data import act_digest, typed_message
from ledger.services import reading

VALID_SECONDS = 900  # how long a signature made here may wait to be recorded, unless the caller says otherwise


@dataclass(frozen=True, slots=True)
class Draft:
    """`signers` must sign `digest`, in this order; `typed` is what a wallet shows (EIP-712)."""

    act: Act
    digest: str
    documents: tuple[Document, ...]
    signers: tuple[str, ...]
    typed: dict[str, Any]


def present(clock: Clock, ledger: Ledger | None) -> int:
    """The time acts will meet, in unix seconds: ours, but never before the newest entry's.

    A block's time never goes back, so with a clock that lags behind the chain we would sign acts that expired already.
    """
    return max(int(clock.now()), ledger.time if ledger else 0)


async def draft(
    ports: Ports,
    caller: Caller,
    name: str,
    fields: Mapping[str, Any],
    document: Mapping[str, Any] | None = None,
    *,
    signer: str | None = None,
    valid_for: int = VALID_SECONDS,
) -> Draft:
    """The act that `caller`'s department would sign. Raises InvalidAct, InvalidDocument, NotPermitted."""
    if name not in PERMISSIONS:
        raise InvalidAct(f"there is no act {name!r} to sign", known=sorted(PERMISSIONS))
    values, documents = _documents_in_place(name, fields, document)
    async with ports.store.read() as work:
        now = present(ports.clock, (await work.load([(Ledger, LEDGER_KEY)])).ledger)
        signer = signer or await signing_key(ports, work, caller, name, now)
        values = {"signer": signer, "prior": ZERO_DIGEST, "valid_until": now + valid_for} | values
        act = Act.from_json(name, values)
        if "prior" not in fields:
            state = reading.visible(await work.load(touches(act, ZERO_DIGEST, caller.department)), caller)
            act = act.replace(prior=last_of(state, act, caller.department))
    module = ports.manifest.address(act.type.module)
    signers = act.signers
    return Draft(
        act=act,
        digest=act_digest(act, ports.manifest.chain_id, module),
        documents=tuple(documents),
        signers=signers,
        typed=typed_message(act, ports.manifest.chain_id, module),
    )


def _documents_in_place(
    name: str, fields: Mapping[str, Any], document: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[Document]]:
    """Digest fields given as JSON objects become documents; what is left out is taken from the main one, or zero."""
    kinds, given = ACT_DOCUMENTS[name], dict(fields)
    main = "document" if "document" in kinds else next(iter(kinds), None)
    if document is not None:
        if main is None:
            raise InvalidAct(f"{name} carries no document")
        if main in given:
            raise InvalidAct(f"{name} was given both a document and {main}")
        given[main] = document
    made = {
        field: _completed(value, kinds[field], given)
        for field, value in given.items()
        if field in kinds and isinstance(value, Mapping)
    }
    if main in made:
        for field in kinds:
            if field not in given and field in made[main].members:
                made[field] = made[main].part(field)
    for column in act_type(name).fields:
        if column.name in made:
            given[column.name] = made[column.name].digest
        elif column.kind is Kind.DIGEST and column.name != "prior":
            given.setdefault(column.name, ZERO_DIGEST)
    return given, list(made.values())


def _completed(value: Mapping[str, Any], kinds: tuple[str, ...], fields: Mapping[str, Any]) -> Document:
    """A document with its kind and salt, and with the act's own fields where it names them but was not given them."""
    kind = value.get("kind", kinds[0])
    if kind not in kinds:
        raise InvalidDocument(f"the document is a {kind}, not a {' or '.join(kinds)}")
    known = {name: fields[name] for name in kind_members(kind) if isinstance(fields.get(name), str | int)}
    salt = value.get("salt")
    members = {name: member for name, member in value.items() if name not in ("kind", "salt")}
    return Document.make(kind, salt=salt, **(known | members))


async def signing_key(ports: Ports, work: UnitOfWork, caller: Caller, name: str, now: int) -> str:
    """A key of the caller's department, in force, with the duty the act asks for; one held here before any other.

    The lowest sufficient duty signs, so that a director's key is not spent on an officer's act.
    """
    needed = PERMISSIONS[name][0]
    keys: list[Key] = await work.objects(Key, department=caller.department, retired=False)
    fit = [
        key
        for key in keys
        if needed <= key.duty <= caller.duty and key.start <= now and (key.until == 0 or now <= key.until)
    ]
    fit.sort(key=lambda key: (not ports.signatures.holds(key.address), key.duty, key.since))
    if not fit:
        raise NotPermitted(
            f"{caller.department} has no key in force with the duty {needed.name.lower()} that {name} asks for",
            remedy="Enrol one, or call with an API key of that duty.",
        )
    return fit[0].address
