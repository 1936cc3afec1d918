"""Answers that prove themselves: the records that a share lets out, proofs of many records, growth."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.auth import CallerOf
from api.describing import answering, who
from api.replies import Reply
from api.routing import CostlyRoute
from api.runtime import Runtime
from api.schemas.answers import AnswerProofView, GrowthProofView, RecordsPageView, RecordsQueryOf
from api.schemas.fields import DIGEST_FORM, DigestInPath
from api.schemas.payloads import ColumnsQuery
from ledger.services import answering as answers
from ledger.services import verifying

USER = who("the consumer of a share in force, or the provider")
CHECKER = who("the consumer of a share in force, the provider, or an auditor")
LINK = {
    "Link": {"description": '`<…>; rel="next"` (RFC 8288), if there is a further page', "schema": {"type": "string"}}
}
Since = Annotated[str, Query(pattern=DIGEST_FORM, description="the earlier version")]
Indexes = Annotated[
    list[Annotated[int, Query(ge=0, lt=1 << 63)]],
    Query(min_length=1, max_length=answers.MOST, description="a record, counted from 0; may be repeated"),
]


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter(prefix="/v1", route_class=CostlyRoute)
    _records(routes, runtime)
    _proofs(routes, runtime)
    return routes


def _records(routes: APIRouter, runtime: Runtime) -> None:
    page = answering(RecordsPageView, 403, 404, 409, 410, 413, 422)
    page[200]["headers"] = LINK

    @routes.get("/authorisations/{share}/records", tags=["authorisations"], responses=page, openapi_extra=USER)
    async def records(request: Request, caller: CallerOf, share: DigestInPath, query: RecordsQueryOf) -> Response:
        """Records of the delivered version that the share's scope lets out, each proven against the anchored root.

        Columns and filters name granted columns only. A page may be short, or empty, and still have a next one.
        Whether it is complete is not checked. Leaves a use record.
        """
        made = await answers.answer_records(runtime.ports, caller, share, query.asked())
        headers = {}
        if made.next is not None:
            kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
            headers["Link"] = f'<{request.url.path}?{urlencode([*kept, ("after", made.next)])}>; rel="next"'
        return Reply(200, made.to_json(), headers).response()


def _proofs(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get(
        "/versions/{version}/records/proof",
        tags=["versions"],
        responses=answering(AnswerProofView, 403, 404, 409, 410, 413, 422),
        openapi_extra=CHECKER,
    )
    async def proofs(caller: CallerOf, version: DigestInPath, index: Indexes, columns: ColumnsQuery = None) -> Response:
        """Many records with one path for all of them (share-answer/1). Leaves a use record."""
        made = await verifying.prove_records(runtime.ports, caller, version, index, columns=columns)
        return Reply(200, made.to_json()).response()

    @routes.get(
        "/versions/{version}/growth",
        tags=["versions"],
        responses=answering(GrowthProofView, 403, 404, 409, 410, 422),
        openapi_extra=CHECKER,
    )
    async def growth(caller: CallerOf, version: DigestInPath, since: Since) -> Response:
        """That this version only has more records than the one `since` (share-growth/1). Leaves use records."""
        made = await verifying.prove_growth(runtime.ports, caller, since, version)
        return Reply(200, made.to_json()).response()
