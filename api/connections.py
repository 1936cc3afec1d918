"""Connections: what a server must bear before there is a request, and after it was answered.

uvicorn's httptools parser sets no bounds to a request's first line and headers, neither in size nor in time; this does.

1. The first line and headers come within `header_seconds`, and have at most as many bytes as `Limits` allows.
2. What follows them and is no body (chunk headers, trailers) is bounded likewise between two pieces of body.
3. Once a request is answered, the rest of its body is waited for only so long.
4. Nobody holds more connections than there are, and a connection that does not close is cut.

What is refused here never was a request: the answer is a problem like all others, and the connection ends.
"""

import asyncio
import logging
import secrets
from typing import Any, ClassVar, Final

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import Busy, HeadersTooLarge, HttpError, MalformedRequest, SlowRequest
from api.limits import Limits
from api.problems import problem_reply
from api.replies import json_bytes

LINGER_SECONDS: Final = 5.0
LOOKS: Final = 4  # within `header_seconds`
_REASONS: Final = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class Connection(HttpToolsProtocol):
    """One connection; `bounded` makes the class that a server takes."""

    limits: ClassVar[Limits] = Limits()
    _reading_head: bool = True
    _reading_body: bool = False
    _plain: int = 0  # bytes since there was a piece of body, or the end of headers or message
    _since: float = 0.0  # when waiting began: for headers, for the rest of a body, for the close
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > self.limits.connections:
            self.refuse(Busy("too many connections are open"))
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    # ---- 1 and 2: size ----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if not self._reading_head and not self._reading_body:
            self._reading_head, self._since = True, self.loop.time()
        self._plain += len(data)
        super().data_received(data)
        if self._plain > self.limits.header_bytes + self.limits.target_bytes and not self.transport.is_closing():
            self.refuse(HeadersTooLarge("the first line and headers are too long"))

    def on_headers_complete(self) -> None:
        self._reading_head, self._reading_body, self._plain = False, True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._plain = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading_body, self._plain = False, 0
        super().on_message_complete()

    # ---- 1, 3 and 4: time -------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        super().on_response_complete()

    def _look_again(self) -> None:
        pause = min(self.limits.header_seconds / LOOKS, LINGER_SECONDS)
        self._watch = self.loop.call_later(pause, self._look)

    def _look(self) -> None:
        waited = self.loop.time() - self._since
        answering = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing():
            if waited > LINGER_SECONDS and not answering:
                self.transport.abort()
        elif self._reading_head and not answering and waited > self.limits.header_seconds:
            self.refuse(SlowRequest(f"the headers did not come within {self.limits.header_seconds:g} seconds"))
        elif self._reading_body and not answering and waited > LINGER_SECONDS:
            self.transport.abort()
        self._look_again()

    # ---- refusing ---------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        self.refuse(MalformedRequest("this is not HTTP as this server reads it"))

    def refuse(self, problem: HttpError) -> None:
        """Answer, unless the answer would be taken for that to another request, and close."""
        self._since = self.loop.time()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_refusal(problem))
        elif self._reading_body and not self.pipeline and not self.cycle.response_started:
            self.transport.write(_refusal(problem))  # of the very request whose body is wrong
            self.cycle.disconnected = True  # whatever the application still says goes nowhere
            self.cycle.message_event.set()
        self.transport.close()


def bounded(limits: Limits) -> type[asyncio.Protocol]:
    """The class of connections with these limits."""
    return type("BoundedConnection", (Connection,), {"limits": limits})


def server_config(app: FastAPI, trusted_proxies: str = "", *, grace_seconds: int | None = None) -> uvicorn.Config:
    """How the application is served. `trusted_proxies`: addresses, separated by commas, that may say who calls."""
    proxies = [one.strip() for one in trusted_proxies.split(",") if one.strip()]
    logger = logging.getLogger("uvicorn")
    logger.handlers, logger.propagate = [_Told(logging.WARNING)], False
    return uvicorn.Config(
        app,
        http=bounded(app.state.limits),
        ws="none",
        lifespan="off",
        proxy_headers=bool(proxies),  # by default uvicorn believes whoever is on this machine
        forwarded_allow_ips=proxies,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )


class _Told(logging.Handler):
    """What uvicorn says, as an event like ours: of an error its kind only, since its message may quote anything."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__qualname__ if record.exc_info and record.exc_info[0] else None
        event, text = structlog.get_logger("server"), record.getMessage().strip()
        (event.error if record.levelno >= logging.ERROR else event.warning)("server_said", text=text, error=kind)


def _refusal(problem: HttpError) -> bytes:
    id = secrets.token_hex(12)
    reply = problem_reply(problem, request_id=id, extra={"Connection": "close", "X-Request-ID": id})
    content = json_bytes(reply.body)
    headers: dict[str, Any] = {**reply.headers, "Content-Type": reply.media_type, "Content-Length": len(content)}
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    status = f"{reply.status} {_REASONS.get(reply.status, 'Service Unavailable')}"
    return f"HTTP/1.1 {status}\r\n{told}\r\n".encode("latin-1") + content
