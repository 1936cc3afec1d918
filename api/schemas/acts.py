"""A body for each act, built from the act's fields: `AgreeShareBody` has what of AgreeShare the path does not say.

`signer`, `prior` and `valid_until` are found below: a key of the caller's department held here, the last act on the
object, a quarter of an hour. A digest that stands for a document may be given as that document's members.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from api.act_table import ActRoute
from api.schemas.examples import sample_body
from api.schemas.fields import KINDS, Address, Digest, DocumentObject, Members, Time
from ledger.domain.acts import (
    ACTS,
    Cause,
    Custody,
    Duty,
    Grade,
    KeyKind,
    Kind,
    Level,
    Method,
    Outcome,
    RetireReason,
    Role,
    RuleKind,
    ShareType,
)
from ledger.domain.document_kinds import ACT_DOCUMENTS

_ENUMS: Final[dict[str, Any]] = {
    "level": Level,
    "duty": Duty,
    "custody": Custody,
    "reason": RetireReason,
    "share_type": ShareType,
    "grade": Grade,
    "method": Method,
    "cause": Cause,
    "outcome": Outcome,
}
_MEANINGS: Final = {
    "roles": "sum of " + ", ".join(f"{role.value} {role.name.lower()}" for role in Role if role.name),
    "score": "parts per million",
    "salted": "whether records are salted, so that nothing here can be matched against guesses",
    "twin": "the root of the same tree with SM3; left out: none",
    "schema": "digest of the table's schema; left out: none, for a file",
    "root": "root of the fingerprint",
    "revision": "digest of the SubmitDataset that is published now",
    "mandate": "document by which the department entrusts its holder with the key",
    "since": "from when on its holder must not have signed any more",
}
_MAY_BE_ZERO: Final = frozenset({"schema", "twin", "state", "basis", "conditions", "scope"})
_TAKEN: Final = ("signer", "prior", "valid_until")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    valid_until: Time | None = Field(default=None, description="until when the signature may be recorded")


class AnchorBody(Body):
    """A prepared version is anchored by the digest of its document; one fingerprinted elsewhere needs every field."""

    prepared: Digest = Field(description="`document` of what POST …/payloads or …/fingerprints answered")


class ShredBody(Body):
    """`whole`: every key. Else the segments that the document names, by their first records."""

    whole: bool = True
    document: DocumentObject


def body_fields(route: ActRoute) -> list[str]:
    """The act's fields that the body holds, in order, `document` or `mandate` apart."""
    taken = {*route.fills.values(), *_TAKEN, main_document(route.act)}
    return [field.name for field in route.type.fields if field.name not in taken]


def main_document(act: str) -> str | None:
    """The field that `document` in the body stands for."""
    names = [field.name for field in ACTS[act].fields]
    return next((name for name in ("document", "mandate") if name in names), None)


def body_of(route: ActRoute) -> type[BaseModel]:
    """The pydantic model of a route's body."""
    kinds = {field.name: field.kind for field in route.type.fields}
    members: dict[str, Any] = {}
    optional = set(route.optional) | _MAY_BE_ZERO
    if route.act == "ResolveCorrection":
        optional.add("version")  # a correction that was declined has no new version
    for name in body_fields(route):
        members[name] = _member(route, name, kinds[name], name in optional)
    if main_document(route.act):
        members["document"] = (DocumentObject | Digest | None, Field(default=None, description=_document(route.act)))
    if "prior" not in route.fills.values():
        members["prior"] = (Digest | None, Field(default=None, description=_prior(route.act)))
    example = sample_body(route.type, body_fields(route), frozenset(optional))
    return create_model(
        f"{route.act}Body",
        __base__=Body,
        __config__=None,
        __doc__=f"What {route.act} says beside its path.",
        **_with_example(members, example),
    )


def _with_example(members: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """The whole body's example is the sum of its members'."""
    for name, (kind, field) in members.items():
        if name in example:
            field.examples = [example[name]]
            members[name] = (kind, field)
    return members


def _member(route: ActRoute, name: str, kind: Kind, optional: bool) -> tuple[Any, Any]:
    form = KINDS[kind]
    if name in ACT_DOCUMENTS[route.act] and kind is Kind.DIGEST:
        form = form | DocumentObject
    if kind is Kind.U8:
        form = _enumeration(route.act, name) or form
    description = _MEANINGS.get(name) or _enumerated(route.act, name)
    if optional:
        return form | None, Field(default=None, description=description)
    return form, Field(description=description)


def _enum(act: str, name: str) -> Any:
    if name == "kind":
        return {"EnrolKey": KeyKind, "PublishRule": RuleKind}[act]
    return _ENUMS.get(name)


def _enumeration(act: str, name: str) -> Any:
    """A closed set of numbers: others are refused before anything is signed."""
    enum = _enum(act, name)
    return None if enum is None else Literal[tuple(int(member) for member in enum)]


def _enumerated(act: str, name: str) -> str | None:
    enum = _enum(act, name)
    if enum is None:
        return None
    return ", ".join(f"{member.value} {member.name.lower().replace('_', ' ')}" for member in enum)


def _document(act: str) -> str:
    main = main_document(act) or "document"
    kinds = " or ".join(ACT_DOCUMENTS[act].get(main, ()))
    return f"the act's document, of kind {kinds}, or the digest of one stored here" if kinds else "the act's document"


def _prior(act: str) -> str:
    if act in ("RequestShare", "GrantShare"):
        return "the share that this one renews; left out: none"
    return "digest of the last act on the object; left out: the last one known here"


class DraftBody(BaseModel):
    """What a department that keeps its own keys is about to sign."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"act": "WithdrawRequest", "fields": {"share": "6ad35d6c" * 8}, "document": {"reasons": "无需"}}]
        },
    )

    act: str = Field(description="name of the act: AgreeShare")
    fields: Members = Field(description="the act's fields in snake_case")
    document: DocumentObject | None = None
    signer: Address | None = Field(default=None, description="the key that will sign; left out: one that may")


class SignedActBody(BaseModel):
    """An act that was signed elsewhere."""

    model_config = ConfigDict(extra="forbid", strict=True)

    act: Members = Field(description="`type` and every field of the act in snake_case")
    signatures: list[str] = Field(min_length=1, max_length=2, description="0x and lower-case hex, in signing order")
    document: str | None = Field(default=None, description="canonical text (RFC 8785) of the act's document")
    documents: list[str] | None = Field(default=None, max_length=8, description="canonical texts, if there are several")


class SignedActsBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    acts: list[SignedActBody] = Field(min_length=1, max_length=1000)
