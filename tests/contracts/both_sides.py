"""The deployed contracts and the Python model beside each other: every attempt is put to both, at the same time.

The model judges from the whole state and from the part of it that `touches` and `refs` promise to be enough. The chain
is asked by `eth_call` at the block time that the act will then be mined with.
"""

from dataclasses import dataclass, field
from typing import Any

from ledger.chain.encoding import WORD, act_selector, array_of, padded, word
from ledger.chain.logs import entries_from
from ledger.domain.apply import apply, follow, misreported
from ledger.domain.entries import Entry
from ledger.domain.marks import signing_department
from ledger.domain.refusals import decode
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import State
from ledger.domain.touches import touches
from ledger.domain.values import Act
from ledger.errors import InvalidAct, Refused
from ledger.proofs.head import head_after
from ledger.proofs.typed_data import act_digest
from tests.contracts.cast import Cast
from tests.contracts.chain import CHAIN_ID, Chain, Reverted
from tests.contracts.world import World

ACCEPTED = "accepted"
GAS = hex(16_000_000)


class Disagreement(AssertionError):
    """The two sides do not say the same."""


@dataclass(frozen=True)
class Attempt:
    """A signed act and the block time it comes at. `words`, if given, go to the chain in place of the act's own."""

    act: Act
    signatures: tuple[bytes, ...]
    time: int
    note: str = ""
    words: bytes | None = None

    @property
    def calldata(self) -> bytes:
        words = self.act.words() if self.words is None else self.words
        signatures = array_of([padded(raw) for raw in self.signatures])
        return act_selector(self.act.type) + words + word(len(words) + WORD) + signatures

    def __str__(self) -> str:
        raw = "" if self.words is None else f" words={self.words.hex()}"
        shown = [one.hex() if len(one) <= 130 else f"{len(one)} bytes" for one in self.signatures]
        return f"{self.time} {self.act.name} [{self.note}] {self.act.to_json()}{raw} signatures={shown}"


def call_at(chain: Chain, to: str, calldata: bytes, time: int) -> bytes:
    """`eth_call` on the latest state as in a block of that time. Raises Reverted."""
    request = {"from": chain.account, "to": to, "data": "0x" + calldata.hex(), "gas": GAS}
    return bytes.fromhex(chain("eth_call", request, "latest", {}, {"time": hex(time)})[2:])


def mine_at(chain: Chain, to: str, calldata: bytes, time: int) -> dict[str, Any]:
    """The receipt of the transaction, alone in a block of that time."""
    request = {"from": chain.account, "to": to, "data": "0x" + calldata.hex(), "gas": GAS, "gasPrice": "0x0"}
    sent = chain("eth_sendTransaction", request)
    chain("evm_mine", hex(time))
    receipt: dict[str, Any] = chain("eth_getTransactionReceipt", sent)
    return receipt


@dataclass
class BothSides:
    world: World
    cast: Cast
    state: State
    now: int
    log: list[str] = field(default_factory=list)  # every attempt with its outcome, for whoever must find a fault

    @classmethod
    def read(cls, world: World, cast: Cast) -> "BothSides":
        """The model's state from the chain's logs so far, by the product's own reader."""
        logs = world.chain("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        state = State()
        for entry in entries_from(logs, world.modules["Journal"]):
            follow(state, entry)
        return cls(world, cast, state, world.chain.now)

    def module(self, act: Act) -> str:
        return self.world.modules[act.type.module]

    def digest(self, act: Act) -> str:
        return act_digest(act, CHAIN_ID, self.module(act))

    # what each side says

    def model_says(self, attempt: Attempt) -> str:
        if attempt.words is not None:
            try:
                Act.from_words(attempt.act.name, attempt.words)
            except InvalidAct:
                return "InvalidAct"
            raise Disagreement("a malformed act was read")
        act, digest = attempt.act, self.digest(attempt.act)
        code_hash = self.cast.code_hash if act.name == "AdmitModule" else None
        circumstances = Circumstances(attempt.time, attempt.signatures, self.cast.signed, code_hash)
        whole = told(refusal(self.state, act, digest, circumstances))
        part = told(refusal(self._part(act, digest), act, digest, circumstances))
        if whole != part:
            raise Disagreement(f"the whole state says {whole}, the closure of touches() {part}")
        return whole

    def chain_says(self, attempt: Attempt) -> str:
        try:
            call_at(self.world.chain, self.module(attempt.act), attempt.calldata, attempt.time)
        except Reverted as reverted:
            return told(decode(reverted.reason))
        return ACCEPTED

    def _part(self, act: Act, digest: str) -> State:
        part = State()
        wanted = touches(act, digest, signing_department(self.state, act))
        part.close(wanted, lambda shape, key: self.state.get(shape, *key))
        return part

    # putting an attempt to both

    def judge(self, attempt: Attempt) -> str:
        """What both say, nothing mined. Raises Disagreement."""
        model, chain = self.model_says(attempt), self.chain_says(attempt)
        if attempt.words is not None:
            if chain == ACCEPTED:
                raise Disagreement("the chain accepted a malformed act")
        elif model != chain:
            raise Disagreement(f"the model says {model}, the chain {chain}")
        return chain

    def play(self, attempt: Attempt) -> str:
        """What both say of it; mined whatever they say, and followed by the model if it was accepted."""
        self.log.append(str(attempt))
        said = self.judge(attempt)
        self.log[-1] += f" → {said}"
        receipt = mine_at(self.world.chain, self.module(attempt.act), attempt.calldata, attempt.time)
        self.now = attempt.time
        entries = list(entries_from(receipt["logs"], self.world.modules["Journal"]))
        mined = receipt["status"] == "0x1"
        if mined != (said == ACCEPTED) or len(entries) != mined or len(receipt["logs"]) != 2 * mined:
            raise Disagreement(f"the call said {said}, the transaction left {receipt}")
        for entry in entries:
            self._follow(attempt, entry)
        return said

    def _follow(self, attempt: Attempt, entry: Entry) -> None:
        ledger = self.state.ledger
        assert ledger is not None
        expected = (ledger.size, attempt.act, self.digest(attempt.act), attempt.signatures, attempt.time)
        if (entry.index, entry.act, entry.digest, entry.signatures, entry.time) != expected:
            raise Disagreement(f"the logs say {entry}")
        if wrong := misreported(self.state, entry):
            raise Disagreement(f"{wrong} in the event: {entry}")
        if head_after(ledger.head, entry) != entry.head:
            raise Disagreement(f"another head: {entry}")
        part = self._part(entry.act, entry.digest)
        if apply(part, entry) != apply(self.state, entry):
            raise Disagreement("apply read more than the closure of touches()")
        follow(self.state, entry)


def told(refused: Refused | None) -> str:
    """`Name(argument, …)`, or accepted."""
    if refused is None:
        return ACCEPTED
    arguments = getattr(refused, "arguments", None)
    if arguments is None:
        return f"{type(refused).__name__}: {refused.detail}"
    shown = ", ".join(f"{value:d}" if isinstance(value, int) else value for value in arguments)
    return f"{type(refused).__name__}({shown})"
