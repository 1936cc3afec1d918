import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore, ObjectStore

from ledger.store.payloads import Payloads

SMALL = 64  # plain bytes in a chunk: many chunks in few bytes


@pytest.fixture
def key() -> bytes:
    return secrets.token_bytes(32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "payloads"


@pytest.fixture(params=["local", "memory", "s3"])
def store(request: pytest.FixtureRequest, folder: Path) -> ObjectStore:
    """The behaviour is one, wherever payloads lie."""
    if request.param == "s3":
        bucket = request.getfixturevalue("bucket")
        store: ObjectStore = bucket.store(retries=3)  # moto answers 500 where several put the same key at once
        return store
    return LocalStore(folder, mkdir=True) if request.param == "local" else MemoryStore()


@pytest.fixture
def payloads(store: ObjectStore) -> Payloads:
    return Payloads(store, chunk_size=SMALL)


@pytest.fixture
def pieces() -> Callable[..., AsyncIterator[bytes]]:
    async def cut(content: bytes, size: int = 50) -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    return cut


@pytest.fixture
def read() -> Callable[..., object]:
    async def whole(payloads: Payloads, digest: str, key: bytes, **limits: int) -> bytes:
        return b"".join([piece async for piece in await payloads.open(digest, key, **limits)])

    return whole
