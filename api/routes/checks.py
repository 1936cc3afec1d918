"""Checking: copies and records against the ledger, quality, the whole ledger by replay."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from api.auth import CallerOf
from api.bodies import streamed
from api.describing import READING, Responses, answering, showing, who
from api.replies import Reply, read_reply
from api.routing import CostlyRoute, StreamRoute, TransferRoute
from api.runtime import Runtime
from api.schemas.fields import Code, DigestInPath
from api.schemas.material import AuditView, CheckpointDraftView, EvidenceView, MeasuredView
from api.schemas.payloads import RecordBody, ReportView, ShareQuery, VersionQuery
from ledger.domain.state import Version
from ledger.errors import Conflict, InvalidInput, NotPermitted
from ledger.fingerprint import AnswerProof, Disclosure, RecordProof
from ledger.fingerprint.answer_proof import FORMAT as ANSWER
from ledger.fingerprint.fingerprint import RECORD_SD
from ledger.services import attesting, checkpointing, delivering, reading, replaying, verifying
from ledger.services.evidence import evidence

REPORT: Responses = answering(ReportView, 403, 404, 409, 410, *READING)
RAW = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}
OPTIONAL_RAW = {"requestBody": {**RAW["requestBody"], "required": False}}


class LogBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    log: Code


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter()
    plain, transfers, costly = (
        APIRouter(prefix="/v1", route_class=kind) for kind in (StreamRoute, TransferRoute, CostlyRoute)
    )
    _copies(transfers, runtime)
    _records(plain, runtime)
    _quality(costly, runtime)
    _whole(plain, runtime)
    _evidence(costly, runtime)
    for one in (plain, transfers, costly):
        routes.include_router(one)
    return routes


def _copies(routes: APIRouter, runtime: Runtime) -> None:
    user = who("the consumer of a share in force, the provider, or an auditor")

    @routes.post(
        "/verifications",
        tags=["verifications"],
        summary="Verify a copy",
        response_class=Response,
        responses=REPORT,
        openapi_extra={**user, **RAW},
    )
    async def verify(
        request: Request,
        caller: CallerOf,
        version: VersionQuery = None,
        share: ShareQuery = None,
        limit: Annotated[int, Query(ge=1, le=100_000, description="differing records to name")] = 1000,
    ) -> Response:
        """The body is the copy. Is it the version's payload, and if not, which records differ?"""
        if (version is None) == (share is None):
            raise InvalidInput("name a version or a share, one of them")
        if share is not None:
            version = (await delivering.authorised(runtime.ports, caller, share)).version.id
        report = await verifying.verify_table(runtime.ports, caller, str(version), streamed(request), limit=limit)
        return Reply(200, report.to_json()).response()


def _records(routes: APIRouter, runtime: Runtime) -> None:
    @routes.post(
        "/verifications/records",
        tags=["verifications"],
        summary="Verify a record's proof",
        response_class=Response,
        responses=REPORT,
        openapi_extra=who("any department"),
    )
    async def verify_record(caller: CallerOf, body: RecordBody) -> Response:
        """Is the proof's record in the version? The contract is asked too, by `eth_call`.

        Also of all records of an answer (share-answer/1), of which the contract is not asked.
        """
        async with reading.opened(runtime.ports) as work:
            version = await reading.catalogue_object(work, Version, body.version)
        form: type[AnswerProof | Disclosure | RecordProof]
        if body.proof.get("format") == ANSWER:
            form = AnswerProof
        else:
            form = Disclosure if version.format == RECORD_SD else RecordProof
        report = await verifying.verify_record(
            runtime.ports, caller, body.version, form.from_json(body.proof), on_chain=body.on_chain
        )
        return Reply(200, report.to_json()).response()


def _quality(routes: APIRouter, runtime: Runtime) -> None:
    @routes.post(
        "/versions/{version}/measurements",
        tags=["attestations"],
        summary="Measure a version's quality",
        response_class=Response,
        responses=answering(MeasuredView, 403, 404, 409, 410, *READING),
        openapi_extra={**who("the provider, or an attestor"), **OPTIONAL_RAW},
    )
    async def measure(
        request: Request,
        caller: CallerOf,
        version: DigestInPath,
        rules: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$", description="digest of the rule set's document")],
    ) -> Response:
        """The report that AttestQuality carries, from the kept payload or from the copy in the body. Signs nothing."""
        made = await attesting.measure(runtime.ports, caller, version, rules, source=await _given(request))
        return Reply(200, made.to_json()).response()


async def _given(request: Request) -> AsyncIterator[bytes] | None:
    """The body, or None if there is none."""
    pieces = streamed(request)
    first = b""
    async for first in pieces:
        if first:
            break
    if not first:
        return None

    async def all_of_it() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return all_of_it()


def _whole(routes: APIRouter, runtime: Runtime) -> None:
    running = asyncio.Lock()

    @routes.post(
        "/audits",
        tags=["audits"],
        summary="Replay the ledger",
        response_class=Response,
        responses=answering(AuditView, 403, 409),
        openapi_extra=who("an auditor", role="auditor"),
    )
    async def audit(caller: CallerOf) -> Response:
        """Re-derives everything from block 0 and compares it with what is stored here. One at a time."""
        if not caller.audits:
            raise NotPermitted("a replay is for auditors")
        if running.locked():
            raise Conflict("an audit is running", remedy="Wait until it ends.")
        async with running:
            ports = runtime.ports
            report = await replaying.replay(
                ports.node,
                ports.manifest,
                ports.signatures.recovers,
                store=ports.store,
                payloads=ports.payloads,
                confirmations=runtime.settings.confirmations,
            )
        return Reply(200, report.to_json()).response()

    @routes.post(
        "/checkpoints/drafts",
        tags=["checkpoints"],
        summary="Draft a checkpoint",
        response_class=Response,
        responses=answering(CheckpointDraftView, 403, 409, *READING),
        openapi_extra=who("any department, for its own log"),
    )
    async def draft_checkpoint(caller: CallerOf, body: LogBody) -> Response:
        """Size and root of the entry log now, as a C2SP checkpoint and as the fields of PublishCheckpoint."""
        made = await checkpointing.make_checkpoint(runtime.ports, caller, body.log)
        return Reply(200, made.to_json()).response()


def _evidence(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get(
        "/authorisations/{share}/evidence",
        tags=["authorisations"],
        responses=showing(EvidenceView),
        openapi_extra=who("the consumer, the provider, an authority above either, or an auditor"),
    )
    async def show_evidence(request: Request, caller: CallerOf, share: DigestInPath) -> Response:
        """What the ledger shows of a share, and what must be said about it."""
        found: dict[str, Any] = await evidence(runtime.ports, caller, share)
        return read_reply(request, found)
