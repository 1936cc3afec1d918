"""What only an S3 server can do, or do wrong: it refuses to overwrite, pages its listings, fails and lies."""

import asyncio
import hashlib
import io
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError

from ledger.errors import Corrupt, NotFound, NotReady, Unavailable
from ledger.store.payload_objects import PART
from ledger.store.payloads import Payloads
from tests.harness.s3 import Asked, Bucket, Fault, Proxy

KEY = bytes(range(32))
CONTENT = b"sixteen bytes..." * 20


@pytest.fixture
def payloads(bucket: Bucket) -> Payloads:
    return Payloads(bucket.store(), chunk_size=64)


@pytest.fixture
def beside(bucket: Bucket, s3_proxy: Proxy) -> Payloads:
    """The same bucket through the proxy."""
    return Payloads(s3_proxy.of(bucket).store(), chunk_size=64)


def named(asked: Asked, folder: str) -> bool:
    return f"/{folder}/" in asked.path


async def left(bucket: Bucket) -> list[str]:
    listed = await obstore.list(bucket.store()).collect_async()
    return sorted(found["path"] for found in listed) + await asyncio.to_thread(bucket.uploads)


# ---- create only -----------------------------------------------------------------------------------------------------


def test_the_server_itself_refuses_to_overwrite(bucket: Bucket, s3_proxy: Proxy) -> None:
    store = s3_proxy.of(bucket).store()
    obstore.put(store, "objects/x", b"first")
    obstore.put(store, "incoming/y", b"second")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "objects/x", b"second", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.copy(store, "incoming/y", "objects/x", overwrite=False)
    assert bytes(obstore.get(store, "objects/x").bytes()) == b"first"
    conditions = [asked for asked in s3_proxy.seen if asked.headers.get("if-none-match") == "*"]
    assert [asked.method for asked in conditions] == ["PUT", "POST"], "the condition goes to the server"
    assert bucket.uploads() == []


async def test_a_name_is_given_by_a_condition_and_never_a_second_time(
    bucket: Bucket, beside: Payloads, s3_proxy: Proxy, pieces: Any
) -> None:
    stored = await beside.put(pieces(CONTENT), KEY)
    naming = [asked for asked in s3_proxy.seen if named(asked, "objects") and asked.method in ("PUT", "POST")]
    *_, completed = naming
    assert completed.method == "POST" and completed.headers["if-none-match"] == "*"
    raw = b"".join([piece async for piece in beside.stored_bytes(stored.digest)])
    before = (await obstore.head_async(bucket.store(), f"objects/{stored.digest}"))["e_tag"]
    await beside.take_back(stored.digest, pieces(raw))
    after = (await obstore.head_async(bucket.store(), f"objects/{stored.digest}"))["e_tag"]
    assert before == after and await left(bucket) == [f"objects/{stored.digest}", f"unclaimed/{stored.digest}"]


async def test_what_lies_under_the_name_already_is_not_replaced_but_judged(
    bucket: Bucket, payloads: Payloads, pieces: Any
) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    await obstore.put_async(bucket.store(), f"objects/{digest}", b"other bytes")
    with pytest.raises(Corrupt, match="another hash"):
        await payloads.take_back(digest, pieces(CONTENT))
    assert bytes(obstore.get(bucket.store(), f"objects/{digest}").bytes()) == b"other bytes"


# ---- large and many --------------------------------------------------------------------------------------------------


async def test_a_large_payload_goes_in_parts(bucket: Bucket, beside: Payloads, s3_proxy: Proxy, read: Any) -> None:
    payloads = Payloads(s3_proxy.of(bucket).store())
    content = secrets.token_bytes(PART + (3 << 20))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 1 << 20):
            yield content[at : at + (1 << 20)]

    stored = await payloads.put(pieces(), KEY)
    assert sum("partNumber=" in asked.path and named(asked, "incoming") for asked in s3_proxy.seen) == 2
    s3_proxy.seen.clear()
    assert await read(payloads, stored.digest, KEY, start=7 << 20) == content[7 << 20 :]
    asked_for = [asked.headers["range"] for asked in s3_proxy.seen if asked.method == "GET"]
    sizes = [int(end) - int(start) for start, end in (one.removeprefix("bytes=").split("-") for one in asked_for)]
    assert max(sizes) < 9 << 20 and sum(sizes) < 13 << 20, "bounded ranges, and only what is needed"


async def test_listings_of_several_pages(bucket: Bucket, payloads: Payloads) -> None:
    store = bucket.store()
    digests = {hashlib.sha256(index.to_bytes(4, "big")).hexdigest() for index in range(1001)}
    bucket.fill(f"some/prefix/objects/{digest}" for digest in digests)
    await obstore.put_async(store, "objects/notes.txt", b"")
    assert {found.digest async for found in payloads.stored()} == digests


# ---- given up --------------------------------------------------------------------------------------------------------


async def test_a_cancelled_upload_ends_what_it_began(bucket: Bucket) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range((PART >> 20) * 2):
            yield bytes(1 << 20)
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Payloads(bucket.store()).put(endless(), KEY))
    await reached.wait()
    assert await asyncio.to_thread(bucket.uploads) != []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await left(bucket) == []


async def test_an_upload_whose_source_fails_ends_what_it_began(bucket: Bucket) -> None:
    async def failing() -> AsyncIterator[bytes]:
        for _ in range((PART >> 20) * 2):
            yield bytes(1 << 20)
        raise OSError("the client went away")

    with pytest.raises(OSError, match="went away"):
        await Payloads(bucket.store()).put(failing(), KEY)
    assert await left(bucket) == []


async def test_sweeping_what_a_killed_process_left(bucket: Bucket, payloads: Payloads, pieces: Any) -> None:
    stored = await payloads.put(pieces(CONTENT), KEY)
    await obstore.put_async(bucket.store(), "incoming/00ff", b"left by a crash")
    assert await payloads.sweep() == 0
    assert await payloads.sweep(older_than=timedelta(0)) == 1
    await payloads.check(stored.digest)


# ---- a server that fails ---------------------------------------------------------------------------------------------


def once(fault: Fault, when: Any) -> Any:
    """The fault for the first request `when` says yes to."""
    told: list[Asked] = []

    def rule(asked: Asked) -> Fault | None:
        if not told and when(asked):
            told.append(asked)
            return fault
        return None

    return rule


STEPS = {
    "uploading": lambda asked: asked.method in ("PUT", "POST") and named(asked, "incoming"),
    "reading back": lambda asked: asked.method == "GET" and named(asked, "incoming"),
    "marking": lambda asked: asked.method == "PUT" and named(asked, "unclaimed"),
    "beginning the copy": lambda asked: "?uploads" in asked.path and named(asked, "objects"),
    "copying": lambda asked: "x-amz-copy-source" in asked.headers,
    "naming": lambda asked: asked.method == "POST" and "uploadId=" in asked.path and named(asked, "objects"),
    "looking after": lambda asked: asked.method == "HEAD" and named(asked, "objects"),
    "removing": lambda asked: asked.method == "DELETE" and named(asked, "incoming"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [Fault(status=500), Fault(dropped=True)], ids=["500", "dropped"])
async def test_a_server_that_fails_at_any_step(
    bucket: Bucket, s3_proxy: Proxy, pieces: Any, read: Any, step: str, fault: Fault
) -> None:
    s3_proxy.rule = once(fault, STEPS[step])
    impatient = Payloads(s3_proxy.of(bucket).store(retries=0), chunk_size=64)
    with pytest.raises(Unavailable, match="payload store failed") as caught:
        await impatient.put(pieces(CONTENT), KEY)
    assert "uploadId" not in caught.value.detail and "\n" not in caught.value.detail
    for found in [one async for one in impatient.stored()]:
        await impatient.check(found.digest)  # what has a name is whole

    s3_proxy.rule = once(fault, STEPS[step])
    patient = Payloads(s3_proxy.of(bucket).store(retries=2), chunk_size=64)
    try:
        stored = await patient.put(pieces(CONTENT), KEY)
    except Unavailable:  # what is not safe to repeat by itself is for the caller to repeat
        stored = await patient.put(pieces(CONTENT), KEY)
    assert await read(patient, stored.digest, KEY) == CONTENT


async def test_a_connection_that_breaks_while_reading(
    bucket: Bucket, beside: Payloads, s3_proxy: Proxy, pieces: Any
) -> None:
    stored = await beside.put(pieces(CONTENT), KEY)
    s3_proxy.rule = lambda asked: Fault(cut=100) if asked.method == "GET" else None
    for attempt in (lambda: beside.check(stored.digest), lambda: beside.open(stored.digest, KEY)):
        with pytest.raises(Unavailable):
            async for _ in await attempt():
                pass
    file = await asyncio.to_thread(beside.reader, stored.digest)
    with pytest.raises(Unavailable):
        await asyncio.to_thread(file.read)


async def test_a_short_answer_is_never_taken_for_the_whole(
    bucket: Bucket, beside: Payloads, s3_proxy: Proxy, pieces: Any
) -> None:
    stored = await beside.put(pieces(CONTENT), KEY)
    s3_proxy.rule = lambda asked: Fault(change=lambda body: body[:-1]) if asked.method == "GET" else None
    with pytest.raises((Corrupt, Unavailable)):
        await beside.check(stored.digest)
    file = await asyncio.to_thread(beside.reader, stored.digest)
    with pytest.raises((Corrupt, Unavailable)):
        await asyncio.to_thread(file.read)


# ---- a server that lies ----------------------------------------------------------------------------------------------


def flipped(body: bytes) -> bytes:
    return bytes([body[0] ^ 1]) + body[1:]


async def test_other_bytes_at_reading_back_get_no_name(
    bucket: Bucket, beside: Payloads, s3_proxy: Proxy, pieces: Any
) -> None:
    s3_proxy.rule = lambda asked: Fault(change=flipped) if asked.method == "GET" and named(asked, "incoming") else None
    for attempt in (beside.put(pieces(CONTENT), KEY), beside.put_file(io.BytesIO(CONTENT))):
        with pytest.raises(Corrupt, match="gives back other bytes"):
            await attempt
    assert await left(bucket) == []


async def test_other_bytes_later_are_named(
    bucket: Bucket, beside: Payloads, s3_proxy: Proxy, pieces: Any, read: Any
) -> None:
    stored = await beside.put(pieces(CONTENT), KEY)
    s3_proxy.rule = lambda asked: Fault(change=flipped) if asked.method == "GET" else None
    with pytest.raises(Corrupt, match=stored.digest):
        await beside.check(stored.digest)
    with pytest.raises(Corrupt, match="header"):
        await read(beside, stored.digest, KEY)


async def test_a_copy_cut_short_is_noticed(bucket: Bucket, beside: Payloads, s3_proxy: Proxy, pieces: Any) -> None:
    def shorten(asked: Asked) -> None:
        if asked.method == "HEAD" and named(asked, "objects"):
            obstore.put(bucket.store(), asked.key.removeprefix(f"/{bucket.name}/some/prefix/"), b"cut")

    s3_proxy.rule = shorten
    with pytest.raises(Corrupt, match="copied 3 of"):
        await beside.put(pieces(CONTENT), KEY)


# ---- a place that cannot be used -------------------------------------------------------------------------------------


async def test_a_bucket_that_is_not_there(bucket: Bucket, pieces: Any) -> None:
    payloads = Payloads(Bucket(bucket.url, "no-such-bucket").store())
    with pytest.raises(NotReady, match="bucket does not exist") as caught:
        await payloads.put(pieces(CONTENT), KEY)
    assert "SHARELEDGER_PAYLOADS_URL" in caught.value.next_step
    with pytest.raises(NotReady):
        await payloads.sweep()
    with pytest.raises(NotFound):  # a HEAD has no body to say which of the two is missing
        await payloads.check("0" * 64)


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken"])
async def test_refused_credentials(bucket: Bucket, beside: Payloads, s3_proxy: Proxy, pieces: Any, code: str) -> None:
    s3_proxy.rule = lambda asked: Fault(status=403, code=code)
    with pytest.raises(NotReady, match="refuses these credentials") as caught:
        await beside.put(pieces(CONTENT), KEY)
    assert "SHARELEDGER_S3_CREDENTIALS_FILE" in caught.value.next_step
    assert "AKIDTEST" not in caught.value.detail and "not-a-secret" not in repr(caught.value.__cause__)


async def test_nobody_listens(pieces: Any) -> None:
    payloads = Payloads(Bucket("http://127.0.0.1:9", "bucket-1").store())
    with pytest.raises(Unavailable, match="payload store failed"):
        await payloads.put(pieces(CONTENT), KEY)
