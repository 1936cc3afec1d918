"""What was changed in storage is noticed and named; what fails while writing leaves nothing behind."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import obstore
import pytest
from obstore.store import LocalStore, MemoryStore, ObjectStore

from ledger.errors import Corrupt, NotFound, Unavailable
from ledger.store.payload_format import HEADER
from ledger.store.payloads import Payloads

CHUNK = 64
SEALED = CHUNK + 16
KEY = bytes(range(32))
CONTENT = bytes(range(256)) + b"tail"  # chunks 0 … 3 full, chunk 4 of 4 bytes


def chunk(raw: bytes, index: int) -> bytes:
    return raw[HEADER + index * SEALED : HEADER + (index + 1) * SEALED]


async def stored_object(store: ObjectStore, payloads: Payloads, pieces: Any) -> tuple[str, bytes]:
    stored = await payloads.put(pieces(CONTENT), KEY)
    return stored.digest, bytes(obstore.get(store, f"objects/{stored.digest}").bytes())


async def failure_of(store: ObjectStore, payloads: Payloads, digest: str, raw: bytes, **limits: int) -> Corrupt:
    """The error of reading an object whose stored bytes were replaced; the check without a key must fail too."""
    obstore.put(store, f"objects/{digest}", raw)
    with pytest.raises(Corrupt) as by_hash:
        await payloads.check(digest)
    assert by_hash.value.facts["object"] == digest
    with pytest.raises(Corrupt) as by_key:
        async for _ in await payloads.open(digest, KEY, **limits):
            pass
    assert by_key.value.facts["object"] == digest
    return by_key.value


async def test_every_single_flipped_byte_is_named(pieces: Any) -> None:
    store = MemoryStore()
    payloads = Payloads(store, chunk_size=CHUNK)
    digest, raw = await stored_object(store, payloads, pieces)
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << (at % 8)
        error = await failure_of(store, payloads, digest, bytes(changed))
        part = "header" if at < HEADER else f"chunk {(at - HEADER) // SEALED}"
        assert error.facts["part"] == part, at


async def test_every_truncation_is_named(pieces: Any) -> None:
    store = MemoryStore()
    payloads = Payloads(store, chunk_size=CHUNK)
    digest, raw = await stored_object(store, payloads, pieces)
    for length in range(len(raw)):
        error = await failure_of(store, payloads, digest, raw[:length])
        if length < HEADER:
            assert error.facts["part"] == "header"
            continue
        whole, rest = divmod(length - HEADER, SEALED)
        named = max(whole - 1, 0) if rest == 0 else whole
        assert error.facts["part"] == f"chunk {named}", length
        if rest == 0 and whole:
            assert "cut after it" in error.facts["problem"]


@pytest.mark.parametrize(
    ("order", "part", "problem"),
    [
        ((1, 0, 2, 3, 4), "chunk 0", "chunk 1 stands in its place"),
        ((0, 1, 3, 2, 4), "chunk 2", "chunk 3 stands in its place"),
        ((0, 1, 1, 3, 4), "chunk 2", "chunk 1 stands in its place"),
        ((0, 2, 3, 4), "chunk 1", "chunk 2 stands in its place"),
        ((0, 1, 2, 3, 3, 4), "chunk 4", "chunk 3 stands in its place"),
    ],
)
async def test_moved_chunks_are_named(
    store: ObjectStore, payloads: Payloads, pieces: Any, order: tuple[int, ...], part: str, problem: str
) -> None:
    digest, raw = await stored_object(store, payloads, pieces)
    moved = raw[:HEADER] + b"".join(chunk(raw, index) for index in order)
    error = await failure_of(store, payloads, digest, moved)
    assert (error.facts["part"], error.facts["problem"]) == (part, problem)


async def test_appended_bytes_are_named(store: ObjectStore, payloads: Payloads, pieces: Any) -> None:
    stored = await payloads.put(pieces(bytes(2 * CHUNK)), KEY)
    raw = bytes(obstore.get(store, f"objects/{stored.digest}").bytes())
    error = await failure_of(store, payloads, stored.digest, raw + bytes(40))
    assert error.facts["part"] == "chunk 1"
    assert error.facts["problem"] == "bytes follow it although it is the last"


async def test_a_range_meets_only_its_own_chunks(
    store: ObjectStore, payloads: Payloads, pieces: Any, read: Any
) -> None:
    digest, raw = await stored_object(store, payloads, pieces)
    changed = bytearray(raw)
    changed[HEADER + 2 * SEALED] ^= 1
    error = await failure_of(store, payloads, digest, bytes(changed), start=150, end=151)
    assert error.facts["part"] == "chunk 2"
    assert await read(payloads, digest, KEY, start=0, end=128) == CONTENT[:128]


@pytest.mark.parametrize("start", [2 * CHUNK, 2 * CHUNK + 1, 250])
async def test_a_cut_object_does_not_pass_for_a_short_one(
    store: ObjectStore, payloads: Payloads, pieces: Any, start: int
) -> None:
    digest, raw = await stored_object(store, payloads, pieces)
    error = await failure_of(store, payloads, digest, raw[: HEADER + 2 * SEALED], start=start)
    assert (error.facts["part"], error.facts["problem"]) == ("chunk 1", "the object was cut after it")


async def test_another_payload_of_the_same_key_is_noticed_before_its_last_chunk(
    store: ObjectStore, payloads: Payloads, pieces: Any
) -> None:
    digest, _ = await stored_object(store, payloads, pieces)
    other = await payloads.put(pieces(b"y" * 100), KEY)
    raw = bytes(obstore.get(store, f"objects/{other.digest}").bytes())
    assert "another hash" in (await failure_of(store, payloads, digest, raw)).detail


async def test_an_object_that_shrinks_while_it_is_read(folder: Path, pieces: Any) -> None:
    store = LocalStore(folder, mkdir=True)
    payloads = Payloads(store, chunk_size=CHUNK)
    digest, raw = await stored_object(store, payloads, pieces)
    plain = await payloads.open(digest, KEY)
    obstore.put(store, f"objects/{digest}", raw[: HEADER + SEALED])
    with pytest.raises(Corrupt) as caught:
        async for _ in plain:
            pass
    assert caught.value.facts["part"] == "chunk 1"


async def test_a_store_that_lies_is_caught_before_the_payload_has_a_name(
    folder: Path, pieces: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = Payloads(LocalStore(folder, mkdir=True), chunk_size=CHUNK)
    true_put = obstore.put_async

    async def lying(store: ObjectStore, path: str, file: Any, **options: Any) -> None:
        await true_put(store, path, file, **options)
        with (folder / path).open("r+b") as written:
            written.seek(100)
            written.write(b"\x00\x01\x02\x03")

    monkeypatch.setattr(obstore, "put_async", lying)
    with pytest.raises(Corrupt, match="gives back other bytes"):
        await payloads.put(pieces(CONTENT), KEY)
    assert files(folder) == []


async def test_an_existing_object_that_rotted_is_not_called_stored(
    store: ObjectStore, payloads: Payloads, pieces: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.store import payload_format

    monkeypatch.setattr(payload_format, "secrets", SimpleNamespace(token_bytes=bytes))
    digest, raw = await stored_object(store, payloads, pieces)
    obstore.put(store, f"objects/{digest}", raw[:-1])
    with pytest.raises(Corrupt):
        await payloads.put(pieces(CONTENT), KEY)
    assert obstore.list(store, prefix="incoming").collect() == []


@pytest.mark.parametrize("error", [OSError("the client's disk"), FileNotFoundError("theirs"), RuntimeError("gone")])
async def test_the_callers_own_error_passes_through(store: ObjectStore, payloads: Payloads, error: Exception) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"x" * 300
        raise error

    with pytest.raises(type(error)) as caught:
        await payloads.put(failing(), KEY)
    assert caught.value is error
    assert [found async for found in payloads.stored()] == []
    assert obstore.list(store).collect() == []


async def test_a_cancelled_put_leaves_no_payload(folder: Path) -> None:
    payloads = Payloads.local(folder)
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(1 << 20)
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(payloads.put(endless(), KEY))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [found async for found in payloads.stored()] == []
    await payloads.sweep(older_than=timedelta(0))
    assert files(folder) == []


async def test_sweep_spares_what_is_young_or_under_way(folder: Path, pieces: Any) -> None:
    payloads = Payloads.local(folder)
    swept: list[int] = []

    async def sweeping() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(1 << 20)
        swept.append(await payloads.sweep(older_than=timedelta(0)))

    old = folder / "incoming" / "00ff#1"
    old.write_bytes(b"left by a crash")
    stored = await payloads.put(sweeping(), KEY)
    assert swept == [1] and not old.exists()
    await payloads.check(stored.digest)
    old.write_bytes(b"of another process")
    assert await payloads.sweep() == 0
    os.utime(old, (0, 0))
    assert await payloads.sweep() == 1


async def test_sweep_in_a_store_without_folders(pieces: Any) -> None:
    store = MemoryStore()
    payloads = Payloads(store, chunk_size=CHUNK)
    stored = await payloads.put(pieces(CONTENT), KEY)
    obstore.put(store, "incoming/00ff", b"left by a crash")
    assert await payloads.sweep() == 0
    assert await payloads.sweep(older_than=timedelta(0)) == 1
    await payloads.check(stored.digest)


# --- other processes: killed, or out of space

CHILD = """
import asyncio, resource, sys
from pathlib import Path
from types import SimpleNamespace
from ledger.errors import ShareLedgerError
from ledger.store.payloads import Payloads

folder, point = Path(sys.argv[1]), sys.argv[2]

async def here():
    print(point, flush=True)
    await asyncio.Event().wait()

async def content():
    for _ in range(40):
        yield bytes(1 << 20)
    if point == "writing":
        await here()

async def main():
    payloads = Payloads.local(folder)
    name = payloads._give_name
    async def instead(*given):
        if point == "written":
            await here()
        await name(*given)
        if point == "named":
            await here()
    payloads._give_name = instead
    if point == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    try:
        await payloads.put(content(), bytes(range(32)))
    except ShareLedgerError as error:
        print(type(error).__name__, error, flush=True)

asyncio.run(main())
"""


@contextlib.contextmanager
def child(folder: Path, point: str) -> Any:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), point], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("point", "kept"), [("writing", 0), ("written", 0), ("named", 1)])
async def test_kill_9(folder: Path, read: Any, pieces: Any, point: str, kept: int) -> None:
    with child(folder, point) as process:
        assert process.stdout.readline().strip() == point
        process.kill()
    payloads = Payloads.local(folder)
    whole = [found.digest async for found in payloads.stored()]
    assert len(whole) == kept and list(await payloads.unclaimed()) == whole, "what has a name has its mark"
    assert len(files(folder / "incoming")) == 1 - kept
    assert await payloads.sweep(older_than=timedelta(0)) == 1 - kept
    assert files(folder / "incoming") == []
    for digest in whole:
        await payloads.check(digest)
        assert await read(payloads, digest, KEY) == bytes(40 << 20)
    await payloads.check((await payloads.put(pieces(CONTENT), KEY)).digest)


def test_a_full_disk_is_unavailable_and_leaves_nothing(folder: Path) -> None:
    with child(folder, "full") as process:
        answer = process.stdout.read()
    assert answer.startswith("Unavailable the payload store failed"), answer
    assert "\n" not in answer.strip()
    assert files(folder) == []


@pytest.mark.parametrize("call", ["check", "put", "sweep"])
async def test_a_store_that_does_not_answer_is_unavailable(
    pieces: Any, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = Payloads(MemoryStore())

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise obstore.exceptions.GenericError("timed out\n\nDebug source: credentials")

    for name in ("head_async", "get_range_async", "put_async", "list"):
        monkeypatch.setattr(obstore, name, refuse)
    calls: dict[str, Callable[[], Any]] = {
        "check": lambda: payloads.check("0" * 64),
        "put": lambda: payloads.put(pieces(b"x"), KEY),
        "sweep": payloads.sweep,
    }
    with pytest.raises(Unavailable) as caught:
        await calls[call]()
    assert "timed out" in caught.value.detail and "credentials" not in caught.value.detail


async def test_a_folder_that_vanished_has_no_payloads(folder: Path) -> None:
    payloads = Payloads.local(folder)
    (folder / "objects").rmdir()
    with pytest.raises(NotFound):
        await payloads.check("0" * 64)


INTERESTING = (0, 7, 8, 12, 19, HEADER - 1, HEADER, HEADER + CHUNK - 1, HEADER + CHUNK, HEADER + SEALED, -17, -16, -1)


@pytest.mark.parametrize("at", INTERESTING)
async def test_flipped_or_torn_where_it_matters_in_any_store(
    store: ObjectStore, payloads: Payloads, pieces: Any, at: int
) -> None:
    """Magic, chunk size, prefix, check, first and last byte of a chunk and of its tag: and torn right there."""
    digest, raw = await stored_object(store, payloads, pieces)
    place = at % len(raw)
    flipped = bytearray(raw)
    flipped[place] ^= 0x80
    error = await failure_of(store, payloads, digest, bytes(flipped))
    assert error.facts["part"] == ("header" if place < HEADER else f"chunk {(place - HEADER) // SEALED}")
    torn = await failure_of(store, payloads, digest, raw[:place])
    assert torn.facts["part"] == "header" if place < HEADER else torn.facts["part"].startswith("chunk ")
