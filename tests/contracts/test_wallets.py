"""Contract keys (ERC-1271): a good one signs like any other, a hostile one harms nobody else."""

from enum import IntEnum

import pytest
from eth_abi import encode
from eth_hash.auto import keccak

from ledger.domain.acts import Duty, KeyKind
from tests.contracts.chain import Reverted
from tests.contracts.courier import call_of, carry, returned
from tests.contracts.signing import Hand, code
from tests.contracts.solidity import bytecode_for_tests
from tests.contracts.world import DATASET, NOBODY, Refusal, World, decode_error


class Mood(IntEnum):
    """Mirrors the wallet's own enum."""

    YES, JUNK, SHORT, HUGE, HUGE_REASON, BURN, REFUSE, REENTER, SLOW, GONE = range(10)


def _wallet(world: World, name: str, kind: str, duty: Duty = Duty.OFFICER, owner: str | None = None) -> str:
    """Deploys a wallet and enrols it under `name`; the hand of that name is its owner."""
    args = encode(["address"], [Hand(owner or name).address]) if kind == "OwnerWallet" else b""
    address: str = world.chain.send(None, bytecode_for_tests()[kind] + args)["contractAddress"]
    world.wallets[name] = address
    department = name.split(".")[0]
    world.enrol(name, by=f"{department}.director", kind=KeyKind.CONTRACT, duty=duty)
    return address


def _turn(world: World, wallet: str, mood: Mood, target: str = NOBODY, call: bytes = b"") -> None:
    selector = keccak(b"turn(uint8,address,bytes)")[:4]
    world.chain.send(wallet, selector + encode(["uint8", "address", "bytes"], [mood, target, call]))


def test_a_good_wallet_acts(world: World) -> None:
    wallet = _wallet(world, "STAT.board", "OwnerWallet", Duty.DIRECTOR)
    world.act("SubmitDataset", "STAT.board", dataset=DATASET, department=code("STAT"))
    signed = world.sign("WithdrawDataset", "STAT.board", dataset=DATASET)
    other = Hand("stranger").sign(signed.digest)
    assert world.refusal(signed.with_signatures(other)) == Refusal("SignedWrong", (wallet,))
    assert world.refusal(signed.with_signatures(b"short")) == Refusal("SignedWrong", (wallet,))
    world.send(signed)
    world.enrol("STAT.more", by="STAT.board", duty=Duty.OFFICER)  # and enrols others
    world.act("RetireKey", "STAT.director", key=wallet, since=0, reason=1)
    world.refuses("WithdrawDataset", "STAT.board", "DepartmentsKeyRetired", wallet, dataset=DATASET)


def test_the_kind_of_a_key_decides_not_its_code(world: World) -> None:
    """An account key is never asked, a contract key without code never answers."""
    empty = Hand("no code").address
    fields = {"key": empty, "department": code("STAT"), "duty": 1, "with_key": "no code"}
    world.refuses("EnrolKey", "STAT.director", "SignedWrong", empty, **fields, kind=KeyKind.CONTRACT)
    wallet = world.chain.send(None, bytecode_for_tests()["HostileWallet"])["contractAddress"]
    fields["key"] = wallet
    world.refuses("EnrolKey", "STAT.director", "SignedWrong", wallet, **fields, kind=KeyKind.ACCOUNT)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 65, 4096])
def test_a_signature_of_any_length_arrives_whole(world: World, length: int) -> None:
    """The wallet's own ABI decoding refuses a call that is not well formed."""
    _wallet(world, "STAT.any", "HostileWallet")
    signed = world.sign("PublishCheckpoint", "STAT.any", log=code("log"))
    world.send(signed.with_signatures(b"\xaa" * length))


def test_a_too_long_signature(world: World) -> None:
    _wallet(world, "STAT.any", "HostileWallet")
    signed = world.sign("PublishCheckpoint", "STAT.any", log=code("log")).with_signatures(bytes(4097))
    assert world.refusal(signed) == Refusal("SignedTooLong", (4097,))


@pytest.mark.parametrize("mood", [mood for mood in Mood if mood not in {Mood.YES, Mood.SLOW, Mood.REENTER}])
def test_a_hostile_wallet_harms_no_other_act(world: World, mood: Mood) -> None:
    wallet = _wallet(world, "STAT.evil", "HostileWallet")
    before = world.sign("PublishCheckpoint", "FUND.officer", log=code("before"))
    evil = world.sign("PublishCheckpoint", "STAT.evil", log=code("evil"))
    after = world.sign("PublishCheckpoint", "TOWN.officer", log=code("after"))
    _turn(world, wallet, mood)
    assert world.refusal(evil) == Refusal("SignedWrong", (wallet,))
    size = world.size()
    receipt = carry(world, before, evil, after)
    assert world.size() == size + 2
    assert returned(receipt) == [(1, evil.module, keccak(evil.calldata), Refusal("SignedWrong", (wallet,)))]
    assert int(receipt["gasUsed"], 16) < 1_000_000  # burning everything costs no more than its cap


@pytest.mark.parametrize("through", ["act", "courier", "same act"])
def test_a_wallet_that_enters_again_changes_nothing(world: World, through: str) -> None:
    """It is asked by `staticcall`: whatever it starts from there fails, even an act that is good by itself."""
    wallet = _wallet(world, "STAT.evil", "HostileWallet")
    good = world.sign("PublishCheckpoint", "FUND.officer", log=code("good"))
    evil = world.sign("PublishCheckpoint", "STAT.evil", log=code("evil"))
    inner = evil if through == "same act" else good
    if through == "courier":
        _turn(world, wallet, Mood.REENTER, world.modules["Courier"], call_of([(inner.module, inner.calldata)]))
    else:
        _turn(world, wallet, Mood.REENTER, inner.module, inner.calldata)
    size = world.size()
    receipt = carry(world, evil)
    assert (world.size(), len(receipt["logs"])) == (size, 1)
    assert returned(receipt)[0][3] == Refusal("SignedWrong", (wallet,))
    world.send(good)


def test_too_little_gas_decides_nothing(world: World) -> None:
    """A carrier cannot make a wallet's good signature look wrong by giving it no gas."""
    _wallet(world, "STAT.any", "HostileWallet")
    signed = world.sign("PublishCheckpoint", "STAT.any", log=code("log"))
    met = set()
    for gas in range(60_000, 400_000, 4_000):
        try:
            world.chain.call(signed.module, signed.calldata, gas)
            met.add("accepted")
        except Reverted as refused:
            met.add(decode_error(refused.reason).name)
    assert met == {"SignedGas", "accepted"}


def test_the_dearest_act_fits_the_courier(world: World) -> None:
    """Two wallets that use all they may, with the longest signatures, in a deep tree."""
    slow = _wallet(world, "TOWN.slow", "HostileWallet", Duty.DIRECTOR)
    new = world.chain.send(None, bytecode_for_tests()["HostileWallet"])["contractAddress"]
    _turn(world, slow, Mood.SLOW)
    _turn(world, new, Mood.SLOW)
    fields = {"key": new, "department": code("TOWN"), "kind": KeyKind.CONTRACT, "duty": Duty.DIRECTOR}
    signed = world.sign("EnrolKey", "TOWN.slow", **fields, mandate=b"\xff" * 32)
    full = signed.with_signatures(b"\xff" * 4096, b"\xff" * 4096)
    size = world.size()
    receipt = carry(world, full)
    assert returned(receipt) == [] and world.size() == size + 1
