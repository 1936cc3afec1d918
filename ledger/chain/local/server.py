"""JSON-RPC over HTTP on the loopback interface: the standard reading methods, and `eth_sendRawTransaction`.

Everything not listed is refused with -32601: what would change the chain behind the journal's back, unlock accounts, or
keep state in a child that may be replaced (filters). Only requests that name a loopback host and say they carry JSON
are read, so no web page can reach the chain through a visitor's browser (DNS rebinding, cross-site forms).

Source: JSON-RPC 2.0; Ethereum execution APIs.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from ledger.chain.local.loopback import MAX_BODY, App, Receive, Refusal, Scope, Send, read_body, reply
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

MAX_BATCH = 1000
BASE_PATH = "/base"
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

_RELAYED = READING - {"eth_getTransactionByHash"}  # one that waits here is shown by us

_ELSEWHERE = object()  # the answer to this call is anvil's


class Endpoint:
    """The ASGI application. One JSON-RPC request or a batch per POST; at `BASE_PATH`, what anvil continues."""

    def __init__(self, sequencer: Sequencer, base: App, chain_id: int) -> None:
        self._sequencer = sequencer
        self._base = base
        self._chain_id = chain_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == BASE_PATH:
            await self._base(scope, receive, send)
            return
        try:
            _admit(scope)
            body = await read_body(receive)
            if (relayed := await self._relayed(body)) is not None:
                await reply(send, 200, relayed)
                return
            status, answer = await self._respond(body)
        except Refusal as refusal:
            status, answer = refusal.status, _failed(None, INVALID_REQUEST, refusal.reason)
        except Unavailable as error:
            # Repeating the whole request is safe: a transaction that did arrive is answered "already known".
            status, answer = 503, _failed(None, SERVER, error.detail)
        retry = [(b"retry-after", b"1")] if status == 503 else []
        await reply(send, status, b"" if answer is None else orjson.dumps(answer), *retry)

    async def _relayed(self, body: bytes) -> bytes | None:
        """anvil's own answer to a request that is its alone to answer; None for any other.

        The logs of a block are half a megabyte: neither taken apart nor put together again, they cost us nothing.
        """
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        parts = asked if isinstance(asked, list) else [asked]
        if not 0 < len(parts) <= MAX_BATCH or not all(map(_is_plain_read, parts)):
            return None
        # written anew, so that anvil reads what we have read
        plain = [
            {"jsonrpc": "2.0", "id": part["id"], "method": part["method"], "params": part.get("params", [])}
            for part in parts
        ]
        return await self._sequencer.relay(orjson.dumps(plain if isinstance(asked, list) else plain[0]))

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


def _is_plain_read(request: Any) -> bool:
    """Whether the request is well formed and about what is in blocks already, which only anvil can answer."""
    if not isinstance(request, dict) or not isinstance(request.get("id"), int | str):
        return False
    method, params = request.get("method"), request.get("params", [])
    known = isinstance(method, str) and method in _RELAYED
    return known and isinstance(params, list) and not (method == "eth_getTransactionCount" and "pending" in params)


def _admit(scope: Scope) -> None:
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
