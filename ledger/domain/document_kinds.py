"""The kinds of documents, their members, and the acts they stand behind: tables only.

A member is `name:shape`, with `?` behind the shape if it may be missing. A shape is a word of `ledger.domain.shapes`,
or the name of a part below; `part*` is a list of at least one of them.
"""

from typing import Final

PARTS: Final[dict[str, str]] = {
    # one data item of a catalogue entry (数据项)
    "item": "name:text type:text length:natural? share_type:natural? description:text?",
    # an article of a law, regulation or decision
    "citation": "law:text article:text? text:text?",
    # what of a dataset is asked for or given (使用范围): data items and rows
    "scope": "items:texts rows:text filters:filter*?",
    # a row is given if this holds of it: a column, an operator of a closed list, and texts it is compared with
    "filter": "column:text operator:operator values:cells?",
    # the assessments the law asks for before submission (art. 13): digests of their reports
    "assessments": "secrecy:digest personal:digest",
    # the library a catalogue entry belongs to: base, topic or department, and which
    "library": "class:text name:text?",
    # the bytes a version was taken from: plain SHA-256, so that whoever holds the file can check it
    "payload": "digest:digest? size:natural media_type:text? name:text?",
    # the encrypted object kept for a version: SHA-256 and length of the stored bytes, which need no key to check; and
    # the parts in which a table is kept too
    "stored": "object:digest size:natural parts:part*?",
    # records first_record … first_record + records - 1; `tail` is the SHA-256 of the object's end, from its footer on
    "part": "object:digest size:natural tail:digest first_record:natural records:natural",
    # where a version came from: asked for before anchoring, since a court weighs what happened before it
    "provenance": "source:text captured:time method:text system:text? captured_by:text?",
    "indicator": "code:text a:natural b:natural weight:natural columns:texts?",
    "measure": "code:text weight:natural columns:texts? pattern:text?",
    "limit": "clock:text article:text working_days:natural extension:natural years:natural?",
}

DOCUMENT_KINDS: Final[dict[str, str]] = {
    # departments and keys
    "department": "department:code name:text level:natural roles:natural parent:code? short_name:text? region:text?",
    "mandate": "department:code holder:text purpose:text contractor:text? start:time? until:time?",
    "retirement": "reasons:text",
    # catalogue entries (Decree 809 art. 13, GB/T 21063)
    "dataset": (
        "dataset:code name:text abstract:text provider:text department:code items:item* data_format:natural "
        "update_cycle:text share_type:natural share_method:text grade:natural library:library assessments:assessments "
        "source_department:text? conditions:text? basis:citation*? open_attributes:text? published_on:date? "
        "related:texts?"
    ),
    "conditions": "conditions:text",
    "basis": "basis:citation*",
    "publication": "dataset:code opinion:text?",
    "return": "dataset:code reasons:text",
    "dataset-withdrawal": "dataset:code reasons:text",
    # versions
    "version": (
        "dataset:code number:natural format:code payload:payload provenance:provenance schema:object? "
        "read_options:object? stored:stored? keys:text? changes:text?"
    ),
    "shredding": "dataset:code number:natural reasons:text segments:naturals?",
    # shares (arts. 20 to 25)
    "share-request": (
        "dataset:code revision:digest consumer:code basis:citation* scenario:text scope:scope method:natural "
        "until:time purpose:text profile:digest?"
    ),
    "scope": "scope:scope",
    "request-withdrawal": "share:digest reasons:text",
    "supplement": "share:digest missing:texts",
    "materials": "share:digest materials:texts",
    "extension": "share:digest working_days:natural reasons:text",
    "reply": "share:digest until:time scope:scope conditions:text? opinion:text?",
    "refusal": "share:digest reasons:text basis:citation*",
    "delivery": "share:digest version:digest method:natural location:text?",
    "confirmation": "share:digest version:digest verified:flag checks:texts?",
    "suspension": "share:digest reasons:text rectify_by:date?",
    "resumption": "share:digest reasons:text",
    "end": "share:digest cause:natural reasons:text disposal:text?",
    "grant": (
        "dataset:code revision:digest consumer:code basis:citation* scope:scope until:time purpose:text "
        "method:natural? conditions:text?"
    ),
    # quality and corrections (art. 26, GB/T 36344)
    "quality-report": "version:digest rules:digest records:natural indicators:indicator* score:natural",
    "attestation-withdrawal": "attestation:digest reasons:text",
    "correction": "share:digest version:digest reasons:text records:naturals?",
    "correction-answer": "correction:digest outcome:natural reasons:text version:digest?",
    # rules
    "calendar": "name:text source:text first_year:natural last_year:natural holidays:dates workdays:dates",
    "profile": "name:text limits:limit* restart_after_supplement:flag",
    "quality-rules": "name:text measures:measure*",
    # the ledger
    "closing": "reasons:text",
}
"""Every kind has `kind` and `salt` beside these, and may have `notes:text`."""

ACT_DOCUMENTS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "OpenLedger": {"document": ("department",)},
    "AdmitModule": {},
    "CloseLedger": {"document": ("closing",)},
    "RegisterDepartment": {"document": ("department",)},
    "ChangeDepartment": {"document": ("department",)},
    "EnrolKey": {"mandate": ("mandate",)},
    "RetireKey": {"document": ("retirement",)},
    "SubmitDataset": {"document": ("dataset",), "basis": ("basis",), "conditions": ("conditions",)},
    "WithdrawDataset": {"document": ("dataset-withdrawal",)},
    "PublishDataset": {"document": ("publication",)},
    "ReturnDataset": {"document": ("return",)},
    "AnchorVersion": {"document": ("version",)},
    "ShredVersion": {"document": ("shredding",)},
    "RequestShare": {"document": ("share-request",), "scope": ("scope",)},
    "WithdrawRequest": {"document": ("request-withdrawal",)},
    "AskSupplement": {"document": ("supplement",)},
    "SupplyMaterials": {"document": ("materials",)},
    "ExtendReply": {"document": ("extension",)},
    "AgreeShare": {"document": ("reply",), "scope": ("scope",), "conditions": ("conditions",)},
    "RefuseShare": {"document": ("refusal",)},
    "DeliverShare": {"document": ("delivery",)},
    "ConfirmDelivery": {"document": ("confirmation",)},
    "SuspendShare": {"document": ("suspension",)},
    "ResumeShare": {"document": ("resumption",)},
    "EndShare": {"document": ("end",)},
    "GrantShare": {"document": ("grant",), "scope": ("scope",), "basis": ("basis",)},
    "AttestQuality": {"document": ("quality-report",), "rules": ("quality-rules",)},
    "WithdrawAttestation": {"document": ("attestation-withdrawal",)},
    "RequestCorrection": {"document": ("correction",)},
    "ResolveCorrection": {"document": ("correction-answer",)},
    "PublishRule": {"document": ("calendar", "profile", "quality-rules")},
    "PublishCheckpoint": {},
}
"""Act → its digest fields that name documents → the kinds those may be of."""
