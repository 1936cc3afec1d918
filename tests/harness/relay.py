"""A second address of a real node, which can go wrong as addresses and nodes do, over real connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.contracts.chain import free_port


@dataclass
class Relay:
    """Hands requests on to `to`. Each flag is one thing that goes wrong, from the next request on."""

    to: str
    port: int = field(default_factory=free_port)
    hung: bool = False  # takes requests and answers none
    status: int = 200  # anything else is answered without asking the node
    error: dict[str, Any] | None = None  # every answer is this error
    frozen: int | None = None  # it has heard of no block after this one, and passes no transaction on
    asked: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Connections are refused from now on, those there are end."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    lines = head.decode().lower().split("\r\n")
                    size = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
                    status, body = await self._answer(client, await reader.readexactly(size))
                    answer = f"HTTP/1.1 {status} told\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                    writer.write(answer + body)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, client: httpx.AsyncClient, body: bytes) -> tuple[int, bytes]:
        self.asked += 1
        if self.hung:
            await asyncio.Future()
        if self.status != 200:
            return self.status, b""
        asked = json.loads(body)
        many = asked if isinstance(asked, list) else [asked]
        if self.error is not None:
            told = [{"jsonrpc": "2.0", "id": each["id"], "error": self.error} for each in many]
        else:
            told = [await self._one(client, each) for each in many]
        return 200, json.dumps(told if isinstance(asked, list) else told[0]).encode()

    async def _one(self, client: httpx.AsyncClient, asked: dict[str, Any]) -> Any:
        if self.frozen is not None:
            if asked["method"] == "eth_sendRawTransaction":
                return {"id": asked["id"], "result": "0x" + "00" * 32}
            asked["params"] = [hex(self.frozen) if given == "latest" else given for given in asked["params"]]
        answer = (await client.post(self.to, json=asked)).json()
        found = answer.get("result")
        if self.frozen is not None:
            number = found.get("number", found.get("blockNumber")) if isinstance(found, dict) else None
            if asked["method"] == "eth_blockNumber":
                answer["result"] = hex(self.frozen)
            elif number is not None and int(number, 16) > self.frozen:
                answer["result"] = None
        return answer


@asynccontextmanager
async def relay(to: str) -> AsyncIterator[Relay]:
    made = Relay(to)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
