"""Every act once or more, in an order the contracts accept: each is yielded signed, and sent on the next step."""

from collections.abc import Generator, Iterator
from typing import Any

from eth_abi import encode
from eth_hash.auto import keccak

from ledger.domain.acts import Duty, Level, Role
from tests.contracts.signing import SignedAct, code, digest_of
from tests.contracts.solidity import bytecode_for_tests
from tests.contracts.world import DATASET, World

Step = Generator[SignedAct, None, bytes]


def greeter(world: World) -> str:
    """Deploys a module that this ledger does not know yet."""
    made = world.chain.send(None, bytecode_for_tests()["Greeter"] + encode(["address"], [world.modules["Journal"]]))
    address: str = made["contractAddress"]
    return address


def code_hash(world: World, address: str) -> bytes:
    return keccak(bytes.fromhex(world.chain("eth_getCode", address, "latest")[2:]))


def story(world: World) -> Iterator[SignedAct]:
    def step(name: str, by: str, **fields: Any) -> Step:
        signed = world.sign(name, by, **fields)
        yield signed
        world.send(signed)
        return signed.digest

    yield from _tree(world, step)
    revision = yield from step("SubmitDataset", "STAT.director", dataset=DATASET, department=code("STAT"))
    yield from step("ReturnDataset", "BUREAU.lead", dataset=DATASET)
    revision = yield from step("SubmitDataset", "STAT.director", dataset=DATASET, department=code("STAT"))
    yield from step("PublishDataset", "BUREAU.lead", dataset=DATASET)
    version = yield from step("AnchorVersion", "STAT.officer", number=1)
    yield from _shares(step, revision, version)
    yield from _doubts(step, revision, version)
    yield from step("ShredVersion", "STAT.officer", number=1, whole=True)
    yield from step("WithdrawDataset", "STAT.director", dataset=DATASET)
    yield from step("PublishRule", "BUREAU.director", rule=code("calendar/2026"), kind=1)
    yield from step("PublishCheckpoint", "JUDGE.officer", log=code("entries"))
    module = greeter(world)
    yield from step("AdmitModule", "LUAN.director", module=module, code_hash=code_hash(world, module))
    yield from step("CloseLedger", "LUAN.second")


def _tree(world: World, step: Any) -> Iterator[SignedAct]:
    new = {"department": code("NEW"), "parent": code("BUREAU"), "level": Level.CITY, "roles": int(Role.CONSUMER)}
    yield from step("RegisterDepartment", "BUREAU.director", **new)
    yield from step("ChangeDepartment", "BUREAU.director", **{**new, "roles": int(Role.CONSUMER | Role.AUDITOR)})
    key = world.address("NEW.officer")
    named = {"key": key, "department": code("NEW"), "duty": Duty.OFFICER}
    yield from step("EnrolKey", "BUREAU.director", with_key="NEW.officer", **named)
    yield from step("RetireKey", "BUREAU.director", key=key, since=0, reason=1)


def _shares(step: Any, revision: bytes, version: bytes) -> Iterator[SignedAct]:
    asked = {"consumer": code("FUND"), "revision": revision}
    first = yield from step("RequestShare", "FUND.lead", **asked)
    yield from step("WithdrawRequest", "FUND.lead", share=first, prior=first)
    share = yield from step("RequestShare", "FUND.lead", **asked, document=digest_of("second request"))
    last = yield from step("AskSupplement", "STAT.officer", share=share, prior=share)
    last = yield from step("SupplyMaterials", "FUND.officer", share=share, prior=last)
    last = yield from step("ExtendReply", "BUREAU.lead", share=share, prior=last)
    yield from step("RefuseShare", "STAT.lead", share=share, prior=last)
    share = yield from step("RequestShare", "FUND.lead", **asked, document=digest_of("third request"))
    yield from step("AgreeShare", "STAT.lead", share=share, prior=share)
    yield from step("DeliverShare", "STAT.officer", share=share, version=version, method=1)
    yield from step("ConfirmDelivery", "FUND.officer", share=share)
    yield from step("SuspendShare", "BUREAU.lead", share=share)
    yield from step("ResumeShare", "BUREAU.lead", share=share)
    yield from step("EndShare", "FUND.lead", share=share, cause=1)


def _doubts(step: Any, revision: bytes, version: bytes) -> Iterator[SignedAct]:
    share = yield from step("GrantShare", "BUREAU.director", consumer=code("TOWN"), revision=revision)
    attestation = yield from step("AttestQuality", "JUDGE.officer", prior=version, score=999_999)
    yield from step("WithdrawAttestation", "JUDGE.officer", attestation=attestation, prior=attestation)
    correction = yield from step("RequestCorrection", "TOWN.officer", share=share, prior=version)
    yield from step("ResolveCorrection", "STAT.lead", correction=correction, prior=correction, outcome=1)
