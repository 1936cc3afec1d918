"""What the contracts answer for now: `eth_call` at the newest block, encoded by hand (Solidity ABI specification)."""

from collections.abc import Sequence

from ledger.chain.encoding import WORD, selector, word
from ledger.chain.rpc import Rpc, RpcError, hexed, unhexed
from ledger.domain.acts import Module
from ledger.domain.manifest import Manifest
from ledger.domain.refusals import decode
from ledger.errors import InvalidInput, Unavailable
from ledger.ports import AnchoredVersion

IS_AUTHORISED = selector("isAuthorised(bytes32)")
PROVES_RECORD = selector("provesRecord(bytes32,bytes32,uint64,bytes32[])")
VERSION_OF = selector("versionOf(bytes32)")
_VERSION_WORDS = 7  # dataset, root, records, size, number, salted, shredded


class RpcViews:
    """`ledger.ports.Views` over any Ethereum JSON-RPC."""

    def __init__(self, rpc: Rpc, manifest: Manifest) -> None:
        self._rpc, self._manifest = rpc, manifest

    async def is_authorised(self, share: str) -> bool:
        return _flag(await self._call(Module.AUTHORISATIONS, IS_AUTHORISED + bytes.fromhex(share)))

    async def proves_record(self, version: str, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        return _flag(await self._call(Module.DATASETS, proves_record_call(version, leaf, index, path)))

    async def anchored(self, version: str) -> AnchoredVersion | None:
        answer = await self._call(Module.DATASETS, VERSION_OF + bytes.fromhex(version))
        if len(answer) != _VERSION_WORDS * WORD:
            raise Unavailable("the node's answer is not a version")
        words = [answer[at : at + WORD] for at in range(0, len(answer), WORD)]
        if not any(words[1]):  # a version's root is never zero
            return None
        return AnchoredVersion(words[1].hex(), int.from_bytes(words[2], "big"), _flag(words[5]), _flag(words[6]))

    async def _call(self, module: Module, calldata: bytes) -> bytes:
        """Raises Refused with the contract's own reason, Unavailable for everything else that is no answer."""
        call = {"to": self._manifest.address(module), "data": hexed(calldata)}
        try:
            return unhexed(await self._rpc.call("eth_call", call, "latest"))
        except RpcError as error:
            reason = _revert_bytes(error)
            if reason is None:
                raise
            raise decode(reason) from error
        except (AttributeError, TypeError, ValueError) as error:
            raise Unavailable("the node's answer to a call is not hex") from error


def proves_record_call(version: str, leaf: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """Calldata of Datasets.provesRecord. Raises InvalidInput if a node of the path or the leaf has not 32 bytes."""
    if any(len(node) != WORD for node in (leaf, *path)) or not 0 <= index < 1 << 64:
        raise InvalidInput("a leaf and the nodes of its path have 32 bytes each, its index 64 bits")
    head = bytes.fromhex(version) + leaf + word(index) + word(4 * WORD)
    return PROVES_RECORD + head + word(len(path)) + b"".join(path)


def _flag(answer: bytes) -> bool:
    if len(answer) != WORD or int.from_bytes(answer, "big") > 1:
        raise Unavailable("the node's answer is neither yes nor no; is this the ledger's chain?")
    return answer[-1] == 1


def _revert_bytes(error: RpcError) -> bytes | None:
    """The revert bytes a node attached: as hex, or as an object with a member data; None if it attached none."""
    attached = error.data.get("data") if isinstance(error.data, dict) else error.data
    if not isinstance(attached, str):
        return None
    try:
        return unhexed(attached)
    except ValueError:
        return None
