"""One moment of the read model for one request: what is read and the `as_of` it carries are of the same instant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.pagination import Page, page_reply
from api.replies import read_reply
from api.runtime import Runtime
from api.schemas.views import object_json
from ledger.domain.state import StateObject
from ledger.ports import UnitOfWork
from ledger.services import reading


@dataclass(frozen=True, slots=True)
class Moment:
    work: UnitOfWork
    as_of: dict[str, Any] | None


@asynccontextmanager
async def moment(runtime: Runtime) -> AsyncIterator[Moment]:
    async with reading.opened(runtime.ports) as work:
        yield Moment(work, await reading.as_of(work))


async def show_one(request: Request, runtime: Runtime, shape: type[StateObject], *key: Any) -> Response:
    """A catalogue object by its key. Raises NotFound."""
    async with moment(runtime) as now:
        found = await reading.catalogue_object(now.work, shape, *key)
    return read_reply(request, {**object_json(found), "as_of": now.as_of})


async def show_page(
    request: Request,
    runtime: Runtime,
    page: Page,
    shape: type[StateObject],
    after: tuple[Any, ...] | None,
    **where: Any,
) -> Response:
    """Catalogue objects in the order of their keys; a filter that is None is none."""
    async with moment(runtime) as now:
        found = await now.work.objects(shape, after=after, limit=page.ask, **where)
    return page_reply(request, page, found, now.as_of, key=lambda item: item.key, shown=object_json)
