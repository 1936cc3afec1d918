"""Files that are stored as they are, and stored objects read as files: what encrypted Parquet needs of the store."""

import asyncio
import hashlib
import io
import os
import secrets
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore, ObjectStore

from ledger.errors import Corrupt, InvalidDigest, NotFound
from ledger.store import payload_reading
from ledger.store.payload_reading import StoredFile
from ledger.store.payloads import Payloads


async def put(payloads: Payloads, content: bytes) -> str:
    return (await payloads.put_file(io.BytesIO(content))).digest


@pytest.mark.parametrize("size", [0, 1, 5 << 20, (5 << 20) + 1])
async def test_a_file_is_stored_as_it_is(payloads: Payloads, store: ObjectStore, tmp_path: Path, size: int) -> None:
    content = secrets.token_bytes(size)
    file = tmp_path / "part.parquet"
    file.write_bytes(content)
    stored = await payloads.put_file(file)
    assert stored.digest == hashlib.sha256(content).hexdigest()
    assert (stored.size, stored.stored_size) == (size, size)
    assert bytes(obstore.get(store, f"objects/{stored.digest}").bytes()) == content
    assert b"".join([piece async for piece in payloads.stored_bytes(stored.digest)]) == content
    await payloads.check(stored.digest)
    assert obstore.list(store, prefix="incoming").collect() == []


async def test_an_open_file_is_read_from_its_start_and_stays_open(payloads: Payloads) -> None:
    file = io.BytesIO(b"abc")
    file.seek(2)
    assert (await payloads.put_file(file)).digest == hashlib.sha256(b"abc").hexdigest()
    assert not file.closed


async def test_a_file_that_cannot_be_read_is_the_callers_error(payloads: Payloads, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        await payloads.put_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        await payloads.put_file(tmp_path / "missing")


async def test_the_same_file_many_times_at_once(payloads: Payloads, store: ObjectStore) -> None:
    content = secrets.token_bytes(100_000)
    digests = await asyncio.gather(*(put(payloads, content) for _ in range(6)))
    assert len(set(digests)) == 1 and [found.digest async for found in payloads.stored()] == digests[:1]
    assert obstore.list(store, prefix="incoming").collect() == []


async def test_parquet_is_read_by_ranges(payloads: Payloads, tmp_path: Path) -> None:
    table = pa.table({"code": [f"{index:012}" for index in range(5000)], "n": list(range(5000))})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1000)
    stored = await payloads.put_file(tmp_path / "t.parquet")

    def read() -> pa.Table:
        with payloads.reader(stored.digest) as file:
            return pq.ParquetFile(file).read_row_group(3, ["n"])

    assert (await asyncio.to_thread(read))["n"].to_pylist() == list(range(3000, 4000))


async def test_a_reader_is_a_file(payloads: Payloads) -> None:
    content = secrets.token_bytes(1000)
    digest = await put(payloads, content)

    def read() -> None:
        with payloads.reader(digest) as file:
            assert file.readable() and file.seekable() and not file.writable()
            assert file.seek(-10, os.SEEK_END) == 990 and file.read(100) == content[990:] and file.read(1) == b""
            assert file.seek(5) == 5 and file.seek(3, os.SEEK_CUR) == 8 and file.read(2) == content[8:10]
            assert file.tell() == 10 and file.read() == content[10:]
            assert file.seek(5000) == 5000 and file.read(1) == b""
            with pytest.raises(ValueError, match="before the start"):
                file.seek(-1)
            file.seek(0)
            assert io.BufferedReader(file, 64).read(300) == content[:300]  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="closed"):
            file.read(1)

    await asyncio.to_thread(read)


async def test_a_reader_of_nothing(payloads: Payloads) -> None:
    with pytest.raises(NotFound):
        await asyncio.to_thread(payloads.reader, "0" * 64)
    with pytest.raises(InvalidDigest):
        await asyncio.to_thread(payloads.reader, "../" + "0" * 61)


@pytest.mark.parametrize("left", [0, 400])
async def test_an_object_that_shrank_is_named(payloads: Payloads, store: ObjectStore, left: int) -> None:
    content = secrets.token_bytes(1000)
    digest = await put(payloads, content)
    file = await asyncio.to_thread(payloads.reader, digest)
    obstore.put(store, f"objects/{digest}", content[:left])
    with pytest.raises(Corrupt, match="bytes 300 to 700") as caught:
        file.seek(300)
        await asyncio.to_thread(file.read, 400)
    assert caught.value.facts["object"] == digest
    obstore.delete(store, f"objects/{digest}")
    with pytest.raises(NotFound):
        await asyncio.to_thread(file.read, 400)


@settings(max_examples=80, deadline=None)
@given(
    content=st.binary(max_size=300),
    moves=st.lists(st.tuples(st.integers(0, 400), st.integers(-1, 400)), max_size=12),
    most=st.integers(1, 64),
)
def test_any_reads_are_those_of_a_file_in_memory(content: bytes, moves: list[tuple[int, int]], most: int) -> None:
    asked: list[int] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append(end - start)
        return content[start:end]

    true, payload_reading.FETCH = payload_reading.FETCH, most
    try:
        file, plain = StoredFile("d", len(content), fetch), io.BytesIO(content)
        for at, count in moves:
            assert file.seek(at) == plain.seek(at)
            assert file.read(count) == plain.read(count) and file.tell() == max(plain.tell(), at)
    finally:
        payload_reading.FETCH = true
    assert all(0 < size <= most for size in asked)


def test_a_large_read_is_asked_for_in_bounded_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    true = obstore.get_range

    def get_range(store: Any, name: str, *, start: int, end: int) -> Any:
        asked.append(end - start)
        return true(store, name, start=start, end=end)

    monkeypatch.setattr(obstore, "get_range", get_range)
    payloads = Payloads(MemoryStore())
    content = secrets.token_bytes(20 << 20)
    digest = asyncio.run(put(payloads, content))
    assert payloads.reader(digest).read() == content
    assert asked == [4 << 20] * 5
