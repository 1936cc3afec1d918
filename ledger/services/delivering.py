"""Letting a consumer use what was shared: who may, now, and the record that it was used.

A consumer is let in when the read model, our clock and the contract at the newest block all say so; the strictest
wins, and a chain that does not answer is a no. The use record is durable before the first byte leaves (Decree 809
art. 29). What is given is the version that was delivered under the share, never another one of the dataset. A provider
may always read its own payload.

What the share's scope is a part of leaves in part only, as records (`ledger.services.answering`): the payload and the
keys that open it are for a scope that is the whole table. A file is its own scope.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from ledger.domain.acts import Method
from ledger.domain.callers import Caller
from ledger.domain.identifiers import parse_digest
from ledger.domain.local_time import local_text
from ledger.domain.refusals import refusal_from_name
from ledger.domain.scopes import Granted
from ledger.domain.stages import OPEN, Stage
from ledger.domain.state import Share, Version
from ledger.errors import (
    Conflict,
    NoShare,
    PayloadElsewhere,
    ShareEnded,
    ShareExpired,
    ShareNotDelivered,
    ShareNotInForce,
    ShareNotLive,
    ShareSuspended,
    Shredded,
)
from ledger.ports import Ports, UnitOfWork, Use
from ledger.services.material import Material
from ledger.services.scoping import KEYS_USED, best_of, granted_by, require_whole
from ledger.services.versions import Held, held, material_of, open_plain

LOOK_SECONDS: Final = 5.0  # between two looks at the share while its payload goes out


@dataclass(frozen=True, slots=True)
class Authorised:
    share: Share
    version: Version


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a download broke off: its first `start` bytes are there already, of this version if one is named."""

    start: int
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """`chunks` gives the plain bytes `start`..`size`, and raises Corrupt if the store's bytes are not those.

    A consumer's breaks off, with the reason, if its share ends or is suspended or the version is shredded meanwhile.
    """

    size: int
    start: int
    media_type: str
    name: str
    version: Version
    chunks: AsyncIterator[bytes]


async def authorised(ports: Ports, caller: Caller, share: str) -> Authorised:
    """The share and its delivered version, if the caller's department may use it now. Nothing is recorded.

    Raises, each for its own reason: NoShare, ShareEnded, ShareNotLive, ShareSuspended, ShareExpired,
    ShareNotDelivered, ShareNotInForce (the newest block says no), Unavailable (it cannot be asked).
    """
    async with ports.store.read() as work:
        found = await _share_in_force(ports, work, caller, share)
        version = (await held(work, str(found.version))).version
    await ask_chain(ports, found)
    return Authorised(found, version)


async def open_payload(ports: Ports, caller: Caller, share: str, resume: Resume | None = None) -> Download:
    """The delivered version's payload, for the consumer of the share or its provider. Writes a use record.

    Raises as `authorised`; BeyondScope for a table of which only a part is shared, ScopeNotHeld, ScopeNotEnforceable;
    PayloadElsewhere if it was delivered some other way, Shredded, Corrupt, NotFound if the stored object is lost.
    """
    found = await party(ports, caller, share)
    async with ports.store.read() as work:
        version = await held(work, str(found.version))
        if caller.department == found.consumer:
            require_whole(await granted_by(work, found, version))
    if caller.department == found.consumer:
        if found.method != Method.STORE:
            raise PayloadElsewhere(f"version {version.version.number} of {found.dataset} was delivered some other way")
        await ask_chain(ports, found)
    start = _start(version, resume)
    chunks = await open_plain(ports, version, start)  # a lost object or a wrong key shows here, before the record
    await record_use(ports, caller, share, version, "payload")
    # Stopping here leaves a record of a use that did not come to be: better than a use without its record.
    return _download(version, start, _while_allowed(ports, caller, share, version, chunks, ports.clock.now()))


async def open_own_payload(ports: Ports, caller: Caller, version: str, resume: Resume | None = None) -> Download:
    """A provider's own payload. Raises the Refused for any other department; PayloadElsewhere, Shredded, Corrupt."""
    found = await _own(ports, caller, version)
    start = _start(found, resume)
    return _download(found, start, await open_plain(ports, found, start))


async def own_keys(ports: Ports, caller: Caller, version: str) -> Material:
    """As `verification_keys`, for the provider's own version. Raises the Refused for any other; Shredded, Corrupt."""
    return material_of(ports.vault, await _own(ports, caller, version))


async def verification_keys(ports: Ports, caller: Caller, share: str) -> Material:
    """Entry, document, manifest and segment keys of the delivered version, for whoever has the payload in hand.

    Writes a use record. Raises as `authorised`; BeyondScope for a table of which only a part is shared (the keys would
    open all of it), ScopeNotHeld, ScopeNotEnforceable; Shredded, Corrupt.
    """
    found = await party(ports, caller, share)
    async with ports.store.read() as work:
        version = await held(work, str(found.version))
        if caller.department == found.consumer:
            require_whole(await granted_by(work, found, version))
    if caller.department == found.consumer:
        await ask_chain(ports, found)
    material = material_of(ports.vault, version)
    await record_use(ports, caller, share, version, KEYS_USED)
    return material


async def uses(ports: Ports, caller: Caller, share: str, *, after: int = 0, limit: int = 1000) -> list[tuple[int, Use]]:
    """(number, use record) of a share, oldest first, for its parties and auditors. Raises NoShare."""
    async with ports.store.read() as work:
        found = await _load(work, share)
        if found is None or not (caller.audits or caller.department in (found.consumer, found.provider)):
            raise NoShare(f"{caller.department} has no share {share}")
        return await work.uses(share, after=after, limit=limit)


# ---- shared with the verification of records and copies --------------------------------------------------------------


async def share_for(ports: Ports, work: UnitOfWork, caller: Caller, found: Held) -> tuple[Share, Granted | None]:
    """The caller's share under which this version was delivered and may be used now; the chain is not asked yet.

    Also what it lets out of the version, None for a file; of several shares, the one that lets out most. Raises as
    `authorised`, and ScopeNotHeld, ScopeNotEnforceable; of several shares, the reason of the one asked for last.
    """
    shares: list[Share] = await work.objects(Share, consumer=caller.department, version=found.version.id)
    shares.sort(key=lambda share: share.since)
    now = ports.clock.now()
    fit = [share for share in shares if share.authorised(int(now)) and now <= share.until]
    if fit:
        return await best_of(work, reversed(fit), found)
    if not shares:
        raise NoShare(f"{caller.department} has no share of version {found.version.number} of {found.version.dataset}")
    refuse_unless_in_force(shares[-1], now)
    return shares[-1], await granted_by(work, shares[-1], found)


def refuse_unless_in_force(share: Share, now: float) -> None:
    """Raises the reason why the share cannot be used at `now` (unix seconds), if there is one."""
    stage, facts = Stage(share.stage), {"share": share.id}
    if stage is Stage.ENDED:
        raise ShareEnded(f"the share of {share.dataset} was ended", cause=share.cause, **facts)
    if not share.live:
        told = "waits for the provider's reply" if stage in OPEN else f"was {share.stage_name}"
        raise ShareNotLive(f"the request for {share.dataset} {told}", stage=share.stage, **facts)
    if share.suspended:
        raise ShareSuspended(f"the share of {share.dataset} was suspended by {share.suspended_by}", **facts)
    if now > share.until:
        told = f"the share of {share.dataset} ran until {local_text(share.until)}"
        raise ShareExpired(told, until=share.until, **facts)
    if share.version is None:
        raise ShareNotDelivered(f"no version of {share.dataset} was delivered under this share yet", **facts)


async def ask_chain(ports: Ports, share: Share) -> None:
    """Raises ShareNotInForce unless the contract, at the newest block, says that the share is in force."""
    if not await ports.views.is_authorised(share.id):
        raise ShareNotInForce(f"the contract does not authorise the share of {share.dataset} any more", share=share.id)


async def record_use(ports: Ports, caller: Caller, share: str, version: Held, action: str) -> None:
    """In one transaction with a last look at share and version: suspended or shredded while the payload was opened?

    Raises as `authorised`; Shredded, Conflict; and whatever the store raises: without the record there is no use.
    """
    async with ports.store.write() as work:
        await _look_again(ports, work, caller, share, version)
        at = int(ports.clock.now() * 1000)
        await work.add_use(Use(at, share, version.version.id, caller.department, caller.id, action))
        await work.commit()


# ---- steps -----------------------------------------------------------------------------------------------------------


async def _while_allowed(
    ports: Ports, caller: Caller, share: str, version: Held, chunks: AsyncIterator[bytes], looked: float
) -> AsyncIterator[bytes]:
    """The same pieces; breaks off once the share no longer stands or the version was shredded. Raises why."""
    async for piece in chunks:
        if ports.clock.now() - looked >= LOOK_SECONDS:
            async with ports.store.read() as work:
                await _look_again(ports, work, caller, share, version)
            looked = ports.clock.now()
        yield piece


async def _look_again(ports: Ports, work: UnitOfWork, caller: Caller, share: str, version: Held) -> None:
    found = await _load(work, share)
    if found is None or found.version != version.version.id:
        raise ShareNotInForce("another version was delivered just now; ask again", share=share)
    if found.provider != caller.department:
        refuse_unless_in_force(found, ports.clock.now())
    await _refuse_if_shredded_since(work, version)


async def _refuse_if_shredded_since(work: UnitOfWork, before: Held) -> None:
    """What was opened with keys that are deleted by now must not leave. Raises Shredded, Conflict for a part of it."""
    id = before.version.id
    now = (await work.load([(Version, (parse_digest(id),))])).get(Version, id)
    if now is None or now.updated == before.version.updated:
        return
    if now.shredded:
        raise Shredded(f"version {now.number} of {now.dataset} was shredded")
    if now.partly_shredded:
        told = f"a part of version {now.number} of {now.dataset} was shredded just now"
        raise Conflict(told, remedy="Ask again for what is left.")


async def _load(work: UnitOfWork, share: str) -> Share | None:
    return (await work.load([(Share, (parse_digest(share),))])).get(Share, share)


async def _share_in_force(ports: Ports, work: UnitOfWork, caller: Caller, share: str) -> Share:
    found = await _load(work, share)
    if found is None or found.consumer != caller.department:
        # one answer for both: whether others have a share is not the caller's to know
        raise NoShare(f"{caller.department} has no share {share}", share=share)
    refuse_unless_in_force(found, ports.clock.now())
    return found


async def party(ports: Ports, caller: Caller, share: str) -> Share:
    """The share, for its provider at any time once delivered, for its consumer while it is in force."""
    async with ports.store.read() as work:
        found = await _load(work, share)
        if found is not None and found.provider == caller.department:
            if found.version is None:
                raise ShareNotDelivered(f"no version of {found.dataset} was delivered under this share yet")
            return found
        return await _share_in_force(ports, work, caller, share)


async def _own(ports: Ports, caller: Caller, version: str) -> Held:
    async with ports.store.read() as work:
        found = await held(work, version)
    if found.provider != caller.department:
        raise refusal_from_name("DatasetsNotProvider", found.version.dataset, caller.department)
    return found


def _start(found: Held, resume: Resume | None) -> int:
    """The first byte to give: 0 where there is nothing to take up."""
    fits = resume is not None and resume.version in (None, found.version.id) and 0 < resume.start < found.version.size
    return resume.start if resume is not None and fits else 0


def _download(found: Held, start: int, chunks: AsyncIterator[bytes]) -> Download:
    document = found.read_document()
    return Download(found.version.size, start, document.media_type, document.name, found.version, chunks)
