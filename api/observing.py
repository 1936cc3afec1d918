"""Around every request: its id, the headers that protect its answer, one log event, one metric, and the last net.

The id is bound to whatever is logged meanwhile, so the acts that a request queued can be found by it. The event holds
method, route, status, time, request id and the API key's id; never a body, a query or a secret.
"""

import re
import secrets
import time
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, Final

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import HeadersTooLarge, HttpError, InternalError, MalformedHeader, TargetTooLong
from api.limits import Limits
from api.pacing import Stalled
from api.problems import respond
from ledger.telemetry import IN_FLIGHT, REQUESTS

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""An answer that says otherwise keeps its own."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_ONCE: Final = frozenset(
    {b"content-type", b"content-encoding", b"content-digest", b"host", b"idempotency-key", b"if-range", b"range"}
)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_log = structlog.get_logger("api")


class BrokenOff(Exception):
    """An answer cannot be ended well. The server that we tell closes the connection, and logs only this."""


class Observing:
    """ASGI, the outermost."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _Seen(Request(scope, receive))

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = seen.id
                headers.add_vary_header("Authorization, Accept-Language")
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=seen.id):
            try:
                with IN_FLIGHT.track_inprogress():
                    await self._answer(seen, scope, receive, protected)
            finally:
                seen.report()

    async def _answer(self, seen: "_Seen", scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if (problem := _unreadable(scope, self._limits)) is not None:
                await respond(seen.request, problem)(scope, receive, send)
                return
            await self._app(scope, receive, send)
        except ClientDisconnect:
            seen.fault = "client_disconnect"
        except Stalled:
            seen.fault = "stalled"
            raise BrokenOff from None
        except Exception as error:
            seen.fault = type(error).__name__
            # the message of a driver's error may quote values, so only its kind and where it happened are logged
            where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in _frames(error)]
            _log.error("request_failed", error=_kind(error), where=where)
            if seen.status is not None:  # half an answer is out: the server must break it off, not end it well
                raise BrokenOff from None
            await respond(seen.request, InternalError(f"report request id {seen.id}"))(scope, receive, send)


def _unreadable(scope: Scope, limits: Limits) -> HttpError | None:
    """What is wrong with the first line or the headers, whatever the path."""
    if len(scope["path"].encode()) + len(scope["query_string"]) > limits.target_bytes:
        return TargetTooLong(f"at most {limits.target_bytes} bytes of path and query are read")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > limits.header_bytes:
        return HeadersTooLarge(f"at most {limits.header_bytes} bytes of headers are read")
    names = [name for name, _ in scope["headers"] if name in _ONCE]
    if len(names) > len(set(names)):  # which of them counts, whoever stands in front of us may see otherwise
        return MalformedHeader("a header that may be sent once was sent twice", header=_twice(names))
    return None


def _twice(names: list[bytes]) -> str:
    return next(name.decode() for name in names if names.count(name) > 1)


class _Seen:
    """What is known of a request while it is being answered."""

    def __init__(self, request: Request) -> None:
        given = request.headers.get("x-request-id", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)
        self.request = request
        self.status: int | None = None
        self.fault: str | None = None
        self._started = time.perf_counter()
        request.state.request_id = self.id

    def report(self) -> None:
        scope = self.request.scope
        seconds = time.perf_counter() - self._started
        route, method = _route(scope), scope["method"] if scope["method"] in _METHODS else "OTHER"
        status = self.status or 499
        REQUESTS.labels(method, route, str(status)).observe(seconds)
        caller = getattr(self.request.state, "caller", None)
        _log.info(
            "request_answered",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            api_key=caller.id if caller else None,
            fault=self.fault,
        )


def _route(scope: MutableMapping[str, Any]) -> str:
    """The route's template, so that no identifier of anyone becomes a label."""
    return str(getattr(scope.get("route"), "path", "none"))


def _kind(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    return iter(traceback.extract_tb(error.__traceback__)[-12:])
