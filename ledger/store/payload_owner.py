"""Whose payloads lie in a place that several ledgers could reach: one object says so, `ledger.json`, written once.

Without it a server pointed at another ledger's prefix would find payloads there that none of its rows names.
"""

import contextlib
from typing import Final

import obstore
import rfc8785
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore

from ledger.domain.manifest import Manifest
from ledger.errors import Conflict, NotReady
from ledger.store.payload_faults import answering, s3_code
from ledger.store.s3 import prove_create_only

OWNER: Final = "ledger.json"
LARGEST: Final = 4096


async def check_owner(store: ObjectStore, manifest: Manifest) -> None:
    """The place answers, and is this ledger's or nobody's. Raises NotReady, Unavailable."""
    found = await _owner(store)
    if found not in (None, _told(manifest)):
        raise NotReady(
            "the payload store is another ledger's",
            remedy="Give SHARELEDGER_PAYLOADS_URL a prefix of its own for each ledger.",
            reason="another-ledger",
        )


async def take_place(store: ObjectStore, manifest: Manifest) -> None:
    """Makes the place this ledger's if it is nobody's and empty, and has it prove that it overwrites nothing.

    Raises NotReady if it is another's, or has objects that no ledger's mark goes with; Unavailable.
    """
    told, new = _told(manifest), False
    if await _owner(store) is None:
        if await _first(store) is not None:
            raise NotReady(
                "the payload store is not empty, and nothing says that it is this ledger's",
                remedy="Give SHARELEDGER_PAYLOADS_URL a prefix below which there is nothing.",
                reason="not-empty",
            )
        with answering(), contextlib.suppress(AlreadyExistsError):  # by another server of ours, or of another ledger
            await obstore.put_async(store, OWNER, told, mode="create")
            new = True
    await check_owner(store, manifest)
    try:
        await prove_create_only(store, OWNER, told)
    except NotReady:
        if new:  # such a place is nobody's
            with answering():
                await obstore.delete_async(store, OWNER)
        raise


async def require_empty(store: ObjectStore, place: str) -> None:
    """Raises Conflict if anything lies there, NotReady, Unavailable."""
    if await _first(store) is not None:
        raise Conflict(
            f"{place} is not empty, and a restore replaces nothing",
            remedy="Give SHARELEDGER_PAYLOADS_URL a prefix below which there is nothing.",
        )


async def clear_place(store: ObjectStore) -> None:
    """Removes everything below the prefix: only for a place that was empty before. Raises NotReady, Unavailable."""
    with answering():
        listed = await obstore.list(store).collect_async()
        for found in listed:
            await obstore.delete_async(store, found["path"])


async def _owner(store: ObjectStore) -> bytes | None:
    with answering():
        try:
            found = await obstore.get_async(store, OWNER)
        except FileNotFoundError as cause:
            if s3_code(cause) == "NoSuchBucket":
                raise
            return None
        return bytes(await found.bytes_async()) if found.meta["size"] <= LARGEST else b""


async def _first(store: ObjectStore) -> str | None:
    with answering():
        async for batch in obstore.list(store, chunk_size=1):
            for found in batch:
                return str(found["path"])
    return None


def _told(manifest: Manifest) -> bytes:
    return rfc8785.dumps({"chain_id": manifest.chain_id, "journal": manifest.journal.lower()}) + b"\n"
