"""Acts → one signed Courier transaction.

The gas limit is the most a transaction may have, since gas is free here and an unused limit costs nothing; what bounds
a batch is the figure each act may use, so that the block's limit and the cap per transaction (EIP-7825) both hold. A
batch that runs out all the same reverts as a whole, and is packed smaller the next time.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from ledger import telemetry
from ledger.chain.encoding import act_call, act_call_size, carry_call
from ledger.chain.logs import call_hash
from ledger.domain.manifest import Manifest
from ledger.domain.submissions import Submission
from ledger.ports import Carried

GAS_LIMIT = 16_000_000
MAX_BYTES = 120_000
BASE_GAS = 40_000  # the transaction itself and the Courier's loop
RESERVE_GAS = 1_030_000  # the Courier starts no act without its full allowance being left
CONTRACT_KEY_GAS = 160_000  # a contract's answer to whether it signed is capped at 150,000
SIGNATURE_BYTE_GAS = 40  # carried, handed on and written to the log, for each byte beyond an account's 65
ACT_GAS: Final = {
    "AdmitModule": 140_000,
    "CloseLedger": 90_000,
    "RegisterDepartment": 180_000,
    "ChangeDepartment": 130_000,
    "EnrolKey": 200_000,
    "RetireKey": 120_000,
    "SubmitDataset": 240_000,
    "WithdrawDataset": 110_000,
    "PublishDataset": 160_000,
    "ReturnDataset": 130_000,
    "AnchorVersion": 250_000,
    "ShredVersion": 110_000,
    "RequestShare": 250_000,
    "WithdrawRequest": 110_000,
    "AskSupplement": 110_000,
    "SupplyMaterials": 110_000,
    "ExtendReply": 130_000,
    "AgreeShare": 180_000,
    "RefuseShare": 110_000,
    "DeliverShare": 150_000,
    "ConfirmDelivery": 110_000,
    "SuspendShare": 160_000,
    "ResumeShare": 110_000,
    "EndShare": 140_000,
    "GrantShare": 320_000,
    "AttestQuality": 200_000,
    "WithdrawAttestation": 110_000,
    "RequestCorrection": 200_000,
    "ResolveCorrection": 150_000,
    "PublishRule": 170_000,
    "PublishCheckpoint": 190_000,
}
"""More than any act of account keys uses, alone in its transaction and six levels deep in the tree of departments; the
suite holds the contracts to it."""

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
            gas += gas_of(submission)
            size += 128 + act_call_size(submission.act, submission.signatures)
            if count and (gas > GAS_LIMIT or size > MAX_BYTES):
                break
            count += 1
        return max(count, 1)

    async def pack(self, submissions: Sequence[Submission], nonce: int) -> Carried:
        calls = [(one.module, act_call(one.act, one.signatures)) for one in submissions]
        raw, digest = await self._sign(nonce, GAS_LIMIT, self._contract, carry_call(calls))
        telemetry.BATCH_ACTS.observe(len(submissions))
        return Carried(self.courier, nonce, "0x" + digest.hex(), raw)

    def call_hash(self, submission: Submission) -> str:
        return call_hash(act_call(submission.act, submission.signatures))


def gas_of(submission: Submission) -> int:
    """The most this act is expected to use. A signature that is no account's is taken for a contract's."""
    gas = ACT_GAS[submission.act.name]
    for signature in submission.signatures:
        if len(signature) != 65:
            gas += CONTRACT_KEY_GAS + SIGNATURE_BYTE_GAS * len(signature)
    return gas
