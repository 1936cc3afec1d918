"""Who calls: the API key of a request becomes a Caller before anything of its body is read.

Everything under `/v1` needs one; health, metrics and the description of the API do not, and say nothing of anyone.

Each API key has a rate. An address that sent too many keys which were refused has to wait; keys that were good before
in this process go on meanwhile, so nobody is locked out by a neighbour.
"""

import math
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import TooManyRequests
from api.limits import BURST_SECONDS, Limits
from api.problems import respond
from api.rates import Rate, network
from api.runtime import Runtime
from ledger.domain.callers import Caller
from ledger.errors import NotAuthenticated, ShareLedgerError
from ledger.services import api_keys

GUARDED: Final = "/v1"


class Authentication:
    """ASGI: puts `state.caller` on every request under /v1, or answers it."""

    def __init__(self, app: ASGIApp, runtime: Runtime, limits: Limits, now: Callable[[], float]) -> None:
        self._app, self._runtime = app, runtime
        rate, failures = limits.requests_per_second, limits.failures_per_minute
        self._requests = Rate(rate, rate * BURST_SECONDS, now)
        self._failures = Rate(failures / 60, failures, now)
        self._good: set[str] = set()  # ids that opened before; no more of them than there are keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            caller = await self._known(request)
            self._count(caller)
            request.state.caller = caller
        except ShareLedgerError as error:
            await respond(request, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _known(self, request: Request) -> Caller:
        """Raises NotAuthenticated, TooManyRequests."""
        address = network(request.client.host if request.client else None)
        try:
            token = _token(request)
            if self._failures.wait(address) and api_keys.id_of(token) not in self._good:
                raise _too_many("too many API keys from this address were refused", self._failures.wait(address))
            caller = await api_keys.authenticate(self._runtime.ports.store, self._runtime.ports.clock, token)
        except NotAuthenticated:
            if seconds := self._failures.wait(address):
                raise _too_many("too many requests from this address were refused", seconds) from None
            self._failures.take(address)
            raise
        self._good.add(caller.id)
        return caller

    def _count(self, caller: Caller) -> None:
        """Raises TooManyRequests."""
        if seconds := self._requests.wait(caller.id):
            raise _too_many("this API key sends too many requests", seconds)
        self._requests.take(caller.id)


def _token(request: Request) -> str:
    sent = request.headers.getlist("authorization")
    if not sent:
        raise NotAuthenticated("no Authorization header was sent")
    scheme, _, token = sent[0].partition(" ")
    if len(sent) > 1 or scheme.lower() != "bearer":
        raise NotAuthenticated("the Authorization header is not `Bearer <API key>`")
    return token.strip()


def _too_many(why: str, seconds: float) -> TooManyRequests:
    return TooManyRequests(why, retry_after=math.ceil(seconds))


def _guarded(path: str) -> bool:
    return path == GUARDED or path.startswith(GUARDED + "/")


def _caller_of(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


CallerOf = Annotated[Caller, Depends(_caller_of)]
"""The caller, as a parameter of a route."""
