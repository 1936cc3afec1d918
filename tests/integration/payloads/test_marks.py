"""Each object is marked before it has a name, until somebody claims it: what a sweep may look at, and nothing else."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import ObjectStore

from ledger.store.payloads import Payloads

KEY = bytes(32)


async def test_what_is_stored_is_unclaimed_until_it_is_claimed(payloads: Payloads, pieces: Any) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    stored = await payloads.put(pieces(b"x"), KEY)
    ((digest, since),) = (await payloads.unclaimed()).items()
    assert digest == stored.digest and before <= since <= datetime.now(UTC) + timedelta(seconds=2)
    assert await payloads.unclaimed_since(digest) == since
    await payloads.claim(digest)
    await payloads.claim(digest)
    assert await payloads.unclaimed() == {} and await payloads.unclaimed_since(digest) is None
    await payloads.check(digest)


async def test_deleting_takes_the_mark_too(payloads: Payloads, store: ObjectStore, pieces: Any) -> None:
    stored = await payloads.put(pieces(b"x"), KEY)
    await payloads.delete(stored.digest)
    assert obstore.list(store).collect() == []


async def test_the_mark_is_there_before_the_name(
    payloads: Payloads, store: ObjectStore, pieces: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    async def stop(*arguments: Any, **options: Any) -> None:
        seen.append([found["path"].partition("/")[0] for found in obstore.list(store).collect()])
        raise obstore.exceptions.GenericError("stopped")

    monkeypatch.setattr(obstore, "copy_async", stop)
    monkeypatch.setattr(obstore, "rename_async", stop)
    with pytest.raises(Exception, match="stopped"):
        await payloads.put(pieces(b"x"), KEY)
    assert sorted(seen[0]) == ["incoming", "unclaimed"]


async def test_storing_the_same_bytes_again_makes_the_mark_young_again(folder: Path, pieces: Any) -> None:
    payloads = Payloads.local(folder)
    content = b"the same"
    digest = hashlib.sha256(content).hexdigest()
    await payloads.take_back(digest, pieces(content))
    mark = folder / "unclaimed" / digest
    await asyncio.to_thread(os.utime, mark, (0, 0))
    assert await payloads.unclaimed_since(digest) == datetime.fromtimestamp(0, UTC)
    await payloads.take_back(digest, pieces(content))
    young = await payloads.unclaimed_since(digest)
    assert young is not None and young > datetime.now(UTC) - timedelta(minutes=1)
