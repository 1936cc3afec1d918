"""The plain loop: web3.py, one act a transaction, each waited for before the next.

As fast as such a loop gets: an anvil of its own that mines each transaction at once, one HTTP connection kept alive,
nonce, gas and fees known here, receipts asked for without a pause between, signatures by libsecp256k1. Nothing is
stored anywhere.
"""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from eth_account import Account
from eth_keys.backends import CoinCurveECCBackend
from web3 import HTTPProvider, Web3
from web3.exceptions import TransactionNotFound

from ledger.chain.artifacts import artifact
from ledger.chain.local.anvil import Genesis, die_with_parent, find_anvil
from ledger.chain.local.base import EmptyBase
from ledger.chain.local.loopback import Server, listen, url_of
from ledger.domain.acts import Kind
from ledger.domain.identifiers import code_to_bytes, digest_to_bytes
from ledger.domain.manifest import Manifest
from ledger.domain.values import Act
from scripts._bench.writing import Signed

GAS: Final = 1_000_000
POLL_SECONDS: Final = 0.001


def acts_per_second(manifest: Manifest, setting: Sequence[bytes], acts: Sequence[Signed]) -> float:
    """Of these acts, in this order, on a ledger set up by `setting`. Raises RuntimeError if one is refused."""
    accounts = Account()
    accounts.set_key_backend(CoinCurveECCBackend())
    with _anvil(manifest.chain_id) as url:
        web3 = Web3(HTTPProvider(url))
        for raw in setting:
            _wait(web3, web3.eth.send_raw_transaction(raw))
        contracts = {
            module: web3.eth.contract(web3.to_checksum_address(address), abi=artifact(str(module))["abi"])
            for module, address in manifest.modules.items()
        }
        account = accounts.from_key(os.urandom(32))
        prepared = [(contracts[one.submission.act.type.module], one) for one in acts]
        began = time.perf_counter()
        for nonce, (contract, one) in enumerate(prepared):
            act = one.submission.act
            call = contract.functions[act.name[0].lower() + act.name[1:]](_values(act), one.submission.signatures)
            fields: Any = {"nonce": nonce, "gas": GAS, "gasPrice": 0, "chainId": manifest.chain_id}
            signed = account.sign_transaction(call.build_transaction(fields))
            receipt = _wait(web3, web3.eth.send_raw_transaction(signed.raw_transaction))
            if receipt["status"] != 1:
                raise RuntimeError(f"the contracts refused {act.name} of the plain loop")
        return len(acts) / (time.perf_counter() - began)


def _values(act: Act) -> tuple[Any, ...]:
    return tuple(_value(field.kind, act[field.name]) for field in act.type.fields)


def _value(kind: Kind, value: Any) -> Any:
    if kind is Kind.CODE:
        return code_to_bytes(value)
    if kind is Kind.DIGEST:
        return digest_to_bytes(value)
    return Web3.to_checksum_address(value) if kind is Kind.ADDRESS else value


def _wait(web3: Web3, transaction: Any) -> Any:
    while True:
        try:
            return web3.eth.get_transaction_receipt(transaction)
        except TransactionNotFound:
            time.sleep(POLL_SECONDS)


@contextmanager
def _anvil(chain_id: int) -> Iterator[str]:
    """An anvil that mines every transaction when it comes.

    It continues an empty chain, as the product's does: else it would compute the whole state's root for every block,
    and the loop would be the slower the longer it runs.
    """
    genesis = Genesis(chain_id)
    with _empty_chain(genesis) as base:
        process = subprocess.Popen(
            [
                find_anvil(), "--host", "127.0.0.1", "--port", "0", "--chain-id", str(chain_id), "--accounts", "0",
                "--timestamp", str(genesis.timestamp), "--gas-limit", str(genesis.gas_limit), "--gas-price", "0",
                "--base-fee", "0", "--hardfork", "cancun", "--prune-history", "8", "--color", "never",
                "--disable-default-create2-deployer", "--fork-url", base, "--fork-block-number", "0",
                "--no-storage-caching", "--no-rate-limit",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent(),
            env={"HOME": os.environ.get("HOME", "/"), "RUST_LOG": "off"},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.startswith("Listening on "))
            threading.Thread(target=process.stdout.read, daemon=True).start()  # a full pipe would stop it
            url = f"http://127.0.0.1:{line.strip().rpartition(':')[2]}"
            Web3(HTTPProvider(url)).provider.make_request("anvil_setLoggingEnabled", [False])  # type: ignore[arg-type]
            yield url
        finally:
            process.kill()
            process.wait()


@contextmanager
def _empty_chain(genesis: Genesis) -> Iterator[str]:
    """Served by a thread, at the address that is given."""
    listener, ended = listen(0), threading.Event()

    async def serve() -> None:
        server = Server(EmptyBase(genesis))
        await server.begin(listener)
        await asyncio.to_thread(ended.wait)
        await server.end()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield url_of(listener)
    finally:
        ended.set()
        thread.join()
