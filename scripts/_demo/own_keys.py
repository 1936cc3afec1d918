"""A department that keeps its keys: it writes its acts, computes their digests and signs them on its own machine.

The server never sees a key of it. Acts are written here from the department's own words, not taken from a draft.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keys.keystore import Keystore
from keys.passphrases import Passphrase
from ledger.cli.signing import LedgerIdentity, check_draft
from ledger.domain.acts import Kind
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST, format_signature
from ledger.domain.values import Act, act_type
from ledger.proofs.typed_data import act_digest
from scripts._demo.office import Office, Submission, final

VALID_SECONDS = 600


class OwnKeys:
    """The key files of one department, in a folder of its own."""

    def __init__(self, office: Office, ledger: LedgerIdentity, folder: Path, passphrase: Passphrase) -> None:
        self._office, self._ledger, self._passphrase = office, ledger, passphrase
        self._keystore = Keystore(folder)

    def new(self) -> str:
        """A new key; its address."""
        return self._keystore.create(self._passphrase)

    def act(
        self, name: str, key: str, fields: Mapping[str, Any], *documents: tuple[str, Document], prior: str = ZERO_DIGEST
    ) -> Submission:
        """Write the act, sign it with `key` (and with the key it enrols), send it, wait. Raises Answered, Unexpected.

        `documents` are (field of the act, document).
        """
        given: dict[str, Any] = {
            field.name: ZERO_DIGEST for field in act_type(name).fields if field.kind is Kind.DIGEST
        }
        given |= dict(fields) | {field: document.digest for field, document in documents}
        given |= {"signer": key, "prior": prior, "valid_until": int(time.time()) + VALID_SECONDS}
        act = Act.make(name, **given)
        digest = act_digest(act, self._ledger.chain_id, self._ledger.modules[str(act.type.module)])
        signers = (key, act["key"]) if act.type.signatures == 2 else (key,)
        signed = {
            "act": {"type": name, **act.to_json()},
            "signatures": [self.sign(signer, digest) for signer in signers],
            "documents": [document.body.decode() for _, document in documents],
        }
        answer = self._office.client.post("/acts", {"acts": [signed]}, wait=30)
        return final(answer["items"][0])

    def consent(self, draft: Any, fields: Mapping[str, Any], document: Mapping[str, Any]) -> str:
        """The new key's signature on another's EnrolKey, once every word of the draft was checked. Raises Mismatch."""
        signers = (draft["signers"][0], fields["key"])
        checked = check_draft(
            draft, name="EnrolKey", fields=fields, document=document, signers=signers, ledger=self._ledger
        )
        return self.sign(fields["key"], checked.digest)

    def sign(self, key: str, digest: str) -> str:
        return format_signature(self._keystore.unlock(key, self._passphrase).sign(bytes.fromhex(digest)))
