"""How objects of the ledger look in answers: their columns, as the ledger knows them, and a few words beside.

Numbers that may need 64 bits are decimal strings, as in acts; times are unix seconds of the chain; `since` and
`updated` are the entries that made the object and last changed it.
"""

from dataclasses import fields as columns
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from ledger.domain import state
from ledger.domain.acts import Mark
from ledger.domain.entries import Entry
from ledger.domain.identifiers import format_signature
from ledger.domain.state import StateObject
from ledger.domain.submissions import Submission
from ledger.domain.values import Act

_WIDE: Final[dict[type[StateObject], tuple[str, ...]]] = {
    state.Version: ("records", "size"),
    state.Checkpoint: ("size",),
    state.Ledger: ("older_size",),
}


def object_json(item: StateObject) -> dict[str, Any]:
    """The columns of a state object."""
    wide = _WIDE.get(type(item), ())
    shown = {column.name: getattr(item, column.name) for column in columns(item)}
    shown |= {name: str(shown[name]) for name in wide}
    if isinstance(item, state.Share):
        shown["stage_name"] = item.stage_name
    return shown


def act_json(act: Act) -> dict[str, Any]:
    """`type` and every field in snake_case: the form that POST /v1/acts takes."""
    return {"type": act.name, **act.to_json()}


def submission_json(one: Submission, sequence: int | None = None) -> dict[str, Any]:
    shown = {
        "digest": one.digest,
        "act": act_json(one.act),
        "module": one.module,
        "signatures": [format_signature(raw) for raw in one.signatures],
        "department": one.department,
        "subject": one.subject,
        "state": str(one.state),
        "reason": one.reason,
        "entry": one.entry,
        "transaction": one.transaction,
        "valid_until": one.valid_until,
        "created": one.created,
        "history": [{"at": step.at, "state": str(step.state), "note": step.note} for step in one.history],
    }
    return shown if sequence is None else {"sequence": sequence, **shown}


def entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "kind": entry.kind,
        "act": act_json(entry.act),
        "digest": entry.digest,
        "module": entry.module,
        "signer": entry.signer,
        "signatures": [format_signature(raw) for raw in entry.signatures],
        "department": entry.department,
        "marks": [mark.name.lower() for mark in Mark(entry.marks) if mark.name],
        "time": entry.time,
        "head": entry.head,
        "block": {"number": entry.block_number, "hash": entry.block_hash},
        "transaction": entry.transaction,
    }


# ---- the same as models, for the description ------------------------------------------------------------------------


class AsOf(BaseModel):
    """Up to where the answer knows the ledger."""

    block: int
    entry: int = Field(description="index of the newest entry")
    head: str = Field(description="running hash after that entry")


class View(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: AsOf | None


class ActView(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str


class StepView(BaseModel):
    at: int = Field(description="unix milliseconds")
    state: str
    note: str


class SubmissionView(BaseModel):
    """An act on its way: queued → sent → included → final, or failed; returned may still become final."""

    model_config = ConfigDict(extra="forbid")

    sequence: int | None = None
    digest: str
    act: ActView
    module: str
    signatures: list[str]
    department: str
    subject: str
    state: str
    reason: dict[str, Any] | None = Field(description="why it was returned or failed: code, detail, facts")
    entry: int | None = Field(description="index of its entry, once final")
    transaction: str | None
    valid_until: int
    created: int = Field(description="unix milliseconds")
    history: list[StepView]


class BlockView(BaseModel):
    number: int
    hash: str


class EntryView(BaseModel):
    """What happened, in the past tense."""

    model_config = ConfigDict(extra="forbid")

    index: int
    kind: str
    act: ActView
    digest: str
    module: str
    signer: str | None
    signatures: list[str]
    department: str
    marks: list[str] = Field(description="recovery, superior, self")
    time: int
    head: str
    block: BlockView
    transaction: str


class ProblemView(BaseModel):
    """RFC 9457. `code` is stable; `next_step` says what to do."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    title_zh: str
    status: int
    detail: str
    code: str
    next_step: str
    instance: str
    facts: dict[str, Any]


def _view_of(shape: type[StateObject], **more: Any) -> type[BaseModel]:
    hints = get_type_hints(shape)
    wide = _WIDE.get(shape, ())
    members: dict[str, Any] = {one.name: (str if one.name in wide else hints[one.name], ...) for one in columns(shape)}
    if "schema" in members:  # a name that pydantic keeps for itself
        members["schema_digest"] = (members.pop("schema")[0], Field(alias="schema"))
    return create_model(
        f"{shape.__name__}View",
        __config__=ConfigDict(extra="forbid", protected_namespaces=()),
        __doc__=(shape.__doc__ or shape.__name__).strip(),
        **members,
        **more,
    )


DepartmentView = _view_of(state.Department)
KeyView = _view_of(state.Key)
RevisionView = _view_of(state.Revision)
VersionView = _view_of(state.Version)
DatasetView = _view_of(state.Dataset)
ShareView = _view_of(state.Share, stage_name=(str, ...))
AttestationView = _view_of(state.Attestation)
CorrectionView = _view_of(state.Correction)
RuleView = _view_of(state.Rule)
CheckpointView = _view_of(state.Checkpoint)


def single(view: type[BaseModel], **more: Any) -> type[BaseModel]:
    """One object with `as_of`."""
    return create_model(f"One{view.__name__}", __base__=view, as_of=(AsOf | None, ...), **more)


def page_of(view: type[BaseModel]) -> type[BaseModel]:
    """A page; the next one is named by the Link header."""
    return create_model(f"PageOf{view.__name__}", __base__=View, items=(list[view], ...))  # type: ignore[valid-type]
