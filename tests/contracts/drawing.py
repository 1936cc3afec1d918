"""A seeded random sequence of attempts: sensible ones, spoiled ones, blind ones, copies of earlier ones."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from ledger.domain.acts import ACTS, ActType, Kind
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.keccak import keccak256
from ledger.domain.state import Key, Share
from ledger.domain.values import Act
from ledger.proofs.typed_data import domain_separator, type_hash
from tests.contracts.both_sides import Attempt, BothSides
from tests.contracts.chain import CHAIN_ID
from tests.contracts.pools import Pools
from tests.contracts.sensible import SENSIBLE
from tests.contracts.sensible_shares import SENSIBLE_SHARES
from tests.contracts.spoiling import EDGES, FIELD_FAULTS, SIGNATURE_FAULTS, at_the_edge, dirty_words

DRAWS: Final = SENSIBLE | SENSIBLE_SHARES
WEIGHTS: Final = dict.fromkeys(DRAWS, 2.0) | {
    "AdmitModule": 1.0,
    "CloseLedger": 0.5,
    "EnrolKey": 4.0,
    "SubmitDataset": 3.0,
    "PublishDataset": 3.0,
    "WithdrawDataset": 0.7,
    "ReturnDataset": 0.7,
    "AnchorVersion": 3.0,
    "ShredVersion": 1.0,
    "RequestShare": 6.0,
    "WithdrawRequest": 1.0,
    "AgreeShare": 5.0,
    "RefuseShare": 1.5,
    "DeliverShare": 5.0,
    "ConfirmDelivery": 4.0,
    "SuspendShare": 3.0,
    "ResumeShare": 3.5,
    "EndShare": 1.5,
    "WithdrawAttestation": 1.2,
}
HOWS: Final = {"sensible": 52, "spoiled": 18, "edge": 11, "missigned": 6, "blind": 4, "copy": 6, "dirty": 3}
CREATING: Final = ("RegisterDepartment", "EnrolKey", "RequestShare", "GrantShare", "AttestQuality", "RequestCorrection")
SPARE_WORDS: Final = ("twin", "mandate", "basis", "conditions")


@dataclass
class Drawing:
    rng: Random
    sides: BothSides
    past: list[Attempt] = field(default_factory=list)

    def next(self, *, closing: bool = False) -> Attempt:
        """`closing`: a director of the root closes the ledger, for good."""
        pools = self.pools(self._next_time())
        if closing:
            tries = (self.sensible_fields(pools, "CloseLedger") for _ in range(100))
            return self._signed(pools, Act(ACTS["CloseLedger"], next(filter(None, tries))), "closing")
        how = self.rng.choices(list(HOWS), list(HOWS.values()))[0]
        if how == "copy" and self.past:
            attempt = replace(self._earlier(), time=pools.now, note="copy")
        else:
            attempt = self._attempt(pools, how)
        self.past.append(attempt)
        return attempt

    def _earlier(self) -> Attempt:
        creating = [attempt for attempt in self.past[-60:] if attempt.act.name in CREATING]
        return self.rng.choice(creating if creating and self.rng.random() < 0.6 else self.past)

    def pools(self, now: int) -> Pools:
        return Pools(self.rng, self.sides.cast, self.sides.state, now)

    def _next_time(self) -> int:
        """Mostly a second later; now and then to a moment at which something begins or ends, or a while on."""
        now, state = self.sides.now, self.sides.state
        turn = self.rng.random()
        if turn < 0.75:
            return now + 1
        if turn < 0.9:
            moments = [key.start for key in state.all(Key)] + [key.until for key in state.all(Key)]
            moments += [share.until for share in state.all(Share) if share.live]
            near = [moment + shift for moment in moments for shift in (-1, 0, 1) if now < moment + shift < now + 100]
            return self.rng.choice(near) if near else now + 2
        return now + self.rng.randrange(2, 40 if turn < 0.99 else 1000)

    # one attempt

    def _attempt(self, pools: Pools, how: str) -> Attempt:
        """Of an act that the state allows, unless five in a row are not."""
        fields: dict[str, Any] | None = None
        for _ in range(5):
            name = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            if how == "edge":
                name = self.rng.choice(list(EDGES))
            if how == "blind" or (fields := self.sensible_fields(pools, name)) is not None:
                break
        act = ACTS[name]
        if fields is None:
            how, fields = "blind", self._blind_fields(pools, act)
        if how in ("spoiled", "edge"):
            faults = self.rng.sample(FIELD_FAULTS, 1 if self.rng.random() < 0.8 else 2)
            faults = [at_the_edge] if how == "edge" else faults
            for fault in faults:
                fault(pools, act, fields)
            how = " ".join(fault.__name__ for fault in faults)
        if name == "CloseLedger":
            fields["prior"] = pools.digest()  # not yet: see `closing`
        return self._signed(pools, Act(act, fields), how)

    def sensible_fields(self, pools: Pools, name: str) -> dict[str, Any] | None:
        """All fields of an act that aims to be accepted; None if no object allows one, or no key can sign."""
        drawn = DRAWS[name](pools)
        if drawn is None:
            return None
        key, fields = drawn
        spent = key is None or not (pools.in_force(key) or pools.turns(key))
        if spent and pools.chance(0.8):
            return None
        fields["signer"] = key.address if key is not None else pools.any_key()
        for one in ACTS[name].fields[:-2]:
            if one.name not in fields:
                spare = one.name in SPARE_WORDS and one.name != "basis" and pools.chance(0.5)
                fields[one.name] = ZERO_DIGEST if spare else pools.digest()
        fields.setdefault("prior", pools.continued(name, fields))
        fields["valid_until"] = pools.now + self.rng.choice([0, 1, 30, 3600, 10**6])
        return fields

    def _blind_fields(self, pools: Pools, act: ActType) -> dict[str, Any]:
        fields = {one.name: pools.any_value(one) for one in act.fields}
        if pools.chance(0.7):
            fields["valid_until"] = pools.now + 3600
        if pools.chance(0.6) and act.fields[-2].kind is Kind.DIGEST:
            fields["prior"] = pools.continued(act.name, fields)
        return fields

    def _signed(self, pools: Pools, act: Act, how: str) -> Attempt:
        if how == "dirty":
            words = dirty_words(self.rng, act.type, act.words())
            struct = keccak256(type_hash(act.name) + words)
            separator = domain_separator(CHAIN_ID, self.sides.module(act))
            digest = keccak256(b"\x19\x01" + separator + struct).hex()
            return Attempt(act, tuple(self.right_signatures(act, digest)), pools.now, how, words)
        digest = self.sides.digest(act)
        signatures = self.right_signatures(act, digest)
        if how == "missigned":
            fault = self.rng.choice(SIGNATURE_FAULTS)
            signatures, how = fault(pools, signatures, digest), fault.__name__
        return Attempt(act, tuple(signatures), pools.now, how)

    def right_signatures(self, act: Act, digest: str) -> list[bytes]:
        signers = [act["signer"], *([act["key"]] if act.name == "EnrolKey" else [])]
        return [self.sides.cast.sign(signer, digest) for signer in signers]
