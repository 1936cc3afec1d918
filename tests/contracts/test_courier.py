"""One bad act never blocks the rest, and whoever carries changes nothing but time."""

import pytest
from eth_abi import encode
from eth_hash.auto import keccak

from tests.contracts.chain import Reverted
from tests.contracts.courier import call_of, carry, carry_calls, reasons, returned
from tests.contracts.signing import Hand, SignedAct, code
from tests.contracts.solidity import bytecode_for_tests
from tests.contracts.world import DATASET, NOBODY, ZERO, Refusal, World, decode_error


def _chain_of_acts(world: World) -> list[SignedAct]:
    """Six acts that follow one another, all signed before the first is sent."""
    submit = world.sign("SubmitDataset", "STAT.director", dataset=DATASET, department=code("STAT"))
    publish = world.sign("PublishDataset", "BUREAU.lead", dataset=DATASET, prior=submit.digest)
    anchor = world.sign("AnchorVersion", "STAT.officer", number=1)
    request = world.sign("RequestShare", "FUND.lead", consumer=code("FUND"), revision=submit.digest)
    share = {"share": request.digest}
    agree = world.sign("AgreeShare", "STAT.lead", **share, prior=request.digest)
    deliver = world.sign("DeliverShare", "STAT.officer", **share, version=anchor.digest, method=1, prior=agree.digest)
    return [submit, publish, anchor, request, agree, deliver]


def test_a_whole_chain_in_one_transaction(world: World) -> None:
    acts = _chain_of_acts(world)
    size = world.size()
    receipt = carry(world, *acts)
    assert returned(receipt) == [] and world.size() == size + 6
    assert world.share(acts[3].digest)["stage"] == 4


def test_twice_in_the_wrong_order_or_by_a_stranger_nothing_changes_but_time(world: World) -> None:
    acts = _chain_of_acts(world)
    size = world.size()
    for _ in range(6):  # backwards, again and again: each time one more act finds its place
        carry(world, *reversed(acts), *reversed(acts))
    assert world.size() == size + 6
    assert world.share(acts[3].digest)["last"] == acts[5].digest
    again = returned(carry(world, *acts))
    assert world.size() == size + 6
    assert [refusal.name for *_, refusal in again] == ["SignedPrior"] * 3 + ["AuthorisationsKnown"] + [
        "SignedPrior"
    ] * 2
    stranger = "0x" + "55" * 20
    fresh = world.sign("PublishCheckpoint", "FUND.officer", log=code("log"))
    world.chain.call(world.modules["Courier"], call_of([(fresh.module, fresh.calldata)]), sender=stranger)


def test_bad_acts_come_back_and_the_rest_lands(world: World) -> None:
    good = [world.sign("PublishCheckpoint", "FUND.officer", log=code(f"log{i}")) for i in range(3)]
    expired = world.sign("PublishCheckpoint", "FUND.officer", log=code("late"), valid_until=5)
    forged = good[0].with_signatures(Hand("stranger").sign(good[0].digest))
    nonsense = (world.modules["Datasets"], b"\xde\xad\xbe\xef")
    outside = (world.chain.account, b"hello")
    journal = (
        world.modules["Journal"],
        keccak(b"record(bytes32,bytes[])")[:4] + encode(["bytes32", "bytes[]"], [ZERO, []]),
    )
    courier = (world.modules["Courier"], call_of([(good[0].module, good[0].calldata)]))
    batch = [
        (good[0].module, good[0].calldata), (expired.module, expired.calldata), nonsense, outside,
        (good[1].module, good[1].calldata), journal, courier, (forged.module, forged.calldata), (NOBODY, b""),
        (good[2].module, good[2].calldata),
    ]  # fmt: skip
    size = world.size()
    receipt = carry_calls(world, batch)
    assert world.size() == size + 3
    now = world.chain.now
    assert returned(receipt) == [
        (position, batch[position][0], keccak(batch[position][1]), refusal)
        for position, refusal in (
            (1, Refusal("SignedExpired", (5, now))),
            (2, Refusal("")),
            (3, Refusal("CourierNotModule", (outside[0],))),
            (5, Refusal("JournalNotModule", (courier[0],))),
            (6, Refusal("CourierNotModule", (courier[0],))),
            (7, Refusal("SignedWrong", (Hand("FUND.officer").address,))),
            (8, Refusal("CourierNotModule", (NOBODY,))),
        )
    ]


def test_nothing_to_carry(world: World) -> None:
    assert carry_calls(world, [])["logs"] == []


def test_acts_of_the_journal_and_of_later_modules_are_carried(world: World) -> None:
    address = world.chain.send(None, bytecode_for_tests()["Greeter"] + encode(["address"], [world.modules["Journal"]]))[
        "contractAddress"
    ]
    found = keccak(bytes.fromhex(world.chain("eth_getCode", address, "latest")[2:]))
    admit = world.sign("AdmitModule", "LUAN.director", module=address, code_hash=found)
    unsigned = keccak(b"greet((address,bytes32,uint48),bytes[])")[:4] + encode(
        ["(address,bytes32,uint48)", "bytes[]"], [(NOBODY, ZERO, 0), []]
    )
    batch = [(address, unsigned), (admit.module, admit.calldata), (address, unsigned)]
    receipt = carry_calls(world, batch)
    assert [(found[0], found[3].name) for found in returned(receipt)] == [
        (0, "CourierNotModule"), (2, "DepartmentsKeyUnknown"),
    ]  # fmt: skip


def test_a_long_reason_is_cut(world: World) -> None:
    """A module that came later reverts with more than anyone should store."""
    runtime = bytes.fromhex("7f" + "ab" * 32 + "5f52" + "6103e85ffd")  # writes a word, reverts with 1000 bytes
    creation = bytes.fromhex("60" + f"{len(runtime):02x}" + "600a5f3960" + f"{len(runtime):02x}" + "5ff3") + runtime
    address = world.chain.send(None, creation)["contractAddress"]
    world.act("AdmitModule", "LUAN.director", module=address, code_hash=keccak(runtime))
    good = world.sign("PublishCheckpoint", "FUND.officer", log=code("log"))
    receipt = carry_calls(world, [(address, b""), (good.module, good.calldata)])
    ((_, _, call, reason),) = reasons(receipt)
    assert call == keccak(b"") and len(reason) == 260 and reason[:32] == b"\xab" * 32


def test_the_transaction_must_afford_each_act(world: World) -> None:
    acts = [world.sign("PublishCheckpoint", "FUND.officer", log=code(f"log{i}")) for i in range(4)]
    call = call_of([(act.module, act.calldata) for act in acts])
    courier = world.modules["Courier"]
    assert world.view("Courier", "actGas()", "uint256") == 1_000_000
    for gas in (200_000, 1_000_000, 1_200_000):  # not the first act, or not the last
        with pytest.raises(Reverted) as refused:
            world.chain.call(courier, call, gas)
        assert decode_error(refused.value.reason) == Refusal("CourierGas")
    size = world.size()
    carry(world, *acts, gas=2_200_000)
    assert world.size() == size + 4


def test_an_act_always_has_its_gas(world: World) -> None:
    """Just enough gas for the transaction is enough for the act: it never fails for want of what it was due."""
    act = world.sign("PublishCheckpoint", "FUND.officer", log=code("log"))
    call = call_of([(act.module, act.calldata)])
    outcomes = set()
    for gas in range(1_020_000, 1_080_000, 1_000):
        try:
            world.chain.call(world.modules["Courier"], call, gas)
            outcomes.add("carried")
        except Reverted as refused:
            outcomes.add(decode_error(refused.reason).name)
    assert outcomes == {"carried", "CourierGas"}


def test_a_full_batch(world: World) -> None:
    """Forty acts in less than the design's 16 M gas and 120 kB."""
    acts = [world.sign("PublishCheckpoint", "FUND.officer", log=code(f"log{i}")) for i in range(40)]
    call = call_of([(act.module, act.calldata) for act in acts])
    assert len(call) < 120_000
    size = world.size()
    assert returned(carry(world, *acts)) == []
    assert world.size() == size + 40
