"""The opening, who may record, later modules, the end."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi import encode
from eth_hash.auto import keccak

from ledger.domain.acts import KeyKind
from tests.contracts.chain import Reverted
from tests.contracts.signing import Hand, code, digest_of, domain
from tests.contracts.solidity import MODULES
from tests.contracts.story import code_hash, greeter
from tests.contracts.world import NOBODY, ROOT, ZERO, Refusal, World, created_at, decode_error


def _construction(world: World, creation: bytes) -> Refusal:
    with pytest.raises(Reverted) as refused:
        world.chain.call(None, creation)
    return decode_error(refused.value.reason)


def test_entry_zero_is_the_opening(world: World) -> None:
    journal = world.modules["Journal"]
    first, second, *_ = world.chain("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": journal})
    assert int(first["topics"][1], 16) == 0 and first["topics"][3] == "0x" + world.opening_digest.hex()
    assert second["topics"][1] == first["topics"][3]
    assert world.view("Journal", "root()", "bytes32") == ROOT
    for name in MODULES[1:]:
        assert world.view("Journal", f"{name.lower()}()", "address") == world.modules[name]
        assert world.view("Journal", "isModule(address)", "bool", world.modules[name]) == (name != "Courier")
    assert world.view("Journal", "isModule(address)", "bool", journal)
    assert not world.view("Journal", "isModule(address)", "bool", NOBODY)


@pytest.mark.parametrize(
    "changes",
    [
        {"level": 0}, {"level": 4}, {"roles": 2}, {"roles": 33}, {"first_key": NOBODY}, {"first_kind": 0},
        {"first_kind": 3}, {"second_key": NOBODY}, {"second_kind": 0}, {"second_kind": 3}, {"custody": 0},
        {"custody": 3},
        {"second_key": Hand("LUAN.director").address},
        {"second_key": Hand("LUAN.director").address, "first_kind": KeyKind.CONTRACT},
    ],
)  # fmt: skip
def test_openings_that_are_refused(world: World, changes: dict[str, Any]) -> None:
    world.opening = {**world.opening, **changes}
    assert _construction(world, world.creation("Journal")) == Refusal("JournalOpening")


def test_opening_needs_a_code(world: World) -> None:
    world.opening = {**world.opening, "department": ZERO}
    assert _construction(world, world.creation("Journal")) == Refusal("CodesInvalid", (ZERO,))


def test_one_first_key_is_enough_if_it_is_a_contract(world: World) -> None:
    single = World.deploy(world.chain, first_kind=KeyKind.CONTRACT, second_key=NOBODY, second_kind=0)
    assert single.view("Departments", "rootKeys()", "uint256") == 1
    assert single.check() == 1


def test_a_ledger_may_continue_another(world: World) -> None:
    older = {"older_journal": world.modules["Journal"], "older_head": world.head(), "older_size": world.size()}
    heir = World.deploy(world.chain, **older)
    assert heir.check() == 1
    signed = world.sign("EnrolKey", "LUAN.director", key=Hand("x").address, department=ROOT, duty=1, with_key="x")
    assert heir.refusal(_moved(signed, heir)).name == "SignedWrong"  # what was signed for one is nothing to the other


def _moved(signed: Any, world: World) -> Any:
    return replace(signed, module=world.modules[signed.act.module])


def test_modules_exist_nowhere_else(world: World) -> None:
    """Each constructor refuses an address that the Journal does not name, and Departments another opening."""
    elsewhere = created_at(world.chain.account, world.chain.nonce())
    for name in MODULES[1:]:
        assert _construction(world, world.creation(name)) == Refusal("JournalNotModule", (elsewhere,))
    fresh = World(world.chain)
    nonce = world.chain.nonce()
    fresh.modules = {name: created_at(world.chain.account, nonce + i) for i, name in enumerate(MODULES)}
    fresh.opening = {**world.opening, **{name.lower(): fresh.modules[name] for name in MODULES[1:]}}
    world.chain.send(None, fresh.creation("Journal"))
    fresh.opening["older_size"] = 1
    assert _construction(world, fresh.creation("Departments")) == Refusal("JournalOpening")


@pytest.mark.parametrize("sender", ["stranger", "Courier"])
def test_only_modules_record(world: World, sender: str) -> None:
    account = world.modules.get(sender, Hand(sender).address)
    call = keccak(b"record(bytes32,bytes[])")[:4] + encode(["bytes32", "bytes[]"], [digest_of("act"), []])
    with pytest.raises(Reverted) as refused:
        world.chain.call(world.modules["Journal"], call, sender=account)
    assert decode_error(refused.value.reason) == Refusal("JournalNotModule", (account,))


def _greeting(world: World, module: str, prior: bytes = ZERO) -> bytes:
    hand = Hand("FUND.officer")
    words = (hand.address, prior, world.chain.now + 100)
    text = b"Greet(address signer,bytes32 prior,uint48 validUntil)"
    struct_hash = keccak(encode(["bytes32", "address", "bytes32", "uint48"], [keccak(text), *words]))
    signature = hand.sign(keccak(b"\x19\x01" + domain(module) + struct_hash))
    selector = keccak(b"greet((address,bytes32,uint48),bytes[])")[:4]
    return selector + encode(["(address,bytes32,uint48)", "bytes[]"], [words, [signature]])


def test_a_later_module_records_once_it_is_admitted(world: World) -> None:
    module = greeter(world)
    with pytest.raises(Reverted) as refused:
        world.chain.call(module, _greeting(world, module))
    assert decode_error(refused.value.reason) == Refusal("JournalNotModule", (module,))
    right = {"module": module, "code_hash": code_hash(world, module)}
    world.refuses("AdmitModule", "BUREAU.director", "JournalNotRoot", code("BUREAU"), **right)
    first = world.act("AdmitModule", "LUAN.director", **right)
    assert (first.marks, first.department) == (0, ROOT)
    assert world.view("Journal", "isModule(address)", "bool", module)
    assert world.view("Journal", "last()", "bytes32") == first.digest
    before = world.size()
    world.chain.send(module, _greeting(world, module))
    assert world.size() == before + 1 == world.check()
    world.refuses("AdmitModule", "LUAN.director", "JournalModuleKnown", module, **right)


def test_modules_that_cannot_be_admitted(world: World) -> None:
    module = greeter(world)
    for name in MODULES:
        known = world.modules[name]
        world.refuses("AdmitModule", "LUAN.director", "JournalModuleKnown", known, module=known, code_hash=ZERO)
    found = code_hash(world, module)
    wrong = {"module": module, "code_hash": digest_of("other code")}
    world.refuses("AdmitModule", "LUAN.director", "JournalModuleCode", module, found, **wrong)
    empty = Hand("nothing is here").address
    for none in (ZERO, keccak(b"")):
        refused = world.refusal(world.sign("AdmitModule", "LUAN.director", module=empty, code_hash=none))
        assert refused.name == "JournalModuleCode"
    funded = world.chain.account  # exists, and has no code
    refused = world.refusal(world.sign("AdmitModule", "LUAN.director", module=funded, code_hash=keccak(b"")))
    assert refused == Refusal("JournalModuleCode", (funded, keccak(b"")))


def test_closing_ends_everything_but_reading(world: World) -> None:
    share = world.agreed()
    successor = Hand("successor").address
    world.refuses("CloseLedger", "BUREAU.director", "JournalNotRoot", code("BUREAU"), successor=successor)
    closed = world.act("CloseLedger", "LUAN.director", successor=successor)
    assert world.view("Journal", "tip()", "bytes32,uint256,bool") == (closed.head, closed.index + 1, True)
    assert world.view("Journal", "closed()", "bool")
    world.refuses("EndShare", "FUND.lead", "JournalClosed", share=share, cause=1)
    world.refuses("CloseLedger", "LUAN.director", "JournalClosed")
    world.refuses("PublishRule", "BUREAU.director", "JournalClosed", rule=code("rule"), kind=1)
    world.refuses(
        "RegisterDepartment", "LUAN.director", "JournalClosed", department=code("X"), parent=ROOT, level=2, roles=0
    )
    module = greeter(world)
    admit = {"module": module, "code_hash": code_hash(world, module)}
    world.refuses("AdmitModule", "LUAN.director", "JournalClosed", **admit)
    assert world.view("Authorisations", "isAuthorised(bytes32)", "bool", share)


def test_acts_on_the_ledger_chain(world: World) -> None:
    module = greeter(world)
    admit = world.sign("AdmitModule", "LUAN.director", module=module, code_hash=code_hash(world, module))
    close = world.sign("CloseLedger", "LUAN.second", prior=admit.digest)  # signed ahead
    assert world.refusal(close) == Refusal("SignedPrior", (ZERO, admit.digest))
    world.send(admit)
    assert world.refusal(admit) == Refusal("SignedPrior", (admit.digest, ZERO))
    world.send(close)
