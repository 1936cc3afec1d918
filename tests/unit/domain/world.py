"""A small ledger played by the Python model alone: keys are names, a signature is its signer's address.

Every act goes through the rules twice, against the whole state and against only what `touches` and `refs` promise to be
enough; both must agree, and so must what `apply` makes of it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from ledger.domain.acts import ACTS, Custody, Duty, KeyKind, Level, Module, Role
from ledger.domain.apply import apply, misreported
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.keccak import keccak256
from ledger.domain.marks import marks_of, signing_department
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import Share, State
from ledger.domain.touches import touches
from ledger.domain.values import Act
from ledger.errors import Refused
from ledger.proofs.head import first_head, head_after
from ledger.proofs.typed_data import act_digest

CHAIN_ID = 31337
START = 1_790_000_000
DOCUMENT = "d0" * 32


def address(name: str) -> str:
    return "0x" + keccak256(name.encode())[12:].hex()


def signed(signer: str, kind: int, digest: str, signature: bytes) -> bool:
    return signature == bytes.fromhex(signer[2:] + digest)


MODULES = {module: address(module.value) for module in Module}


@dataclass
class World:
    state: State = field(default_factory=State)
    entries: list[Entry] = field(default_factory=list)
    now: int = START
    head: str = field(default_factory=lambda: first_head(CHAIN_ID, MODULES[Module.JOURNAL]))

    def act(self, name: str, by: str, **fields: Any) -> Act:
        """The act with sensible values for what `fields` leaves out."""
        given = {"signer": address(by), "prior": ZERO_DIGEST, "valid_until": self.now + 3600}
        given |= {"document": DOCUMENT} if any(f.name == "document" for f in ACTS[name].fields) else {}
        return Act.make(name, **(given | fields))

    def circumstances(self, act: Act, digest: str, **changes: Any) -> Circumstances:
        signers = [act["signer"], *([act["key"]] if act.name == "EnrolKey" else [])]
        signatures = tuple(bytes.fromhex(signer[2:] + digest) for signer in signers)
        return replace(Circumstances(self.now, signatures, signed), **changes)

    def module(self, act: Act) -> str:
        return MODULES[act.type.module]

    def judge(self, act: Act, **changes: Any) -> Refused | None:
        """The rules' answer, the same from the whole state and from the promised part of it."""
        digest = act_digest(act, CHAIN_ID, self.module(act))
        circumstances = self.circumstances(act, digest, **changes)
        whole = refusal(self.state, act, digest, circumstances)
        part = refusal(self.part(act, digest), act, digest, circumstances)
        assert _told(whole) == _told(part), f"{act.name}: the closure of touches() is not enough"
        return whole

    def part(self, act: Act, digest: str) -> State:
        part = State()
        wanted = touches(act, digest, signing_department(self.state, act))
        part.close(wanted, lambda shape, key: self.state.get(shape, *key))
        return part

    def do(self, name: str, by: str, **fields: Any) -> Entry:
        """The act must be accepted; answers its entry, applied."""
        self.now += 1
        act = self.act(name, by, **fields)
        refused = self.judge(act)
        assert refused is None, refused.detail
        return self.record(act)

    def record(self, act: Act, signatures: tuple[bytes, ...] | None = None) -> Entry:
        digest = act_digest(act, CHAIN_ID, self.module(act))
        entry = Entry(
            index=len(self.entries),
            module=self.module(act),
            act=act,
            digest=digest,
            signatures=self.circumstances(act, digest).signatures if signatures is None else signatures,
            department=signing_department(self.state, act),
            marks=marks_of(self.state, act),
            time=self.now,
            head=ZERO_DIGEST,
        )
        entry = replace(entry, head=head_after(self.head, entry))
        part = self.part(act, digest)
        before = list(self.state)
        changed = apply(self.state, entry)
        assert list(self.state) == before, "apply changed the state in place"
        assert apply(part, entry) == changed, f"{act.name}: apply read more than the closure of touches()"
        assert not misreported(self.state, entry)
        self.state.put(*changed)
        self.entries.append(entry)
        self.head = entry.head
        return entry

    def refused(self, name: str, by: str, *, circumstances: dict[str, Any] | None = None, **fields: Any) -> str:
        """The act must be refused; answers the error's Solidity name and arguments, as `Name(a,b)`."""
        refused = self.judge(self.act(name, by, **fields), **(circumstances or {}))
        assert refused is not None, f"{name} was accepted"
        return _told(refused)

    def open(self, **fields: Any) -> Entry:
        act = Act.make("OpenLedger", **(OPENING | fields))
        assert self.judge_opening(act) is None
        return self.record(act, signatures=())

    def judge_opening(self, act: Act) -> Refused | None:
        return refusal(self.state, act, ZERO_DIGEST, Circumstances(self.now, (), signed))

    def enrol(self, by: str, key: str, department: str, duty: Duty, **fields: Any) -> Entry:
        terms = {"kind": KeyKind.ACCOUNT, "custody": Custody.OWN, "mandate": ZERO_DIGEST, "start": 0, "until": 0}
        return self.do("EnrolKey", by, **{**terms, **fields}, key=address(key), department=department, duty=duty)


def _told(refused: Refused | None) -> str:
    if refused is None:
        return ""
    arguments = ",".join(map(str, getattr(refused, "arguments", ())))
    return f"{type(refused).__name__}({arguments})"


OPENING: dict[str, Any] = {
    **{module.value.lower(): MODULES[module] for module in Module if module is not Module.JOURNAL},
    "courier": address("courier"),
    "department": "city",
    "level": Level.CITY,
    "roles": Role.AUTHORITY | Role.PROVIDER,
    "document": DOCUMENT,
    "first_key": address("root-1"),
    "first_kind": KeyKind.ACCOUNT,
    "second_key": address("root-2"),
    "second_kind": KeyKind.ACCOUNT,
    "custody": Custody.OWN,
    "older_journal": ZERO_ADDRESS,
    "older_head": ZERO_DIGEST,
    "older_size": 0,
}


def peopled() -> World:
    """city (root) above county (authority) above stats (provider) and fund (consumer); city above lab (attestor).

    Keys are `<department>-director`, `-lead`, `-officer`; the root's are root-1 and root-2, city-lead.
    """
    world = World()
    world.open()
    tree = {
        "county": ("city", Level.COUNTY, Role.AUTHORITY),
        "stats": ("county", Level.COUNTY, Role.PROVIDER | Role.CONSUMER),
        "fund": ("county", Level.COUNTY, Role.CONSUMER),
        "lab": ("city", Level.CITY, Role.ATTESTOR),
    }
    for code, (parent, level, roles) in tree.items():
        world.do("RegisterDepartment", "root-1", department=code, parent=parent, level=level, roles=roles)
        for duty in Duty:
            world.enrol("root-1", f"{code}-{duty.name.lower()}", code, duty)
    world.enrol("root-1", "city-lead", "city", Duty.LEAD)
    return world


SUBMISSION: dict[str, Any] = {
    "dataset": "stats/area-codes",
    "department": "stats",
    "share_type": 2,
    "grade": 1,
    "basis": ZERO_DIGEST,
    "conditions": "c0" * 32,
}
VERSION: dict[str, Any] = {
    "dataset": "stats/area-codes",
    "number": 1,
    "format": "share-record/1",
    "salted": True,
    "schema": "50" * 32,
    "root": "60" * 32,
    "records": 620_573,
    "size": 30_000_000,
    "twin": ZERO_DIGEST,
}
REQUEST: dict[str, Any] = {"consumer": "fund", "dataset": "stats/area-codes", "scope": "5c" * 32}


@dataclass
class Story:
    """A world with one dataset published, one version anchored, one share requested."""

    world: World
    submitted: Entry
    published: Entry
    version: Entry
    requested: Entry

    @property
    def share(self) -> str:
        return self.requested.digest

    def last(self) -> str:
        share = self.world.state.get(Share, self.share)
        assert share is not None
        return share.last

    def move(self, name: str, by: str, **fields: Any) -> Entry:
        return self.world.do(name, by, share=self.share, prior=self.last(), **fields)

    def refused(self, name: str, by: str, **fields: Any) -> str:
        return self.world.refused(name, by, **({"share": self.share, "prior": self.last()} | fields))

    def agree(self, **fields: Any) -> Entry:
        terms = {"scope": "5c" * 32, "conditions": "c0" * 32, "until": self.world.now + 1000}
        return self.move("AgreeShare", "stats-lead", **(terms | fields))


def story(**submission: Any) -> Story:
    world = peopled()
    submitted = world.do("SubmitDataset", "stats-director", **(SUBMISSION | submission))
    dataset = SUBMISSION["dataset"]
    published = world.do("PublishDataset", "county-lead", dataset=dataset, prior=submitted.digest)
    version = world.do("AnchorVersion", "stats-officer", **VERSION)
    until = world.now + 30 * 86_400
    requested = world.do("RequestShare", "fund-lead", **REQUEST, revision=submitted.digest, until=until)
    return Story(world, submitted, published, version, requested)
