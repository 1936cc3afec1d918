"""The API's own description, made once and sent as it is: it is the largest answer that anyone may ask for."""

import hashlib
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from api.replies import JSON_TYPE, json_bytes, tagged

PATH: Final = "/openapi.json"


def router(app: FastAPI) -> APIRouter:
    routes, made = APIRouter(), list[tuple[bytes, str]]()

    def ready() -> tuple[bytes, str]:
        if not made:
            described: dict[str, Any] = app.openapi()
            content = json_bytes(described)
            made.append((content, hashlib.sha256(content).hexdigest()))
        return made[0]

    @routes.api_route(PATH, methods=["GET", "HEAD"], include_in_schema=False)
    async def describe(request: Request) -> Response:
        content, digest = ready()
        return tagged(request, content, JSON_TYPE, digest)

    return routes
