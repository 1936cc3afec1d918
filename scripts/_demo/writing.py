"""Writing an act without the server's help: its fields, its documents, and the digest that is to be signed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.cli.signing import LedgerIdentity
from ledger.domain.acts import Kind
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.values import Act, act_type
from ledger.proofs.typed_data import act_digest

VALID_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Written:
    act: Act
    digest: str
    documents: tuple[Document, ...]

    def signed(self, *signatures: str | None) -> dict[str, Any]:
        """As POST /v1/acts takes it; None for a signature that the host is to make."""
        return {
            "act": {"type": self.act.name, **self.act.to_json()},
            "signatures": list(signatures),
            "documents": [document.body.decode() for document in self.documents],
        }


def write(
    ledger: LedgerIdentity,
    name: str,
    signer: str,
    fields: Mapping[str, Any],
    *documents: tuple[str, Document],
    prior: str = ZERO_DIGEST,
) -> Written:
    """The act by which `signer` says so; `documents` are (field of the act, document). Raises InvalidAct."""
    given: dict[str, Any] = {field.name: ZERO_DIGEST for field in act_type(name).fields if field.kind is Kind.DIGEST}
    given |= dict(fields) | {field: document.digest for field, document in documents}
    given |= {"signer": signer, "prior": prior, "valid_until": int(time.time()) + VALID_SECONDS}
    act = Act.make(name, **given)
    digest = act_digest(act, ledger.chain_id, ledger.modules[str(act.type.module)])
    return Written(act, digest, tuple(document for _, document in documents))
