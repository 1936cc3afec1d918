"""What random acts are made of: objects of a state by what they can still do, and values that fit or do not."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from ledger.domain.acts import Duty, Field, Kind, Role
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.marks import ancestors, is_authority, is_below
from ledger.domain.state import (
    Attestation,
    Checkpoint,
    Correction,
    Dataset,
    Department,
    Key,
    Revision,
    Rule,
    Share,
    State,
    Version,
)
from tests.contracts.cast import Cast

Item = TypeVar("Item")
NUMBERS = {
    Kind.U8: (0, 1, 2, 3, 4, 5, 6, 7, 8, 128, 255),
    Kind.U16: (0, 1, 2, 3, 4, 6, 8, 14, 16, 30, 31, 32, 33, 255, 256, 65_535),
    Kind.U32: (0, 1, 2, 3, 4, 999_999, 1_000_000, 1_000_001, 2**32 - 1),
    Kind.U64: (0, 1, 2, 3, 50, 2**53, 2**63, 2**64 - 1),
}


@dataclass
class Pools:
    rng: Random
    cast: Cast
    state: State
    now: int

    def one(self, items: Sequence[Item]) -> Item | None:
        return self.rng.choice(items) if items else None

    def mostly(self, items: Iterable[Item], fit: Callable[[Item], object]) -> list[Item]:
        """Those that fit; one time in ten all of them."""
        return [item for item in items if fit(item)] if self.chance(0.9) else list(items)

    def digest(self) -> str:
        """A digest that nothing has yet."""
        return self.rng.randbytes(32).hex()

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    # keys

    def in_force(self, key: Key) -> bool:
        return not key.retired and key.start <= self.now and (key.until == 0 or self.now <= key.until)

    def turns(self, key: Key) -> bool:
        """Whether it begins or ends now."""
        return not key.retired and self.now in (key.start - 1, key.start, key.until, key.until + 1)

    def holds(self, key: Key) -> bool:
        """Whether its signatures can be good at all."""
        wallet = self.cast.wallets.get(key.address)
        return key.address in self.cast.hands or (wallet is not None and wallet.good)

    def key_of(self, code: str, duty: Duty) -> Key | None:
        """A key of that department, in force and of the duty or more; if there is none, any of its keys.

        One that begins or ends just now comes first: what holds in the last second must not in the next.
        """
        own = [key for key in self.state.all(Key) if key.department == code]
        turning = [key for key in own if key.duty >= duty and self.turns(key)]
        if turning and self.chance(0.7):
            return self.rng.choice(turning)
        fit = [key for key in own if key.duty >= duty and self.in_force(key) and self.holds(key)]
        return self.one(fit) or self.one(own)

    # the tree

    def departments(self, *roles: Role) -> list[Department]:
        return [one for one in self.state.all(Department) if all(one.roles & role for role in roles)]

    def authority_over(self, code: str) -> str | None:
        """One of those above, the nearest more often; the root of itself."""
        above = [one.code for one in ancestors(self.state, code) if is_authority(one)]
        department = self.state.get(Department, code)
        if department is not None and department.parent is None:
            return code
        return above[0] if above and self.chance(0.6) else self.one(above)

    def inside(self, code: str) -> list[Department]:
        """The department and all below it."""
        everyone = self.state.all(Department)
        return [one for one in everyone if one.code == code or is_below(self.state, one.code, code)]

    # values that may be anything

    def any_key(self) -> str:
        """Any enrolled key, in force or not, and now and then one that is enrolled nowhere."""
        enrolled = [key.address for key in self.state.all(Key)]
        return self.rng.choice(enrolled) if self.chance(0.93) else self.rng.choice([*self.cast.spares, ZERO_ADDRESS])

    def any_digest(self) -> str:
        """Of any act or object there is, zero, or of nothing."""
        found = [ZERO_DIGEST, self.digest()]
        for pool in (Share, Version, Attestation, Correction, Revision, Dataset, Department, Key, Rule, Checkpoint):
            item = self.one(list(self.state.all(pool)))
            if item is not None:
                found += [str(getattr(item, name)) for name in ("id", "digest", "last") if hasattr(item, name)]
        return self.rng.choice(found)

    def any_code(self, name: str) -> str:
        match name:
            case "department" | "parent" | "consumer":
                found = [one.code for one in self.state.all(Department)]
            case "dataset":
                found = [one.code for one in self.state.all(Dataset)]
            case "rule":
                found = [one.rule for one in self.state.all(Rule)]
            case "log":
                found = [one.log for one in self.state.all(Checkpoint)]
            case _:
                found = ["share-record/1"]
        return self.rng.choice([*found, *found, "", "nowhere", "A" * 32])

    def any_address(self, name: str) -> str:
        match name:
            case "signer":
                return self.any_key()
            case "key":
                return self.rng.choice([self.any_key(), self.rng.choice(self.cast.spares), ZERO_ADDRESS])
            case _:
                world = self.cast.world
                strange = [world.chain.account, ZERO_ADDRESS, self.any_key(), *self.cast.wallets]
                return self.rng.choice([*self.cast.modules, *world.modules.values(), self.rng.choice(strange)])

    def any_time(self) -> int:
        edges = [share.until for share in self.state.all(Share)] + [key.until for key in self.state.all(Key)]
        edge = self.rng.choice(edges)
        near = [max(0, edge - 1), edge, edge + 1] if edge < 2**47 else [edge]
        return self.rng.choice([0, 1, self.now - 1, self.now, self.now + 1, self.now + 300, 2**48 - 1, *near])

    def any_value(self, field: Field) -> Any:
        match field.kind:
            case Kind.ADDRESS:
                return self.any_address(field.name)
            case Kind.CODE:
                return self.any_code(field.name)
            case Kind.DIGEST:
                return self.any_digest()
            case Kind.TIME:
                return self.any_time()
            case Kind.FLAG:
                return self.chance(0.5)
            case _:
                return self.rng.choice(NUMBERS[field.kind])

    # priors

    def continued(self, name: str, fields: dict[str, Any]) -> str:
        """The `prior` that such an act needs as things stand; of an act that may have any, just any."""
        state = self.state
        found: Any = None
        match name:
            case "AdmitModule" | "CloseLedger":
                found = state.ledger
            case "ChangeDepartment":
                found = state.get(Department, fields["department"])
            case "RetireKey":
                found = state.get(Key, fields["key"])
            case "AnchorVersion" | "ShredVersion":
                return state.line_last(fields["dataset"])
            case "RegisterDepartment" | "EnrolKey" | "RequestShare" | "GrantShare":
                return self.any_digest()
            case "AttestQuality" | "RequestCorrection":
                version = self.one(list(state.all(Version)))
                return version.id if version else ZERO_DIGEST
            case "WithdrawAttestation":
                found = state.get(Attestation, fields["attestation"])
            case "ResolveCorrection":
                found = state.get(Correction, fields["correction"])
            case "PublishRule":
                found = state.get(Rule, self._department_of(fields["signer"]), fields["rule"])
            case "PublishCheckpoint":
                found = state.get(Checkpoint, self._department_of(fields["signer"]), fields["log"])
            case _ if "share" in fields:
                found = state.get(Share, fields["share"])
            case _:
                found = state.get(Dataset, fields["dataset"])
        return found.last if found else ZERO_DIGEST

    def _department_of(self, signer: str) -> str:
        key = self.state.get(Key, signer)
        return key.department if key else ""
