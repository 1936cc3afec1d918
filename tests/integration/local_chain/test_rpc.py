"""The JSON-RPC client: failover, batches, errors."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from ledger.chain.choosing import Choosing
from ledger.chain.rpc import Rpc, RpcError, hexed, number, quantity, unhexed
from ledger.errors import Unavailable, WrongChain


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


# ---- which chain, and which node of it -------------------------------------------------------------------------------


class One:
    """A node of the chain 7 whose block 0 is `genesis`; some of its answers may be troubled."""

    def __init__(self, height: int = 5, chain_id: int = 7, genesis: str = "0xaa", trouble: Any = None) -> None:
        self.height, self.chain_id, self.genesis, self.trouble = height, chain_id, genesis, trouble
        self.asked: list[str] = []

    def __call__(self, asked: Any) -> Any:
        return [self._one(each) for each in asked] if isinstance(asked, list) else self._one(asked)

    def _one(self, each: Any) -> Any:
        method = each["method"]
        self.asked.append(method)
        known = {
            "eth_chainId": hex(self.chain_id),
            "eth_getBlockByNumber": {"hash": self.genesis},
            "eth_blockNumber": hex(self.height),
        }
        if self.trouble is not None and method not in known:
            return {"id": each["id"], "error": self.trouble}
        return {"id": each["id"], "result": known.get(method, f"{method} at {self.height}")}


def chained(*nodes: Callable[[Any], Any]) -> tuple[Rpc, list[str]]:
    rpc, asked = client(*nodes)
    rpc.expect(7, "0xaa")
    return rpc, asked


async def test_a_node_shows_its_chain_once_before_it_is_used() -> None:
    node = One()
    rpc, _ = chained(node)
    async with rpc:
        assert await rpc.call("a") == "a at 5"
        await rpc.call("b")
    assert node.asked == ["eth_chainId", "eth_getBlockByNumber", "a", "b"]


@pytest.mark.parametrize("stranger", [One(chain_id=8), One(genesis="0xbb")])
async def test_a_node_of_another_chain_is_passed_over(stranger: One) -> None:
    good = One()
    rpc, _ = chained(stranger, good)
    async with rpc:
        assert await rpc.call("a") == "a at 5"
        assert "a" not in stranger.asked
        with pytest.raises(WrongChain, match="http://n0"):
            await rpc.meet_all()


async def test_only_nodes_of_another_chain() -> None:
    rpc, _ = chained(One(chain_id=8), lambda _: 503)
    async with rpc:
        with pytest.raises(WrongChain, match="chain id is 8"):
            await rpc.call("a")


async def test_a_node_that_comes_back_as_another_chain() -> None:
    node = One()
    answers: list[Any] = [node, node, lambda _: 503, One(genesis="0xbb")]
    rpc, _ = chained(lambda asked: answers.pop(0)(asked))
    async with rpc:
        await rpc.call("a")
        with pytest.raises(Unavailable):
            await rpc.call("b")
        with pytest.raises(WrongChain):
            await rpc.call("c")


@pytest.mark.parametrize("answer", ["x", [], {}, [1], {"id": 0, "result": "0x7"}, [{"id": 0, "result": "seven"}]])
async def test_a_node_that_does_not_say_its_chain(answer: Any) -> None:
    rpc, _ = chained(lambda _: answer)
    async with rpc:
        with pytest.raises(Unavailable, match="which chain"):
            await rpc.call("a")
        await rpc.meet_all()  # it may say so later


@pytest.mark.parametrize("code", [-32603, -32002, -32005])
async def test_an_error_of_the_nodes_own_is_taken_to_the_next(code: int) -> None:
    troubled = One(trouble={"code": code, "message": "no room"})
    rpc, _ = client(troubled, One(height=6))
    async with rpc:
        assert await rpc.call("a") == "a at 6"
        assert await rpc.batch([("a", []), ("b", [])]) == ["a at 6", "b at 6"]


async def test_an_error_of_every_node() -> None:
    troubled = One(trouble={"code": -32603, "message": "no room"})
    rpc, _ = client(troubled, lambda _: 503)
    async with rpc:
        with pytest.raises(RpcError, match="no room"):
            await rpc.call("a")


async def test_heights_of_all() -> None:
    rpc, _ = chained(One(3), lambda _: 503, One(4, chain_id=8), One(5), lambda _: 7)
    async with rpc:
        assert await rpc.heights() == [3, None, None, 5, None]


async def test_a_height_that_does_not_come() -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async with Rpc("http://n0", transport=httpx.MockTransport(silent)) as rpc:
        assert await rpc.heights(seconds=0.01) == [None]


async def look(choosing: Choosing, times: int) -> int:
    for _ in range(times):
        await choosing.step()
    return choosing.rpc.first


async def test_a_node_that_lags_is_left_and_used_again_when_it_has_caught_up() -> None:
    first, second = One(10), One(10)
    rpc, _ = chained(first, second)
    async with rpc:
        choosing = Choosing(rpc)
        second.height = 13
        assert await look(choosing, 5) == 0, "nodes hear of a block at different moments"
        second.height = 20
        assert await look(choosing, 1) == 0
        assert await look(choosing, 1) == 1
        assert await rpc.call("a") == "a at 20"
        first.height = 20
        assert await look(choosing, 4) == 1
        assert await look(choosing, 1) == 0


async def test_a_node_that_lags_now_and_then_is_kept() -> None:
    first, second = One(10), One(10)
    rpc, _ = chained(first, second)
    async with rpc:
        choosing = Choosing(rpc)
        for _ in range(3):
            second.height = 20
            assert await look(choosing, 1) == 0
            first.height = 20
            assert await look(choosing, 1) == 0
            first.height = second.height = 10


async def test_nobody_has_a_height() -> None:
    rpc, _ = chained(lambda _: 503, lambda _: httpx.ConnectError("refused"))
    async with rpc:
        assert await look(Choosing(rpc), 5) == 0
