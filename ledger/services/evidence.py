"""What the ledger shows of one share: every entry, who signed with which key, the documents, and how far it goes.

It claims no more than was reached. Grades: E0 recorded here, E1 anchored on a chain; E2 to E4 ask for validators of
unrelated operators and witnesses, which a chain with one operator does not have.
"""

from typing import Any, Final

from ledger.domain.acts import Custody, Duty, KeyKind, Mark
from ledger.domain.callers import Caller
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.documents import Document, document_digest
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST, parse_digest
from ledger.domain.local_time import local_text
from ledger.domain.scopes import Scope, widened
from ledger.domain.state import Key, Share
from ledger.errors import InvalidDocument, NotFound, TooLarge
from ledger.ports import Ports, StoredDocument, UnitOfWork
from ledger.proofs.typed_data import act_digest
from ledger.services import reading
from ledger.services.checks import Check
from ledger.services.material import entry_to_json

FORMAT: Final = "share-evidence-summary/1"
MOST_ENTRIES: Final = 10_000

WITHOUT_CONSENT: Final = "granted without the provider's consent, by an authority above it"
WITHOUT_CONSENT_ZH: Final = "未经提供部门同意，由上级主管部门直接授权"

GRADES: Final = {
    "E0": "recorded: held in this product's database only",
    "E1": "anchored: final on a chain that one operator runs",
}
NOT_CHECKED: Final = (
    "other nodes of the chain, checkpoints and witnesses: a chain with one operator never exceeds E1 without them",
    "what happened before the data was anchored, beyond the provenance its document states",
    "whether the signers were who their mandates name",
    "lawfulness: the contracts accepted each act; an audit replays their rules",
)


async def evidence(ports: Ports, caller: Caller, share: str) -> dict[str, Any]:
    """A JSON object for the share's parties, the authorities above the provider, and auditors. Raises NotFound.

    Members: share, statements (English and Chinese), entries (each with act, signatures, key then in force, marks and
    checks), documents (those the caller may read, others by digest only), grade, not_checked, as_of.
    """
    async with ports.store.read() as work:
        found = await reading.share(work, caller, parse_digest(share))
        entries = await _entries(work, found)
        as_of = await reading.as_of(work)
        cursor = await work.cursor()
        keys = await work.load([(Key, (entry.signer,)) for entry in entries if entry.signer is not None])
        documents = [await _document(work, caller, name, digest) for name, digest in _named(entries)]
        wider = await _widened(work, entries)
    anchored = cursor is not None and await ports.node.head(cursor.block) == (cursor.size, cursor.head)
    grade = "E1" if anchored else "E0"
    told = [_entry(ports, entry, keys.get(Key, entry.signer or "")) for entry in entries]
    return {
        "format": FORMAT,
        "ledger": {"chain_id": ports.manifest.chain_id, "journal": ports.manifest.journal},
        "share": {
            "id": found.id,
            "dataset": found.dataset,
            "provider": found.provider,
            "consumer": found.consumer,
            "stage": found.stage_name,
            "granted": found.granted,
            "suspended": found.suspended,
            "until": found.until,
            "version": found.version,
        },
        "statements": _statements(found, told, wider),
        "entries": told,
        "documents": documents,
        "grade": {"reached": grade, "meaning": GRADES[grade]},
        "not_checked": list(NOT_CHECKED) + _unchecked(told, documents),
        "as_of": as_of,
    }


async def _entries(work: UnitOfWork, share: Share) -> list[Entry]:
    """The share's own entries, and the anchoring of the version it delivered, in the ledger's order."""
    entries = await work.entries(-1, MOST_ENTRIES, subject=share.id)
    if share.version is not None and (anchoring := await work.entry(share.version)) is not None:
        entries = [*entries, anchoring]
    if (submission := await work.entry(share.revision)) is not None:
        entries = [*entries, submission]
    return sorted(entries, key=lambda entry: entry.index)


def _named(entries: list[Entry]) -> list[tuple[str, str]]:
    """(act and field, digest) of every document the entries name, each once."""
    found: dict[str, str] = {}
    for entry in entries:
        for name in ACT_DOCUMENTS[entry.act.name]:
            if entry.act[name] != ZERO_DIGEST:
                found.setdefault(entry.act[name], f"{entry.act.name}.{name}")
    return [(name, digest) for digest, name in found.items()]


async def _document(work: UnitOfWork, caller: Caller, name: str, digest: str) -> dict[str, Any]:
    stored: StoredDocument | None = await work.document(digest)
    told: dict[str, Any] = {"digest": digest, "named_by": name, "held": stored is not None, "text": None}
    if stored is None:
        return told
    told |= {"kind": stored.kind, "matches": document_digest(stored.body) == digest}
    try:
        await reading.document(work, caller, digest)
        readable = True
    except NotFound:
        readable = False
    # a body that is not the signed one is shown to nobody as if it were
    if readable and told["matches"]:
        told["text"] = stored.body.decode()
    return told


def _entry(ports: Ports, entry: Entry, key: Key | None) -> dict[str, Any]:
    """The entry, the key that signed it as it was then, and what a reader must be told about both."""
    marks = [mark.name.lower() for mark in Mark if mark & entry.marks and mark.name]
    notes = []
    if "superior" in marks:
        notes.append("signed by an authority above the nearest one")
    if entry.kind == "ShareGranted":
        notes.append(WITHOUT_CONSENT)
    signer = None
    if key is not None:
        if key.recovery:
            notes.append("signed with a key that an authority above enrolled (recovery)")
        if key.custody == Custody.HOST:
            notes.append("signed with a key left in this product's keystore: its host is trusted for it")
        signer = {
            "address": key.address,
            "department": key.department,
            "duty": Duty(key.duty).name.lower(),
            "custody": Custody(key.custody).name.lower(),
            "recovery": key.recovery,
            "enrolled_by": key.enrolled_by,
            "start": key.start,
            "until": key.until,
            "retired_since": key.retired_since,
            "mandate": None if key.mandate == ZERO_DIGEST else key.mandate,
        }
    checks = _checks(ports, entry, key)
    return {
        **entry_to_json(entry),
        "local_time": local_text(entry.time),
        "block": entry.block_number,
        "key": signer,
        "mark_names": marks,
        "notes": notes,
        "checks": [check.to_json() for check in checks],
    }


def _checks(ports: Ports, entry: Entry, key: Key | None) -> list[Check]:
    """1 digest from its fields, 2 signature, 3 key in force at that time."""
    digest = act_digest(entry.act, ports.manifest.chain_id, entry.module)
    checks = [Check(1, "act", digest == entry.digest, "the digest is that of the act's fields")]
    if entry.signer is None or not entry.signatures:
        return [*checks, Check(2, "signature", None, "the entry is not signed")]
    if key is not None and key.kind == KeyKind.CONTRACT:
        checks.append(Check(2, "signature", None, "a contract key's: accepted by the chain, not re-checked"))
    else:
        good = ports.signatures.recovers(entry.signer, bytes.fromhex(digest), entry.signatures[0])
        checks.append(Check(2, "signature", good, f"by {entry.signer}"))
    if key is None:
        return [*checks, Check(3, "key", False, "the key is not enrolled")]
    enrolled = key.since < entry.index and key.start <= entry.time and (key.until == 0 or entry.time <= key.until)
    standing = not key.retired or key.updated > entry.index
    return [*checks, Check(3, "key", enrolled and standing, "enrolled, within its dates and not retired then")]


async def _widened(work: UnitOfWork, entries: list[Entry]) -> bool:
    """Whether more was agreed to than was asked for, as far as both scopes are held here: agreeing may only narrow."""
    scopes = []
    for name in ("RequestShare", "AgreeShare"):
        act = next((entry.act for entry in entries if entry.act.name == name), None)
        stored = None if act is None else await work.document(act["scope"])
        if stored is None:
            return False
        try:
            scopes.append(Scope.from_json(Document.parse(stored.body, "scope")["scope"]))
        except (InvalidDocument, TooLarge):
            return False
    return bool(widened(*scopes))


def _statements(share: Share, entries: list[dict[str, Any]], wider: bool) -> list[dict[str, str]]:
    """What a reader must know before anything else."""
    said: list[dict[str, str]] = []

    def say(code: str, english: str, chinese: str) -> None:
        said.append({"code": code, "en": english, "zh": chinese})

    if share.granted:
        say("without-consent", f"This share was {WITHOUT_CONSENT}.", f"本共享{WITHOUT_CONSENT_ZH}。")
    if wider:
        say(
            "scope-widened",
            "The scope that was agreed to goes beyond the one that was asked for; agreeing may only narrow it.",
            "同意的使用范围超出了申请的使用范围；答复只能缩小范围。",
        )
    if any(entry["key"] and entry["key"]["recovery"] for entry in entries):
        say(
            "recovery-key",
            "At least one act was signed with a key enrolled by an authority above (recovery).",
            "至少一项行为由上级主管部门登记的密钥（恢复密钥）签署。",
        )
    if any(entry["key"] and entry["key"]["custody"] == "host" for entry in entries):
        say(
            "host-custody",
            "At least one act was signed with a key left in the product's keystore; its host is trusted for it.",
            "至少一项行为由托管在本系统密钥库中的密钥签署，须信任托管方。",
        )
    if any("superior" in entry["mark_names"] for entry in entries):
        say(
            "superior",
            "At least one act was signed by an authority above the nearest one.",
            "至少一项行为由越级的上级主管部门签署。",
        )
    if any(check["ok"] is False for entry in entries for check in entry["checks"]):
        say("failed-check", "At least one check of an entry failed; see its checks.", "至少一项核验未通过。")
    return said


def _unchecked(entries: list[dict[str, Any]], documents: list[dict[str, Any]]) -> list[str]:
    left = [f"document {one['digest']}: not held here" for one in documents if not one["held"]]
    left += [
        f"entry {entry['index']}, {check['code']}: {check['detail']}"
        for entry in entries
        for check in entry["checks"]
        if check["ok"] is None
    ]
    return left
