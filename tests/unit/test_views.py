"""The contracts' views over JSON-RPC: calldata against the reference encoder, answers that are none."""

from typing import Any

import httpx
import orjson
import pytest
from eth_abi import encode

from ledger.chain.rpc import Rpc
from ledger.chain.views import IS_AUTHORISED, PROVES_RECORD, VERSION_OF, RpcViews
from ledger.domain.acts import Module
from ledger.domain.refusals import REFUSALS
from ledger.errors import InvalidInput, Unavailable
from ledger.ports import AnchoredVersion
from tests.fakes.chain import MODULES, FakeChain
from tests.fakes.small import FakeClock, FakeSignatures

SHARE = bytes(range(32))


class Answering:
    """Answers every call alike, and remembers what was asked."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(orjson.loads(request.content))
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, **self.answer})


def views(answer: dict[str, Any]) -> tuple[RpcViews, Answering]:
    node = Answering(answer)
    manifest = FakeChain(FakeClock(1_790_000_000), FakeSignatures()).manifest
    return RpcViews(Rpc("http://127.0.0.1:1", transport=httpx.MockTransport(node)), manifest), node


def result(*values: Any, types: tuple[str, ...]) -> dict[str, Any]:
    return {"result": "0x" + encode(types, values).hex()}


@pytest.mark.parametrize("held", [True, False])
async def test_is_authorised(held: bool) -> None:
    asking, node = views(result(held, types=("bool",)))
    assert await asking.is_authorised(SHARE.hex()) is held
    call, block = node.asked[0]["params"]
    assert call == {"to": MODULES[Module.AUTHORISATIONS], "data": "0x" + (IS_AUTHORISED + SHARE).hex()}
    assert block == "latest"


@pytest.mark.parametrize("length", [0, 1, 20])
async def test_proves_record(length: int) -> None:
    asking, node = views(result(True, types=("bool",)))
    path = [bytes([at]) * 32 for at in range(length)]
    assert await asking.proves_record(SHARE.hex(), b"\x01" * 32, 7, path)
    words = encode(("bytes32", "bytes32", "uint64", "bytes32[]"), (SHARE, b"\x01" * 32, 7, path))
    assert node.asked[0]["params"][0]["data"] == "0x" + (PROVES_RECORD + words).hex()


@pytest.mark.parametrize(("leaf", "index", "path"), [(b"", 0, []), (bytes(32), -1, []), (bytes(32), 0, [b"x"])])
async def test_a_proof_that_cannot_be_asked_about(leaf: bytes, index: int, path: list[bytes]) -> None:
    with pytest.raises(InvalidInput):
        await views({})[0].proves_record(SHARE.hex(), leaf, index, path)


async def test_anchored() -> None:
    types = ("bytes32", "bytes32", "uint64", "uint64", "uint32", "bool", "bool")
    asking, node = views(result(b"d" * 32, SHARE, 620_573, 9, 1, True, False, types=types))
    assert await asking.anchored(SHARE.hex()) == AnchoredVersion(SHARE.hex(), 620_573, True, False)
    assert node.asked[0]["params"][0]["data"] == "0x" + (VERSION_OF + SHARE).hex()
    asking, _ = views(result(bytes(32), bytes(32), 0, 0, 0, False, False, types=types))
    assert await asking.anchored(SHARE.hex()) is None


async def test_a_revert_is_the_contracts_own_refusal() -> None:
    reason = "0x" + REFUSALS["DatasetsVersionId"](SHARE.hex()).encode().hex()
    for attached in (reason, {"data": reason}):
        asking, _ = views({"error": {"code": 3, "message": "execution reverted", "data": attached}})
        with pytest.raises(REFUSALS["DatasetsVersionId"]):
            await asking.proves_record(SHARE.hex(), bytes(32), 0, [])


@pytest.mark.parametrize(
    "answer",
    [
        {"result": "0x"},
        {"result": "0x02"},
        {"result": "0x" + "00" * 31 + "02"},
        {"result": "nonsense"},
        {"result": None},
        {"error": {"code": -32000, "message": "header not found"}},
        {"error": {"code": -32000, "message": "odd", "data": "zz"}},
    ],
)
async def test_answers_that_are_none(answer: dict[str, Any]) -> None:
    asking, _ = views(answer)
    with pytest.raises(Unavailable):
        await asking.is_authorised(SHARE.hex())
    with pytest.raises(Unavailable):
        await asking.anchored(SHARE.hex())
