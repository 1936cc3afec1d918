"""The empty chain that anvil is told to continue: block 0, and nothing in any account.

anvil on its own computes the state's root anew from every storage slot for every block: 1.2 ms a block for each
thousand slots, so that a chain of n acts takes n² to replay. When it continues another chain it leaves the root out
(zero), and a block takes 2 ms whatever the state's size. So we serve it a chain to continue that has one block and no
accounts.

What this costs: a block hash of the local chain stands for the transactions and receipts, logs included, up to it,
but not for the state. The state is what executing those transactions gives; replay on every start does just that.

Source: the Yellow Paper's block header, with EIP-1559, EIP-4895, EIP-4844 and EIP-4788 (cancun).
"""

from collections.abc import Sequence
from typing import Any

import orjson
import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak

from ledger.chain.local.anvil import Genesis
from ledger.chain.local.loopback import Receive, Refusal, Scope, Send, read_body, reply
from ledger.chain.rpc import METHOD_NOT_FOUND, hexed, quantity

_ZERO = bytes(32)
_NO_UNCLES = keccak(rlp.encode([]))
_EMPTY_TRIE = keccak(rlp.encode(b""))
_NOTHING: dict[str, Any] = {
    "eth_getAccountInfo": {"balance": "0x0", "nonce": "0x0", "code": "0x"},
    "eth_getBalance": "0x0",
    "eth_getTransactionCount": "0x0",
    "eth_getCode": "0x",
    "eth_getStorageAt": hexed(_ZERO),
    "eth_getLogs": [],
    "eth_getBlockReceipts": [],
    "eth_getTransactionByHash": None,
    "eth_getTransactionReceipt": None,
    "eth_getTransactionByBlockHashAndIndex": None,
    "eth_getTransactionByBlockNumberAndIndex": None,
    "eth_gasPrice": "0x0",
    "eth_blockNumber": "0x0",
}


class EmptyBase:
    """The ASGI application that answers anvil's questions about the chain before block 1."""

    def __init__(self, genesis: Genesis) -> None:
        self._chain_id = genesis.chain_id
        self._block = genesis_block(genesis)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asked = orjson.loads(await read_body(receive))
        except (Refusal, orjson.JSONDecodeError):
            await reply(send, 400, b"{}")
            return
        answer = [self._answer(each) for each in asked] if isinstance(asked, list) else self._answer(asked)
        await reply(send, 200, orjson.dumps(answer))

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        method, params = asked.get("method", ""), asked.get("params") or []
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked.get("id")}
        if method in _NOTHING:
            return answer | {"result": _NOTHING[method]}
        match method:
            case "eth_chainId":
                return answer | {"result": quantity(self._chain_id)}
            case "net_version":
                return answer | {"result": str(self._chain_id)}
            case "eth_getBlockByNumber" | "eth_getBlockByHash":
                return answer | {"result": self._block if self._is_genesis(params) else None}
        return answer | {"error": {"code": METHOD_NOT_FOUND, "message": f"nothing to {method} before block 1"}}

    def _is_genesis(self, params: Sequence[Any]) -> bool:
        return bool(params) and params[0] in ("0x0", "earliest", "latest", self._block["hash"])


def genesis_block(genesis: Genesis) -> dict[str, Any]:
    """Block 0 as JSON-RPC shows it. Its hash is that of its header, in which the chain id stands as extra data."""
    extra = b"local chain %d" % genesis.chain_id
    header: list[tuple[str, bytes | int]] = [
        ("parentHash", _ZERO), ("sha3Uncles", _NO_UNCLES), ("miner", bytes(20)), ("stateRoot", _EMPTY_TRIE),
        ("transactionsRoot", _EMPTY_TRIE), ("receiptsRoot", _EMPTY_TRIE), ("logsBloom", bytes(256)), ("difficulty", 0),
        ("number", 0), ("gasLimit", genesis.gas_limit), ("gasUsed", 0), ("timestamp", genesis.timestamp),
        ("extraData", extra), ("mixHash", _ZERO), ("nonce", bytes(8)), ("baseFeePerGas", 0),
        ("withdrawalsRoot", _EMPTY_TRIE), ("blobGasUsed", 0), ("excessBlobGas", 0), ("parentBeaconBlockRoot", _ZERO),
    ]  # fmt: skip
    wire = [value if isinstance(value, bytes) else value.to_bytes((value.bit_length() + 7) // 8) for _, value in header]
    encoded = rlp.encode(wire)
    shown: dict[str, Any] = {
        name: hexed(value) if isinstance(value, bytes) else quantity(value) for name, value in header
    }
    return shown | {
        "hash": hexed(keccak(encoded)), "size": quantity(len(encoded)), "totalDifficulty": "0x0",
        "transactions": [], "uncles": [], "withdrawals": [],
    }  # fmt: skip
