"""The transport to nodes on this machine: connections kept, and every way in which one can end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from ledger.chain.plain import PlainTransport

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n"


@asynccontextmanager
async def node(*answers: bytes | None, close_after: int = 1000) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives these answers, one a request; None: it closes instead. What it was asked is noted."""
    left, asked = list(answers), list[bytes]()
    open_ones: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)
        for _ in range(close_after):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            asked.append(await reader.readexactly(length))
            answer = left.pop(0)
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", asked
    finally:
        server.close()
        for writer in open_ones:
            writer.close()


@asynccontextmanager
async def client(seconds: float = 5) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=PlainTransport(), timeout=seconds) as made:
        yield made


async def test_one_connection_for_many_requests() -> None:
    async with node(OK, CHUNKED, OK) as (url, asked), client() as http:
        texts = [(await http.post(url, content=body)).text for body in (b"a", b"b" * 100_000, b"c")]
    assert texts == ["hi", "hi!", "hi"] and [len(each) for each in asked] == [1, 100_000, 1]


async def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    async with node(OK, OK, close_after=1) as (url, asked), client() as http:
        assert (await http.post(url, content=b"a")).text == "hi"
        await asyncio.sleep(0)
        assert (await http.post(url, content=b"b")).text == "hi"
    assert asked == [b"a", b"b"]


async def test_requests_at_once_have_connections_of_their_own() -> None:
    async with node(OK, OK, OK) as (url, _), client() as http:
        answers = await asyncio.gather(*(http.post(url, content=b"a") for _ in range(3)))
    assert [each.text for each in answers] == ["hi"] * 3


@pytest.mark.parametrize("answer", [None, b"nonsense\r\n\r\n", OK[:-1]])
async def test_no_answer_to_go_by(answer: bytes | None) -> None:
    async with node(answer, answer, close_after=1) as (url, _), client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(url, content=b"a")


async def test_an_answer_that_takes_too_long() -> None:
    async with node(b"", OK) as (url, _), client(0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(url, content=b"a")
        assert (await http.post(url, content=b"b")).text == "hi", "by another connection"


async def test_nobody_there() -> None:
    async with node() as (url, _):
        pass
    async with client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.post(url, content=b"a")
