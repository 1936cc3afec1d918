"""Acts → one signed Courier transaction.

The gas limit is the most a batch may have, since gas is free here and an unused limit costs nothing; what bounds one
is the figure each act may use, so that the block's limit and the per-transaction cap (EIP-7825) both hold.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from ledger.chain.encoding import act_call, carry_call
from ledger.chain.logs import call_hash
from ledger.domain.manifest import Manifest
from ledger.domain.submissions import Submission
from ledger.ports import Carried

GAS_LIMIT = 16_000_000
MAX_BYTES = 120_000
BASE_GAS = 40_000  # the transaction itself and the Courier's loop
ACT_GAS = 330_000  # more than any act of an account key uses; the suite holds the contracts to it
CONTRACT_KEY_GAS = 320_000  # on top, for an act whose signature a contract checks (two of them, each capped)
RESERVE_GAS = 1_000_000  # the Courier starts no act without its full allowance being left
# calldata → (raw transaction, its hash); nonce and gas limit are ours to say
SignTransaction = Callable[[int, int, str, bytes], Awaitable[tuple[bytes, bytes]]]


class CourierPacker:
    """`ledger.ports.Packer` for the deployed Courier contract."""

    def __init__(self, courier: str, manifest: Manifest, sign: SignTransaction) -> None:
        self.courier = courier
        self._contract = manifest.courier
        self._sign = sign

    def fits(self, submissions: Iterable[Submission]) -> int:
        gas, size, count = BASE_GAS + RESERVE_GAS, 100, 0
        for submission in submissions:
            by_contract = any(len(raw) != 65 for raw in submission.signatures)
            gas += ACT_GAS + by_contract * CONTRACT_KEY_GAS
            size += 128 + len(act_call(submission.act, submission.signatures))
            if count and (gas > GAS_LIMIT or size > MAX_BYTES):
                break
            count += 1
        return max(count, 1)

    async def pack(self, submissions: Sequence[Submission], nonce: int) -> Carried:
        calls = [(one.module, act_call(one.act, one.signatures)) for one in submissions]
        raw, digest = await self._sign(nonce, GAS_LIMIT, self._contract, carry_call(calls))
        return Carried(self.courier, nonce, "0x" + digest.hex(), raw)

    def call_hash(self, submission: Submission) -> str:
        return call_hash(act_call(submission.act, submission.signatures))
