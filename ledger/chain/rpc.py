"""A small JSON-RPC client for Ethereum nodes: several addresses, failover in order, batches, one kind of error each.

Source: JSON-RPC 2.0; Ethereum execution APIs (hex quantities and hex bytes).
"""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from ledger import telemetry
from ledger.chain.plain import PlainTransport
from ledger.errors import Unavailable, WrongChain

INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
RESOURCE_UNAVAILABLE = -32002  # EIP-1474
LIMIT_EXCEEDED = -32005  # EIP-1474
SERVER = -32000  # what geth answers for every refused transaction

_TRY_ANOTHER = frozenset({408, 425, 429, 500, 502, 503, 504})
_OWN_TROUBLE = frozenset({INTERNAL, RESOURCE_UNAVAILABLE, LIMIT_EXCEEDED})  # says nothing of what was asked
SECONDS = 10.0  # for one answer of one address


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

    Every call starts at the address that answered last, or that `prefer` named. One that cannot be reached, does not
    answer in time, answers 429, 5xx or an error of its own (not of what was asked), or is of another chain than
    `expect` named, is passed over for the next. All calls may be repeated safely: reads, and raw transactions, which a
    chain takes once.

    Raises `Unavailable` when no address answers, `WrongChain` when those that answer are of another chain, and
    `RpcError` when one answers with an error; such an error is an answer and is never taken to the next address.
    """

    def __init__(
        self,
        *urls: str,
        timeout: float = SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
        measured: bool = False,
    ) -> None:
        """`measured`: requests are counted and timed in the metrics, under each address without its secrets."""
        if not urls:
            raise ValueError("at least one address")
        self.urls = urls
        self.answered_at = float("-inf")  # time.monotonic() of the last answer of any of them
        self._names = [without_secrets(url) for url in urls]
        self._measured = measured
        self._first = 0
        self._expected: tuple[int, str] | None = None
        self._met: set[int] = set()  # addresses that have shown to be of the expected chain
        near = all(_is_plain_loopback(url) for url in urls)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            headers={"content-type": "application/json"},
            transport=transport or (PlainTransport() if near else None),
            trust_env=not near,  # no proxy stands between us and ourselves
            verify=not near,  # there is no certificate to check either, and reading the system's takes 0.1 s
        )

    @property
    def standing_in(self) -> str | None:
        """The address that answers in place of the first, without its secrets; None while the first does."""
        return self._names[self._first] if self._first else None

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

    def expect(self, chain_id: int, genesis: str) -> None:
        """From now on only nodes of this chain are asked: each address shows it before it is used, and again after it
        was gone. `genesis` is the hash of block 0."""
        self._expected = (chain_id, genesis)
        self._met.clear()

    async def meet_all(self) -> None:
        """Raises WrongChain if any address that answers is of another chain; one that is silent may answer later."""
        for index in range(len(self.urls)):
            try:
                await self._meet(index)
            except _Failed:
                continue

    async def heights(self, seconds: float = 2.0) -> list[int | None]:
        """The newest block's number at each address, asked at once; None where no answer to go by comes in time."""
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []})

        async def height(index: int) -> int | None:
            try:
                async with asyncio.timeout(seconds):
                    await self._meet(index)
                    return number(_result(await self._ask(index, body)))
            except (_Failed, TimeoutError, Unavailable, WrongChain, TypeError, ValueError, AttributeError):
                self._met.discard(index)
                return None

        return list(await asyncio.gather(*(height(index) for index in range(len(self.urls)))))

    @property
    def first(self) -> int:
        """Which address is asked first."""
        return self._first

    def prefer(self, index: int) -> None:
        """Ask this address first from now on."""
        if index != self._first and self._measured:
            telemetry.RPC_FAILOVERS.labels(self._names[index]).inc()
        self._first = index

    async def _post(self, body: bytes) -> Any:
        failures, strangers, troubled = [], [], None
        for turn in range(len(self.urls)):
            index = (self._first + turn) % len(self.urls)
            asked = time.perf_counter()
            try:
                await self._meet(index)
                answer = await self._ask(index, body)
            except (_Failed, WrongChain) as error:
                self._met.discard(index)
                if isinstance(error, WrongChain):
                    strangers.append(error)
                failures.append(self._failed(index, str(error)))
                continue
            if turn + 1 < len(self.urls) and _is_own_trouble(answer):
                troubled = troubled or answer
                failures.append(self._failed(index, "an error of its own"))
                continue
            self._answered(index, asked)
            return answer
        if troubled is not None:
            return troubled
        if strangers:
            raise strangers[0]
        raise Unavailable("no node answers: " + "; ".join(failures))

    async def relay(self, body: bytes) -> bytes:
        """The first address's answer to a request, both as they are. Raises Unavailable."""
        try:
            return (await self._sent(0, body)).content
        except _Failed as error:
            raise Unavailable(f"no node answers: {self._names[0]}: {error}") from None

    async def _ask(self, index: int, body: bytes) -> Any:
        response = await self._sent(index, body)
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise _Failed(f"HTTP {response.status_code}, not JSON") from None

    async def _sent(self, index: int, body: bytes) -> httpx.Response:
        try:
            response = await self._client.post(self.urls[index], content=body)
        except httpx.TransportError as error:
            raise _Failed(type(error).__name__) from None
        if response.status_code in _TRY_ANOTHER:
            raise _Failed(f"HTTP {response.status_code}")
        return response

    async def _meet(self, index: int) -> None:
        """Raises WrongChain, _Failed."""
        if self._expected is None or index in self._met:
            return
        answers = await self._ask(index, _WHO)
        try:
            told = {item["id"]: item["result"] for item in answers}
            found = number(told[0]), str(told[1]["hash"])
        except (KeyError, TypeError, ValueError):
            raise _Failed("it does not say which chain it is of") from None
        (chain_id, genesis), name = self._expected, self._names[index]
        if found[0] != chain_id:
            raise WrongChain(f"the node's chain id is {found[0]}, the manifest's {chain_id} ({name})")
        if found[1] != genesis:
            raise WrongChain(f"the node's block 0 is {found[1]}, the manifest's {genesis} ({name})")
        self._met.add(index)

    def _answered(self, index: int, asked: float) -> None:
        """The next call starts at this address."""
        if self._measured:
            telemetry.RPC_SECONDS.labels(self._names[index]).observe(time.perf_counter() - asked)
            if index != self._first:
                telemetry.RPC_FAILOVERS.labels(self._names[index]).inc()
        self._first, self.answered_at = index, time.monotonic()

    def _failed(self, index: int, why: str) -> str:
        if self._measured:
            telemetry.RPC_ERRORS.labels(self._names[index]).inc()
        return f"{self._names[index]}: {why}"


class _Failed(Exception):
    """One address gave no answer to go by."""


_WHO = orjson.dumps(
    [
        {"jsonrpc": "2.0", "id": 0, "method": "eth_chainId", "params": []},
        {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x0", False]},
    ]
)


def _is_own_trouble(answer: Any) -> bool:
    """Whether the whole answer is errors that another node might not have."""
    parts = answer if isinstance(answer, list) else [answer]
    errors = [part.get("error") if isinstance(part, dict) else None for part in parts]
    return bool(errors) and all(isinstance(error, dict) and error.get("code") in _OWN_TROUBLE for error in errors)


def _result(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if isinstance(error, dict):
        raise RpcError(int(error.get("code", INTERNAL)), str(error.get("message", "")), error.get("data"))
    if error is not None or "result" not in answer:
        raise Unavailable("the answer is not a JSON-RPC response")
    return answer["result"]


def without_secrets(url: str) -> str:
    """For messages: an address may carry a password, or an access key in its path or query."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode()}"


def _is_plain_loopback(url: str) -> bool:
    parsed = httpx.URL(url)
    return parsed.scheme == "http" and parsed.host in {"127.0.0.1", "::1", "localhost"}
