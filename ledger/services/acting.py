"""Submitting acts: everything that is checked before an act is ours to carry.

What the world looks like when `submit` returns: documents, acts with signatures, their submissions and the caller's
idempotency record are durable, in one transaction; nothing has been sent. If it raises, none of them is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

from ledger import telemetry
from ledger.domain.acts import ACTS, KeyKind, Kind
from ledger.domain.callers import Caller
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.documents import Document, disagreements
from ledger.domain.identifiers import MAX_SIGNATURE, ZERO_DIGEST, digest_to_bytes
from ledger.domain.permissions import PERMISSIONS
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.rules.case import Signed
from ledger.domain.state import Key, State
from ledger.domain.subjects import subject
from ledger.domain.submissions import Submission, SubmissionState
from ledger.domain.touches import touches
from ledger.domain.values import Act
from ledger.errors import InvalidAct, InvalidDocument, InvalidSignature, NotFound, NotPermitted, TooLarge
from ledger.ports import Ports, StoredDocument, UnitOfWork
from ledger.proofs.typed_data import act_digest
from ledger.services import reading, tracing
from ledger.services.completing import check_use, completed
from ledger.services.drafting import Draft, draft, present
from ledger.services.readers import readers_of
from ledger.services.shredding import require_segments

MOST_ACTS = 1000


@dataclass(frozen=True, slots=True)
class SignedAct:
    """`documents`: those the act names that are not stored here yet. An empty signature is for the host to make."""

    act: Act
    signatures: tuple[bytes, ...]
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A claimed Idempotency-Key: its stored answer becomes the submissions' digests, in the same transaction."""

    caller: str
    key: str


def may_act(caller: Caller, name: str) -> None:
    """Raises NotPermitted unless the caller's API key has the duty and role that the act asks for."""
    if name not in PERMISSIONS:
        raise InvalidAct(f"there is no act {name!r} to sign", known=sorted(PERMISSIONS))
    duty, role = PERMISSIONS[name]
    if caller.duty < duty:
        raise NotPermitted(f"{name} asks for the duty {duty.name.lower()}, this API key has {caller.duty.name.lower()}")
    if role and not caller.roles & role:
        raise NotPermitted(f"{name} asks for the role {role.name and role.name.lower()}")


async def act_for(
    ports: Ports,
    caller: Caller,
    name: str,
    fields: Mapping[str, Any],
    document: Mapping[str, Any] | None = None,
    *,
    idempotency: Idempotency | None = None,
) -> Submission:
    """Draft, sign with the keys held here, submit. Raises what `draft` and `submit` raise."""
    may_act(caller, name)
    made = await draft(ports, caller, name, fields, document)
    digest = digest_to_bytes(made.digest)
    for signer in made.signers:
        await check_use(ports, caller, signer)
    signatures = [(await ports.signatures.sign(signer, [digest]))[0] for signer in made.signers]
    signed = SignedAct(made.act, tuple(signatures), made.documents)
    (submission,) = await submit(ports, caller, [signed], idempotency=idempotency)
    return submission


async def check_first(
    ports: Ports,
    caller: Caller,
    name: str,
    fields: Mapping[str, Any],
    document: Mapping[str, Any] | None = None,
) -> Draft:
    """Raises what `act_for` would refuse for, with nothing signed or stored: before something is made for the act."""
    may_act(caller, name)
    made = await draft(ports, caller, name, fields, document)
    if wrong := disagreements(made.act, made.documents):
        raise InvalidDocument(f"{name} and its documents disagree: {'; '.join(wrong)}")
    one = _submission(ports, caller, SignedAct(made.act, (b"",) * len(made.signers)))
    async with ports.store.read() as work:
        state = reading.visible(await work.load(touches(one.act, one.digest, one.department)), caller)
        await _refuse_early(ports, work, state, [one], lambda *_: True)
    return made


async def submit(
    ports: Ports, caller: Caller, signed: Sequence[SignedAct], *, idempotency: Idempotency | None = None
) -> list[Submission]:
    """Queue signed acts of the caller's department, all or none; one that is known already is answered as it stands.

    Raises NotPermitted, InvalidSignature, InvalidDocument, TooLarge, or the Refused that the contracts would give.
    """
    if not 0 < len(signed) <= MOST_ACTS:
        raise TooLarge(f"give 1 to {MOST_ACTS} acts at once, not {len(signed)}")
    for one in signed:
        may_act(caller, one.act.name)
    signed = [replace(one, signatures=await completed(ports, caller, one.act, one.signatures)) for one in signed]
    new = [_submission(ports, caller, one) for one in signed]
    checked = await Checked.of(ports, new)
    async with ports.store.read() as work:  # whoever writes waits for its turn: nobody does so while this is judged
        refs = [ref for one in new for ref in touches(one.act, one.digest, one.department)]
        state = reading.visible(await work.load(refs), caller)
        _check_signers(ports, caller, new, state, checked)
        documents = await _documents(work, caller, state, signed, new)
        await _refuse_early(ports, work, state, new, checked.signed)
    async with ports.store.write() as work:
        await work.add_documents(documents)
        stored = await work.add_submissions(new)
        if idempotency is not None:
            digests = [one.digest for one in stored]
            await work.answer(idempotency.caller, idempotency.key, 202, {"submissions": digests})
        await work.commit()
    telemetry.ACCEPTED.inc(len(stored))
    tracing.queued(stored)
    return stored


async def wait_final(ports: Ports, digest: str, seconds: float) -> Submission:
    """The submission once it is final, failed or returned, or as it stands when the time is up. Raises NotFound."""
    deadline = ports.clock.now() + seconds
    while True:
        turn = ports.final.turn
        async with ports.store.read() as work:
            found = await work.submission(digest)
        if found is None:
            raise NotFound(f"no submission {digest}")
        left = deadline - ports.clock.now()
        if not found.state.open or found.state is SubmissionState.RETURNED or left <= 0:
            return found
        await ports.final.wait(left, turn)


def _submission(ports: Ports, caller: Caller, one: SignedAct) -> Submission:
    module = ports.manifest.address(one.act.type.module)
    digest = act_digest(one.act, ports.manifest.chain_id, module)
    return Submission(
        digest=digest,
        module=module,
        act=one.act,
        signatures=one.signatures,
        department=caller.department,
        subject=subject(one.act, digest),
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """The accounts' signatures among acts that are right: (address, digest, signature)."""

    right: frozenset[tuple[str, str, bytes]]

    @classmethod
    async def of(cls, ports: Ports, new: Sequence[Submission]) -> Self:
        """Each is checked once, before the database is held."""
        asked = [
            (address, one.digest, signature)
            for one in new
            for address, signature in zip(one.act.signers, one.signatures, strict=False)
        ]
        return cls(await ports.signatures.right(asked))

    def signed(self, address: str, kind: int, digest: str, signature: bytes) -> bool:
        """A contract's signature is for the chain to check (ERC-1271)."""
        return kind == KeyKind.CONTRACT or (address, digest, signature) in self.right


def _check_signers(ports: Ports, caller: Caller, new: Iterable[Submission], state: State, checked: Checked) -> None:
    """Every act is signed by a key of the caller's own department; one not enrolled yet is left to the rules."""
    for one in new:
        signer = one.act["signer"]
        key = state.get(Key, signer)
        if key is not None and key.department != caller.department:
            raise NotPermitted(f"the key {signer} is not one of {caller.department}")
        kind = key.kind if key else KeyKind.ACCOUNT
        _check_lengths(one)  # always: what hangs on other acts is not judged here, and must still fit a transaction
        if not checked.signed(signer, kind, one.digest, one.signatures[0]):
            raise InvalidSignature(
                f"{one.act.name} carries no signature by {signer} over digest {one.digest}",
                digest=one.digest,
                chain_id=ports.manifest.chain_id,
                module=one.module,
            )


def _check_lengths(one: Submission) -> None:
    needed = one.act.type.signatures
    if len(one.signatures) != needed or any(len(raw) > MAX_SIGNATURE for raw in one.signatures):
        raise InvalidSignature(f"{one.act.name} carries {needed} signatures of at most {MAX_SIGNATURE} bytes each")


async def _refuse_early(
    ports: Ports, work: UnitOfWork, state: State, new: Sequence[Submission], signed: Signed
) -> None:
    """Refuse what the contracts would refuse, unless the answer hangs on acts that are still on their way."""
    named = [_named(one.act) for one in new]
    digests, others = (set[str]().union(*some) for some in zip(*named, strict=True))
    on_the_way = await work.open_on(digests, others)
    known = await work.submitted(one.digest for one in new)
    now = present(ports.clock, state.ledger)
    for position, one in enumerate(new):
        hangs = not all(map(on_the_way.isdisjoint, named[position]))
        on_the_way |= {one.digest, one.subject}
        if hangs or one.digest in known:
            continue
        refused = refusal(state, one.act, one.digest, Circumstances(now, one.signatures, signed))
        if refused is not None:
            refused.facts.update({"act": one.act.name, "position": position})
            raise refused


def _named(act: Act) -> tuple[set[str], set[str]]:
    """The objects an act names: by digest (prior among them), and by code or address."""
    values = act.values
    digests, others = ({str(values[name]) for name in names} for names in _naming(act.name))
    return digests - {ZERO_DIGEST}, others - {""}


@cache
def _naming(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    fields = ACTS[name].fields
    return (
        tuple(field.name for field in fields if field.kind is Kind.DIGEST),
        tuple(field.name for field in fields if field.kind in (Kind.CODE, Kind.ADDRESS)),
    )


async def _documents(
    work: UnitOfWork, caller: Caller, state: State, signed: Sequence[SignedAct], new: Sequence[Submission]
) -> list[StoredDocument]:
    """What the acts carry; each digest in an act must be of one given now, or stored and seen by the caller.

    Digests are on the chain for all to see: naming one must not open the document behind it to whoever names it.
    """
    seen: dict[str, Document] = {}
    kept: list[StoredDocument] = []
    for one, submission in zip(signed, new, strict=True):
        named = {one.act[field] for field in ACT_DOCUMENTS[one.act.name]} - {ZERO_DIGEST}
        given = {document.digest: document for document in one.documents}
        if strangers := given.keys() - named:
            raise InvalidDocument(f"{one.act.name} names no document {', '.join(sorted(strangers))}")
        seen |= given
        for digest in named - given.keys():
            if digest not in seen:
                seen[digest] = await _stored(work, caller, one.act.name, digest)
            given[digest] = seen[digest]
        if wrong := disagreements(one.act, given.values()):
            raise InvalidDocument(f"{one.act.name} and its documents disagree: {'; '.join(wrong)}")
        await require_segments(work, one.act, given.values())
        readers = readers_of(submission, state) if given else None
        kept += [
            StoredDocument(document.digest, document.kind, document.body, readers.everyone, readers.departments)
            for document in given.values()
            if readers is not None
        ]
    return kept


async def _stored(work: UnitOfWork, caller: Caller, name: str, digest: str) -> Document:
    try:
        return Document.parse((await reading.document(work, caller, digest)).body)
    except NotFound:
        raise InvalidDocument(
            f"{name} names document {digest}, which was not given and is none that you may read here", digest=digest
        ) from None
