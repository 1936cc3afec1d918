"""Bytes on a real socket: what never becomes a request, requests hidden in requests, and connections that hang."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from api import connections
from api.app import create_app
from api.limits import Limits
from tests.api.served import listening
from tests.api.world import PROVIDER, World

Address = tuple[str, int]


@asynccontextmanager
async def server(world: World, **limits: Any) -> AsyncIterator[tuple[Address, FastAPI]]:
    app = create_app(world, replace(Limits.of(world.settings), **limits))
    async with listening(app) as address:
        yield address, app


class Socket:
    """A connection that is written to and read from by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, body of the next answer."""
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split(" ")[1]), headers, body

    async def ended(self) -> bytes:
        """What still comes until the other side closes."""
        try:
            return await asyncio.wait_for(self._reader.read(), 20)
        except ConnectionResetError:
            return b""


@asynccontextmanager
async def dial(address: Address) -> AsyncIterator[Socket]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield Socket(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def problem(body: bytes) -> str:
    return str(json.loads(body)["code"])


# ---- hidden requests ------------------------------------------------------------------------------------------------

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def post(headers: bytes, body: bytes) -> bytes:
    return b"POST /healthz HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n" + body


@pytest.mark.parametrize(
    "sent",
    [
        post(b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n" + HIDDEN),
        post(b"Content-Length: 4\r\nContent-Length: 40\r\n", b"abcd" + HIDDEN),
        post(b"Content-Length: +4\r\n", b"abcd" + HIDDEN),
        post(b"Content-Length: 4, 4\r\n", b"abcd" + HIDDEN),
        post(b"Content-Length: -1\r\n", HIDDEN),
        post(b"Content-Length: 0x4\r\n", b"abcd" + HIDDEN),
        post(b"Transfer-Encoding: identity, chunked, x\r\n", b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked\r\n", b"0x0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n" + HIDDEN),
        post(b"Content-Length : 4\r\n", b"abcd" + HIDDEN),
        post(b" Content-Length: 4\r\n", b"abcd" + HIDDEN),
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n" + HIDDEN,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\x00\n" + HIDDEN,
        b"GET / healthz HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda sent: sent[:60].decode("latin-1"),
)
async def test_nothing_is_hidden_behind_a_length_that_lies(sent: bytes, world: World) -> None:
    """One refusal, and the connection ends: what follows is nobody's request."""
    async with server(world) as (address, _), dial(address) as one:
        await one.send(sent)
        answers = await one.ended()
    assert answers.count(b"HTTP/1.1 ") <= 1 and b'"alive"' not in answers, answers
    assert answers.startswith(b"HTTP/1.1 4"), answers
    assert b"application/problem+json" in answers


async def test_requests_after_one_another_are_answered_in_order(world: World) -> None:
    async with server(world) as (address, _), dial(address) as one:
        await one.send(HIDDEN + b"GET /v1/ledger HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN)
        assert [(await one.answer())[0] for _ in range(3)] == [200, 401, 200]


async def test_an_upgrade_is_not_taken(world: World) -> None:
    async with server(world) as (address, _), dial(address) as one:
        upgrade = b"Connection: Upgrade\r\nUpgrade: %s\r\n"
        await one.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + upgrade % b"websocket" + b"\r\n")
        assert (await one.answer())[0] == 200


# ---- headers --------------------------------------------------------------------------------------------------------


async def test_headers_without_an_end_are_cut(world: World) -> None:
    """The parser below us would keep them all."""
    async with server(world, header_bytes=2000, target_bytes=2000) as (address, _), dial(address) as one:
        await one.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
        await one.send(b"a" * 5000)
        status, headers, body = await one.answer()
        assert (status, problem(body), headers["connection"]) == (431, "headers-too-large", "close")
        assert await one.ended() == b""


async def test_a_target_without_an_end_is_cut(world: World) -> None:
    async with server(world, header_bytes=2000, target_bytes=2000) as (address, _), dial(address) as one:
        await one.send(b"GET /" + b"a" * 5000)
        assert (await one.answer())[0] == 431


async def test_trailers_without_an_end_are_cut(world: World) -> None:
    async with server(world, header_bytes=2000, target_bytes=2000) as (address, _), dial(address) as one:
        token = (await world.token(PROVIDER)).encode()
        await one.send(
            b"POST /v1/checkpoints/drafts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token
            + b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        )  # fmt: skip
        for _ in range(40):
            await one.send(b"X-Trailer: " + b"a" * 300 + b"\r\n")
        assert b"HTTP/1.1 2" not in await one.ended()


async def test_headers_that_do_not_come_are_given_up(world: World) -> None:
    for sent in (b"", b"\r\n", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"):
        async with server(world, header_seconds=0.05) as (address, _), dial(address) as one:
            await one.send(sent)
            status, headers, body = await one.answer()
            assert (status, problem(body), headers["connection"]) == (408, "slow-request", "close"), sent
            assert await one.ended() == b""


async def test_a_second_request_has_its_own_time(world: World) -> None:
    async with server(world, header_seconds=0.2) as (address, _), dial(address) as one:
        await one.send(HIDDEN)
        assert (await one.answer())[0] == 200
        await one.send(b"GET /healthz HTTP/1.1\r\nX: ")
        assert (await one.answer())[0] == 408


async def test_connections_are_counted(world: World) -> None:
    async with server(world, connections=2) as (address, _):
        async with dial(address) as one, dial(address) as two:
            for socket in (one, two):
                await socket.send(HIDDEN)
                assert (await socket.answer())[0] == 200
            async with dial(address) as three:
                status, headers, body = await three.answer()
                assert (status, problem(body)) == (503, "busy") and headers["retry-after"] == "2"
        async with dial(address) as four:
            await four.send(HIDDEN)
            assert (await four.answer())[0] in (200, 503)  # the server may not have seen yet that they left


# ---- bodies ---------------------------------------------------------------------------------------------------------


def drafting(token: str, *headers: str) -> bytes:
    lines = ["POST /v1/checkpoints/drafts HTTP/1.1", "Host: x", f"Authorization: Bearer {token}"]
    return "\r\n".join([*lines, "Content-Type: application/json", *headers, "", ""]).encode()


async def test_a_length_that_promises_too_much_is_refused_unread(world: World) -> None:
    async with server(world) as (address, _), dial(address) as one:
        await one.send(drafting(await world.token(PROVIDER), f"Content-Length: {1 << 40}"))
        status, _, body = await one.answer()
        assert (status, problem(body)) == (413, "too-large")


async def test_a_body_that_goes_on_after_its_answer_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.05)
    async with server(world, body_bytes=100, header_seconds=0.05, bulk_bytes=100) as (address, _), dial(address) as one:
        await one.send(drafting(await world.token(PROVIDER), "Transfer-Encoding: chunked"))
        await one.send(b"ff\r\n" + b"a" * 255 + b"\r\n")
        status, _, body = await one.answer()
        assert (status, problem(body)) == (413, "too-large")
        await one.send(b"ff\r\n" + b"a" * 255 + b"\r\n")
        assert await one.ended() == b""


async def test_a_body_shorter_than_its_length_is_given_up(world: World) -> None:
    async with server(world, body_seconds=0.05) as (address, _), dial(address) as one:
        await one.send(drafting(await world.token(PROVIDER), "Content-Length: 100") + b"{}")
        status, headers, body = await one.answer()
        assert (status, problem(body), headers["connection"]) == (408, "slow-request", "close")
        assert await one.ended() == b""


async def test_no_body_is_asked_for_that_nobody_will_read(world: World) -> None:
    """`Expect: 100-continue` is answered with the refusal itself."""
    async with server(world) as (address, _), dial(address) as one:
        await one.send(drafting("slk_x", "Content-Length: 1000000", "Expect: 100-continue"))
        assert (await one.answer())[0] == 401


async def test_only_trusted_proxies_say_who_calls(world: World) -> None:
    """X-Forwarded-For changes nothing unless it comes from a proxy that the settings name."""
    async with server(world, failures_per_minute=1) as (address, _), dial(address) as one:
        statuses = []
        for number in range(3):
            forged = f"GET /v1/ledger HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.{number}\r\n\r\n"
            await one.send(forged.encode())
            statuses.append((await one.answer())[0])
        assert statuses == [401, 429, 429]
