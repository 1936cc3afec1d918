"""HTTP/1.1 without TLS and proxies, for nodes on this machine: a transport for httpx.

httpx's own asks for locks, pools and cancel scopes that nobody needs here; with it a request costs three times as much
of our processor as the node's answer takes.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import httptools
import httpx

MOST_IDLE = 8  # connections kept
_Address = tuple[str, int]


class PlainTransport(httpx.AsyncBaseTransport):
    """Connections are kept for the next request. One that the node closed meanwhile is noticed, and another opened."""

    def __init__(self) -> None:
        self._idle: dict[_Address, list[_Connection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        address = (request.url.host, request.url.port or 80)
        patience: Mapping[str, float | None] = request.extensions.get("timeout", {})
        message = _head(request) + await request.aread()
        kept = self._kept(address)
        if kept is not None:
            try:
                return await self._exchange(address, kept, message, patience)
            except httpx.RemoteProtocolError:
                if kept.answered:  # else it was closed while nobody asked anything
                    raise
        return await self._exchange(address, await _connect(address, patience), message, patience)

    async def aclose(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _kept(self, address: _Address) -> "_Connection | None":
        idle = self._idle.get(address, [])
        while idle:
            connection = idle.pop()
            if connection.open:
                return connection
        return None

    async def _exchange(
        self, address: _Address, connection: "_Connection", message: bytes, patience: Mapping[str, float | None]
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(patience.get("read")):
                status, body = await connection.ask(message)
        except BaseException as error:  # what is still under way would be taken for the answer to the next request
            connection.close()
            if isinstance(error, TimeoutError):
                raise httpx.ReadTimeout("the node did not answer in time") from None
            raise
        idle = self._idle.setdefault(address, [])
        if connection.open and len(idle) < MOST_IDLE:
            idle.append(connection)
        else:
            connection.close()
        return httpx.Response(status, content=body)


async def _connect(address: _Address, patience: Mapping[str, float | None]) -> "_Connection":
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience.get("connect")):
            _, connection = await loop.create_connection(_Connection, *address)
    except TimeoutError:
        raise httpx.ConnectTimeout("the node takes no connection in time") from None
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    return connection


def _head(request: httpx.Request) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s" % pair for pair in request.headers.raw]
    return b"\r\n".join([*lines, b"", b""])


class _Connection(asyncio.Protocol):
    """One request after another. httptools calls the `on_…` methods as it reads."""

    def __init__(self) -> None:
        self.open = True
        self.answered = False  # a byte of the present answer is here
        self._transport: Any = None
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._start()

    def _start(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self.answered = False

    async def ask(self, message: bytes) -> tuple[int, bytes]:
        """Status and body. Raises httpx.RemoteProtocolError if the connection breaks or speaks no HTTP."""
        self._start()
        self._waiting = asyncio.get_running_loop().create_future()
        if not self.open:
            raise httpx.RemoteProtocolError("the connection was closed")
        self._transport.write(message)
        return await self._waiting

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.answered = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the node's answer is not HTTP: {error}")

    def eof_received(self) -> None:
        self._fail("the node closed the connection")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("the connection broke")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and self._waiting is not None:  # 1xx: the answer itself follows
            return
        self.open = self.open and self._parser.should_keep_alive()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((status, b"".join(self._body)))

    def _fail(self, why: str) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(httpx.RemoteProtocolError(why))
