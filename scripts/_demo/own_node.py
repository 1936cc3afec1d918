"""A consumer's own look at the chain: `eth_call` over JSON-RPC, the product's server not asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ledger.chain.rpc import Rpc
from ledger.chain.views import RpcViews
from ledger.domain.manifest import Manifest
from ledger.fingerprint import RecordProof
from ledger.ports import AnchoredVersion

Answer = TypeVar("Answer")


class OwnNode:
    """Contracts are found by the manifest, which the consumer has from somewhere it trusts."""

    def __init__(self, url: str, manifest: Manifest) -> None:
        self._url, self._manifest = url, manifest

    def anchored(self, version: str) -> AnchoredVersion | None:
        """The fingerprint that the contract keeps."""
        return self._ask(lambda views: views.anchored(version))

    def proves(self, version: str, proof: RecordProof, leaf: bytes | None = None) -> bool:
        """What Datasets answers through RecordProof, with `leaf` in place of the proof's own if given."""
        return self._ask(lambda views: views.proves_record(version, leaf or proof.leaf, proof.index, proof.path))

    def _ask(self, question: Callable[[RpcViews], Awaitable[Answer]]) -> Answer:
        async def asked() -> Answer:
            async with Rpc(self._url) as rpc:
                return await question(RpcViews(rpc, self._manifest))

        return asyncio.run(asked())
