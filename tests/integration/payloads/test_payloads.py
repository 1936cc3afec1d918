import asyncio
import hashlib
import secrets
import stat
import struct
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import obstore
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore, ObjectStore

from ledger.errors import Corrupt, InvalidDigest, InvalidInput, NotFound
from ledger.store import payload_format
from ledger.store.payloads import Payloads

CHUNK = 64
BORDERS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 7 * CHUNK]


@pytest.mark.parametrize("size", BORDERS)
async def test_round_trips_around_every_border(
    payloads: Payloads, pieces: Any, read: Any, key: bytes, size: int
) -> None:
    content = secrets.token_bytes(size)
    stored = await payloads.put(pieces(content), key)
    assert (stored.size, stored.stored_size) == (size, payload_format.HEADER + size + 16 * max(1, -(-size // CHUNK)))
    assert await read(payloads, stored.digest, key) == content
    assert await payloads.size(stored.digest, key) == size
    await payloads.check(stored.digest)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(0, 5 * CHUNK) | st.sampled_from(BORDERS),
    piece=st.integers(1, 3 * CHUNK),
    limits=st.tuples(st.integers(0, 6 * CHUNK), st.integers(0, 6 * CHUNK)).map(sorted),
)
def test_any_range_of_any_size(size: int, piece: int, limits: list[int]) -> None:
    content, key = secrets.token_bytes(size), secrets.token_bytes(32)
    start, end = min(limits[0], size), limits[1]

    async def cut() -> Any:
        for at in range(0, size, piece):
            yield content[at : at + piece]

    async def scenario() -> None:
        payloads = Payloads(MemoryStore(), chunk_size=CHUNK)
        stored = await payloads.put(cut(), key)
        part = b"".join([found async for found in await payloads.open(stored.digest, key, start=start, end=end)])
        assert part == content[start:end]

    asyncio.run(scenario())


async def test_the_stored_bytes_are_as_documented(
    store: ObjectStore, payloads: Payloads, pieces: Any, key: bytes
) -> None:
    content = b"a" * CHUNK + b"b" * 10
    stored = await payloads.put(pieces(content), key)
    raw = bytes(obstore.get(store, f"objects/{stored.digest}").bytes())
    assert hashlib.sha256(raw).hexdigest() == stored.digest
    assert raw[:12] == b"SLPAYLD1" + struct.pack(">I", CHUNK)
    header, prefix, cipher = raw[:35], raw[12:19], AESGCM(key)
    assert cipher.decrypt(prefix + b"\xff\xff\xff\xff\x02", raw[19:35], raw[:19]) == b""
    assert cipher.decrypt(prefix + b"\x00\x00\x00\x00\x00", raw[35:115], header) == b"a" * CHUNK
    assert cipher.decrypt(prefix + b"\x00\x00\x00\x01\x01", raw[115:], header) == b"b" * 10


async def test_chunks_of_a_mebibyte_by_default(folder: Path, pieces: Any, read: Any, key: bytes) -> None:
    payloads = Payloads.local(folder)
    content = secrets.token_bytes((3 << 20) + 5)
    stored = await payloads.put(pieces(content, 700_001), key)
    assert stored.stored_size == payload_format.HEADER + len(content) + 4 * 16
    assert await read(payloads, stored.digest, key) == content
    assert await read(payloads, stored.digest, key, start=(1 << 20) - 3, end=(2 << 20) + 3) == content[1048573:2097155]
    assert not any(content[:32] in path.read_bytes() for path in (folder / "objects").iterdir())


def test_a_local_folder_is_private(folder: Path) -> None:
    Payloads.local(folder)
    Payloads.local(folder)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())] == [0o700] * 4


async def test_ranges_beyond_the_end(payloads: Payloads, pieces: Any, read: Any, key: bytes) -> None:
    stored = await payloads.put(pieces(b"x" * 100), key)
    assert await read(payloads, stored.digest, key, start=90, end=10**9) == b"x" * 10
    assert await read(payloads, stored.digest, key, start=100) == b""
    for start, end in ((101, None), (-1, None), (5, 4)):
        with pytest.raises(InvalidInput):
            await payloads.open(stored.digest, key, start=start, end=end)


async def test_missing_and_misnamed(payloads: Payloads, key: bytes) -> None:
    for attempt in (payloads.check("0" * 64), payloads.open("0" * 64, key), payloads.size("0" * 64, key)):
        with pytest.raises(NotFound):
            await attempt
    for name in ("", "0" * 63, "A" * 64, "../" + "0" * 61):
        with pytest.raises(InvalidDigest):
            await payloads.check(name)


async def test_a_wrong_key_is_told_before_reading(payloads: Payloads, pieces: Any, key: bytes) -> None:
    stored = await payloads.put(pieces(b"x"), key)
    with pytest.raises(Corrupt, match=r"header.*key is not"):
        await payloads.open(stored.digest, secrets.token_bytes(32))
    for short in (b"", key[:16], key[:24]):
        with pytest.raises(ValueError, match="32 bytes"):
            await payloads.open(stored.digest, short)
        with pytest.raises(ValueError, match="32 bytes"):
            await payloads.put(pieces(b"x"), short)


async def test_the_same_content_twice_at_once(payloads: Payloads, pieces: Any, read: Any, key: bytes) -> None:
    content = secrets.token_bytes(500)
    one, other = await asyncio.gather(*(payloads.put(pieces(content), key) for _ in range(2)))
    assert one.digest != other.digest  # each encryption has its own prefix
    assert {found.digest async for found in payloads.stored()} == {one.digest, other.digest}
    assert await read(payloads, one.digest, key) == await read(payloads, other.digest, key) == content


async def test_the_same_stored_bytes_twice(
    payloads: Payloads, store: ObjectStore, pieces: Any, read: Any, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload_format, "secrets", SimpleNamespace(token_bytes=bytes))
    content = b"the same" * 40
    puts = await asyncio.gather(*(payloads.put(pieces(content), key) for _ in range(4)))
    assert len(set(puts)) == 1
    assert await read(payloads, puts[0].digest, key) == content
    assert await payloads.put(pieces(content), key) == puts[0]
    assert obstore.list(store, prefix="incoming").collect() == []


async def test_delete_is_harmless_twice(payloads: Payloads, pieces: Any, key: bytes) -> None:
    stored = await payloads.put(pieces(b"x"), key)
    await payloads.delete(stored.digest)
    await payloads.delete(stored.digest)
    with pytest.raises(NotFound):
        await payloads.check(stored.digest)


async def test_an_empty_store_has_nothing_to_sweep_or_list(payloads: Payloads) -> None:
    assert await payloads.sweep(older_than=timedelta(0)) == 0
    assert [found async for found in payloads.stored()] == []


async def test_a_local_put_is_synced_before_it_has_a_name(
    folder: Path, pieces: Any, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.store import local_folder

    payloads = Payloads.local(folder)
    order: list[str] = []
    true_sync, true_rename = local_folder.os.fsync, obstore.rename_async

    def sync(descriptor: int) -> None:
        order.append(Path(f"/proc/self/fd/{descriptor}").resolve().relative_to(folder).parts[0])
        true_sync(descriptor)

    async def rename(*arguments: Any, **options: Any) -> None:
        order.append("rename")
        await true_rename(*arguments, **options)

    monkeypatch.setattr(local_folder.os, "fsync", sync)
    monkeypatch.setattr(obstore, "rename_async", rename)
    await payloads.put(pieces(b"x"), key)
    assert order == ["incoming", "unclaimed", "rename", "objects"]
