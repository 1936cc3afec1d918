"""Putting the API together around a running product. Nothing is opened, read or kept at import."""

import time
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.auth import Authentication
from api.describing import complete
from api.limits import Limits
from api.observing import Observing
from api.pacing import Pacing
from api.problems import Problem, from_http, from_validation, respond
from api.routes import acts, answers, catalogue, checks, description, health, payloads, records
from api.runtime import Runtime
from api.schemas.views import ProblemView
from api.turns import AllTurns
from keys.errors import KeysError
from ledger.errors import ShareLedgerError
from ledger.processes import own_name

API_VERSION: Final = "1"
DESCRIPTION: Final = """\
An evidence ledger for government data sharing. 政务数据共享存证账本

Every act is signed by a department's key and decided by contracts; this API carries it. `POST` answers 202 with the
submission, or 201 once final with `Prefer: wait=N`. Errors are RFC 9457 problems with a stable `code`. In paths, the
`/` of a code is written `~`. Every route states who may call it (`x-shareledger-caller`); whom an object concerns is
decided by the ledger's rules.
"""


def create_app(runtime: Runtime, limits: Limits | None = None, now: Callable[[], float] = time.monotonic) -> FastAPI:
    """The ASGI application of one running product. Closing what `runtime` opened is the caller's work.

    `limits`: those of the settings, without any given; `now` tells the seconds by which requests are counted.
    """
    limits = limits or Limits.of(runtime.settings)
    app = FastAPI(
        title="shareledger",
        version=API_VERSION,
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,  # `routes.description` answers it, ready made
        redirect_slashes=False,
    )
    app.state.limits, app.state.turns, app.state.process = limits, AllTurns.of(limits), own_name()
    for module in (acts, payloads, answers, checks, catalogue, records, health):
        app.include_router(module.router(runtime))
    app.include_router(description.router(app))
    for kind, answer in _HANDLERS.items():
        app.add_exception_handler(kind, answer)
    app.add_middleware(Authentication, runtime=runtime, limits=limits, now=now)
    app.add_middleware(Pacing, limits=limits)
    app.add_middleware(Observing, limits=limits)
    app.openapi = lambda: _description(app)  # type: ignore[method-assign]
    return app


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return respond(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    allow = {"Allow": _methods(request)} if error.status_code == 405 else None
    return respond(request, from_http(error), allow)


def _methods(request: Request) -> str:
    """Every method of the path (RFC 9110 §10.2.1); the router knows only those of the first route that it found."""
    app: FastAPI = request.app
    path = str(getattr(request.scope.get("route"), "path", ""))
    return ", ".join(sorted(method.upper() for method in app.openapi()["paths"].get(path, {"get": {}, "head": {}})))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return respond(request, from_validation(error))


_HANDLERS: Final[dict[type[Exception], Any]] = {
    ShareLedgerError: _known,
    KeysError: _known,
    HTTPException: _http,
    RequestValidationError: _invalid,
}


def _description(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            openapi_version="3.1.0",
        )
        components = made.setdefault("components", {})
        components.setdefault("schemas", {})["ProblemView"] = ProblemView.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(name, None)
        components["securitySchemes"] = {
            "api_key": {"type": "http", "scheme": "bearer", "description": "slk_<id>_<secret>"}
        }
        for path, operations in made["paths"].items():
            for operation in operations.values():
                complete(operation, guarded=path.startswith("/v1"))
        app.openapi_schema = made
    return app.openapi_schema
