"""Every act of the table, recorded by the real contracts: views, gas, and our own codec beside web3.py's."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3
from web3.logs import DISCARD

from ledger.chain.artifacts import CONTRACTS, artifact
from ledger.chain.encoding import act_call, act_selector, carry_call, event_topic
from ledger.chain.logs import entries_from
from ledger.chain.packer import ACT_GAS, GAS_LIMIT, RESERVE_GAS, gas_of
from ledger.domain.acts import ACTS, ActType, Kind
from ledger.domain.entries import Entry
from ledger.domain.manifest import Manifest
from ledger.domain.submissions import Submission
from tests.harness.recheck import Rechecked
from tests.harness.story import Story
from tests.harness.world import copy_home, opened


@dataclass(frozen=True)
class Told:
    manifest: Manifest
    checked: Rechecked
    acts: list[Submission]
    receipts: dict[str, Any]  # by transaction hash
    calldata: dict[str, bytes]
    act_gas: int  # what the Courier gives each act


@pytest.fixture(scope="module")
def told(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A ledger on which every act was done, one transaction each, re-checked at its end."""

    async def tell() -> Told:
        async with opened(copy_home(founded, tmp_path_factory.mktemp("story") / "home")) as world:
            story = Story(world)
            await story.everything()
            await world.recheck()
            await story.close()
            checked = await world.recheck()
            rpc = world.runtime.rpc
            receipts, calldata = {}, {}
            for act in story.told:
                name = str(act.transaction)
                receipts[name] = await rpc.call("eth_getTransactionReceipt", name)
                sent = await rpc.call("eth_getTransactionByHash", name)
                calldata[name] = bytes.fromhex(sent["input"][2:])
            manifest = world.runtime.manifest
            asked = {"to": manifest.courier, "data": Web3.keccak(text="actGas()")[:4].to_0x_hex()}
            act_gas = int(await rpc.call("eth_call", asked, "latest"), 16)
            return Told(manifest, checked, story.told, receipts, calldata, act_gas)

    return asyncio.run(tell())


def contract(name: str) -> Any:
    return Web3().eth.contract(abi=artifact(name)["abi"])


def arguments(submission: Submission) -> list[Any]:
    """The act as web3.py wants it."""
    words = submission.act.words()
    values: list[Any] = []
    for place, (field, value) in enumerate(submission.act.values.items()):
        kind = submission.act.type.fields[place].kind
        word = words[32 * place : 32 * place + 32]
        if kind is Kind.ADDRESS:
            values.append(Web3.to_checksum_address(str(value)))
        elif kind in (Kind.CODE, Kind.DIGEST):
            values.append(word)
        else:
            values.append(bool(value) if kind is Kind.FLAG else int(value))
        assert field
    return values


def test_the_story_has_every_act(told: Told) -> None:
    assert {act.act.name for act in told.acts} == set(ACTS) - {"OpenLedger"}
    assert len(told.checked.entries) == 1 + len(told.acts)


@pytest.mark.parametrize("name", sorted(set(ACTS) - {"OpenLedger"}))
def test_no_act_uses_more_gas_than_the_packer_thinks(told: Told, name: str) -> None:
    used = [int(told.receipts[str(act.transaction)]["gasUsed"], 16) for act in told.acts if act.act.name == name]
    assert max(used) < ACT_GAS[name] < max(used) * 1.4, (name, used)


def test_the_packers_reserve_is_what_the_courier_asks_for(told: Told) -> None:
    assert told.act_gas * 64 // 63 + 10_000 <= RESERVE_GAS <= told.act_gas * 64 // 63 + 20_000
    assert all(gas_of(act) + RESERVE_GAS < GAS_LIMIT for act in told.acts)


def test_calldata_is_web3s_to_the_byte(told: Told) -> None:
    modules = {address: contract(str(module)) for module, address in told.manifest.modules.items()}
    for act in told.acts:
        name = act.act.name[0].lower() + act.act.name[1:]
        theirs = modules[act.module].encode_abi(name, [tuple(arguments(act)), list(act.signatures)])
        ours = act_call(act.act, act.signatures)
        assert "0x" + ours.hex() == theirs, act.act.name


def test_a_batch_is_web3s_to_the_byte(told: Told) -> None:
    calls = [(act.module, act_call(act.act, act.signatures)) for act in told.acts]
    theirs = contract("Courier").encode_abi("carry", [[(Web3.to_checksum_address(to), call) for to, call in calls]])
    assert "0x" + carry_call(calls).hex() == theirs
    for act in told.acts:
        assert told.calldata[str(act.transaction)] == carry_call([(act.module, act_call(act.act, act.signatures))])


def test_entries_are_what_web3_reads(told: Told) -> None:
    by_digest = {entry.digest: entry for entry in told.checked.entries}
    modules = {module: contract(str(module)) for module in told.manifest.modules}
    for act in told.acts:
        receipt = _for_web3(told.receipts[str(act.transaction)])
        entry = by_digest[act.digest]
        (recorded,) = modules[act.act.type.module.JOURNAL].events.Recorded().process_receipt(receipt, errors=DISCARD)
        (event,) = modules[act.act.type.module].events[entry.kind]().process_receipt(receipt, errors=DISCARD)
        _same(entry, recorded["args"], event["args"])
        ((again),) = entries_from(told.receipts[str(act.transaction)]["logs"], told.manifest.journal)
        assert again == entry


def _same(entry: Entry, recorded: Any, event: Any) -> None:
    assert recorded["index"] == event["index"] == entry.index
    assert recorded["module"].lower() == entry.module
    assert recorded["digest"].hex() == event["digest"].hex() == entry.digest
    assert recorded["head"].hex() == event["head"].hex() == entry.head
    assert recorded["time"] == entry.time
    assert tuple(recorded["signatures"]) == entry.signatures
    assert event["department"].rstrip(b"\0").decode() == entry.department
    assert event["marks"] == int(entry.marks)
    theirs = {name: value.lower() if isinstance(value, str) else value for name, value in event["act"].items()}
    words = [entry.act.words()[at : at + 32] for at in range(0, 32 * len(theirs), 32)]
    for field, word in zip(entry.act.type.fields, words, strict=True):
        value = theirs[field.typed_name]
        raw = value if isinstance(value, bytes) else bytes.fromhex(value[2:]) if isinstance(value, str) else int(value)
        assert word == (raw.to_bytes(32, "big") if isinstance(raw, int) else raw.rjust(32, b"\0")), field.name


def _for_web3(receipt: dict[str, Any]) -> Any:
    logs = [
        {
            **log,
            "address": Web3.to_checksum_address(log["address"]),
            "topics": [bytes.fromhex(topic[2:]) for topic in log["topics"]],
            "data": bytes.fromhex(log["data"][2:]),
            "blockNumber": int(log["blockNumber"], 16),
            "logIndex": int(log["logIndex"], 16),
            "transactionIndex": int(log["transactionIndex"], 16),
        }
        for log in receipt["logs"]
    ]
    return {"logs": logs}


# ---- the table of acts and the compiled interfaces ------------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_the_table_is_the_abi(act: ActType) -> None:
    abi = artifact(str(act.module))["abi"]
    (event,) = [item for item in abi if item["type"] == "event" and item["name"] == act.entry]
    assert event_topic(act) == Web3.keccak(text=_signature(event)).to_0x_hex()
    assert [item["indexed"] for item in event["inputs"]] == [True, True, False, False, False, False]
    components = event["inputs"][-1]["components"]
    if act.name != "OpenLedger":
        name = act.name[0].lower() + act.name[1:]
        (function,) = [item for item in abi if item["type"] == "function" and item["name"] == name]
        assert act_selector(act) == Web3.keccak(text=_signature(function))[:4]
        assert function["inputs"][0]["components"] == components
    assert [(item["name"], item["type"]) for item in components] == [
        (field.typed_name, field.kind.solidity) for field in act.fields
    ]


def test_no_act_of_the_contracts_is_missing_from_the_table() -> None:
    taking_signatures = {
        item["name"]
        for name in CONTRACTS
        for item in artifact(name)["abi"]
        if item["type"] == "function" and [each["type"] for each in item["inputs"]] == ["tuple", "bytes[]"]
    }
    assert taking_signatures == {name[0].lower() + name[1:] for name in ACTS if name != "OpenLedger"}


def _signature(item: dict[str, Any]) -> str:
    return f"{item['name']}({','.join(_type(each) for each in item['inputs'])})"


def _type(item: dict[str, Any]) -> str:
    if item["type"].startswith("tuple"):
        return f"({','.join(_type(each) for each in item['components'])})" + str(item["type"])[5:]
    return str(item["type"])
