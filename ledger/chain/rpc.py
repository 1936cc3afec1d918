"""A small JSON-RPC client for Ethereum nodes: several addresses, failover in order, batches, one kind of error each.

Source: JSON-RPC 2.0; Ethereum execution APIs (hex quantities and hex bytes).
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from ledger.errors import Unavailable

INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
SERVER = -32000  # what geth answers for every refused transaction

_TRY_ANOTHER = frozenset({408, 425, 429, 500, 502, 503, 504})


class RpcError(Unavailable):
    """The node answered with a JSON-RPC error. `rpc_code` is its number, `data` what it attached (revert bytes)."""

    def __init__(self, rpc_code: int, message: str, data: Any = None) -> None:
        super().__init__(f"the node answered {rpc_code}: {message}", rpc_code=rpc_code)
        self.rpc_code = rpc_code
        self.message = message
        self.data = data


def quantity(number: int) -> str:
    """A non-negative integer as a JSON-RPC quantity: `0x` and hex without leading zeros."""
    if number < 0:
        raise ValueError("a quantity is not negative")
    return hex(number)


def number(text: str) -> int:
    """The integer of a JSON-RPC quantity."""
    return int(text, 16)


def hexed(value: bytes) -> str:
    """Bytes as `0x…`."""
    return "0x" + value.hex()


def unhexed(text: str) -> bytes:
    """The bytes of `0x…`; raises ValueError on anything else."""
    if not text.startswith("0x"):
        raise ValueError("hex bytes start with 0x")
    return bytes.fromhex(text[2:])


class Rpc:
    """A client of one chain behind one or more addresses.

    Every call starts at the address that answered last; one that cannot be reached, or answers 429 or 5xx, is passed
    over for the next. All calls may be repeated safely: reads, and raw transactions, which a chain takes once.

    Raises `Unavailable` when no address answers and `RpcError` when one answers with an error; an error is an answer,
    so it is never taken to the next address.
    """

    def __init__(self, *urls: str, timeout: float = 30.0, transport: httpx.AsyncBaseTransport | None = None) -> None:
        if not urls:
            raise ValueError("at least one address")
        self.urls = urls
        self._names = [_without_secrets(url) for url in urls]
        self._first = 0
        near = all(_is_plain_loopback(url) for url in urls)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            headers={"content-type": "application/json"},
            transport=transport,
            trust_env=not near,  # no proxy stands between us and ourselves
            verify=not near,  # there is no certificate to check either, and reading the system's takes 0.1 s
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, *params: Any) -> Any:
        """The result of one call."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await self._post(orjson.dumps(request))
        if not isinstance(answer, dict):
            raise Unavailable(f"the answer to {method} is not a JSON-RPC response")
        return _result(answer)

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]], *, return_errors: bool = False) -> list[Any]:
        """The results of many calls in one request, in the order of `calls`.

        A node may run them in any order. The first error is raised, or with `return_errors` stands in its place.
        """
        if not calls:
            return []
        requests = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
            for index, (method, params) in enumerate(calls)
        ]
        answer = await self._post(orjson.dumps(requests))
        if isinstance(answer, dict):
            _result(answer)  # one error for the whole batch
        if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
            raise Unavailable("the answer to a batch is not a list of JSON-RPC responses")
        by_id = {item.get("id"): item for item in answer}
        if any(index not in by_id for index in range(len(calls))):
            raise Unavailable("the node left out a part of a batch")
        results: list[Any] = []
        for index in range(len(calls)):
            try:
                results.append(_result(by_id[index]))
            except RpcError as error:
                if not return_errors:
                    raise
                results.append(error)
        return results

    async def _post(self, body: bytes) -> Any:
        failures = []
        for turn in range(len(self.urls)):
            index = (self._first + turn) % len(self.urls)
            try:
                response = await self._client.post(self.urls[index], content=body)
            except httpx.TransportError as error:
                failures.append(f"{self._names[index]}: {type(error).__name__}")
                continue
            if response.status_code in _TRY_ANOTHER:
                failures.append(f"{self._names[index]}: HTTP {response.status_code}")
                continue
            try:
                answer = orjson.loads(response.content)
            except orjson.JSONDecodeError:
                failures.append(f"{self._names[index]}: HTTP {response.status_code}, not JSON")
                continue
            self._first = index
            return answer
        raise Unavailable("no node answers: " + "; ".join(failures))


def _result(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if isinstance(error, dict):
        raise RpcError(int(error.get("code", INTERNAL)), str(error.get("message", "")), error.get("data"))
    if error is not None or "result" not in answer:
        raise Unavailable("the answer is not a JSON-RPC response")
    return answer["result"]


def _without_secrets(url: str) -> str:
    """For messages: an address may carry a password, or an access key in its path or query."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode()}"


def _is_plain_loopback(url: str) -> bool:
    parsed = httpx.URL(url)
    return parsed.scheme == "http" and parsed.host in {"127.0.0.1", "::1", "localhost"}
