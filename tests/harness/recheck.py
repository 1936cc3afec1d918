"""Re-checks a whole ledger from what its node, its database and its contracts say, each against the others.

1 every entry from the Journal's block on: no gap, its digest, head and signatures, lawful by the rules, recorded once
2 number of entries and head in the ledger's own state
3 the read model: every row of every table, and the cursor
4 the contracts' views of every object
5 submissions: one is final exactly if its act is an entry; none that was acknowledged is missing
6 the courier: no nonce is missing or used twice, and every transaction that is done is in a block or was displaced
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode

from ledger.chain.artifacts import artifact
from ledger.chain.encoding import selector
from ledger.domain.acts import Module
from ledger.domain.apply import follow, misreported
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST, code_from_bytes, code_to_bytes
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import (
    SHAPES,
    Attestation,
    Checkpoint,
    Correction,
    Dataset,
    Department,
    Key,
    Rule,
    Share,
    State,
    StateObject,
    Version,
)
from ledger.domain.submissions import Submission, SubmissionState
from ledger.ports import Carried
from ledger.proofs.head import first_head, head_after
from ledger.proofs.typed_data import act_digest
from ledger.runtime import Runtime

_IN_ORDER = "the entries"


@dataclass(frozen=True)
class Rechecked:
    entries: list[Entry]
    state: State
    submissions: dict[str, Submission]
    transactions: int


async def recheck(runtime: Runtime, acknowledged: Iterable[str] = ()) -> Rechecked:
    """Everything above, about a ledger whose follower has caught up. `acknowledged`: digests of acts taken on."""
    entries, state = await _replayed(runtime)
    await _read_model(runtime, entries, state)
    await _views(runtime, state)
    stored = await _submissions(runtime, entries, list(acknowledged))
    count = await _courier(runtime, stored)
    return Rechecked(entries, state, stored, count)


# ---- 1, 2 -----------------------------------------------------------------------------------------------------------


async def _replayed(runtime: Runtime) -> tuple[list[Entry], State]:
    node, manifest, recovers = runtime.ports.node, runtime.manifest, runtime.ports.signatures.recovers
    latest = await node.latest()
    entries = await node.entries(manifest.block, latest.number)
    state, head = State(), first_head(manifest.chain_id, manifest.journal)

    def signed(address: str, kind: int, digest: str, signature: bytes) -> bool:
        return recovers(address, bytes.fromhex(digest), signature)

    for index, entry in enumerate(entries):
        assert entry.index == index, f"{_IN_ORDER} have a gap at {index}"
        assert entry.digest == act_digest(entry.act, manifest.chain_id, entry.module)
        head = head_after(head, entry)
        assert entry.head == head
        refused = refusal(state, entry.act, entry.digest, Circumstances(entry.time, entry.signatures, signed))
        assert refused is None, f"entry {index} is not lawful: {refused}"
        assert misreported(state, entry) == []
        follow(state, entry)
    assert len({entry.digest for entry in entries}) == len(entries), "an act was recorded twice"
    assert await node.head(latest) == (len(entries), head)
    return entries, state


# ---- 3 --------------------------------------------------------------------------------------------------------------


async def _read_model(runtime: Runtime, entries: Sequence[Entry], state: State) -> None:
    latest = await runtime.ports.node.latest()
    async with runtime.store.read() as work:
        cursor = await work.cursor()
        assert cursor is not None and cursor.block == latest
        assert (cursor.size, cursor.head) == (len(entries), entries[-1].head)
        assert await work.entries(-1, len(entries) + 10) == entries
        for shape in SHAPES:
            rows = await work.objects(shape, limit=100_000)
            assert {row.key: row for row in rows} == {item.key: item for item in state.all(shape)}, shape.__name__


# ---- 4 --------------------------------------------------------------------------------------------------------------

# type → module, view, its arguments (by column), and columns whose names differ: component → column
_VIEWS: dict[type[StateObject], tuple[Module, str, tuple[str, ...], dict[str, str]]] = {
    Department: (Module.DEPARTMENTS, "departmentOf", ("code",), {}),
    Key: (Module.DEPARTMENTS, "keyOf", ("address",), {"since": "retired_since"}),
    Dataset: (Module.DATASETS, "datasetOf", ("code",), {"line": "", "versions": ""}),
    Version: (Module.DATASETS, "versionOf", ("id",), {}),
    Share: (Module.AUTHORISATIONS, "shareOf", ("id",), {"share_type": ""}),
    Attestation: (Module.ATTESTATIONS, "attestationOf", ("id",), {}),
    Correction: (Module.ATTESTATIONS, "correctionOf", ("id",), {}),
    Rule: (Module.RULEBOOK, "ruleOf", ("department", "rule"), {}),
    Checkpoint: (Module.CHECKPOINTS, "checkpointOf", ("department", "log"), {}),
}
_CODES = {"code", "department", "parent", "provider", "consumer", "suspended_by", "attestor", "dataset", "rule", "log"}


async def _views(runtime: Runtime, state: State) -> None:
    for shape, (module, name, arguments, renamed) in _VIEWS.items():
        function = next(item for item in artifact(str(module))["abi"] if item.get("name") == name)
        types = [item["type"] for item in function["inputs"]]
        (answer,) = function["outputs"]
        parts = [(_snake(part["name"]), part["type"]) for part in answer["components"]]
        call = selector(f"{name}({','.join(types)})")
        items = list(state.all(shape))
        asked = []
        for item in items:
            words = [_encodable(column, getattr(item, column)) for column in arguments]
            data = "0x" + (call + encode(types, words)).hex()
            asked.append(("eth_call", [{"to": runtime.manifest.address(module), "data": data}, "latest"]))
        answers = [
            each for part in range(0, len(asked), 200) for each in await runtime.rpc.batch(asked[part : part + 200])
        ]
        for item, told in zip(items, answers, strict=True):
            (values,) = decode([f"({','.join(kind for _, kind in parts)})"], bytes.fromhex(told[2:]))
            for (part, _), value in zip(parts, values, strict=True):
                column = renamed.get(part, part)
                if column:
                    ours, theirs = getattr(item, column), _readable(column, value)
                    same = ours == bool(theirs) if isinstance(ours, bool) else (ours or 0) == (theirs or 0)
                    assert same, f"{shape.__name__} {item.key}: {column} is {ours!r} here, {theirs!r} in the contract"


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def _encodable(column: str, value: str) -> bytes | str:
    if value.startswith("0x"):
        return value
    return code_to_bytes(value) if column in _CODES else bytes.fromhex(value)


def _readable(column: str, value: Any) -> Any:
    if isinstance(value, bytes):
        text = code_from_bytes(value) if column in _CODES else value.hex()
        return "" if text == ZERO_DIGEST else text
    return "" if value == ZERO_ADDRESS else value


# ---- 5 --------------------------------------------------------------------------------------------------------------


async def _submissions(
    runtime: Runtime, entries: Sequence[Entry], acknowledged: Sequence[str]
) -> dict[str, Submission]:
    async with runtime.store.read() as work:
        stored = {one.digest: one for _, one in await work.submissions(limit=100_000)}
        histories = {digest: await work.submission(digest) for digest in stored}
    lost = [digest for digest in acknowledged if digest not in stored]
    assert not lost, f"acknowledged and lost: {lost}"
    indices = {entry.digest: entry.index for entry in entries}
    for digest, one in stored.items():
        assert (one.state is SubmissionState.FINAL) == (digest in indices), (digest, one.state)
        assert one.entry == indices.get(digest)
        whole = histories[digest]
        assert whole is not None and whole.history[0].state is SubmissionState.QUEUED
        assert whole.history[-1].state is one.state, "its history ends in its state"
    return stored


# ---- 6 --------------------------------------------------------------------------------------------------------------


async def _courier(runtime: Runtime, stored: dict[str, Submission]) -> int:
    """How many transactions there were."""
    assert runtime.loops.submitter is not None
    account = runtime.loops.submitter.packer.courier
    made = await all_carried(runtime, account)
    nonces = [carried.nonce for carried in made]
    assert nonces == sorted(set(nonces)), "a nonce was used twice"
    node = runtime.ports.node
    if made and all(carried.state == "done" for carried in made):
        assert await node.next_nonce(account) == nonces[-1] + 1, "a nonce is missing"
    for carried in made:
        receipt = await node.receipt(carried.hash)
        if carried.state == "done" and carried.block is not None:
            assert receipt is not None and receipt.block == carried.block
    hashes = {carried.hash for carried in made}
    assert all(one.transaction in hashes for one in stored.values() if one.state is SubmissionState.SENT)
    return len(made)


async def all_carried(runtime: Runtime, account: str) -> list[Carried]:
    """Every transaction ever stored, done or not."""
    async with runtime.store.read() as work:
        return await work.carried(account, done=True)
