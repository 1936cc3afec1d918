"""One POST a line of `api.act_table`; and acts that are drafted here and signed elsewhere."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.act_table import ACT_ROUTES, BY_ACT, ActRoute
from api.auth import CallerOf
from api.describing import READING, answering, creating, who
from api.filling import complete_key, signable
from api.idempotency import once
from api.replies import Reply
from api.routing import BulkRoute, JsonRoute
from api.runtime import Runtime
from api.schemas.acts import DraftBody, SignedActsBody, body_of
from api.schemas.fields import PATH_TYPES
from api.schemas.material import DraftView
from api.schemas.views import SubmissionView, act_json
from api.submitting import answer_many, answer_one, stand_now
from ledger.domain.callers import Caller
from ledger.domain.documents import Document
from ledger.domain.identifiers import parse_signature
from ledger.domain.submissions import Submission
from ledger.domain.values import Act
from ledger.errors import InvalidAct
from ledger.services import acting, drafting
from ledger.services.completing import MISSING


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter()
    plain, bulk = (APIRouter(prefix="/v1", route_class=kind) for kind in (JsonRoute, BulkRoute))
    for line in ACT_ROUTES:
        plain.add_api_route(
            line.path,
            _endpoint(runtime, line),
            methods=["POST"],
            tags=[line.tag],
            name=line.act,
            summary=line.act,
            description=_description(line),
            status_code=202,
            response_class=Response,
            responses=creating(SubmissionView),
            openapi_extra={"x-shareledger-caller": line.caller},
        )
    _add_drafting(plain, runtime)
    _add_signed(bulk, runtime)
    for one in (plain, bulk):
        routes.include_router(one)
    return routes


def _endpoint(runtime: Runtime, line: ActRoute) -> Callable[..., Awaitable[Response]]:
    """A handler whose signature names the path's parameters and the body's model, as FastAPI wants to read them."""
    body_type = body_of(line)

    async def act(request: Request, caller: Caller, body: BaseModel, **path: str) -> Response:
        async def work(claim: acting.Idempotency | None) -> Reply:
            acting.may_act(caller, line.act)
            runtime.check_writable()
            fields, document = await signable(runtime, caller, line, body, path)
            submission = await acting.act_for(runtime.ports, caller, line.act, fields, document, idempotency=claim)
            return await answered(submission)

        async def again(digests: Any) -> Reply:
            (submission,) = await stand_now(runtime, caller, digests)
            return await answered(submission)

        async def answered(submission: Submission) -> Reply:
            return await answer_one(request, runtime, submission)

        return (await once(request, runtime.ports, caller, work, again)).response()

    names = [part[1:-1] for part in line.path.split("/") if part.startswith("{")]
    keyword = inspect.Parameter.KEYWORD_ONLY
    act.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("request", keyword, annotation=Request),
            inspect.Parameter("caller", keyword, annotation=CallerOf),
            inspect.Parameter("body", keyword, annotation=body_type),
            *(inspect.Parameter(name, keyword, annotation=PATH_TYPES[name]) for name in names),
        ]
    )
    return act


def _description(line: ActRoute) -> str:
    caller = line.caller
    role = f", role {caller['role']}" if caller["role"] != "any" else ""
    return (
        f"May be called by: {caller['party']}. Duty {caller['duty']}{role}.\n\n"
        f"Signs {line.act} with a key of the caller's department that is held here, and queues it. "
        "`Prefer: wait=N` waits until it is final. An Idempotency-Key makes a retry harmless."
    )


ANYONE = who("the signers' own department", "that of each act", "that of each act")


def _add_drafting(routes: APIRouter, runtime: Runtime) -> None:
    @routes.post(
        "/drafts",
        tags=["acts"],
        summary="Draft an act",
        description="What to sign, for a department that keeps its own keys. Nothing is stored; for EnrolKey without a "
        "key the host makes one, which signs when the act comes with `null` in its place.",
        response_class=Response,
        responses=answering(DraftView, 403, 404, 409, *READING),
        openapi_extra=ANYONE,
    )
    async def draft(request: Request, caller: CallerOf, body: DraftBody) -> Response:
        acting.may_act(caller, body.act)
        fields = _with_text_numbers(body)
        if body.act == "EnrolKey":
            await complete_key(runtime, caller, fields, body.document, signs=False)
        made = await drafting.draft(runtime.ports, caller, body.act, fields, body.document, signer=body.signer)
        documents = [document.body.decode() for document in made.documents]
        shown = {
            "act": act_json(made.act),
            "digest": made.digest,
            "document": documents[0] if len(documents) == 1 else None,
            "documents": documents,
            "typed": made.typed,
            "signers": list(made.signers),
        }
        return Reply(200, shown).response()


def _add_signed(routes: APIRouter, runtime: Runtime) -> None:
    @routes.post(
        "/acts",
        tags=["acts"],
        summary="Submit signed acts",
        description="Acts of the caller's department, signed elsewhere: all are queued, or none. At most 1000.",
        status_code=202,
        response_class=Response,
        responses=creating(SubmissionView, many=True),
        openapi_extra=ANYONE,
    )
    async def submit(request: Request, caller: CallerOf, body: SignedActsBody) -> Response:
        async def work(claim: acting.Idempotency | None) -> Reply:
            runtime.check_writable()
            signed = [_signed(one.act, one.signatures, one.document, one.documents) for one in body.acts]
            stored = await acting.submit(runtime.ports, caller, signed, idempotency=claim)
            return await answer_many(request, runtime, stored)

        async def again(digests: Any) -> Reply:
            return await answer_many(request, runtime, await stand_now(runtime, caller, digests))

        return (await once(request, runtime.ports, caller, work, again)).response()


def _with_text_numbers(body: DraftBody) -> dict[str, Any]:
    """64-bit numbers may come as JSON numbers; acts know them as decimal strings."""
    line = BY_ACT.get(body.act)
    wide = {field.name for field in line.type.fields if field.kind == "u64"} if line else set()
    return {name: str(value) if name in wide and type(value) is int else value for name, value in body.fields.items()}


def _signed(
    act: dict[str, Any], signatures: list[str | None], document: str | None, documents: list[str] | None
) -> acting.SignedAct:
    if document is not None and documents is not None:
        raise InvalidAct("give `document` or `documents`, not both")
    name = act.get("type")
    if not isinstance(name, str):
        raise InvalidAct("the act names no type")
    texts = documents or ([document] if document is not None else [])
    return acting.SignedAct(
        act=Act.from_json(name, {field: value for field, value in act.items() if field != "type"}),
        signatures=tuple(MISSING if text is None else parse_signature(text) for text in signatures),
        documents=tuple(Document.parse(text.encode()) for text in texts),
    )
