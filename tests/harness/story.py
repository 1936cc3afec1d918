"""Every act of the table, on a running ledger: signed here and queued as it is, so that only the contracts judge."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from keys.signer import LocalSigner
from keys.transaction import Transaction, sign_transaction
from ledger.domain.acts import ACTS, Custody, Duty, Grade, KeyKind, Level, Outcome, Role, RuleKind, ShareType
from ledger.domain.identifiers import ZERO_DIGEST, digest_to_bytes
from ledger.domain.keccak import keccak256
from ledger.domain.subjects import last_of, subject
from ledger.domain.submissions import Submission
from ledger.domain.touches import touches
from ledger.domain.values import Act
from ledger.proofs.typed_data import act_digest
from tests.harness.waiting import soon
from tests.harness.world import ROOT, World

D = "d0" * 32
FOREVER = 4_000_000_000
DATASET = "tjj/division"


@dataclass
class Story:
    """`hands` sign for `<department>/<duty>`; the root's director signs with a key of the host."""

    world: World
    hands: dict[str, LocalSigner] = field(default_factory=dict)
    told: list[Submission] = field(default_factory=list)

    def hand(self, name: str) -> LocalSigner:
        return self.hands.setdefault(name, LocalSigner(hashlib.sha256(name.encode()).digest()))

    async def sign(self, name: str, by: str, **fields: Any) -> Submission:
        """The act with what is left out filled in: the signer, `prior` as the read model has it, zero digests."""
        department = by.split("/")[0]
        given: dict[str, Any] = {column.name: D for column in ACTS[name].fields if column.kind == "digest"}
        signer = await self._root() if by == f"{ROOT}/director" else self.hand(by).address
        given |= {"signer": signer, "valid_until": FOREVER} | fields
        act = Act.make(name, **given)
        if "prior" not in fields:
            async with self.world.runtime.store.read() as work:
                state = await work.load(touches(act, ZERO_DIGEST, department))
            act = act.replace(prior=last_of(state, act, department))
        manifest = self.world.runtime.manifest
        module = manifest.address(act.type.module)
        digest = act_digest(act, manifest.chain_id, module)
        signatures = [await self._signed(signer, digest)]
        if act.type.signatures == 2:
            signatures.append(await self._signed(act["key"], digest))
        return Submission(digest, module, act, tuple(signatures), department, subject(act, digest))

    async def carry(self, *submissions: Submission) -> None:
        """Queue them as they are and wait until they came to rest."""
        async with self.world.runtime.store.write() as work:
            await work.add_submissions(submissions)
            await work.commit()
        self.world.runtime.wake()
        await self.world.settle([one.digest for one in submissions])

    async def tell(self, name: str, by: str, **fields: Any) -> str:
        """One act, alone in its transaction, which must become final; its digest."""
        submission = await self.sign(name, by, **fields)
        await self.carry(submission)
        found = await self.world.submission(submission.digest)
        assert found.state == "final", (name, found.reason)
        self.told.append(found)
        return found.digest

    async def _root(self) -> str:
        return str(self.world.runtime.manifest.opening["first_key"])

    async def _signed(self, address: str, digest: str) -> bytes:
        for hand in self.hands.values():
            if hand.address == address:
                return hand.sign(digest_to_bytes(digest))
        return (await self.world.runtime.ports.signatures.sign(address, [digest_to_bytes(digest)]))[0]

    async def enrol(self, department: str, duty: Duty, by: str = f"{ROOT}/director") -> str:
        return await self.tell(
            "EnrolKey", by, key=self.hand(f"{department}/{duty.name.lower()}").address, department=department,
            kind=KeyKind.ACCOUNT, duty=duty, custody=Custody.OWN, start=0, until=FOREVER,
        )  # fmt: skip

    # ---- every act once ---------------------------------------------------------------------------------------------

    async def people(self, depth: int = 6) -> str:
        """A tree `depth` levels below the root, with a provider and a consumer at the bottom; the county's code."""
        parent = ROOT
        for level in range(depth - 1):
            code = f"authority-{level}"
            await self.department(code, parent, Level.CITY if level < depth - 2 else Level.COUNTY, Role.AUTHORITY)
            parent = code
        for code, roles in (("tjj", Role.PROVIDER), ("gjj", Role.CONSUMER), ("lab", Role.ATTESTOR)):
            await self.department(code, parent, Level.VILLAGE, roles)
            for duty in Duty:
                await self.enrol(code, duty)
        await self.enrol(ROOT, Duty.LEAD)
        await self.enrol(parent, Duty.LEAD)
        return parent

    async def department(self, code: str, parent: str, level: Level, roles: Role) -> str:
        return await self.tell(
            "RegisterDepartment", f"{ROOT}/director", department=code, parent=parent, level=level, roles=roles
        )

    async def everything(self) -> None:
        root, lead = f"{ROOT}/director", f"{ROOT}/lead"
        county = await self.people()
        await self.tell("ChangeDepartment", root, department="lab", parent=ROOT, level=Level.CITY, roles=Role(31))
        await self.tell("ChangeDepartment", root, department="lab", parent=county, level=Level.VILLAGE, roles=Role(8))
        conditional = {"dataset": DATASET, "department": "tjj", "share_type": ShareType.CONDITIONAL}
        await self.tell("SubmitDataset", "tjj/director", **conditional, grade=Grade.GENERAL_1)
        await self.tell("ReturnDataset", lead, dataset=DATASET)
        revision = await self.tell("SubmitDataset", "tjj/director", **conditional, grade=Grade.GENERAL_2)
        await self.tell("PublishDataset", lead, dataset=DATASET)
        version = await self.version(1)
        second = await self.version(2)
        await self.share(revision, version)
        share = await self.tell(
            "GrantShare", root, consumer="gjj", dataset=DATASET, revision=revision, until=FOREVER, prior=ZERO_DIGEST
        )
        await self.tell("DeliverShare", "tjj/officer", share=share, version=second, method=1)
        correction = await self.tell("RequestCorrection", "gjj/officer", share=share, prior=second)
        third = await self.version(3)
        await self.tell(
            "ResolveCorrection", "tjj/lead", correction=correction, outcome=Outcome.CORRECTED, version=third
        )
        attestation = await self.tell(
            "AttestQuality", "lab/officer", prior=second, rules=D, score=999_000, self_attested=False
        )
        await self.tell("WithdrawAttestation", "lab/officer", attestation=attestation)
        await self.tell("PublishRule", root, rule="calendar", kind=RuleKind.CALENDAR, start=0)
        await self.tell("PublishRule", root, rule="calendar", kind=RuleKind.CALENDAR, start=1)
        await self.tell("PublishCheckpoint", "lab/officer", log="entries", size=10, root="01" * 32, state="02" * 32)
        await self.tell("PublishCheckpoint", "lab/officer", log="entries", size=20, root="03" * 32, state="04" * 32)
        await self.tell("ShredVersion", "tjj/officer", dataset=DATASET, number=1, whole=True)
        await self.tell("WithdrawDataset", "tjj/director", dataset=DATASET)
        retired = self.hand("gjj/officer").address
        await self.tell("RetireKey", root, key=retired, since=1_700_000_000, reason=1)

    async def version(self, number: int) -> str:
        return await self.tell(
            "AnchorVersion", "tjj/officer", dataset=DATASET, number=number, format="share-record/1", salted=True,
            records=620_573, size=2**33, twin=D,
        )  # fmt: skip

    async def request(self, revision: str) -> str:
        return await self.tell(
            "RequestShare", "gjj/lead", consumer="gjj", dataset=DATASET, revision=revision, prior=ZERO_DIGEST,
            until=FOREVER - len(self.told),
        )  # fmt: skip

    async def share(self, revision: str, version: str) -> None:
        lead = f"{ROOT}/lead"
        await self.tell("WithdrawRequest", "gjj/lead", share=await self.request(revision))
        await self.tell("RefuseShare", "tjj/lead", share=await self.request(revision))
        share = await self.request(revision)
        await self.tell("AskSupplement", "tjj/officer", share=share)
        await self.tell("SupplyMaterials", "gjj/officer", share=share)
        await self.tell("ExtendReply", lead, share=share, working_days=10)
        await self.tell("AgreeShare", "tjj/lead", share=share, until=FOREVER // 2)
        await self.tell("DeliverShare", "tjj/officer", share=share, version=version, method=1)
        await self.tell("ConfirmDelivery", "gjj/officer", share=share)
        await self.tell("SuspendShare", lead, share=share)
        await self.tell("ResumeShare", lead, share=share)
        await self.tell("EndShare", lead, share=share, cause=1)

    async def close(self) -> None:
        """The two acts on the Journal; nothing lands afterwards."""
        module, code_hash = await self._contract()
        await self.tell("AdmitModule", f"{ROOT}/director", module=module, code_hash=code_hash)
        await self.tell("CloseLedger", f"{ROOT}/director", successor=module)

    async def _contract(self) -> tuple[str, str]:
        """The address and code hash of a new contract that only stops."""
        hand, rpc = self.hand("deployer"), self.world.runtime.rpc
        creation = bytes.fromhex("6001600c60003960016000f300")  # returns the one byte after itself: STOP
        chain_id = self.world.runtime.manifest.chain_id
        fields = Transaction(chain_id=chain_id, nonce=0, gas=100_000, to=None, payload=creation)
        raw, digest = sign_transaction(hand, fields)
        await rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
        receipt = await soon(lambda: rpc.call("eth_getTransactionReceipt", "0x" + digest.hex()))
        return str(receipt["contractAddress"]).lower(), keccak256(b"\0").hex()
