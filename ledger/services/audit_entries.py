"""One entry after another: everything about them that can be recomputed without a database. No input, no output.

Faults do not stop the audit: it goes on from what the entry claims, so that one changed entry is one finding and not a
thousand.
"""

from collections.abc import Callable, Sequence

from ledger.domain.acts import KeyKind
from ledger.domain.apply import follow, misreported
from ledger.domain.entries import Entry
from ledger.domain.manifest import Manifest
from ledger.domain.rules import Circumstances, refusal
from ledger.domain.state import Key, State
from ledger.errors import InvalidAct
from ledger.proofs.head import first_head, head_after
from ledger.proofs.typed_data import act_digest
from ledger.services.audit_report import Findings

Recovers = Callable[[str, bytes, bytes], bool]


class EntryAudit:
    """Follows the entries with a state of its own. `state` is whole after every call."""

    def __init__(self, manifest: Manifest, recovers: Recovers, findings: Findings) -> None:
        self._manifest, self._recovers, self._findings = manifest, recovers, findings
        self.state = State()
        self.size = 0
        self.head = first_head(manifest.chain_id, manifest.journal)
        self.contract_signatures = 0
        self.admitted = 0
        self._time = 0

    def see(self, entries: Sequence[Entry]) -> None:
        """The next entries, in the order the node gave them."""
        for entry in entries:
            self._index(entry)
            self._digest(entry)
            if entry.index == 0:
                self._opening(entry)
            self._signatures(entry)
            self._lawful(entry)
            self._derived(entry)
            self._head(entry)
            self._follow(entry)
        for check in ("index", "digest", "signature", "lawful", "derived", "head"):
            self._findings.made(check, len(entries))

    def _fault(self, check: str, code: str, entry: Entry, detail: str) -> None:
        self._findings.add(check, code, entry.digest, f"entry {entry.index} ({entry.kind}): {detail}", (entry.index,))

    def _index(self, entry: Entry) -> None:
        if entry.index != self.size:
            self._fault("index", "entry-index", entry, f"it stands where entry {self.size} should")
        if entry.time < self._time:
            self._fault("index", "entry-time", entry, f"its time {entry.time} is before the one before, {self._time}")
        self.size, self._time = entry.index + 1, max(entry.time, self._time)

    def _digest(self, entry: Entry) -> None:
        if entry.module != self._manifest.address(entry.act.type.module):
            self._fault("digest", "entry-module", entry, f"{entry.module} is not the module of {entry.act.name}")
        digest = act_digest(entry.act, self._manifest.chain_id, entry.module)
        if digest != entry.digest:
            self._fault("digest", "entry-digest", entry, f"its fields have the digest {digest}, not {entry.digest}")

    def _opening(self, entry: Entry) -> None:
        self._findings.made("opening")
        if entry.act != self._manifest.opening:
            self._fault("opening", "opening", entry, "it is not the opening that the manifest names")

    def _signatures(self, entry: Entry) -> None:
        """The signer's, and of EnrolKey the new key's, over one digest."""
        signers: list[tuple[str, int]] = []
        if entry.signer is not None:
            key = self.state.get(Key, entry.signer)
            signers.append((entry.signer, key.kind if key else KeyKind.ACCOUNT))
        if entry.act.name == "EnrolKey":
            signers.append((entry.act["key"], entry.act["kind"]))
        if len(signers) != len(entry.signatures):
            self._fault("signature", "entry-signature", entry, f"{len(entry.signatures)} of {len(signers)} signatures")
            return
        for (address, kind), signature in zip(signers, entry.signatures, strict=True):
            if kind == KeyKind.CONTRACT:
                self.contract_signatures += 1  # accepted by the chain; what its contract said then is not in the logs
            elif not self._recovers(address, bytes.fromhex(entry.digest), signature):
                self._fault("signature", "entry-signature", entry, f"the signature is not {address}'s")

    def _lawful(self, entry: Entry) -> None:
        self.admitted += entry.act.name == "AdmitModule"
        circumstances = Circumstances(entry.time, entry.signatures, _signed)
        try:
            refused = refusal(self.state, entry.act, entry.digest, circumstances)
        except InvalidAct as error:
            self._fault("lawful", "entry-unlawful", entry, error.detail)
            return
        if refused is not None:
            self._fault("lawful", "entry-unlawful", entry, f"the rules refuse it ({refused.code}): {refused.detail}")

    def _derived(self, entry: Entry) -> None:
        if wrong := misreported(self.state, entry):
            self._fault("derived", "entry-derived", entry, f"its event misreports {' and '.join(wrong)}")

    def _head(self, entry: Entry) -> None:
        head = head_after(self.head, entry)
        if head != entry.head:
            self._fault("head", "entry-head", entry, f"head {head} follows, it claims {entry.head}")
        self.head = entry.head

    def _follow(self, entry: Entry) -> None:
        try:
            follow(self.state, entry)
        except InvalidAct as error:
            self._fault("lawful", "entry-unlawful", entry, f"it speaks of what is not there: {error.detail}")


def _signed(_address: str, _kind: int, _digest: str, _signature: bytes) -> bool:
    """Signatures have a check of their own."""
    return True
