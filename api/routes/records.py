"""Reads whose answer depends on who asks: shares, corrections, entries, documents, submissions."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.auth import CallerOf
from api.describing import problems, showing, tagged_as, who
from api.pagination import PageOf, page_reply, whole_number
from api.reading import moment
from api.replies import JSON_TYPE, read_reply, tagged
from api.routes.catalogue import CodeFilter, DigestFilter
from api.routing import JsonRoute
from api.runtime import Runtime
from api.schemas.fields import DigestInPath, EntryInPath
from api.schemas.views import (
    CorrectionView,
    EntryView,
    ShareView,
    SubmissionView,
    entry_json,
    object_json,
    page_of,
    single,
    submission_json,
)
from ledger.domain.acts import BY_ENTRY
from ledger.domain.identifiers import parse_digest
from ledger.domain.stages import Stage
from ledger.domain.state import Correction, Share
from ledger.domain.submissions import SubmissionState
from ledger.errors import InvalidInput
from ledger.services import reading

PARTIES = who("the consumer, the provider, an authority above either, or an auditor")
OWN = who("the department that signed, or an auditor")
READERS = who("the parties of the act, the authorities above them, auditors; anyone once it is published")

StageFilter = Annotated[str | None, Query(description=", ".join(stage.name.lower() for stage in Stage))]
StateFilter = Annotated[SubmissionState | None, Query(description="only those in this state")]


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter(prefix="/v1", route_class=JsonRoute)
    _shares(routes, runtime)
    _corrections(routes, runtime)
    _entries(routes, runtime)
    _submissions(routes, runtime)
    return routes


def _shares(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get(
        "/authorisations", tags=["authorisations"], responses=showing(page_of(ShareView)), openapi_extra=PARTIES
    )
    async def list_shares(
        request: Request,
        caller: CallerOf,
        page: PageOf,
        dataset: CodeFilter = None,
        consumer: CodeFilter = None,
        provider: CodeFilter = None,
        stage: StageFilter = None,
    ) -> Response:
        """Shares the caller may see, from the request to the end, by id."""
        where: dict[str, Any] = {"dataset": dataset, "consumer": consumer, "provider": provider, "stage": _stage(stage)}
        after = page.key(parse_digest)
        async with moment(runtime) as now:
            found = await reading.seen(
                now.work, caller, Share, after=after[0] if after else None, limit=page.ask, **where
            )
        return page_reply(request, page, found, now.as_of, key=lambda item: item.id, shown=object_json)

    @routes.get(
        "/authorisations/{share}",
        tags=["authorisations"],
        responses=showing(single(ShareView)),
        openapi_extra=PARTIES,
    )
    async def show_share(request: Request, caller: CallerOf, share: DigestInPath) -> Response:
        """A request or grant and what became of it."""
        async with moment(runtime) as now:
            found = await reading.share(now.work, caller, share)
        return read_reply(request, {**object_json(found), "as_of": now.as_of})

    @routes.get(
        "/authorisations/{share}/history",
        tags=["authorisations"],
        responses=showing(page_of(EntryView)),
        openapi_extra=PARTIES,
    )
    async def show_history(request: Request, caller: CallerOf, share: DigestInPath, page: PageOf) -> Response:
        """Every entry on the share, oldest first. `after` is an index."""
        async with moment(runtime) as now:
            found = await reading.history(now.work, caller, share, after=page.number(-1), limit=page.ask)
        return page_reply(request, page, found, now.as_of, key=lambda item: item.index, shown=entry_json)


def _stage(name: str | None) -> int | None:
    if name is None:
        return None
    try:
        return Stage[name.upper()].value
    except KeyError:
        raise InvalidInput(f"there is no stage {name[:40]!r}", known=[stage.name.lower() for stage in Stage]) from None


def _corrections(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get("/corrections", tags=["corrections"], responses=showing(page_of(CorrectionView)), openapi_extra=PARTIES)
    async def list_corrections(
        request: Request,
        caller: CallerOf,
        page: PageOf,
        share: DigestFilter = None,
        version: DigestFilter = None,
        dataset: CodeFilter = None,
    ) -> Response:
        """Corrections the caller may see, open and resolved, by id."""
        after = page.key(parse_digest)
        async with moment(runtime) as now:
            found = await reading.seen(
                now.work,
                caller,
                Correction,
                after=after[0] if after else None,
                limit=page.ask,
                share=share,
                version=version,
                dataset=dataset,
            )
        return page_reply(request, page, found, now.as_of, key=lambda item: item.id, shown=object_json)

    @routes.get(
        "/corrections/{correction}",
        tags=["corrections"],
        responses=showing(single(CorrectionView)),
        openapi_extra=PARTIES,
    )
    async def show_correction(request: Request, caller: CallerOf, correction: DigestInPath) -> Response:
        """What a consumer doubts, and how the provider answered."""
        async with moment(runtime) as now:
            found = await reading.correction(now.work, caller, correction)
        return read_reply(request, {**object_json(found), "as_of": now.as_of})


def _entries(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get("/entries", tags=["entries"], responses=showing(page_of(EntryView)), openapi_extra=OWN)
    async def list_entries(
        request: Request,
        caller: CallerOf,
        page: PageOf,
        department: CodeFilter = None,
        kind: Annotated[str | None, Query(max_length=40, description="past tense: ShareAgreed")] = None,
        subject: Annotated[str | None, Query(max_length=64, description="code, address or digest of an object")] = None,
    ) -> Response:
        """In order of their index: an auditor sees all, others their own department's. `after` is an index."""
        if kind is not None and kind not in BY_ENTRY:
            raise InvalidInput(f"there is no kind of entry {kind!r}", known=sorted(BY_ENTRY))
        where = {"kind": kind, "subject": subject} | ({"department": department} if department else {})
        async with moment(runtime) as now:
            found = await reading.entries(now.work, caller, after=page.number(-1), limit=page.ask, **where)
        return page_reply(request, page, found, now.as_of, key=lambda item: item.index, shown=entry_json)

    @routes.get("/entries/{entry}", tags=["entries"], responses=showing(single(EntryView)), openapi_extra=READERS)
    async def show_entry(request: Request, caller: CallerOf, entry: EntryInPath) -> Response:
        """By index or act digest."""
        key: int | str = parse_digest(entry) if len(entry) == 64 else whole_number(entry)
        async with moment(runtime) as now:
            found = await reading.entry(now.work, caller, key)
        return read_reply(request, {**entry_json(found), "as_of": now.as_of})

    @routes.get(
        "/documents/{document}",
        tags=["documents"],
        responses={**tagged_as({"content": {JSON_TYPE: {"schema": {"type": "object"}}}}), **problems(404, 422)},
        openapi_extra=READERS,
    )
    async def show_document(request: Request, caller: CallerOf, document: DigestInPath) -> Response:
        """The canonical bytes (RFC 8785) whose SHA-256 is the digest: hash them yourself."""
        async with moment(runtime) as now:
            found = await reading.document(now.work, caller, document)
        return tagged(request, found.body, JSON_TYPE, found.digest, {"X-Document-Kind": found.kind})


def _submissions(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get("/submissions", tags=["acts"], responses=showing(page_of(SubmissionView)), openapi_extra=OWN)
    async def list_submissions(request: Request, caller: CallerOf, page: PageOf, state: StateFilter = None) -> Response:
        """The department's acts, oldest first, without histories. `after` is a sequence number."""
        async with moment(runtime) as now:
            found = await reading.submissions(now.work, caller, after=page.number(0), limit=page.ask, state=state)
        return page_reply(
            request,
            page,
            found,
            now.as_of,
            key=lambda pair: pair[0],
            shown=lambda pair: submission_json(pair[1], pair[0]),
        )

    @routes.get("/submissions/{digest}", tags=["acts"], responses=showing(single(SubmissionView)), openapi_extra=OWN)
    async def show_submission(request: Request, caller: CallerOf, digest: DigestInPath) -> Response:
        """One act: where it is, why if it failed, and its history."""
        async with moment(runtime) as now:
            found = await reading.submission(now.work, caller, digest)
        return read_reply(request, {**submission_json(found), "as_of": now.as_of})
