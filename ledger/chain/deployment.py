"""Putting a ledger on a chain, once; and making sure at every start that it is still that ledger and that code.

The contracts know each other's addresses at birth: they follow from the deployer and its nonce (CREATE: keccak256 of
RLP(deployer, nonce)), so the Journal can name modules that do not exist yet, and each constructor checks its own name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import rlp  # type: ignore[import-untyped]

from ledger.chain.artifacts import CONTRACTS, artifact, code_digest, runtime_code
from ledger.chain.rpc import Rpc, hexed, number, unhexed
from ledger.domain.acts import Kind, Module
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST, code_to_bytes, digest_to_bytes
from ledger.domain.keccak import keccak256
from ledger.domain.manifest import Manifest
from ledger.domain.values import Act
from ledger.errors import Unavailable, WrongChain
from ledger.proofs.typed_data import act_digest, domain_separator

DEPLOY_GAS = 15_000_000
WAIT_SECONDS = 60
# nonce, gas limit, recipient (None: creation), calldata → raw transaction and its hash
SignTransaction = Callable[[int, int, str | None, bytes], Awaitable[tuple[bytes, bytes]]]
_MODULES = {name: Module(name) for name in CONTRACTS if name != "Courier"}


async def chain_identity(rpc: Rpc) -> tuple[int, str]:
    """(chain id, hash of block 0). Raises Unavailable."""
    chain_id, genesis = await rpc.batch([("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False])])
    if not genesis:
        raise Unavailable("the node does not show block 0, so it cannot be told from another chain")
    return number(chain_id), str(genesis["hash"])


async def deploy(rpc: Rpc, deployer: str, sign: SignTransaction, root: Mapping[str, Any]) -> Manifest:
    """Create the contracts and entry 0. `root`: the fields of OpenLedger that are not addresses of contracts.

    Nothing of ours is written; a deployment that was cut short is simply done anew, at other addresses.
    Raises Unavailable, and WrongChain if the chain then holds other code than was sent.
    """
    chain_id, genesis = await chain_identity(rpc)
    rpc.expect(chain_id, genesis)
    nonce = number(await rpc.call("eth_getTransactionCount", deployer, "pending"))
    addresses = {name: _created(deployer, nonce + place) for place, name in enumerate(CONTRACTS)}
    opening = Act.make("OpenLedger", **_opening(addresses, root))
    first_block = 0
    for place, name in enumerate(CONTRACTS):
        raw, digest = await sign(nonce + place, DEPLOY_GAS, None, _creation_code(name, addresses, opening))
        await rpc.call("eth_sendRawTransaction", hexed(raw))
        receipt = await _receipt(rpc, hexed(digest))
        if number(receipt["status"]) != 1 or receipt["contractAddress"].lower() != addresses[name]:
            raise WrongChain(f"creating {name} failed", remedy="Use an account that nobody else sends with.")
        first_block = first_block or number(receipt["blockNumber"])
    modules = {module: addresses[name] for name, module in _MODULES.items()}
    code = _expected_code(chain_id, {**addresses}, opening)
    manifest = Manifest(chain_id, genesis, first_block, modules, addresses["Courier"], opening, code)
    await check(rpc, manifest)
    return manifest


async def check(rpc: Rpc, manifest: Manifest) -> None:
    """That the node's chain is the manifest's, and the code on it this program's. Raises WrongChain, Unavailable."""
    chain_id, genesis = await chain_identity(rpc)
    if chain_id != manifest.chain_id:
        raise WrongChain(f"the node's chain id is {chain_id}, the manifest's {manifest.chain_id}")
    if genesis != manifest.genesis:
        raise WrongChain(f"the node's block 0 is {genesis}, the manifest's {manifest.genesis}")
    addresses = {str(module): address for module, address in manifest.modules.items()} | {"Courier": manifest.courier}
    expected = _expected_code(chain_id, addresses, manifest.opening)
    if dict(manifest.code) != expected:
        raise WrongChain(
            "the manifest's ledger was deployed by another version of the contracts",
            remedy="Run the version that deployed it, or close that ledger and continue it in a new one.",
        )
    calls = [("eth_getCode", [addresses[name], "latest"]) for name in CONTRACTS]
    for name, code in zip(CONTRACTS, await rpc.batch(calls), strict=True):
        if code_digest(unhexed(code)) != expected[name]:
            what = "no code" if code == "0x" else "other code than this program's"
            raise WrongChain(f"at {addresses[name]} the node has {what}; {name} was expected", contract=name)


def _opening(addresses: Mapping[str, str], root: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {"second_key": ZERO_ADDRESS, "second_kind": 0, "document": ZERO_DIGEST}
    older = {"older_journal": ZERO_ADDRESS, "older_head": ZERO_DIGEST, "older_size": 0}
    contracts = {name.lower(): address for name, address in addresses.items() if name != "Journal"}
    return {**contracts, **defaults, **older, **root}


def _created(deployer: str, nonce: int) -> str:
    return hexed(keccak256(rlp.encode([unhexed(deployer), nonce]))[12:])


def _creation_code(name: str, addresses: Mapping[str, str], opening: Act) -> bytes:
    """Bytecode and constructor arguments, encoded by the artefact's own ABI."""
    from web3 import Web3  # takes over a second to import, and only a deployment needs it

    journal = Web3.to_checksum_address(addresses["Journal"])
    said = tuple(
        Web3.to_checksum_address(str(value)) if field.kind is Kind.ADDRESS else _abi_value(field.kind, value)
        for field, value in zip(opening.type.fields, opening.values.values(), strict=True)
    )
    arguments = {"Journal": (said,), "Departments": (journal, said)}.get(name, (journal,))
    made = artifact(name)
    contract = Web3().eth.contract(abi=made["abi"], bytecode=made["bytecode"])
    return unhexed(contract.constructor(*arguments).data_in_transaction)


def _abi_value(kind: Kind, value: Any) -> Any:
    if kind is Kind.CODE:
        return code_to_bytes(value)
    return digest_to_bytes(value) if kind is Kind.DIGEST else value


def _expected_code(chain_id: int, addresses: Mapping[str, str], opening: Act) -> dict[str, str]:
    shared = {name.upper(): bytes(12) + unhexed(address) for name, address in addresses.items()}
    shared["ROOT"] = code_to_bytes(opening["department"])
    shared["OPENING"] = digest_to_bytes(act_digest(opening, chain_id, addresses["Journal"]))
    return {
        name: code_digest(runtime_code(name, shared | {"DOMAIN": domain_separator(chain_id, addresses[name])}))
        for name in CONTRACTS
    }


async def _receipt(rpc: Rpc, transaction: str) -> Any:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            receipt = await rpc.call("eth_getTransactionReceipt", transaction)
            if receipt:
                return receipt
            await asyncio.sleep(0.01)
