"""Signing here: the server drafts, this program checks every word before a key is touched.

What must hold before anything is signed:
 1 the draft is the act asked for, every field given is in it unchanged, and nothing was added but what a draft fills
 2 the signer is the key at hand
 3 every document's digest, recomputed from the bytes shown, is the one in the act, and says what was given
 4 the act's digest, recomputed for the ledger's chain id and module, is the draft's
The ledger is the pinned one (--ledger), and the server's must be the same; without a pin, the server's.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.cli.at_hand import NEW, key_at_hand
from ledger.cli.failures import InvalidOption, Mismatch
from ledger.cli.members import main_field
from ledger.cli.run import Run
from ledger.cli.texts import say
from ledger.cli.values import read_json
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.documents import Document, canonical_bytes
from ledger.domain.identifiers import ZERO_DIGEST, format_signature
from ledger.domain.values import Act, act_type
from ledger.errors import ShareLedgerError
from ledger.proofs.typed_data import act_digest, typed_message

FILLED: Final = frozenset({"signer", "prior"})
"""What a draft may fill in unasked; it is shown before it is signed."""
_NOTHING: Final = ("", 0, False, "0", ZERO_DIGEST)


@dataclass(frozen=True, slots=True)
class LedgerIdentity:
    """Which ledger signatures are for: its chain id and the address of each module."""

    chain_id: int
    modules: Mapping[str, str]

    @classmethod
    def from_json(cls, value: Any) -> "LedgerIdentity":
        """From a manifest, or from what GET /v1/ledger answers. Raises InvalidOption."""
        try:
            told = value.get("manifest", value)
            return cls(int(told["chain_id"]), {str(name): str(at).lower() for name, at in told["modules"].items()})
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InvalidOption("the ledger's manifest has no chain id and modules") from None


@dataclass(frozen=True, slots=True)
class Checked:
    """An act found to be what was asked for, with the documents it carries."""

    act: Act
    digest: str
    documents: tuple[str, ...]


def ledger_identity(run: Run) -> LedgerIdentity:
    """The pinned ledger if there is a pin, else the server's. Raises Mismatch if they are not the same."""
    served = LedgerIdentity.from_json(run.client.get("/ledger"))
    pin: Path | None = run.options.get("ledger")
    if pin is None:
        return served
    pinned = LedgerIdentity.from_json(read_json(pin))
    if served.chain_id != pinned.chain_id or dict(served.modules) != dict(pinned.modules):
        raise Mismatch("the server's ledger (chain id and modules) is not the pinned one")
    return pinned


def check_draft(
    draft: Any,
    *,
    name: str,
    fields: Mapping[str, Any],
    document: Mapping[str, Any] | None,
    signers: tuple[str | None, ...],
    ledger: LedgerIdentity,
) -> Checked:
    """The numbered checks. `fields` has a valid_until; a signer that is None is a key of the server's choice.

    Raises Mismatch naming what differs.
    """
    try:
        told = dict(draft["act"])
        if told.pop("type") != name:
            raise Mismatch(f"the draft is not {name}")
        act = Act.from_json(name, told)
        documents = _documents(draft)
        claimed = str(draft["digest"])
        module = ledger.modules[str(act.type.module)]
    except Mismatch:
        raise
    except (KeyError, TypeError, ValueError, ShareLedgerError) as error:
        raise Mismatch(f"the draft cannot be read: {error}") from error
    _check_fields(act, fields, document, documents)  # 1 and 3
    for told_signer, ours in zip((act.signer, act.values.get("key")), signers, strict=False):  # 2
        if ours is not None and told_signer != ours:
            raise Mismatch(f"the draft's signer is {told_signer}, not {ours}")
    digest = act_digest(act, ledger.chain_id, module)  # 4
    if claimed != digest:
        raise Mismatch(f"the draft's digest is {claimed}, but this act on this ledger has {digest}")
    typed = draft.get("typed")
    if typed is not None and typed != typed_message(act, ledger.chain_id, module):
        raise Mismatch("the draft's typed data is not this act's on this ledger")
    return Checked(act, digest, documents)


def _documents(draft: Mapping[str, Any]) -> tuple[str, ...]:
    found = draft.get("documents")
    if found is None:
        found = [] if draft.get("document") is None else [draft["document"]]
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise Mismatch("the draft's documents are not texts")
    return tuple(found)


def _check_fields(
    act: Act, fields: Mapping[str, Any], document: Mapping[str, Any] | None, documents: tuple[str, ...]
) -> None:
    shown = {hashlib.sha256(text.encode()).hexdigest(): text for text in documents}
    asked = _asked_documents(act.name, fields, document)
    told = act.to_json()
    for field in act.type.fields:
        value = told[field.name]
        if field.name in asked:
            _check_document(act, field.name, shown.pop(str(value), None), asked[field.name])
        elif field.name in fields:
            if value != fields[field.name]:
                raise Mismatch(f"{field.name} was given as {fields[field.name]}, the draft has {value}")
        elif field.name not in FILLED and value not in _NOTHING:
            raise Mismatch(f"{field.name} was not given, the draft has {value}")
    if shown:
        raise Mismatch("the draft comes with a document that is not in the act")


def _asked_documents(
    name: str, fields: Mapping[str, Any], document: Mapping[str, Any] | None
) -> dict[str, Mapping[str, Any]]:
    """Field → what its document must say: the act's own document, and the parts of it that the act names apart."""
    if document is None:
        return {}
    main = main_field(name) or "document"
    parts = (field for field in ACT_DOCUMENTS[name] if field not in fields and field in document)
    return {**{field: {field: document[field]} for field in parts}, main: document}


def _check_document(act: Act, field: str, text: str | None, asked: Mapping[str, Any]) -> None:
    """The bytes shown hash to the digest in the act and say what was given; beside it only what the act says too.

    They must be in the form of RFC 8785: a name given twice would let one reader see what another does not.
    """
    if text is None:
        raise Mismatch(f"the digest in {field} is of none of the documents shown")
    try:
        shown = Document.parse(text.encode(), *ACT_DOCUMENTS[act.name][field])
        told = {**shown.to_json(), **asked}
        same = canonical_bytes(told) == shown.body
    except ShareLedgerError as error:
        raise Mismatch(f"the document of {field} cannot be used: {error.detail}") from error
    if not same:
        raise Mismatch(f"the document of {field} does not say what was given")
    for name in shown.members.keys() - asked.keys():
        if name not in act.values or shown[name] != act[name]:
            raise Mismatch(f"the document of {field} says more than was given: {name}")


def sign_and_send(run: Run, name: str, fields: Mapping[str, Any], document: Mapping[str, Any] | None) -> dict[str, Any]:
    """Draft, check, show, sign with the key(s) at hand, send. The submission.

    A new key kept here may be enrolled by a director whose key the server holds: then the server signs beside it.
    Raises Mismatch, keys.errors.KeysError, Answered, NoAnswer.
    """
    keys = [key_at_hand(run)]
    if act_type(name).signatures == 2:
        new = key_at_hand(run, NEW)
        if new is None:
            raise InvalidOption("the key to be enrolled signs too: give it with --new-keystore or --new-pkcs11-key")
        keys.append(new)
    signers = tuple(key.address if key else None for key in keys)
    if len(signers) == 2:
        fields = {**fields, "key": signers[1]}
    ledger = ledger_identity(run)
    request: dict[str, Any] = {"act": name, "fields": {**fields}}
    if signers[0] is not None:
        request["signer"] = signers[0]
    request["fields"]["valid_until"] = run.now + run.options["valid_for"]
    if document is not None:
        request["document"] = document
    draft = run.client.post("/drafts", request)
    checked = check_draft(
        draft,
        name=name,
        fields=request["fields"],
        document=document,
        signers=signers,
        ledger=ledger,
    )
    _show(run, checked, ledger)
    if not run.agrees():
        raise InvalidOption(say(run.out.lang, "not-signed"), remedy="Answer y, or give --yes.")
    signatures = [
        format_signature(key.sign(bytes.fromhex(checked.digest))) if key else None  # null: the server's to add
        for key in keys
    ]
    signed: dict[str, Any] = {"act": {"type": name, **checked.act.to_json()}, "signatures": signatures}
    if len(checked.documents) == 1:
        signed["document"] = checked.documents[0]
    elif checked.documents:
        signed["documents"] = list(checked.documents)
    return _submission(run.client.post("/acts", {"acts": [signed]}, wait=run.wait), checked.digest)


def _show(run: Run, checked: Checked, ledger: LedgerIdentity) -> None:
    act = checked.act
    rows = [("act", act.name), ("digest", checked.digest), *act.to_json().items()]
    rows += [("chain id", str(ledger.chain_id)), ("module", f"{act.type.module} {ledger.modules[act.type.module]}")]
    run.out.table(say(run.out.lang, "to-sign"), rows)
    for text in checked.documents:
        run.out.text(say(run.out.lang, "document"), json.dumps(json.loads(text), ensure_ascii=False, indent=1))
    if all(act[field] == ZERO_DIGEST for field in ACT_DOCUMENTS[act.name]):
        run.out.say("no-document")


def _submission(answer: Any, digest: str) -> dict[str, Any]:
    """The one submission in the answer. Raises Mismatch if it is another act's."""
    items = answer.get("items", [answer]) if isinstance(answer, dict) else answer
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise Mismatch("the server did not answer with one submission", remedy="Look the act up by its digest.")
    if items[0].get("digest") != digest:
        raise Mismatch(f"the server answered about another act than {digest}", remedy="Look the act up by its digest.")
    submission: dict[str, Any] = items[0]
    return submission
