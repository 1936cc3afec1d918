"""Answers about payloads, proofs and checks that are no objects of the ledger."""

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Members
from api.schemas.payloads import CheckView, ReportView
from api.schemas.views import ActView, AsOf, View

CLOSED = ConfigDict(extra="forbid")


class ManifestView(BaseModel):
    model_config = CLOSED

    format: str
    records: int
    tiles: str = Field(description="root of each 256 records, all of them in base64")


class SegmentView(BaseModel):
    model_config = CLOSED

    first_record: int
    key: str = Field(description="32 bytes in hex. Secret")


class MaterialView(BaseModel):
    """All that checks a copy offline. Secret."""

    model_config = CLOSED

    format: str
    entry: Members
    document: str | None
    manifest: ManifestView | None
    segments: list[SegmentView] | None
    shredded: list[int]


class LeavesView(BaseModel):
    model_config = CLOSED

    leaves: list[str]


class ProofView(BaseModel):
    """`cells` and `salt` of the record, or, for share-record-sd/1, `fields`: each open or hidden."""

    model_config = CLOSED

    index: int
    cells: list[str | Members | None] | None = None
    salt: str | None = None
    fields: list[Members] | None = None
    path: list[str]


class UseView(BaseModel):
    model_config = CLOSED

    number: int
    at: int = Field(description="unix milliseconds")
    share: str
    version: str
    department: str
    caller: str = Field(description="id of the API key")
    action: str


class MeasuredView(BaseModel):
    """`document` and `act_fields` are what AttestQuality takes."""

    model_config = CLOSED

    document: Members
    act_fields: Members
    score: int = Field(description="parts per million")
    indicators: list[Members]
    is_the_version: bool
    verification: ReportView


class FindingView(BaseModel):
    model_config = CLOSED

    code: str
    article: str | None
    subject: str
    detail: str
    entries: list[int]
    state: str


class AuditView(BaseModel):
    """At most 200 findings of one code are listed; `omitted` counts the rest."""

    model_config = ConfigDict(extra="allow")

    clean: bool
    entries: int
    head: str
    head_matches: bool
    block: int
    findings: list[FindingView]
    omitted: int
    lateness: list[FindingView]
    checks: list[CheckView]
    not_checked: list[str]
    seconds: float


class CheckpointDraftView(BaseModel):
    model_config = CLOSED

    log: str
    origin: str
    size: int
    root: str
    state: str
    text: str = Field(description="a C2SP checkpoint, unsigned")
    act_fields: Members


class DraftView(BaseModel):
    model_config = CLOSED

    act: ActView
    digest: str
    document: str | None = Field(description="the act's document, if it has exactly one")
    documents: list[str]
    typed: Members = Field(description="EIP-712, for a wallet")
    signers: list[str]


class EvidenceView(BaseModel):
    model_config = CLOSED

    format: str
    ledger: Members
    share: Members
    statements: list[Members]
    entries: list[Members]
    documents: list[Members]
    grade: Members
    not_checked: list[str]
    as_of: AsOf | None


class LedgerView(View):
    """Compare it with what you know from elsewhere."""

    model_config = CLOSED

    chain_id: int
    genesis: str
    block: int
    modules: dict[str, str]
    courier: str
    code: dict[str, str]
    admitted: list[Members]
    state: Members | None
