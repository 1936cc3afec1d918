"""A small ledger's beginning and the acts on it, as the services see them; signatures are not looked at."""

from typing import Any

from ledger.domain.acts import ACTS, Custody, KeyKind, Level, Module, Role
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.keccak import keccak256
from ledger.domain.manifest import Manifest
from ledger.domain.subjects import subject
from ledger.domain.submissions import Submission
from ledger.domain.values import Act
from ledger.proofs.typed_data import act_digest

CHAIN_ID = 31_337
START = 1_790_000_000
DOCUMENT = "d0" * 32
ROOT = "city"


def address(name: str) -> str:
    return "0x" + keccak256(name.encode())[12:].hex()


ROOT_KEY, SECOND_KEY, COURIER_KEY = address("root-1"), address("root-2"), address("courier-key")
MODULES = {module: address(module.value) for module in Module}
OPENING = Act.make(
    "OpenLedger",
    **{module.value.lower(): MODULES[module] for module in Module if module is not Module.JOURNAL},
    courier=address("Courier"), department=ROOT, level=Level.CITY, roles=Role.AUTHORITY | Role.PROVIDER,
    document=DOCUMENT, first_key=ROOT_KEY, first_kind=KeyKind.ACCOUNT, second_key=SECOND_KEY,
    second_kind=KeyKind.ACCOUNT, custody=Custody.OWN, older_journal=ZERO_ADDRESS, older_head=ZERO_DIGEST, older_size=0,
)  # fmt: skip


def manifest(block: int = 3) -> Manifest:
    """Of a ledger whose Journal was created in that block."""
    return Manifest(CHAIN_ID, "0x" + "00" * 32, block, MODULES, address("Courier"), OPENING, {})


def submission(name: str, **fields: Any) -> Submission:
    """An act of the root's first key, with sensible values for what `fields` leaves out."""
    given: dict[str, Any] = {"signer": ROOT_KEY, "prior": ZERO_DIGEST, "valid_until": START + 3600}
    given |= {"document": DOCUMENT} if any(field.name == "document" for field in ACTS[name].fields) else {}
    act = Act.make(name, **(given | fields))
    module = MODULES[act.type.module]
    digest = act_digest(act, CHAIN_ID, module)
    signatures = tuple(bytes([number + 1]) * 65 for number in range(act.type.signatures))
    return Submission(digest, module, act, signatures, ROOT, subject(act, digest))


def register(code: str, **fields: Any) -> Submission:
    return submission("RegisterDepartment", **({"department": code, "parent": ROOT, "level": 3, "roles": 4} | fields))


def change(code: str, prior: str, **fields: Any) -> Submission:
    given = {"department": code, "parent": ROOT, "level": 3, "roles": 6, "prior": prior}
    return submission("ChangeDepartment", **(given | fields))


def retire(key: str, prior: str, **fields: Any) -> Submission:
    return submission("RetireKey", **({"key": key, "since": START, "reason": 1, "prior": prior} | fields))


def enrol(key: str, **fields: Any) -> Submission:
    given = {"key": address(key), "department": ROOT, "kind": 1, "duty": 3, "custody": 1, "mandate": ZERO_DIGEST}
    return submission("EnrolKey", **({**given, "start": 0, "until": 0} | fields))
