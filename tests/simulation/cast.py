"""Who acts on the simulated ledger, with real keys; and the ledger's opening. The same in every seed."""

import base64
import hashlib
from functools import cache, lru_cache
from typing import Any

from ledger.domain.acts import ACTS, Custody, Duty, KeyKind, Level, Module, Role
from ledger.domain.callers import Caller
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST, digest_to_bytes
from ledger.domain.manifest import Manifest
from ledger.domain.subjects import subject
from ledger.domain.submissions import Submission
from ledger.domain.values import Act
from ledger.proofs.typed_data import act_digest
from ledger.services.acting import SignedAct
from tests.factories.acts import CHAIN_ID, MODULES, ROOT, START, address
from tests.fakes.small import FakeSignatures

DEPARTMENTS = ("north", "south", "west")
EVERY_ROLE = Role.AUTHORITY | Role.PROVIDER | Role.CONSUMER | Role.ATTESTOR
COURIER = address("courier-key")
SIGNATURES = FakeSignatures()
CALLERS = {code: Caller(f"key-of-{code}", code, Duty.DIRECTOR, EVERY_ROLE) for code in (ROOT, *DEPARTMENTS)}


@cache
def key(name: str) -> str:
    return SIGNATURES.key(name).address


@lru_cache(maxsize=100_000)
def recovers(signer: str, digest: str, signature: bytes) -> bool:
    return SIGNATURES.recovers(signer, digest_to_bytes(digest), signature)


def signed(signer: str, _kind: int, digest: str, signature: bytes) -> bool:
    """The contracts' look at a signature."""
    return recovers(signer, digest, signature)


@cache
def manifest() -> Manifest:
    modules: dict[str, Any] = {one.value.lower(): MODULES[one] for one in Module if one is not Module.JOURNAL}
    opening = Act.make(
        "OpenLedger", **modules,
        courier=address("Courier"), department=ROOT, level=Level.CITY, roles=EVERY_ROLE, document="d0" * 32,
        first_key=key(f"{ROOT}/1"), first_kind=KeyKind.ACCOUNT, second_key=key(f"{ROOT}/2"),
        second_kind=KeyKind.ACCOUNT, custody=Custody.OWN, older_journal=ZERO_ADDRESS, older_head=ZERO_DIGEST,
        older_size=0,
    )  # fmt: skip
    return Manifest(CHAIN_ID, "0x" + "00" * 32, 2, MODULES, address("Courier"), opening, {})


def sign(name: str, signer: str, *documents: Document, valid_until: int = START + 7200, **fields: Any) -> SignedAct:
    given: dict[str, Any] = {field.name: ZERO_DIGEST for field in ACTS[name].fields if field.kind == "digest"}
    act = Act.make(name, **(given | {"signer": signer, "valid_until": valid_until} | fields))
    digest = digest_to_bytes(act_digest(act, CHAIN_ID, MODULES[act.type.module]))
    signers = [signer, act["key"]] if act.type.signatures == 2 else [signer]
    return SignedAct(act, tuple(SIGNATURES.signers[one].sign(digest) for one in signers), documents)


def digest_of(act: Act) -> str:
    return act_digest(act, CHAIN_ID, MODULES[act.type.module])


def as_submission(one: SignedAct, department: str) -> Submission:
    """What a stranger would carry."""
    digest = digest_of(one.act)
    module = MODULES[one.act.type.module]
    return Submission(digest, module, one.act, one.signatures, department, subject(one.act, digest))


@cache
def beginnings() -> tuple[tuple[SignedAct, str], ...]:
    """The acts that are on the ledger before anything happens, with the department of each."""
    root, made = key(f"{ROOT}/1"), []
    for code in DEPARTMENTS:
        terms: dict[str, Any] = {"level": Level.COUNTY, "roles": Role.PROVIDER | Role.CONSUMER}
        made.append((sign("RegisterDepartment", root, department=code, parent=ROOT, **terms), ROOT))
        terms = {"kind": KeyKind.ACCOUNT, "duty": Duty.DIRECTOR, "custody": Custody.OWN, "start": 0, "until": 0}
        made.append((sign("EnrolKey", root, key=key(f"{code}/1"), department=code, **terms), ROOT))
    return tuple(made)


@cache
def salt(name: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:16]).rstrip(b"=").decode()


@cache
def item(code: str, provider: str) -> Document:
    """A catalogue item's document."""
    return Document.make(
        "dataset", salt=salt(code), dataset=code, department=provider, name="区划代码", abstract="全市区划代码",
        provider="统计局", items=[{"name": "code", "type": "C"}], data_format=1, update_cycle="yearly", share_type=1,
        share_method="库表", grade=1, library={"class": "base"},
        assessments={"secrecy": "aa" * 32, "personal": "bb" * 32},
    )  # fmt: skip


@cache
def request(code: str, revision: str, consumer: str, until: int) -> Document:
    return Document.make(
        "share-request", salt=salt(code + consumer), dataset=code, revision=revision, consumer=consumer, until=until,
        basis=[{"law": "政务数据共享条例"}], scenario="核验", scope={"items": ["code"], "rows": "全部"}, method=1,
        purpose="核验",
    )  # fmt: skip
