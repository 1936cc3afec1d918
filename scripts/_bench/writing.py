"""Acts of one department, written and signed ahead: an act's digest is known before it is sent, so chains can be."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from keys.signer import LocalSigner
from ledger.domain.acts import Kind
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST, digest_to_bytes, format_signature
from ledger.domain.manifest import Manifest
from ledger.domain.subjects import subject
from ledger.domain.submissions import Submission
from ledger.domain.values import Act, act_type
from ledger.proofs.typed_data import act_digest

VALID_SECONDS: Final = 86_400
TERM: Final = 4_000_000_000  # a share's end


@dataclass(frozen=True, slots=True)
class Signed:
    """An act with its signatures, as a submission, and as POST /v1/acts takes it."""

    submission: Submission
    documents: tuple[Document, ...]

    @property
    def digest(self) -> str:
        return self.submission.digest

    def to_json(self) -> dict[str, Any]:
        one = self.submission
        return {
            "act": {"type": one.act.name, **one.act.to_json()},
            "signatures": [format_signature(raw) for raw in one.signatures],
            "documents": [document.body.decode() for document in self.documents],
        }


@dataclass
class Hand:
    """A department's key, and the last act it signed on each object (`prior` of the next one)."""

    manifest: Manifest
    department: str
    signer: LocalSigner
    last: dict[str, str] = field(default_factory=dict)

    def sign(self, name: str, *others: LocalSigner, on: str = "", **fields: Any) -> Signed:
        """The act with what is left out filled in. Documents stand where their digests belong; `on` names the chain."""
        documents = tuple(value for value in fields.values() if isinstance(value, Document))
        values: dict[str, Any] = {
            column.name: ZERO_DIGEST for column in act_type(name).fields if column.kind is Kind.DIGEST
        }
        values |= {"signer": self.signer.address, "valid_until": int(time.time()) + VALID_SECONDS}
        values |= {"prior": self.last.get(on, ZERO_DIGEST)} if on else {}
        values |= {field: value.digest if isinstance(value, Document) else value for field, value in fields.items()}
        act = Act.make(name, **values)
        module = self.manifest.address(act.type.module)
        digest = act_digest(act, self.manifest.chain_id, module)
        if on:
            self.last[on] = digest
        signatures = tuple(each.sign(digest_to_bytes(digest)) for each in (self.signer, *others))
        return Signed(Submission(digest, module, act, signatures, self.department, subject(act, digest)), documents)
