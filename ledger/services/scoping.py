"""What a share lets out of a version: its scope document, read for the table that was delivered.

The document is the one whose digest the ledger keeps as the share's scope. Nothing else says what may leave: not the
request, not the words of a reply, not the caller. Without it, or where a machine cannot hold to it, nothing leaves.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.scopes import Granted, Scope
from ledger.domain.state import Share
from ledger.errors import (
    BeyondScope,
    InvalidDocument,
    InvalidInput,
    NotPermitted,
    ScopeNotEnforceable,
    ScopeNotHeld,
    ScopeNotProvable,
    Shredded,
    TooLarge,
)
from ledger.fingerprint import FILE, RECORD_SD, Schema
from ledger.fingerprint.conditions import conditions
from ledger.ports import UnitOfWork, Vault
from ledger.services.versions import Held, held, segment_keys

KEYS_USED: Final = "keys"
"""The use record of who was given a version's segment keys."""


async def granted_by(work: UnitOfWork, share: Share, found: Held) -> Granted | None:
    """What the share lets out of this version; None for a file, which is given as it is or not at all.

    Raises ScopeNotHeld, ScopeNotEnforceable.
    """
    if found.document is None or found.version.format == FILE:
        return None  # without its document nothing of a version is kept here: there is nothing to hold back
    schema = found.read_document().schema
    if schema is None:
        raise ScopeNotEnforceable("the version's document does not say which columns the table has")
    return granted_of(await scope_of(work, share), schema)


async def scope_of(work: UnitOfWork, share: Share) -> Scope:
    """The share's scope document. Raises ScopeNotHeld."""
    if share.scope == ZERO_DIGEST:
        raise ScopeNotHeld(f"the share of {share.dataset} was agreed without a scope document", share=share.id)
    stored = await work.document(share.scope)
    if stored is None:
        raise ScopeNotHeld(f"the scope document of the share of {share.dataset} is not held here", share=share.id)
    try:
        document = Document.parse(stored.body, "scope")
        if document.digest != share.scope:
            raise InvalidDocument("its digest is another")
        return Scope.from_json(document["scope"])
    except (InvalidDocument, TooLarge) as fault:
        told = f"what the ledger names as the scope of the share of {share.dataset} is no scope document here"
        raise ScopeNotHeld(told, share=share.id, reason=fault.detail) from None


def granted_of(scope: Scope, schema: Schema) -> Granted:
    """Raises ScopeNotEnforceable, also for a filter whose value its column's type does not take."""
    granted = scope.granted(schema.names)
    try:
        conditions(granted.filters, schema)
    except InvalidInput as fault:
        raise ScopeNotEnforceable(f"a filter of the scope cannot be read for this table: {fault.detail}") from None
    return granted


def require_whole(granted: Granted | None) -> None:
    """For what cannot be given in part: a file, the keys that open it, the hashes of all its records.

    Raises BeyondScope.
    """
    if granted is not None and not granted.whole:
        raise BeyondScope("the share's scope is a part of the table; this would give, or tell of, all of it")


def require_provable(granted: Granted | None, found: Held) -> None:
    """Raises ScopeNotProvable if a proof of what is granted would tell what is not."""
    if granted is None or granted.whole:
        return
    if not granted.every_column and found.version.format != RECORD_SD:
        raise ScopeNotProvable(f"a version of {found.version.format} proves whole records only")
    require_salts(granted, found)


def require_salts(granted: Granted | None, found: Held) -> None:
    """Raises ScopeNotProvable if hashes of other records would tell what they are."""
    if granted is not None and not granted.whole and not found.version.salted:
        raise ScopeNotProvable(
            "a version without salts is proven with hashes of the records beside, which can be guessed back",
            remedy="Ask the provider to anchor the table with salts and to deliver that version.",
        )


async def require_secret_keys(
    work: UnitOfWork, vault: Vault, department: str, granted: Granted | None, found: Held
) -> None:
    """Raises ScopeNotProvable if the department was given keys that this version has inherited from an earlier one.

    With them, the hashes of what it may not see could be guessed back.
    """
    if granted is None or granted.whole:
        return
    for version in await work.versions_used(department, KEYS_USED):
        if version == found.version.id:
            continue  # it could see all of this one when it was given them
        earlier = await held(work, version)
        if earlier.version.dataset != found.version.dataset:
            continue
        if _key_digests(vault, found) & _key_digests(vault, earlier):
            raise ScopeNotProvable(
                f"{department} was given keys of version {earlier.version.number}, which this version has inherited",
                remedy="Ask the provider to anchor the table under fresh keys (`version anchor --fresh-keys`) and to "
                "deliver that version.",
            )


def _key_digests(vault: Vault, found: Held) -> frozenset[bytes]:
    """Of the keys that are still kept here: enough to tell whether two versions share one."""
    if found.row is None or not found.version.salted:
        return frozenset()
    try:
        keys = segment_keys(vault, found.row)
    except Shredded:
        return frozenset()
    return frozenset(hashlib.sha256(segment.key).digest() for segment in (keys.segments if keys else ()))


async def best_of(work: UnitOfWork, shares: Iterable[Share], found: Held) -> tuple[Share, Granted | None]:
    """Of several shares in force, newest first, the one that lets out the whole; else the newest that can be held to.

    Raises why the newest cannot, if none can.
    """
    best: tuple[Share, Granted | None] | None = None
    reason: NotPermitted | None = None
    for share in shares:
        try:
            granted = await granted_by(work, share, found)
        except NotPermitted as fault:
            reason = reason or fault
            continue
        if granted is None or granted.whole:
            return share, granted
        best = best or (share, granted)
    if best is None:
        assert reason is not None
        raise reason
    return best
