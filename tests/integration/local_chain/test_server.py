"""The endpoint: which methods, which requests, and how errors look."""

from typing import Any

import httpx
import orjson
import pytest

from ledger.chain.local import LocalChain
from ledger.chain.local.loopback import MAX_BODY
from ledger.chain.local.server import MAX_BATCH
from ledger.chain.rpc import Rpc, RpcError
from tests.integration.local_chain.world import CHAIN_ID, Sender, hash_of, mine, receipt

REFUSED = [
    "anvil_setBalance", "anvil_mine", "evm_mine", "evm_setNextBlockTimestamp", "evm_revert", "hardhat_setCode",
    "eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_signTypedData_v4", "eth_newFilter", "eth_subscribe",
    "debug_traceTransaction", "txpool_content", "personal_sign", "admin_peers", "anvil_setStorageAt", "eth_setBalance",
    "wallet_sendTransaction", "ots_getApiLevel", "", "ETH_CALL",
]  # fmt: skip


@pytest.fixture
async def http(chain: LocalChain) -> Any:
    async with httpx.AsyncClient(base_url=chain.url, verify=False, trust_env=False) as client:
        yield client


def request(method: str, *params: Any, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **more}


async def test_methods_that_are_not_for_reading_do_not_exist(rpc: Rpc) -> None:
    answers = await rpc.batch([(method, []) for method in REFUSED], return_errors=True)
    assert [each.rpc_code for each in answers] == [-32601] * len(REFUSED)
    assert await rpc.call("eth_blockNumber") == "0x0"


async def test_what_is_answered_here_fits_the_chain(rpc: Rpc) -> None:
    asked = ["eth_chainId", "net_version", "eth_maxPriorityFeePerGas", "eth_gasPrice", "eth_accounts"]
    assert await rpc.batch([(method, []) for method in asked]) == [hex(CHAIN_ID), str(CHAIN_ID), "0x0", "0x0", []]
    assert (await rpc.call("web3_clientVersion")).startswith("anvil/")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "ledger.example"}, 403),
        ({"host": "127.0.0.1.ledger.example:80"}, 403),
        ({"host": "127.0.0.1@ledger.example"}, 403),
        ({"host": ""}, 403),
        ({"host": "localhost:1234"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ],
)
async def test_only_loopback_hosts_and_json(http: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    given = {"content-type": "application/json"} | headers
    answer = await http.post("/", content=orjson.dumps(request("eth_chainId")), headers=given)
    assert answer.status_code == status
    assert ("result" in answer.json()) == (status == 200)


async def test_only_posts_of_a_bearable_size(http: httpx.AsyncClient) -> None:
    assert (await http.get("/")).status_code == 405
    large = b" " * (MAX_BODY + 1)
    headers = {"content-type": "application/json"}
    assert (await http.post("/", content=large, headers=headers)).status_code == 413

    async def unannounced() -> Any:
        yield large

    assert (await http.post("/", content=unannounced(), headers=headers)).status_code == 413


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"", -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"id":1}', -32600),
        (b'{"id":1,"method":7}', -32600),
        (b'{"id":1,"method":"eth_call","params":{}}', -32602),
        (b'{"id":1,"method":"eth_sendRawTransaction","params":[]}', -32602),
        (b'{"id":1,"method":"eth_sendRawTransaction","params":["0x02c0","x"]}', -32602),
        (orjson.dumps([request("eth_chainId")] * (MAX_BATCH + 1)), -32600),
    ],
)
async def test_what_is_not_json_rpc(http: httpx.AsyncClient, body: bytes, code: int) -> None:
    answer = await http.post("/", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)


async def test_the_last_of_two_methods_in_one_object_is_the_one_that_counts(http: httpx.AsyncClient) -> None:
    body = b'{"id":1,"method":"evm_mine","method":"eth_blockNumber","params":[]}'
    answer = await http.post("/", content=body, headers={"content-type": "application/json"})
    assert answer.json()["result"] == "0x0"


async def test_a_batch_is_answered_by_id_and_notifications_are_not(http: httpx.AsyncClient, rpc: Rpc) -> None:
    sender = Sender()
    raw = sender.sign()
    batch = [
        request("eth_blockNumber", id="a"),
        request("eth_sendRawTransaction", raw, id=None),
        {"method": "eth_blockNumber"},
        request("evm_mine", id=[1]),
        7,
    ]
    answer = await http.post("/", json=batch)
    assert [each["id"] for each in answer.json()] == ["a", None, [1], None]
    assert [each.get("error", {}).get("code") for each in answer.json()] == [None, None, -32601, -32600]
    await receipt(rpc, hash_of(raw))
    silent = await http.post("/", json={"method": "eth_blockNumber"})
    assert (silent.status_code, silent.content) == (204, b"")


async def test_one_connection_serves_many_requests(chain: LocalChain) -> None:
    opened = 0

    async def count(name: str, facts: dict[str, Any]) -> None:
        nonlocal opened
        opened += name == "connection.connect_tcp.started"

    async with httpx.AsyncClient(verify=False, trust_env=False) as client:
        for _ in range(5):
            answer = await client.post(chain.url, json=request("eth_chainId"), extensions={"trace": count})
            assert answer.json()["result"] == hex(CHAIN_ID)
    assert opened == 1


async def test_the_nodes_own_errors_come_through_with_their_bytes(rpc: Rpc) -> None:
    sender = Sender()
    always_reverts = bytes.fromhex("6b 63123456785f526004601cfd 5f52 600c6014f3")
    created = await mine(rpc, sender.sign(to=None, data=always_reverts))
    with pytest.raises(RpcError) as refused:
        await rpc.call("eth_call", {"to": created["contractAddress"]}, "latest")
    assert (refused.value.rpc_code, refused.value.data) == (3, "0x12345678")


async def test_recent_blocks_can_still_be_called(rpc: Rpc) -> None:
    sender = Sender()
    hashes = [(await mine(rpc, sender.sign()))["blockHash"] for _ in range(12)]
    tell_number = {"data": "0x435f5260205ff3"}
    for height in range(5, 13):
        at = {"blockHash": hashes[height - 1]}
        assert int(await rpc.call("eth_call", tell_number, at), 16) == height
    with pytest.raises(RpcError, match="BlockOutOfRange"):
        await rpc.call("eth_call", tell_number, {"blockHash": hashes[0]})
