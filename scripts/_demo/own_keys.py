"""A department that keeps its keys: it writes its acts, computes their digests and signs them on its own machine.

The server never sees a key of it. Acts are written here from the department's own words, not taken from a draft.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keys.keystore import Keystore
from keys.passphrases import Passphrase
from ledger.cli.signing import LedgerIdentity, check_draft
from ledger.domain.documents import Document
from ledger.domain.identifiers import ZERO_DIGEST, format_signature
from scripts._demo.office import Office, Submission, final
from scripts._demo.writing import write


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
        written = write(self._ledger, name, key, fields, *documents, prior=prior)
        signers = (key, written.act["key"]) if written.act.type.signatures == 2 else (key,)
        signed = written.signed(*(self.sign(signer, written.digest) for signer in signers))
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
