"""An answer before it becomes bytes: what is sent, and what an Idempotency-Key gets again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from starlette.requests import Request
from starlette.responses import Response

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON_TYPE

    def response(self) -> Response:
        return Response(json_bytes(self.body), self.status, dict(self.headers), media_type=self.media_type)

    def stored(self) -> dict[str, Any]:
        """The JSON form a store keeps; `from_stored` undoes it."""
        body = orjson.loads(json_bytes(self.body))
        return {"body": body, "headers": dict(self.headers), "media_type": self.media_type}

    @classmethod
    def from_stored(cls, status: int, stored: Mapping[str, Any]) -> Self:
        return cls(status, stored["body"], stored["headers"], stored["media_type"])


def json_bytes(body: Any) -> bytes:
    """UTF-8. Half a character, quoted from a text that was sent here, leaves as it came: escaped."""
    try:
        return orjson.dumps(body, default=_plain)
    except orjson.JSONEncodeError:
        return json.dumps(body, default=_plain, separators=(",", ":")).encode()


def _plain(value: object) -> Any:
    """Facts of errors may hold tuples and sets."""
    if isinstance(value, (tuple, set, frozenset)):
        return sorted(value, key=str) if not isinstance(value, tuple) else list(value)
    return str(value)


def read_reply(request: Request, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """200 with a strong ETag over exactly these bytes, or 304 if the caller has them (RFC 9110 §13.1.2)."""
    content = json_bytes(body)
    return tagged(request, content, JSON_TYPE, hashlib.sha256(content).hexdigest(), headers)


def tagged(
    request: Request, content: bytes, media_type: str, digest: str, headers: Mapping[str, str] | None = None
) -> Response:
    """As `read_reply`, for bytes whose digest is known."""
    tag = f'"{digest}"'
    all_headers = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=all_headers)
    return Response(content, 200, all_headers, media_type=media_type)


def matches(condition: str | None, tag: str) -> bool:
    """Weak comparison of If-None-Match, as GET asks for."""
    if condition is None:
        return False
    asked = {one.strip().removeprefix("W/") for one in condition.split(",")}
    return "*" in asked or tag in asked
