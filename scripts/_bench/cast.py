"""64 departments under one root: each provides a dataset, asks for its neighbour's and keeps a log. All sign ahead."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from keys.signer import LocalSigner
from ledger.domain.acts import Custody, Duty, Grade, KeyKind, Level, Role, RuleKind, ShareType
from ledger.domain.documents import Document
from ledger.domain.manifest import Manifest
from scripts._bench.product import ROOT
from scripts._bench.writing import TERM, Hand, Signed

ROLES: Final = Role.PROVIDER | Role.CONSUMER
ITEMS: Final = [{"name": name, "type": "text"} for name in ("code", "name", "status")]
KINDS: Final = ("AnchorVersion", "AttestQuality", "RequestShare", "PublishCheckpoint")
"""What a department's acts are, in turn; three of the four carry documents."""


@dataclass
class Office:
    """One department: its key, its dataset, and how far its line of versions and its log are."""

    hand: Hand
    dataset: str
    revision: str = ""
    versions: int = 0
    size: int = 0

    @property
    def code(self) -> str:
        return self.hand.department


@dataclass
class Cast:
    """Who takes part. `root` signs for the root authority; `rules` is the quality rule set that all attest by."""

    manifest: Manifest
    root: Hand
    offices: list[Office]
    rules: Document

    @classmethod
    def of(cls, manifest: Manifest, director: LocalSigner, departments: int) -> "Cast":
        codes = [f"{ROOT}.d{number:02}" for number in range(departments)]
        hands = [Hand(manifest, code, LocalSigner(os.urandom(32))) for code in codes]
        measures = [{"code": "complete", "weight": 100}]
        rules = Document.make("quality-rules", name="whole records", measures=measures)
        return cls(
            manifest,
            Hand(manifest, ROOT, director),
            [Office(hand, f"{hand.department}/items") for hand in hands],
            rules,
        )

    # ---- before anything is measured --------------------------------------------------------------------------------

    def enrolling(self) -> list[Signed]:
        """By the root: the departments, a key each, and the rule set."""
        signed = [self.root.sign("PublishRule", rule="quality", kind=RuleKind.QUALITY, start=0, document=self.rules)]
        for office in self.offices:
            code, key = office.code, office.hand.signer
            signed.append(
                self.root.sign("RegisterDepartment", department=code, parent=ROOT, level=Level.COUNTY, roles=ROLES)
            )
            signed.append(
                self.root.sign(
                    "EnrolKey", key, key=key.address, department=code, kind=KeyKind.ACCOUNT, duty=Duty.DIRECTOR,
                    custody=Custody.OWN, start=0, until=0,
                )
            )  # fmt: skip
        return signed

    def submitting(self) -> list[Signed]:
        """By each department: its catalogue item."""
        signed = []
        for office in self.offices:
            one = office.hand.sign(
                "SubmitDataset", dataset=office.dataset, department=office.code, grade=Grade.GENERAL_1,
                share_type=ShareType.UNCONDITIONAL, document=_catalogue_item(office),
            )  # fmt: skip
            office.revision = one.digest
            signed.append(one)
        return signed

    def publishing(self) -> list[Signed]:
        """By the root: all of them."""
        return [
            self.root.sign("PublishDataset", dataset=office.dataset, prior=office.revision) for office in self.offices
        ]

    # ---- what is measured -------------------------------------------------------------------------------------------

    def acts(self, office: Office, count: int) -> Iterator[Signed]:
        """The department's next acts: each continues its own, so that it waits for nobody else."""
        for place in range(count):
            kind = KINDS[place % len(KINDS)]
            if kind == "AnchorVersion":
                version = self._version(office)
                yield version
            elif kind == "AttestQuality":
                yield self._attestation(office, version.digest)
            elif kind == "RequestShare":
                yield self._request(office)
            else:
                yield self.checkpoint(office)

    def checkpoint(self, office: Office) -> Signed:
        office.size += 1000
        root = hashlib.sha256(f"{office.code} {office.size}".encode()).hexdigest()
        return office.hand.sign("PublishCheckpoint", on="log", log="records", size=office.size, root=root)

    def _version(self, office: Office) -> Signed:
        office.versions += 1
        taken = hashlib.sha256(f"{office.dataset} {office.versions}".encode()).hexdigest()
        form: dict[str, Any] = {"dataset": office.dataset, "number": office.versions, "format": "share-record/1"}
        document = Document.make(
            "version", **form, payload={"digest": taken, "size": 1_250_000, "media_type": "text/csv"},
            provenance={"source": "业务系统导出", "captured": 1_790_000_000, "method": "export", "system": "综合窗口"},
        )  # fmt: skip
        return office.hand.sign(
            "AnchorVersion", on="line", **form, salted=True, schema=taken, root=taken, records=12_500, size=1_250_000,
            document=document,
        )  # fmt: skip

    def _attestation(self, office: Office, version: str) -> Signed:
        score = 998_000
        found = [{"code": "complete", "a": 12_475, "b": 12_500, "weight": 100}]
        document = Document.make(
            "quality-report", version=version, rules=self.rules.digest, records=12_500, indicators=found, score=score
        )
        return office.hand.sign(
            "AttestQuality", prior=version, rules=self.rules.digest, score=score, self_attested=True, document=document
        )

    def _request(self, office: Office) -> Signed:
        neighbour = self.offices[(self.offices.index(office) + 1) % len(self.offices)]
        scope = {"items": [item["name"] for item in ITEMS], "rows": "本区县"}
        asked: dict[str, Any] = {
            "dataset": neighbour.dataset, "revision": neighbour.revision, "consumer": office.code, "until": TERM
        }  # fmt: skip
        document = Document.make(
            "share-request", **asked, scope=scope, basis=[{"law": "政务数据共享条例", "article": "第二十条"}],
            scenario="办理事项时核验", method=1, purpose="减少申请材料",
        )  # fmt: skip
        return office.hand.sign("RequestShare", **asked, scope=Document.make("scope", scope=scope), document=document)


def _catalogue_item(office: Office) -> Document:
    return Document.make(
        "dataset", dataset=office.dataset, name="事项清单", abstract="办理事项", provider=office.code,
        department=office.code, items=ITEMS, data_format=1, update_cycle="daily",
        share_type=int(ShareType.UNCONDITIONAL), share_method="file", grade=int(Grade.GENERAL_1),
        library={"class": "department"}, assessments={"secrecy": "0" * 64, "personal": "0" * 64},
    )  # fmt: skip
