"""What is said of a file beside its bytes."""

import re
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import parse_json
from api.schemas.fields import Digest, Members
from ledger.errors import InvalidInput, ShareLedgerError
from ledger.fingerprint import RECORD
from ledger.services.fingerprinting import PrepareOptions

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}", re.ASCII)
DEFAULT_MEDIA_TYPE: Final = "application/octet-stream"


class UploadQuery(BaseModel):
    """How the body of an upload is to be read and fingerprinted."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    format: str = Field(default=RECORD, description="share-record/1, share-record-sd/1 or share-file/1")
    columns: str | None = Field(
        default=None,
        alias="schema",
        max_length=20_000,
        description='JSON: {"columns":[{"name":"code","type":"text"}, …]}; none for share-file/1',
    )
    provenance: str = Field(
        max_length=8000,
        description='JSON: {"source":…,"captured":unix seconds,"method":…}: where the data came from',
        examples=['{"source":"国家统计局","captured":1767225600,"method":"download"}'],
    )
    form: str = Field(default="csv", description="csv, jsonl, parquet or arrow")
    encoding: str = Field(default="utf-8", description="utf-8 or gb18030")
    delimiter: str = ","
    header: bool = Field(default=True, description="whether the first row names the columns")
    null: list[str] = Field(default=[], description="texts that mean null; may be repeated")
    zone_offset: str | None = Field(default=None, description="±HH:MM for timestamps without a zone")
    salted: bool = True
    twin: bool = Field(default=False, description="the root with SM3 too")
    name: str = Field(default="payload", max_length=200, description="the file's name")
    fresh_keys: bool = Field(
        default=False,
        description="take over no segment key of the version before: whoever was given one can tell nothing of this "
        "version with it; that the table only grew can then not be proven",
    )
    keep: bool = Field(default=True, description="false: only fingerprint it, the file stays where it lies")

    def options(self, media_type: str, limit: int) -> PrepareOptions:
        """Raises InvalidInput, InvalidSchema, InvalidTable."""
        given = {"format": self.format, "salted": self.salted, "twin": self.twin, "name": self.name}
        given["media_type"] = media_type if _MEDIA_TYPE.fullmatch(media_type) else DEFAULT_MEDIA_TYPE
        if self.columns is not None:
            given["schema"] = query_json("schema", self.columns)
            given["read"] = {
                "form": self.form,
                "encoding": self.encoding,
                "delimiter": self.delimiter,
                "header": self.header,
                "null": self.null,
                "zone_offset": self.zone_offset,
            }
        made = PrepareOptions.from_json(given)
        return PrepareOptions(
            made.format,
            made.schema,
            made.read,
            made.salted,
            made.twin,
            made.name,
            made.media_type,
            limit,
            self.fresh_keys,
        )

    def captured(self) -> dict[str, Any]:
        return query_json("provenance", self.provenance)


def query_json(name: str, text: str) -> dict[str, Any]:
    """A query parameter that is a JSON object. Raises InvalidInput."""
    try:
        value = parse_json(text.encode(), 16)
    except ShareLedgerError as error:
        raise InvalidInput(f"the parameter {name}: {error.detail}", parameter=name) from None
    if not isinstance(value, dict):
        raise InvalidInput(f"the parameter {name} is not a JSON object", parameter=name)
    return value


class SegmentBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    first_record: int = Field(ge=0)
    key: Digest = Field(description="32 bytes in hex")


class FingerprintBody(BaseModel):
    """A version fingerprinted where its file lies: what `shareledger version anchor --no-payload` sends."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fingerprint: Members = Field(description="format, salted, schema, root, records, size, twin_root")
    manifest: Members = Field(description="share-manifest/1: the roots of its tiles")
    options: Members = Field(description="format, schema, read, salted, twin, name, media_type")
    provenance: Members = Field(description="source, captured, method, system, captured_by")
    segments: list[SegmentBody] | None = Field(
        default=None, description="segment keys to deposit here; left out: they stay with the provider"
    )


class RecordBody(BaseModel):
    """A record's proof, as GET …/records/{index}/proof gave it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Digest
    proof: Members
    on_chain: bool = Field(default=True, description="ask the contract too")


class PreparedView(BaseModel):
    """What AnchorVersion will say; `document` is what POST …/versions takes as `prepared`."""

    model_config = ConfigDict(extra="forbid")

    document: str
    dataset: str
    fingerprint: Members
    records: int
    size: int
    kept: bool
    act_fields: Members


class CheckView(BaseModel):
    number: int
    code: str
    ok: bool | None = Field(description="null: not checked")
    detail: str


class ReportView(BaseModel):
    """Every check is reported; a failed verification is an answer, not an error."""

    model_config = ConfigDict(extra="forbid")

    ok: bool
    checks: list[CheckView]
    differences: list[int] = Field(description="records that differ, counted from 0")
    complete: bool = Field(description="whether that is all of them")
    first_difference: int | None
    not_checked: list[str]


VersionQuery = Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$", description="the version; or give the share")]
ShareQuery = Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$", description="a share: its delivered version")]
ColumnsQuery = Annotated[list[str] | None, Query(description="columns to show, for share-record-sd/1; may be repeated")]
UploadQueryOf = Annotated[UploadQuery, Query()]
