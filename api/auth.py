"""Who calls: the API key of a request becomes a Caller before anything of its body is read.

Everything under `/v1` needs one; health, metrics and the description of the API do not, and say nothing of anyone.
"""

from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import respond
from api.runtime import Runtime
from ledger.domain.callers import Caller
from ledger.errors import NotAuthenticated, ShareLedgerError
from ledger.services import api_keys

GUARDED: Final = "/v1"


class Authentication:
    """ASGI: puts `state.caller` on every request under /v1, or answers it."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app, self._runtime = app, runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            request.state.caller = await self._caller(request)
        except ShareLedgerError as error:
            await respond(request, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _caller(self, request: Request) -> Caller:
        sent = request.headers.getlist("authorization")
        if not sent:
            raise NotAuthenticated("no Authorization header was sent")
        scheme, _, token = sent[0].partition(" ")
        if len(sent) > 1 or scheme.lower() != "bearer":
            raise NotAuthenticated("the Authorization header is not `Bearer <API key>`")
        ports = self._runtime.ports
        return await api_keys.authenticate(ports.store, ports.clock, token.strip())


def _guarded(path: str) -> bool:
    return path == GUARDED or path.startswith(GUARDED + "/")


def _caller_of(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


CallerOf = Annotated[Caller, Depends(_caller_of)]
"""The caller, as a parameter of a route."""
