"""The hand-written loop: the same acts in the same Courier transactions, presigned, with no database and no API.

The chain is the product's own local chain, sequencer and journal included. All transactions are handed over as fast as
it takes them, then asked after until every receipt is there.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from keys.signer import LocalSigner
from keys.transaction import Transaction, sign_transaction
from ledger.chain.local.chain import LocalChain
from ledger.chain.packer import CourierPacker
from ledger.chain.rpc import Rpc, hexed
from ledger.domain.manifest import Manifest
from ledger.ports import Carried
from scripts._bench.writing import Signed

AT_ONCE: Final = 8  # transactions in one request
POLL_SECONDS: Final = 0.002


def acts_per_second(manifest: Manifest, setting: Sequence[bytes], acts: Sequence[Signed], folder: Path) -> float:
    """Of these acts, on a ledger set up by `setting`, its chain in `folder`. Raises RuntimeError if one is refused."""
    return asyncio.run(_measured(manifest, setting, acts, folder))


async def _measured(manifest: Manifest, setting: Sequence[bytes], acts: Sequence[Signed], folder: Path) -> float:
    packed = await _packed(manifest, acts)
    async with LocalChain(folder, chain_id=manifest.chain_id) as chain, Rpc(chain.url) as rpc:
        for raw in setting:
            await _send(rpc, [raw])
        began = time.perf_counter()
        waiting = [each.hash for each in packed]
        sending = asyncio.create_task(_send_all(rpc, packed))
        refused = 0
        while waiting:
            found = await rpc.batch([("eth_getTransactionReceipt", [each]) for each in waiting[:AT_ONCE]])
            refused += sum(1 for each in found if each and int(each["status"], 16) != 1)
            refused += sum(_returned(each["logs"], manifest) for each in found if each)
            waiting = [each for each, receipt in zip(waiting, found, strict=False) if not receipt] + waiting[
                len(found) :
            ]
            if not any(found):
                await asyncio.sleep(POLL_SECONDS)
        await sending
        rate = len(acts) / (time.perf_counter() - began)
    if refused:
        raise RuntimeError(f"the contracts refused {refused} of the hand-written loop")
    return rate


def _returned(logs: Sequence[dict[str, str]], manifest: Manifest) -> int:
    return sum(log["address"] == manifest.courier for log in logs)


async def _send_all(rpc: Rpc, packed: Sequence[Carried]) -> None:
    for at in range(0, len(packed), AT_ONCE):
        await _send(rpc, [each.raw for each in packed[at : at + AT_ONCE]])


async def _send(rpc: Rpc, raw: Sequence[bytes]) -> None:
    await rpc.batch([("eth_sendRawTransaction", [hexed(each)]) for each in raw])


async def _packed(manifest: Manifest, acts: Sequence[Signed]) -> list[Carried]:
    """In the product's own batches; by another courier, since anybody may carry."""
    signer = LocalSigner(os.urandom(32))

    async def sign(nonce: int, gas: int, to: str, payload: bytes) -> tuple[bytes, bytes]:
        return sign_transaction(
            signer, Transaction(chain_id=manifest.chain_id, nonce=nonce, gas=gas, to=to, payload=payload)
        )

    packer = CourierPacker(signer.address, manifest, sign)
    waiting, packed = [one.submission for one in acts], []
    while waiting:
        count = packer.fits(waiting[:200])
        packed.append(await packer.pack(waiting[:count], len(packed)))
        waiting = waiting[count:]
    return packed
