"""JSON-RPC over HTTP on the loopback interface: the standard reading methods, and `eth_sendRawTransaction`.

Everything not listed is refused with -32601: what would change the chain behind the journal's back, unlock accounts, or
keep state in a child that may be replaced (filters). Only requests that name a loopback host and say they carry JSON
are read, so no web page can reach the chain through a visitor's browser (DNS rebinding, cross-site forms).

Source: JSON-RPC 2.0; Ethereum execution APIs.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import uvicorn

from ledger.chain.local.sequencer import Sequencer
from ledger.chain.rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    SERVER,
    RpcError,
    quantity,
)
from ledger.errors import Unavailable

MAX_BODY = 16 * 1024 * 1024
MAX_BATCH = 1000
_PARSE_ERROR = -32700
_LOOPBACK_HOST = re.compile(r"(?i:localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")

READING = frozenset(
    {
        "eth_accounts", "eth_blockNumber", "eth_call", "eth_createAccessList", "eth_estimateGas", "eth_feeHistory",
        "eth_getBalance", "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByHash", "eth_getBlockTransactionCountByNumber", "eth_getCode", "eth_getLogs",
        "eth_getProof", "eth_getStorageAt", "eth_getTransactionByBlockHashAndIndex",
        "eth_getTransactionByBlockNumberAndIndex", "eth_getTransactionByHash", "eth_getTransactionCount",
        "eth_getTransactionReceipt", "eth_getUncleCountByBlockHash", "eth_getUncleCountByBlockNumber", "eth_syncing",
        "net_listening", "web3_clientVersion", "web3_sha3",
    }
)  # fmt: skip

_Scope = MutableMapping[str, Any]  # ASGI's own types, in short
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_ELSEWHERE = object()  # the answer to this call is anvil's


class Refusal(Exception):
    """An HTTP request that is not read at all."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Endpoint:
    """The ASGI application. One JSON-RPC request or a batch per POST, at any path."""

    def __init__(self, sequencer: Sequencer, chain_id: int) -> None:
        self._sequencer = sequencer
        self._chain_id = chain_id

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        try:
            _admit(scope)
            status, answer = await self._respond(await _body(receive))
        except Refusal as refusal:
            status, answer = refusal.status, _failed(None, INVALID_REQUEST, refusal.reason)
        except Unavailable as error:
            # Repeating the whole request is safe: a transaction that did arrive is answered "already known".
            status, answer = 503, _failed(None, SERVER, error.detail)
        body = b"" if answer is None else orjson.dumps(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if status == 503:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, body: bytes) -> tuple[int, Any]:
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError:
            return 200, _failed(None, _PARSE_ERROR, "the request is not JSON")
        if not isinstance(asked, list):
            [answer] = await self._answer([asked])
            return (200, answer) if answer is not None else (204, None)
        if not 0 < len(asked) <= MAX_BATCH:
            return 200, _failed(None, INVALID_REQUEST, f"a batch has 1 to {MAX_BATCH} requests")
        answers = [answer for answer in await self._answer(asked) if answer is not None]
        return (200, answers) if answers else (204, None)

    async def _answer(self, asked: Sequence[Any]) -> list[dict[str, Any] | None]:
        """One response per request, None for a notification. What anvil answers is asked in one batch, at the end."""
        results: list[Any] = [await self._own(request) for request in asked]
        elsewhere = [index for index, result in enumerate(results) if result is _ELSEWHERE]
        if elsewhere:
            calls = [(asked[index]["method"], asked[index].get("params", [])) for index in elsewhere]
            for index, result in zip(elsewhere, await self._sequencer.forward(calls), strict=True):
                results[index] = result
        return [_response(request, result) for request, result in zip(asked, results, strict=True)]

    async def _own(self, request: Any) -> Any:
        try:
            method, params = _call(request)
            match method, params:
                case "eth_chainId", _:
                    return quantity(self._chain_id)
                case "net_version", _:
                    return str(self._chain_id)
                case "eth_gasPrice" | "eth_maxPriorityFeePerGas", _:
                    return "0x0"  # anvil would say 1 gwei, which nobody here can pay
                case "eth_sendRawTransaction", [raw]:
                    return await self._sequencer.submit(raw)
                case "eth_getTransactionCount", [address, "pending"]:
                    return await self._sequencer.pending_nonce(address)
                case "eth_getTransactionByHash", [transaction_hash]:
                    # First here, then there: a transaction leaves the pool only when anvil has it.
                    return self._sequencer.pending_transaction(transaction_hash) or _ELSEWHERE
                case "eth_sendRawTransaction", _:
                    raise RpcError(INVALID_PARAMS, "one parameter: the raw transaction")
            if method not in READING:
                raise RpcError(METHOD_NOT_FOUND, f"the method {method[:64]} does not exist here")
            return _ELSEWHERE
        except RpcError as error:
            return error


def _admit(scope: _Scope) -> None:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if not is_loopback(headers.get(b"host", "")):
        raise Refusal(403, "the Host header names no loopback address")
    if scope["method"] != "POST":
        raise Refusal(405, "POST a JSON-RPC request")
    if headers.get(b"content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "the content type is application/json")
    if int(headers.get(b"content-length", "0")) > MAX_BODY:
        raise Refusal(413, f"a request has at most {MAX_BODY} bytes")


def is_loopback(host: str) -> bool:
    """Whether a Host header, with or without a port, names this machine and nothing a DNS server could point here."""
    return _LOOPBACK_HOST.fullmatch(host) is not None


async def _body(receive: _Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the request broke off")
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise Refusal(413, f"a request has at most {MAX_BODY} bytes")
        if not message.get("more_body"):
            return bytes(body)


def _call(request: Any) -> tuple[str, list[Any]]:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise RpcError(INVALID_REQUEST, "a request is an object with a method")
    params = request.get("params", [])
    if not isinstance(params, list):
        raise RpcError(INVALID_PARAMS, "params is a list")
    return request["method"], params


def _response(request: Any, result: Any) -> dict[str, Any] | None:
    if isinstance(request, dict) and isinstance(request.get("method"), str) and "id" not in request:
        return None
    asked_id = request.get("id") if isinstance(request, dict) else None
    if isinstance(result, RpcError):
        return _failed(asked_id, result.rpc_code, result.message, result.data)
    return {"jsonrpc": "2.0", "id": asked_id, "result": result}


def _failed(asked_id: Any, code: int, message: str, extra: Any = None) -> dict[str, Any]:
    error = {"code": code, "message": message} | ({} if extra is None else {"data": extra})
    return {"jsonrpc": "2.0", "id": asked_id, "error": error}


class Server(uvicorn.Server):
    """uvicorn inside our event loop: it leaves the signals alone and says when it listens."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(
            uvicorn.Config(
                endpoint,
                http="httptools",
                ws="none",
                loop="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=2,
            )
        )
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._listening.set()

    async def begin(self, listener: socket.socket) -> None:
        self._task = asyncio.create_task(self.serve(sockets=[listener]))
        waiting = asyncio.create_task(self._listening.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def end(self) -> None:
        self.should_exit = True
        if self._task is not None:
            await self._task
