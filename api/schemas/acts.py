"""A body for each act, built from the act's fields: `AgreeShareBody` has what of AgreeShare the path does not say.

`signer`, `prior` and `valid_until` are found below: a key of the caller's department held here, the last act on the
object, a quarter of an hour. A digest that stands for a document may be given as that document's members.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from api.act_table import ActRoute
from api.schemas.examples import DIGEST, sample_body
from api.schemas.fields import KINDS, Address, Digest, DocumentObject, Members, Time
from ledger.domain.acts import (
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
    "revision": "digest of the SubmitDataset that is published now",
    "mandate": "document by which the department entrusts its holder with the key",
    "since": "from when on its holder must not have signed any more",
}
_PRIOR_MEANS: Final = {
    "RequestShare": "the share that this one renews",
    "GrantShare": "the share that this one renews",
    "AttestQuality": "the version, as in the path",
    "RequestCorrection": "the version, as in the path",
}
_MAY_BE_ZERO: Final = frozenset({"state", "basis", "conditions", "scope", "mandate"})
_TAKEN: Final = ("signer", "prior", "valid_until")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    valid_until: Time | None = Field(default=None, description="until when the signature may be recorded")
    prior: Digest | None = Field(
        default=None, description="digest of the last act on the object; left out: the last one known here"
    )


class AnchorBody(Body, json_schema_extra={"examples": [{"prepared": DIGEST}]}):
    """What was prepared before, by an upload or a registered fingerprint, goes on the ledger."""

    prepared: Digest = Field(description="`document` of what POST …/payloads or …/fingerprints answered")


class ShredBody(Body, json_schema_extra={"examples": [{"whole": True, "document": {"reasons": "保存期限届满"}}]}):
    """`whole`: every key of the version. Else the segments that the document names, by their first records."""

    whole: bool = True
    document: DocumentObject


_BY_HAND: Final[dict[str, type[BaseModel]]] = {"AnchorVersion": AnchorBody, "ShredVersion": ShredBody}


def body_fields(route: ActRoute) -> list[str]:
    """The act's fields that the body holds, in order, `document` apart."""
    taken = {*route.fills.values(), *_TAKEN, "document"}
    return [field.name for field in route.type.fields if field.name not in taken]


def body_of(route: ActRoute) -> type[BaseModel]:
    """The pydantic model of a route's body."""
    if route.act in _BY_HAND:
        return _BY_HAND[route.act]
    kinds = {field.name: field.kind for field in route.type.fields}
    optional = frozenset({*route.optional, *_MAY_BE_ZERO})
    fields = body_fields(route)
    members = {name: _member(route, name, kinds[name], name in optional) for name in fields}
    if "document" in kinds:
        members["document"] = (DocumentObject | Digest | None, Field(default=None, description=_document(route.act)))
    if route.act in _PRIOR_MEANS:
        members["prior"] = (Digest | None, Field(default=None, description=_PRIOR_MEANS[route.act]))
    return create_model(
        f"{route.act}Body",
        __base__=Body,
        __cls_kwargs__={"json_schema_extra": {"examples": [sample_body(route.type, fields, optional)]}},
        __doc__=f"What {route.act} says beside its path.",
        **members,
    )


def _member(route: ActRoute, name: str, kind: Kind, optional: bool) -> Any:
    form = KINDS[kind]
    if name in ACT_DOCUMENTS[route.act] and kind is Kind.DIGEST:
        form = DocumentObject | form
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
    if enum is None:
        return None
    return Annotated[Literal[tuple(int(member) for member in enum)], BeforeValidator(_whole)]


def _whole(value: object) -> object:
    """For Python `true` is 1 and so is 1.0; what is signed must be what was meant."""
    if type(value) is not int:
        raise ValueError("not a whole number")
    return value


def _enumerated(act: str, name: str) -> str | None:
    enum = _enum(act, name)
    if enum is None:
        return None
    return ", ".join(f"{member.value} {member.name.lower().replace('_', ' ')}" for member in enum)


def _document(act: str) -> str:
    kinds = " or ".join(ACT_DOCUMENTS[act].get("document", ()))
    return f"the act's document, of kind {kinds}, or the digest of one stored here" if kinds else "the act's document"


class DraftBody(BaseModel):
    """What a department that keeps its own keys is about to sign."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"act": "WithdrawRequest", "fields": {"share": "6ad35d6c" * 8}, "document": {"reasons": "无需"}}
            ]
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
    signatures: list[str | None] = Field(
        min_length=1,
        max_length=2,
        description="0x and lower-case hex, in signing order; null: the host signs, with a key it holds for the caller",
    )
    document: str | None = Field(default=None, description="canonical text (RFC 8785) of the act's document")
    documents: list[str] | None = Field(default=None, max_length=8, description="canonical texts, if there are several")


class SignedActsBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    acts: list[SignedActBody] = Field(min_length=1, max_length=1000)
