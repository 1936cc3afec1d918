"""A small ledger on a real chain: a tree of departments with keys, and a way to act that re-checks what it did.

LUAN (city, authority, root)            keys: director, second, lead, officer
└ BUREAU (city, authority)              director, lead
  ├ STAT (provider, attestor)           director, lead, officer
  ├ FUND (consumer)                     director, lead, officer
  ├ JUDGE (attestor)                    officer
  └ COUNTY (authority, provider)        director, lead
    └ TOWN (provider, consumer)         director, lead, officer
"""

from dataclasses import dataclass, field, replace
from typing import Any

from eth_abi import decode, encode
from eth_hash.auto import keccak

from ledger.domain.acts import ACTS, BY_ENTRY, ActType, Custody, Duty, Grade, KeyKind, Level, Role, ShareType
from tests.contracts.chain import CHAIN_ID, GENESIS, Chain, Reverted
from tests.contracts.signing import Hand, SignedAct, code, digest_of, sign, tuple_type, typed_digest
from tests.contracts.solidity import MODULES, artefact

ZERO = bytes(32)
NOBODY = "0x" + "00" * 20
ROOT = code("LUAN")
DATASET = code("STAT/division")
FOREVER = GENESIS + 10**9
RECORDED = keccak(b"Recorded(uint256,address,bytes32,bytes32,uint48,bytes[])")
TOPICS = {
    keccak(f"{act.entry}(bytes32,uint256,bytes32,bytes32,uint8,{tuple_type(act)})".encode()): act
    for act in ACTS.values()
}
ALL_ERRORS = {
    (item["name"], tuple(arg["type"] for arg in item["inputs"]))
    for name in MODULES
    for item in artefact(name)["abi"]
    if item["type"] == "error"
}
ERRORS = {keccak(f"{name}({','.join(types)})".encode())[:4]: (name, types) for name, types in ALL_ERRORS}
DEFAULTS: dict[str, Any] = {
    "document": digest_of("document"),
    "scope": digest_of("scope"),
    "conditions": digest_of("conditions"),
    "basis": digest_of("basis"),
    "schema": digest_of("schema"),
    "root": digest_of("root"),
    "state": digest_of("state"),
    "rules": digest_of("rules"),
    "mandate": ZERO,
    "twin": ZERO,
    "version": ZERO,
    "start": 0,
    "until": FOREVER,
    "dataset": DATASET,
    "format": code("share-record/1"),
    "salted": True,
    "records": 7,
    "size": 100,
    "share_type": ShareType.CONDITIONAL,
    "grade": Grade.GENERAL_1,
    "kind": KeyKind.ACCOUNT,
    "custody": Custody.OWN,
    "working_days": 5,
    "self_attested": False,
    "successor": NOBODY,
    "valid_until": FOREVER,
}
REACHED: set[str] = set()  # names of the errors that any test has met
CREATING = {"RequestShare", "GrantShare", "AttestQuality", "RequestCorrection"}


@dataclass(frozen=True)
class Entry:
    """What one act left in the logs."""

    index: int
    digest: bytes
    head: bytes
    marks: int
    department: bytes
    time: int
    gas: int


@dataclass(frozen=True)
class Refusal:
    """A decoded custom error; no name if it was empty."""

    name: str
    args: tuple[Any, ...] = ()


def decode_error(reason: bytes) -> Refusal:
    if not reason:
        return Refusal("")
    name, types = ERRORS[reason[:4]]
    REACHED.add(name)
    return Refusal(name, tuple(decode(list(types), reason[4:])))


def object_of(act: ActType, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """What the act's `prior` speaks of; None for a creating act."""
    match act.name:
        case name if name in CREATING:
            return None
        case "AdmitModule" | "CloseLedger":
            return ("journal",)
        case "RegisterDepartment" | "ChangeDepartment":
            return ("department", values["department"])
        case "EnrolKey" | "RetireKey":
            return ("key", values["key"])
        case "AnchorVersion" | "ShredVersion":
            return ("line", values["dataset"])
        case "PublishRule":
            return ("rule", values["rule"])
        case "PublishCheckpoint":
            return ("log", values["log"])
    named = [name for name in ("share", "attestation", "correction", "dataset") if name in values]
    return ("id", values[named[0]])


@dataclass
class World:
    chain: Chain
    modules: dict[str, str] = field(default_factory=dict)
    opening: dict[str, Any] = field(default_factory=dict)
    opening_digest: bytes = ZERO
    last: dict[tuple[Any, ...], bytes] = field(default_factory=dict)
    wallets: dict[str, str] = field(default_factory=dict)  # key name -> contract that signs in its place

    # -- building ---------------------------------------------------------------------------------------------------

    @classmethod
    def deploy(cls, chain: Chain, **changes: Any) -> "World":
        """Deploys all eight contracts; `changes` replace fields of the opening."""
        world = cls(chain)
        nonce = chain.nonce()
        world.modules = {name: created_at(chain.account, nonce + i) for i, name in enumerate(MODULES)}
        world.opening = {
            **{name.lower(): world.modules[name] for name in MODULES[1:]},
            "department": ROOT,
            "level": Level.CITY,
            "roles": int(Role.AUTHORITY),
            "document": digest_of("opening"),
            "first_key": Hand("LUAN.director").address,
            "first_kind": KeyKind.ACCOUNT,
            "second_key": Hand("LUAN.second").address,
            "second_kind": KeyKind.ACCOUNT,
            "custody": Custody.OWN,
            "older_journal": NOBODY,
            "older_head": ZERO,
            "older_size": 0,
            **changes,
        }
        act = ACTS["OpenLedger"]
        world.opening_digest = typed_digest(act, world.opening, world.modules["Journal"])
        for name in MODULES:
            receipt = chain.send(None, world.creation(name))
            assert receipt["contractAddress"] == world.modules[name]
        for key in ("first_key", "second_key"):
            world.last["key", world.opening[key]] = world.opening_digest
        return world

    def creation(self, name: str) -> bytes:
        opened = tuple_type(ACTS["OpenLedger"])
        words = [self.opening[item.name] for item in ACTS["OpenLedger"].fields]
        match name:
            case "Journal":
                args = encode([opened], [words])
            case "Departments":
                args = encode(["address", opened], [self.modules["Journal"], words])
            case _:
                args = encode(["address"], [self.modules["Journal"]])
        return bytes.fromhex(artefact(name)["bytecode"][2:]) + args

    def populate(self) -> None:
        """The tree and keys of the module's docstring."""
        for name, parent, level, roles, duties in (
            ("LUAN", "", Level.CITY, Role.AUTHORITY, "lead officer"),
            ("BUREAU", "LUAN", Level.CITY, Role.AUTHORITY, "director lead"),
            ("STAT", "BUREAU", Level.CITY, Role.PROVIDER | Role.ATTESTOR, "director lead officer"),
            ("FUND", "BUREAU", Level.CITY, Role.CONSUMER, "director lead officer"),
            ("JUDGE", "BUREAU", Level.CITY, Role.ATTESTOR, "officer"),
            ("COUNTY", "BUREAU", Level.COUNTY, Role.AUTHORITY | Role.PROVIDER, "director lead"),
            ("TOWN", "COUNTY", Level.TOWNSHIP, Role.PROVIDER | Role.CONSUMER, "director lead officer"),
        ):
            if parent:
                self.act("RegisterDepartment", "LUAN.director", department=code(name), parent=code(parent),
                         level=level, roles=int(roles))  # fmt: skip
            for duty in duties.split():
                self.enrol(f"{name}.{duty}", by="LUAN.director")

    def enrol(self, name: str, by: str, **fields: Any) -> Entry:
        """Enrols the key that a name like `STAT.lead` stands for."""
        department, duty = name.split(".")
        values = {"department": code(department), "duty": Duty[duty.upper()] if duty.upper() in Duty.__members__ else 0}
        return self.act("EnrolKey", by, key=self.address(name), with_key=name, **{**values, **fields})

    def dataset(self, name: bytes = DATASET, provider: str = "STAT", by: str = "BUREAU.lead", **fields: Any) -> bytes:
        """Submits and publishes a dataset; returns the revision."""
        submitted = self.act("SubmitDataset", f"{provider}.director", dataset=name, department=code(provider), **fields)
        self.act("PublishDataset", by, dataset=name)
        return submitted.digest

    def request(self, revision: bytes, by: str = "FUND.lead", **fields: Any) -> bytes:
        consumer = code(by.split(".")[0])
        share = self.act("RequestShare", by, **{"consumer": consumer, "revision": revision, **fields}).digest
        self.last["id", share] = share
        return share

    def agreed(self, **fields: Any) -> bytes:
        """A share in force of a newly published DATASET, with version 1 anchored."""
        share = self.request(self.dataset())
        self.act("AnchorVersion", "STAT.officer", number=1)
        self.act("AgreeShare", "STAT.lead", share=share, **fields)
        return share

    # -- acting -----------------------------------------------------------------------------------------------------

    def address(self, name: str) -> str:
        return self.wallets.get(name) or Hand(name).address

    def sign(self, name: str, by: str, with_key: str | None = None, **fields: Any) -> SignedAct:
        """The act with everything not given filled in: signer, prior, validity and the defaults above."""
        act = ACTS[name]
        values = {**{key: DEFAULTS[key] for key in (f.name for f in act.fields) if key in DEFAULTS}, **fields}
        values.setdefault("signer", self.address(by))
        about = object_of(act, values)
        values.setdefault("prior", self.last.get(about, ZERO) if about else ZERO)
        hands = (Hand(by),) if act.signatures == 1 else (Hand(by), Hand(with_key or by))
        return sign(name, values, self.modules[act.module], hands)

    def send(self, signed: SignedAct) -> Entry:
        """Mines the act, checks what it left behind, and remembers it as the last on its object."""
        before = self.size()
        receipt = self.chain.send(signed.module, signed.calldata)
        recorded, event = receipt["logs"]
        assert bytes.fromhex(recorded["topics"][0][2:]) == RECORDED
        assert TOPICS[bytes.fromhex(event["topics"][0][2:])] == signed.act
        assert bytes.fromhex(event["topics"][1][2:]) == signed.digest
        entry = self._entry(event, receipt)
        assert entry.index == before
        about = object_of(signed.act, signed.values)
        self.last[about or ("id", entry.digest)] = entry.digest
        return entry

    def _entry(self, event: dict[str, Any], receipt: dict[str, Any]) -> Entry:
        head, department, marks = decode(["bytes32", "bytes32", "uint8"], bytes.fromhex(event["data"][2:])[:96])
        index, gas = int(event["topics"][2], 16), int(receipt["gasUsed"], 16)
        digest = bytes.fromhex(event["topics"][1][2:])
        return Entry(index, digest, head, marks, department, self.chain.now, gas)

    def act(self, name: str, by: str, **fields: Any) -> Entry:
        return self.send(self.sign(name, by, **fields))

    def refusal(self, signed: SignedAct, gas: int = 16_000_000) -> Refusal:
        """Why the act would be refused now; nothing is mined."""
        try:
            self.chain.call(signed.module, signed.calldata, gas)
        except Reverted as refused:
            return decode_error(refused.reason)
        raise AssertionError(f"{signed.act.name} was accepted")

    def refuses(self, name: str, by: str, error: str, *args: Any, **fields: Any) -> None:
        """Asserts the one error, with its arguments, that the act is refused with."""
        assert self.refusal(self.sign(name, by, **fields)) == Refusal(error, args)

    # -- reading ----------------------------------------------------------------------------------------------------

    def view(self, module: str, signature: str, returns: str, *args: Any) -> Any:
        """`view("Journal", "isModule(address)", "bool", x)`; one value alone, several as a tuple."""
        types = signature[signature.index("(") + 1 : -1]
        inputs = [item for item in types.split(",") if item]
        answer = self.chain.call(self.modules[module], keccak(signature.encode())[:4] + encode(inputs, args))
        outputs = [returns] if returns.startswith("(") else returns.split(",")
        decoded = decode(outputs, answer)
        return decoded[0] if len(decoded) == 1 else decoded

    def size(self) -> int:
        return int(self.view("Journal", "size()", "uint256"))

    def head(self) -> bytes:
        return bytes(self.view("Journal", "head()", "bytes32"))

    def key(self, name: str) -> tuple[Any, ...]:
        types = "(bytes32,bytes32,uint8,uint8,uint8,uint48,uint48,uint48,uint48,uint8)"
        found: tuple[Any, ...] = self.view("Departments", "keyOf(address)", types, self.address(name))
        return found

    def share(self, share: bytes) -> dict[str, Any]:
        types = "(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,uint48,uint8,uint8,bool,bool,bool)"
        names = "consumer provider dataset revision last version suspended_by until stage share_type asked extended"
        names += " granted"
        return dict(zip(names.split(), self.view("Authorisations", "shareOf(bytes32)", types, share), strict=True))

    # -- checking everything again ----------------------------------------------------------------------------------

    def check(self) -> int:
        """Rebuilds the head from logs alone, and every act's digest from its event; returns the number of entries."""
        logs = self.chain("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        recorded = [log for log in logs if bytes.fromhex(log["topics"][0][2:]) == RECORDED]
        events = {
            bytes.fromhex(log["topics"][1][2:]): log for log in logs if bytes.fromhex(log["topics"][0][2:]) in TOPICS
        }
        journal = self.modules["Journal"]
        recorded = [log for log in recorded if log["address"] == journal]
        head = keccak(encode(["string", "uint256", "address"], ["ShareLedger", CHAIN_ID, journal]))
        for position, log in enumerate(recorded):
            index, module = int(log["topics"][1], 16), "0x" + log["topics"][2][-40:]
            digest = bytes.fromhex(log["topics"][3][2:])
            said, time, signatures = decode(["bytes32", "uint48", "bytes[]"], bytes.fromhex(log["data"][2:]))
            assert index == position
            assert time == int(log["blockTimestamp"], 16)
            words = (head, index, module, digest, keccak(encode(["bytes[]"], [signatures])), time)
            head = keccak(encode(["bytes32", "uint256", "address", "bytes32", "bytes32", "uint256"], words))
            assert said == head
            if module in self.modules.values():
                self._check_event(events[digest], index, module, digest, head)
        assert (head, len(recorded)) == self.view("Journal", "tip()", "bytes32,uint256,bool")[:2]
        assert (head, len(recorded)) == (self.head(), self.size())
        return len(recorded)

    def _check_event(self, log: dict[str, Any], index: int, module: str, digest: bytes, head: bytes) -> None:
        act = TOPICS[bytes.fromhex(log["topics"][0][2:])]
        said, _, _, words = decode(["bytes32", "bytes32", "uint8", tuple_type(act)], bytes.fromhex(log["data"][2:]))
        values = dict(zip((item.name for item in act.fields), words, strict=True))
        assert (log["address"], int(log["topics"][2], 16), said) == (module, index, head)
        assert self.modules[BY_ENTRY[act.entry].module] == module
        assert typed_digest(act, values, module) == digest

    def copy(self) -> "World":
        return replace(self, last=dict(self.last), wallets=dict(self.wallets))


def created_at(account: str, nonce: int) -> str:
    """Address of the contract that an account's transaction creates: RLP of (account, nonce), hashed."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    item = number if len(number) == 1 and nonce < 0x80 else bytes([0x80 + len(number)]) + number
    body = b"\x94" + bytes.fromhex(account[2:]) + item
    return "0x" + keccak(bytes([0xC0 + len(body)]) + body)[12:].hex()
