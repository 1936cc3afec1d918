"""Files in and out: uploads that prepare a version, downloads, proofs, and what a consumer needs to check a copy."""

import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from starlette.responses import Response, StreamingResponse

from api.auth import CallerOf
from api.bodies import media_type, streamed
from api.describing import READING, Responses, answering, problems, showing, tagged_as, who
from api.idempotency import once
from api.limits import limits_of
from api.pagination import PageOf, page_reply
from api.replies import Reply, matches, read_reply
from api.routing import CostlyRoute, ManifestRoute, StreamRoute, TransferRoute
from api.runtime import Runtime
from api.schemas.fields import CodeInPath, DigestInPath, code_of
from api.schemas.material import LeavesView, ManifestView, MaterialView, ProofView, UseView
from api.schemas.payloads import ColumnsQuery, FingerprintBody, PreparedView, UploadQueryOf
from api.schemas.views import page_of
from ledger.fingerprint import Fingerprint, Manifest, Segment, SegmentKeys
from ledger.ports import Use
from ledger.services import anchoring, delivering, verifying
from ledger.services.acting import Idempotency
from ledger.services.delivering import Download, Resume
from ledger.services.fingerprinting import PrepareOptions

PROVIDER = who("the dataset's provider")
USER = who("the consumer of a share in force, or the provider")
CHECKER = who("the consumer of a share in force, the provider, or an auditor")
PREPARED: Responses = {
    201: {"description": "prepared: nothing is on the ledger yet", "model": PreparedView},
    **problems(403, 404, 409, *READING),
}
RecordIndex = Annotated[int, Path(ge=0, lt=1 << 63, description="counted from 0")]
Tile = Annotated[int, Path(ge=0, lt=1 << 55, description="records 256·n to 256·n + 255")]


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter()
    plain, transfers, costly, manifests = (
        APIRouter(prefix="/v1", route_class=kind) for kind in (StreamRoute, TransferRoute, CostlyRoute, ManifestRoute)
    )
    _uploads(transfers, runtime)
    _fingerprints(manifests, runtime)
    _downloads(transfers, runtime)
    _keys(plain, runtime)
    _proofs(costly, runtime)
    for one in (plain, transfers, costly, manifests):
        routes.include_router(one)
    return routes


def _uploads(routes: APIRouter, runtime: Runtime) -> None:
    @routes.post(
        "/datasets/{dataset}/payloads",
        tags=["versions"],
        summary="Upload a payload",
        status_code=201,
        response_class=Response,
        responses=PREPARED,
        openapi_extra={
            **PROVIDER,
            "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}},
        },
    )
    async def upload(request: Request, caller: CallerOf, dataset: CodeInPath, query: UploadQueryOf) -> Response:
        """The body is the file itself, streamed. It is fingerprinted, and kept encrypted unless `keep=false`.

        With an Idempotency-Key, type, length and Content-Digest (RFC 9530) stand for the body.
        """
        options = query.options(media_type(request), limits_of(request).upload_bytes)

        async def work(_claim: Idempotency | None) -> Reply:
            made = await anchoring.prepare_version(
                runtime.ports,
                caller,
                code_of(dataset),
                streamed(request),
                options=options,
                keep_payload=query.keep,
                provenance=query.captured(),
            )
            return Reply(201, made.to_json(), {"Location": f"/v1/documents/{made.document}"})

        return (await once(request, runtime.ports, caller, work)).response()


def _fingerprints(routes: APIRouter, runtime: Runtime) -> None:
    @routes.post(
        "/datasets/{dataset}/fingerprints",
        tags=["versions"],
        summary="Register a fingerprint taken elsewhere",
        status_code=201,
        response_class=Response,
        responses=PREPARED,
        openapi_extra=PROVIDER,
    )
    async def register(request: Request, caller: CallerOf, dataset: CodeInPath, body: FingerprintBody) -> Response:
        """The file stays where it lies; its keys too, unless they are deposited here."""

        async def work(_claim: Idempotency | None) -> Reply:
            made = await anchoring.register_fingerprint(
                runtime.ports,
                caller,
                code_of(dataset),
                Fingerprint.from_json(body.fingerprint),
                Manifest.from_json(body.manifest),
                options=PrepareOptions.from_json(body.options),
                provenance=body.provenance,
                keys=_segment_keys(body),
            )
            return Reply(201, made.to_json(), {"Location": f"/v1/documents/{made.document}"})

        return (await once(request, runtime.ports, caller, work)).response()


def _segment_keys(body: FingerprintBody) -> SegmentKeys | None:
    if body.segments is None:
        return None
    return SegmentKeys([Segment(one.first_record, bytes.fromhex(one.key)) for one in body.segments])


def _downloads(routes: APIRouter, runtime: Runtime) -> None:
    file: Responses = {
        **tagged_as({"description": "the payload, decrypted, of its own media type", "content": {"*/*": {}}}),
        206: {"description": "the rest of it, after `Range: bytes=N-`", "content": {"*/*": {}}},
        **problems(403, 404, 409, 410, 422),
    }

    @routes.get(
        "/authorisations/{share}/payload",
        tags=["authorisations"],
        response_class=Response,
        responses=file,
        openapi_extra=USER,
    )
    async def download(request: Request, caller: CallerOf, share: DigestInPath) -> Response:
        """The delivered version. Refused, each for its own reason, without a share in force; leaves a use record."""
        return _file(request, await delivering.open_payload(runtime.ports, caller, share, _resume(request)))

    @routes.get(
        "/versions/{version}/payload",
        tags=["versions"],
        response_class=Response,
        responses=file,
        openapi_extra=PROVIDER,
    )
    async def download_own(request: Request, caller: CallerOf, version: DigestInPath) -> Response:
        """A provider's own payload."""
        return _file(request, await delivering.open_own_payload(runtime.ports, caller, version, _resume(request)))


def _keys(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get(
        "/versions/{version}/keys",
        tags=["versions"],
        responses=answering(MaterialView, 403, 404, 409, 410, 422),
        openapi_extra=PROVIDER,
    )
    async def own_keys(caller: CallerOf, version: DigestInPath) -> Response:
        """Entry, document, manifest and segment keys of the provider's own version. Secret."""
        return Reply(200, (await delivering.own_keys(runtime.ports, caller, version)).to_json()).response()

    @routes.get(
        "/authorisations/{share}/keys",
        tags=["authorisations"],
        responses=answering(MaterialView, 403, 404, 409, 410, 422),
        openapi_extra=USER,
    )
    async def keys(caller: CallerOf, share: DigestInPath) -> Response:
        """Entry, document, manifest and segment keys: all that checks a copy offline. Secret; leaves a use record."""
        material = await delivering.verification_keys(runtime.ports, caller, share)
        return Reply(200, material.to_json()).response()

    @routes.get(
        "/authorisations/{share}/uses",
        tags=["authorisations"],
        responses=showing(page_of(UseView), 403),
        openapi_extra=who("the consumer, the provider, or an auditor"),
    )
    async def uses(request: Request, caller: CallerOf, share: DigestInPath, page: PageOf) -> Response:
        """The use records of a share, oldest first. `after` is a number. They are not on the ledger."""
        found = await delivering.uses(runtime.ports, caller, share, after=page.number(0), limit=page.ask)
        return page_reply(request, page, found, None, key=lambda pair: pair[0], shown=_use_json)


def _use_json(numbered: tuple[int, Use]) -> dict[str, Any]:
    number, use = numbered
    names = ("at", "share", "version", "department", "caller", "action")
    return {"number": number, **{name: getattr(use, name) for name in names}}


def _file(request: Request, download: Download) -> Response:
    """Its ETag is the version, whose bytes never change."""
    tag = f'"{download.version.id}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    headers |= {
        "Accept-Ranges": "bytes",
        "Content-Length": str(download.size - download.start),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(download.name, safe='')}",
    }
    if download.start:
        headers["Content-Range"] = f"bytes {download.start}-{download.size - 1}/{download.size}"
    status = 206 if download.start else 200
    return StreamingResponse(download.chunks, status_code=status, headers=headers, media_type=download.media_type)


_FROM = re.compile(r"bytes=([0-9]{1,18})-", re.ASCII)


def _resume(request: Request) -> Resume | None:
    """What `Range` and `If-Range` ask for, if it is to go on to the end; any other range gets the whole (RFC 9110)."""
    asked = _FROM.fullmatch(request.headers.get("range", ""))
    if asked is None:
        return None
    version = request.headers.get("if-range")
    return Resume(int(asked[1]), version.strip('"') if version else None)


def _proofs(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get(
        "/versions/{version}/manifest",
        tags=["versions"],
        responses=showing(ManifestView, 403, 409, 410),
        openapi_extra=CHECKER,
    )
    async def manifest(request: Request, caller: CallerOf, version: DigestInPath) -> Response:
        """The roots of the fingerprint's tiles."""
        return read_reply(request, (await verifying.manifest(runtime.ports, caller, version)).to_json())

    @routes.get(
        "/versions/{version}/tiles/{tile}",
        tags=["versions"],
        responses=showing(LeavesView, 403, 409, 410),
        openapi_extra=CHECKER,
    )
    async def leaves(request: Request, caller: CallerOf, version: DigestInPath, tile: Tile) -> Response:
        """The leaf hashes of one tile: names the records in which a copy differs."""
        found = await verifying.leaf_hashes(runtime.ports, caller, version, tile)
        return read_reply(request, {"leaves": [leaf.hex() for leaf in found]})

    @routes.get(
        "/versions/{version}/records/{index}/proof",
        tags=["versions"],
        responses=answering(ProofView, 403, 404, 409, 410, 413, 422),
        openapi_extra=CHECKER,
    )
    async def proof(
        caller: CallerOf, version: DigestInPath, index: RecordIndex, columns: ColumnsQuery = None
    ) -> Response:
        """One record with its salt and path. Leaves a use record."""
        made = await verifying.prove_record(runtime.ports, caller, version, index, columns=columns)
        return Reply(200, made.to_json()).response()
