"""A courier's transactions that are only names of what they carry: `ledger.ports.Packer`."""

from collections.abc import Iterable, Sequence

from ledger.domain.keccak import keccak256
from ledger.domain.submissions import Submission
from ledger.ports import Carried


class FakePacker:
    """Each signing gives other bytes. `made`: for each transaction its nonce and its acts."""

    def __init__(self, courier: str, most: int = 100) -> None:
        self.courier = courier
        self.most = most
        self.made: dict[bytes, tuple[int, tuple[Submission, ...]]] = {}

    def fits(self, submissions: Iterable[Submission]) -> int:
        return max(1, min(self.most, len(list(submissions))))

    async def pack(self, submissions: Sequence[Submission], nonce: int) -> Carried:
        raw = f"{len(self.made)}:{nonce}:{','.join(one.digest for one in submissions)}".encode()
        self.made[raw] = (nonce, tuple(submissions))
        return Carried(self.courier, nonce, hash_of(raw), raw)

    def call_hash(self, submission: Submission) -> str:
        return keccak256(submission.digest.encode()).hex()


def hash_of(raw: bytes) -> str:
    return "0x" + keccak256(raw).hex()
