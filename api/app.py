"""Putting the API together around a running product. Nothing is opened, read or kept at import."""

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.auth import Authentication
from api.limits import MIB, Limits
from api.observing import Observing
from api.problems import Problem, from_http, from_validation, respond
from api.routes import acts, catalogue, checks, health, payloads, records
from api.runtime import Runtime
from api.schemas.views import ProblemView
from keys.errors import KeysError
from ledger.errors import ShareLedgerError

API_VERSION: Final = "1"
DESCRIPTION: Final = """\
An evidence ledger for government data sharing. 政务数据共享存证账本

Every act is signed by a department's key and decided by contracts; this API carries it. `POST` answers 202 with the
submission, or 201 once final with `Prefer: wait=N`. Errors are RFC 9457 problems with a stable `code`. In paths, the
`/` of a code is written `~`. Every route states who may call it (`x-shareledger-caller`); whom an object concerns is
decided by the ledger's rules.
"""


def create_app(runtime: Runtime, limits: Limits | None = None) -> FastAPI:
    """The ASGI application of one running product. Closing what `runtime` opened is the caller's work."""
    app = FastAPI(
        title="shareledger",
        version=API_VERSION,
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.limits = limits or Limits(upload_bytes=runtime.settings.payload_limit_mib * MIB)
    for module in (acts, payloads, checks, catalogue, records, health):
        app.include_router(module.router(runtime))
    for kind, answer in _HANDLERS.items():
        app.add_exception_handler(kind, answer)
    app.add_middleware(Authentication, runtime=runtime)
    app.add_middleware(Observing, limits=app.state.limits)
    app.openapi = lambda: _description(app)  # type: ignore[method-assign]
    return app


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return respond(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    allow = {"Allow": error.headers["Allow"]} if error.headers and "Allow" in error.headers else None
    return respond(request, from_http(error), allow)


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
                _finish(operation, guarded=path.startswith("/v1"))
        app.openapi_schema = made
    return app.openapi_schema


def _finish(operation: dict[str, Any], *, guarded: bool) -> None:
    """Our own 422, and which operations need an API key."""
    operation["security"] = [{"api_key": []}] if guarded else []
    invalid = operation["responses"].get("422")
    if invalid is not None and "application/json" in invalid.get("content", {}):
        invalid["description"] = "the input cannot be accepted"
        invalid["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemView"}}}
