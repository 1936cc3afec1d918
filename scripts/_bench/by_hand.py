"""The hand-written loop: the same acts in the same Courier transactions, presigned, with no database and no API.

The chain is the product's own local chain, sequencer and journal included. All transactions are handed over as fast as
it takes them, then asked after until every receipt is there.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keys.signer import LocalSigner
from keys.transaction import Transaction, sign_transaction
from ledger.chain.local.chain import LocalChain
from ledger.chain.packer import CourierPacker
from ledger.chain.rpc import Rpc, hexed
from ledger.domain.manifest import Manifest
from ledger.ports import Carried as Transfer
from scripts._bench.writing import Signed

AT_ONCE: Final = 8  # transactions in one request
POLL_SECONDS: Final = 0.002


@dataclass(frozen=True, slots=True)
class Carried:
    """Acts a second, and the gas that an act used."""

    per_second: float
    gas: float


def carried(manifest: Manifest, setting: Sequence[bytes], acts: Sequence[Signed], folder: Path) -> Carried:
    """These acts, on a ledger set up by `setting`, its chain in `folder`. Raises RuntimeError if one is refused."""
    return asyncio.run(_measured(manifest, setting, acts, folder))


async def _measured(manifest: Manifest, setting: Sequence[bytes], acts: Sequence[Signed], folder: Path) -> Carried:
    packed = await _packed(manifest, acts)
    async with LocalChain(folder, chain_id=manifest.chain_id) as chain, Rpc(chain.url) as rpc:
        for raw in setting:
            await _send(rpc, [raw])
        began = time.perf_counter()
        waiting = [each.hash for each in packed]
        sending = asyncio.create_task(_send_all(rpc, packed))
        refused = gas = 0
        while waiting:
            asked = waiting[:AT_ONCE]
            found = await rpc.batch([("eth_getTransactionReceipt", [each]) for each in asked])
            for receipt in filter(None, found):
                refused += int(receipt["status"], 16) != 1 or _returned(receipt["logs"], manifest)
                gas += int(receipt["gasUsed"], 16)
            late = [each for each, receipt in zip(asked, found, strict=True) if not receipt]
            waiting = late + waiting[len(asked) :]
            if len(late) == len(asked):
                await asyncio.sleep(POLL_SECONDS)
        await sending
        rate = len(acts) / (time.perf_counter() - began)
    if refused:
        raise RuntimeError(f"the contracts refused acts in {refused} transactions of the hand-written loop")
    return Carried(rate, gas / len(acts))


def _returned(logs: Sequence[dict[str, str]], manifest: Manifest) -> bool:
    return any(log["address"] == manifest.courier for log in logs)


async def _send_all(rpc: Rpc, packed: Sequence[Transfer]) -> None:
    for at in range(0, len(packed), AT_ONCE):
        await _send(rpc, [each.raw for each in packed[at : at + AT_ONCE]])


async def _send(rpc: Rpc, raw: Sequence[bytes]) -> None:
    await rpc.batch([("eth_sendRawTransaction", [hexed(each)]) for each in raw])


async def _packed(manifest: Manifest, acts: Sequence[Signed]) -> list[Transfer]:
    """In the product's own batches; by another courier, since anybody may carry."""
    signer = LocalSigner(os.urandom(32))

    async def sign(nonce: int, gas: int, to: str, payload: bytes) -> tuple[bytes, bytes]:
        fields = Transaction(chain_id=manifest.chain_id, nonce=nonce, gas=gas, to=to, payload=payload)
        return sign_transaction(signer, fields)

    packer = CourierPacker(signer.address, manifest, sign)
    waiting, packed = [one.submission for one in acts], []
    while waiting:
        count = packer.fits(waiting[:200])
        packed.append(await packer.pack(waiting[:count], len(packed)))
        waiting = waiting[count:]
    return packed
