"""Kinds of routes: what each reads, how long it may take, and how many of it run at once."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.bodies import parse_body, read_body
from api.limits import Limits, in_time, limits_of
from api.turns import AllTurns

SMALL: Final = 64 << 10  # bytes of JSON that need no place


class JsonRoute(APIRoute):
    """A route whose body, if it takes one, is JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        reads = self.body_field is not None

        async def within_limits(request: Request) -> Response:
            limits = limits_of(request)

            async def whole() -> Response:
                if not reads:
                    return await answer(request)
                size = await read_body(request, self.most_bytes(limits))
                async with self.place(request, size):
                    parse_body(request)
                    return await answer(request)

            return await in_time(whole(), self.most_seconds(limits))

        return within_limits

    def most_bytes(self, limits: Limits) -> int:
        return limits.body_bytes

    def most_seconds(self, limits: Limits) -> float:
        return limits.request_seconds

    def place(self, request: Request, size: int) -> AbstractAsyncContextManager[object]:
        """Where there is only room for so many: one place, for a body of so many bytes that was read."""
        return nullcontext()


class BulkRoute(JsonRoute):
    """A route that takes much JSON at once. What is read of it is many times as large, so few are at it at once."""

    def most_bytes(self, limits: Limits) -> int:
        return limits.bulk_bytes

    def place(self, request: Request, size: int) -> AbstractAsyncContextManager[object]:
        return nullcontext() if size <= SMALL else _bulk_place(request)


@asynccontextmanager
async def _bulk_place(request: Request) -> AsyncIterator[None]:
    async with _turns(request.scope).bulk.taken(_caller(request.scope)) as leave:
        request.state.leave_place = leave
        yield


def leave_place(request: Request) -> None:
    """What was much work is done; the request may still wait."""
    leave: Callable[[], None] | None = getattr(request.state, "leave_place", None)
    if leave is not None:
        leave()


class StreamRoute(JsonRoute):
    """A route that takes its time, or much JSON. One without a JSON body reads its own, if there is any."""

    def most_bytes(self, limits: Limits) -> int:
        return limits.bulk_bytes

    def most_seconds(self, limits: Limits) -> float:
        return limits.transfer_seconds


class CostlyRoute(StreamRoute):
    """A route that makes this machine compute: it decrypts a whole payload, or checks very many signatures."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with _turns(scope).costly.taken(_caller(scope)):
            await super().handle(scope, receive, send)


class ManifestRoute(CostlyRoute):
    """A route that takes the manifest of a table of any size. Its place is taken before anything is read."""

    def most_bytes(self, limits: Limits) -> int:
        return limits.manifest_bytes


class TransferRoute(StreamRoute):
    """A route that moves a file, in or out, as fast as the other side can."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with _turns(scope).transfers.taken(_caller(scope)):
            await super().handle(scope, receive, send)


def _turns(scope: Scope) -> AllTurns:
    turns: AllTurns = scope["app"].state.turns
    return turns


def _caller(scope: Scope) -> str:
    """The API key's id. All of its department's keys together would let one locked-out user lock out the others."""
    return str(scope["state"]["caller"].id)
