"""What holds for every act alike: its shape, its digest, what it leaves behind, the order of its checks."""

from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from ledger.domain.acts import ACTS, Duty, Kind
from tests.contracts.chain import CHAIN_ID, Reverted
from tests.contracts.signing import ORDER, Hand, SignedAct, code, sign
from tests.contracts.solidity import MODULES, artefact
from tests.contracts.story import story
from tests.contracts.world import CREATING, DEFAULTS, Refusal, World, decode_error

WIDTH = {Kind.ADDRESS: 160, Kind.TIME: 48, Kind.U8: 8, Kind.U16: 16, Kind.U32: 32, Kind.U64: 64, Kind.FLAG: 1}
DUTY = {  # the least duty that may sign, from the design's table
    "AdmitModule": 3, "CloseLedger": 3, "RegisterDepartment": 3, "ChangeDepartment": 3, "EnrolKey": 3, "RetireKey": 3,
    "SubmitDataset": 3, "WithdrawDataset": 3, "PublishDataset": 2, "ReturnDataset": 2, "AnchorVersion": 1,
    "ShredVersion": 1, "RequestShare": 2, "WithdrawRequest": 2, "AskSupplement": 1, "SupplyMaterials": 1,
    "ExtendReply": 2, "AgreeShare": 2, "RefuseShare": 2, "DeliverShare": 1, "ConfirmDelivery": 1, "SuspendShare": 2,
    "ResumeShare": 2, "EndShare": 2, "GrantShare": 3, "AttestQuality": 1, "WithdrawAttestation": 1,
    "RequestCorrection": 1, "ResolveCorrection": 2, "PublishRule": 3, "PublishCheckpoint": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_abi_is_the_act_of_the_table(name: str) -> None:
    act = ACTS[name]
    abi = artefact(act.module)["abi"]
    fields = [(field.typed_name, field.kind.solidity) for field in act.fields]
    event = next(item for item in abi if item["type"] == "event" and item["name"] == act.entry)
    assert [(item["name"], item["type"], item["indexed"]) for item in event["inputs"]] == [
        ("digest", "bytes32", True), ("index", "uint256", True), ("head", "bytes32", False),
        ("department", "bytes32", False), ("marks", "uint8", False), ("act", "tuple", False),
    ]  # fmt: skip
    assert [(item["name"], item["type"]) for item in event["inputs"][-1]["components"]] == fields
    if name == "OpenLedger":
        made = next(item for item in abi if item["type"] == "constructor")
        assert [(item["name"], item["type"]) for item in made["inputs"][-1]["components"]] == fields
        return
    call = next(item for item in abi if item["type"] == "function" and item["name"] == name[0].lower() + name[1:])
    assert [(item["name"], item["type"]) for item in call["inputs"]] == [("act", "tuple"), ("signatures", "bytes[]")]
    assert [(item["name"], item["type"]) for item in call["inputs"][0]["components"]] == fields
    assert call["outputs"] == []


def test_no_event_but_those_of_the_table() -> None:
    events = {item["name"] for name in MODULES for item in artefact(name)["abi"] if item["type"] == "event"}
    assert events == {act.entry for act in ACTS.values()} | {"Recorded", "Returned"}


def test_one_error_one_selector_one_shape() -> None:
    shapes: dict[str, set[tuple[str, ...]]] = {}
    for name in MODULES:
        for item in artefact(name)["abi"]:
            if item["type"] == "error":
                shapes.setdefault(item["name"], set()).add(tuple(arg["type"] for arg in item["inputs"]))
    assert all(len(found) == 1 for found in shapes.values())
    selectors = {keccak(f"{name}({','.join(*found)})".encode())[:4] for name, found in shapes.items()}
    assert len(selectors) == len(shapes)


def test_story_tells_every_act_and_each_digest_is_eip712(world: World) -> None:
    told = set()
    for signed in story(world):  # sending checks that the contract found the same digest
        told.add(signed.act.name)
        assert _by_eth_account(signed) == signed.digest
    assert told == set(ACTS) - {"OpenLedger"}
    assert world.view("Journal", "opening()", "bytes32") == world.opening_digest
    assert world.check() == world.size()


def _by_eth_account(signed: SignedAct) -> bytes:
    act = signed.act
    message = {
        "domain": {
            "name": "ShareLedger", "version": "1", "chainId": CHAIN_ID, "verifyingContract": signed.module,
        },
        "primaryType": act.name,
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"}, {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"}, {"name": "verifyingContract", "type": "address"},
            ],
            act.name: [{"name": field.typed_name, "type": field.kind.solidity} for field in act.fields],
        },
        "message": {field.typed_name: signed.values[field.name] for field in act.fields},
    }  # fmt: skip
    ready = encode_typed_data(full_message=message)
    return keccak(b"\x19" + ready.version + ready.header + ready.body)


def test_dirty_upper_bits_are_refused_in_every_field(world: World) -> None:
    tried = 0
    for signed in story(world):
        clean = signed.calldata
        for position, field in enumerate(signed.act.fields):
            if field.kind not in WIDTH:
                continue
            word = 4 + 32 * position
            value = int.from_bytes(clean[word : word + 32], "big") | 1 << WIDTH[field.kind]
            dirty = clean[:word] + value.to_bytes(32, "big") + clean[word + 32 :]
            with pytest.raises(Reverted) as refused:
                world.chain.call(signed.module, dirty)
            assert refused.value.reason == b"", f"{signed.act.name}.{field.name}"
            tried += 1
    assert tried > 90


def test_checks_come_in_order(world: World) -> None:
    """Key, duty, validity, number of signatures, signature, prior: of several faults the first is named."""
    late, wrong_prior = {"valid_until": world.chain.now - 1}, {"prior": b"\x77" * 32}
    stranger = Hand("stranger")
    told = set()
    for signed in story(world):
        if signed.act.name in told:
            continue
        told.add(signed.act.name)
        values, name = signed.values, signed.act.name
        faulty = {**values, **late, **({} if name in CREATING | {"RegisterDepartment", "EnrolKey"} else wrong_prior)}

        def refused(changes: dict[str, Any], *hands: Hand, signed: SignedAct = signed) -> Refusal:
            return world.refusal(sign(signed.act.name, changes, signed.module, hands))

        unknown = {**faulty, "signer": stranger.address}
        assert refused(unknown, stranger) == Refusal("DepartmentsKeyUnknown", (stranger.address,))
        if DUTY[name] > Duty.OFFICER:
            low = Hand("FUND.officer" if DUTY[name] == Duty.LEAD else "FUND.lead")
            held = DUTY[name] - 1
            assert refused({**faulty, "signer": low.address}, low) == Refusal(
                "DepartmentsDuty", (low.address, held, DUTY[name])
            )
        assert refused(faulty).name == "SignedExpired"
        faulty["valid_until"] = values["valid_until"]
        needed = signed.act.signatures
        assert refused(faulty) == Refusal("SignedCount", (0, needed))
        assert refused(faulty, *[stranger] * (needed + 1)) == Refusal("SignedCount", (needed + 1, needed))
        assert refused(faulty, *[stranger] * needed) == Refusal("SignedWrong", (values["signer"],))
        if faulty["prior"] == wrong_prior["prior"]:
            right = SignedAct(signed.act, faulty, signed.module, b"", ())
            again = world.refusal(_signed_by_story(world, right))
            assert again == Refusal("SignedPrior", (values["prior"], wrong_prior["prior"])), name
    assert told == set(ACTS) - {"OpenLedger"}


def _signed_by_story(world: World, act: SignedAct) -> SignedAct:
    """The same act signed by the hand whose address it names."""
    names = (
        f"{department}.{duty}"
        for department in ("LUAN", "BUREAU", "STAT", "FUND", "JUDGE", "COUNTY", "TOWN", "NEW")
        for duty in ("director", "second", "lead", "officer")
    )
    hand = next(Hand(name) for name in names if Hand(name).address == act.values["signer"])
    return sign(act.act.name, act.values, act.module, (hand,))


def test_every_duty_may_do_what_the_next_may(world: World) -> None:
    share = world.agreed()
    world.act("DeliverShare", "STAT.director", share=share, version=world.last["line", DEFAULTS["dataset"]], method=2)
    world.act("ConfirmDelivery", "FUND.lead", share=share)
    world.act("PublishCheckpoint", "FUND.director", log=code("log"))


def test_signature_of_another_chain_or_module_is_wrong(world: World) -> None:
    signed = world.sign("PublishCheckpoint", "FUND.officer", log=code("log"))
    hand = (Hand("FUND.officer"),)
    elsewhere = sign("PublishCheckpoint", signed.values, signed.module, hand, chain_id=1)
    assert world.refusal(elsewhere).name == "SignedWrong"
    other = sign("PublishCheckpoint", signed.values, world.modules["Rulebook"], hand)
    assert world.refusal(signed.with_signatures(*other.signatures)).name == "SignedWrong"


def test_malleable_and_misshapen_signatures_are_wrong(world: World) -> None:
    signed = world.sign("PublishCheckpoint", "FUND.officer", log=code("log"))
    good = signed.signatures[0]
    s = int.from_bytes(good[32:64], "big")
    high_s = good[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - good[64]])
    for bad in (high_s, good[:64], good + b"\0", b"", good[:64] + bytes([good[64] - 27]), bytes(65)):
        assert world.refusal(signed.with_signatures(bad)) == Refusal("SignedWrong", (Hand("FUND.officer").address,))
    assert world.refusal(signed.with_signatures(bytes(4097))) == Refusal("SignedTooLong", (4097,))
    assert world.send(signed).index == world.size() - 1


def test_time_of_a_signature(world: World) -> None:
    now = world.chain.now
    signed = world.sign("PublishCheckpoint", "FUND.officer", log=code("log"), valid_until=now + 100)
    world.chain.wait_until(now + 101)
    assert world.refusal(signed) == Refusal("SignedExpired", (now + 100, now + 101))
    late = world.sign("PublishCheckpoint", "FUND.officer", log=code("log"), valid_until=now + 101)
    world.chain.call(late.module, late.calldata)  # the last second counts


def test_unknown_call_is_refused_without_reason(world: World) -> None:
    for module in MODULES:
        with pytest.raises(Reverted) as refused:
            world.chain.call(world.modules[module], b"\xde\xad\xbe\xef")
        assert decode_error(refused.value.reason) == Refusal("")
