"""Looking at nodes: how far the chain is, by its own clock; and one node by itself, whatever state it is in."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx

from ledger.chain.deployment import chain_identity, check
from ledger.chain.encoding import selector
from ledger.chain.rpc import Rpc, RpcError, number, without_secrets
from ledger.domain.identifiers import ZERO_ADDRESS
from ledger.domain.manifest import Manifest
from ledger.errors import ShareLedgerError, Unavailable, WrongChain

_SIZE = "0x" + selector("size()").hex()


@dataclass(frozen=True, slots=True)
class Newest:
    """`time` is the newest block's, in unix seconds; `entries` None if the Journal does not say."""

    block: int
    time: int
    entries: int | None


async def newest(rpc: Rpc, journal: str) -> Newest:
    """Raises Unavailable."""
    asked: list[tuple[str, list[Any]]] = [
        ("eth_getBlockByNumber", ["latest", False]),
        ("eth_call", [{"to": journal, "data": _SIZE}, "latest"]),
    ]
    block, size = await rpc.batch(asked, return_errors=True)
    if isinstance(block, RpcError):
        raise block
    try:
        counted = number(size) if isinstance(size, str) and len(size) == 66 else None
        return Newest(number(block["number"]), number(block["timestamp"]), counted)
    except (KeyError, TypeError, ValueError):
        raise Unavailable("the node has no newest block") from None


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """One node by itself. `error`: why it does not answer; `code_error`: why its contracts are not the manifest's."""

    name: str  # its address, without secrets
    error: str | None = None
    seconds: float = 0
    chain_id: int | None = None
    genesis: str | None = None
    newest: Newest | None = None
    code_error: str | None = None


async def node_seen(url: str, manifest: Manifest | None, seconds: float) -> NodeSeen:
    """Raises nothing: whatever is wrong is in the answer."""
    name = without_secrets(url)
    try:
        async with asyncio.timeout(2 * seconds), Rpc(url, timeout=seconds) as rpc:
            asked = time.perf_counter()
            chain_id, genesis = await chain_identity(rpc)
            took = time.perf_counter() - asked
            found = await newest(rpc, manifest.journal if manifest else ZERO_ADDRESS)
            code_error = await _code_error(rpc, manifest) if manifest else None
    except ShareLedgerError as error:
        return NodeSeen(name, error.detail)
    except (TimeoutError, httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError, TypeError, KeyError) as error:
        return NodeSeen(name, f"{type(error).__name__}")
    return NodeSeen(name, None, took, chain_id, genesis, found, code_error)


async def block_hash(url: str, number: int, seconds: float) -> str | None:
    """Of the block at that height on this node's chain; None if it has none. Raises Unavailable."""
    async with Rpc(url, timeout=seconds) as rpc:
        found = await rpc.call("eth_getBlockByNumber", hex(number), False)
    return str(found["hash"]) if found else None


async def _code_error(rpc: Rpc, manifest: Manifest) -> str | None:
    try:
        await check(rpc, manifest)
    except WrongChain as error:
        return error.detail
    return None
