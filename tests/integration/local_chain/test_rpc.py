"""The JSON-RPC client: failover, batches, errors."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from ledger.chain.rpc import Rpc, RpcError, hexed, number, quantity, unhexed
from ledger.errors import Unavailable


def client(*nodes: Callable[[Any], Any]) -> tuple[Rpc, list[str]]:
    """An `Rpc` of nodes named n0, n1, …: each a function from the request's JSON to the answer's, or to a status."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        found = nodes[int(request.url.host[1:])](orjson.loads(request.content))
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found) if isinstance(found, int) else httpx.Response(200, content=orjson.dumps(found))

    urls = [f"http://n{index}" for index in range(len(nodes))]
    return Rpc(*urls, transport=httpx.MockTransport(answer)), asked


def well(asked: Any) -> Any:
    one = lambda each: {"jsonrpc": "2.0", "id": each["id"], "result": each["method"]}
    return [one(each) for each in reversed(asked)] if isinstance(asked, list) else one(asked)


async def test_failover_in_order_and_staying_with_who_answered() -> None:
    rpc, asked = client(lambda _: httpx.ConnectError("refused"), lambda _: 503, well)
    async with rpc:
        assert await rpc.call("a") == "a"
        assert await rpc.call("b") == "b"
    assert asked == ["n0", "n1", "n2", "n2"]


async def test_nobody_answers() -> None:
    rpc, _ = client(lambda _: httpx.ReadTimeout("slow"), lambda _: 429)
    async with rpc:
        with pytest.raises(Unavailable, match="n0: ReadTimeout; http://n1: HTTP 429"):
            await rpc.call("a")


async def test_an_error_is_an_answer_and_not_taken_to_the_next_node() -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x1234"}
    rpc, asked = client(lambda each: {"id": each["id"], "error": error}, well)
    async with rpc:
        with pytest.raises(RpcError) as refused:
            await rpc.call("a")
    assert (refused.value.rpc_code, refused.value.message, refused.value.data) == (3, "execution reverted", "0x1234")
    assert refused.value.code == "unavailable"
    assert asked == ["n0"]


async def test_a_batch_is_put_in_order_and_its_errors_raised_or_returned() -> None:
    def mixed(asked: list[Any]) -> Any:
        return [{"id": 1, "error": {"code": -32000, "message": "no"}}, *well(asked[:1]), *well(asked[2:])]

    rpc, _ = client(mixed)
    async with rpc:
        calls = [("a", []), ("b", []), ("c", [])]
        with pytest.raises(RpcError, match="-32000: no"):
            await rpc.batch(calls)
        first, second, third = await rpc.batch(calls, return_errors=True)
        assert (first, second.message, third) == ("a", "no", "c")
        assert await rpc.batch([]) == []


@pytest.mark.parametrize("answer", [[], {}, 7, "x", {"id": 1}, {"id": 1, "error": "x"}, [{"id": 7, "result": 1}]])
async def test_an_answer_that_is_none(answer: Any) -> None:
    rpc, _ = client(lambda _: answer)
    async with rpc:
        with pytest.raises(Unavailable):
            await rpc.call("a")
        with pytest.raises(Unavailable):
            await rpc.batch([("a", [])])


def test_hex() -> None:
    assert (quantity(0), quantity(255), number("0xff")) == ("0x0", "0xff", 255)
    assert (hexed(b"\x00\x01"), unhexed("0x0001")) == ("0x0001", b"\x00\x01")
    for wrong in ("0001", "0x1", "0xzz"):
        with pytest.raises(ValueError, match="hex"):
            unhexed(wrong)
    with pytest.raises(ValueError, match="negative"):
        quantity(-1)


async def test_what_an_address_carries_beside_its_host_is_in_no_message() -> None:
    """Passwords and access keys: messages reach whoever calls the API."""
    down = httpx.MockTransport(lambda _: httpx.Response(503))
    async with Rpc("https://user:password@node.test:8545/v3/accesskey?token=secret", transport=down) as rpc:
        with pytest.raises(Unavailable) as unavailable:
            await rpc.call("a")
    assert unavailable.value.detail == "no node answers: https://node.test:8545: HTTP 503"
