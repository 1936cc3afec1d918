"""Reading bodies within the limits.

JSON is read strictly: UTF-8, one value, no member twice, no NaN or infinities, a bounded depth. A stream is counted as
it passes, so that nothing here holds more than one piece of it.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import Request

from api.errors import MalformedHeader, MalformedJson, UnsupportedMediaType, WrongDigest
from api.limits import limits_of
from api.replies import JSON_TYPE
from ledger.domain.nesting import nests_deeper
from ledger.errors import TooLarge

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]", re.ASCII)  # in JSON's escapes; most are halves of good pairs
_CONTENT_DIGEST: Final = re.compile(r"(?:^|,\s*)sha-256=:([A-Za-z0-9+/]{43}=):", re.ASCII)


def media_type(request: Request) -> str:
    """The Content-Type without its parameters, lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refuse_encoding(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("send the body without Content-Encoding")


def _declared_size(request: Request, most: int) -> None:
    declared = request.headers.get("content-length")
    if declared is None:
        return
    if not declared.isascii() or not declared.isdigit():
        raise MalformedHeader("Content-Length is not a number", header="Content-Length")
    if int(declared) > most:
        raise TooLarge(f"the body has {declared} bytes; at most {most} are read here", limit=most)


async def read_body(request: Request, most: int) -> int:
    """Read a body of JSON, of at most so many bytes, where FastAPI looks for it. Answers how many they are.

    Raises UnsupportedMediaType, MalformedHeader, TooLarge.
    """
    if media_type(request) != JSON_TYPE:
        raise UnsupportedMediaType(f"send Content-Type: {JSON_TYPE}", accepted=[JSON_TYPE])
    _refuse_encoding(request)
    _declared_size(request, most)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise TooLarge(f"the body has more than {most} bytes", limit=most)
    request._body = bytes(body)
    return len(body)


def parse_body(request: Request) -> None:
    """Parse what `read_body` read, where FastAPI will find it parsed. Raises MalformedJson, TooLarge."""
    limits, body = limits_of(request), request._body
    if (parts := _parts(body)) > limits.values:
        raise TooLarge(f"the body has {parts} members and items; at most {limits.values} are read", limit=limits.values)
    request._json = parse_json(body, limits.depth)


def _parts(body: bytes) -> int:
    """No fewer than the values in it, counted before they are made: in memory `{}` is twenty times what it is here."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def parse_json(body: bytes, depth: int) -> Any:
    """One JSON value, strictly. Raises MalformedJson."""
    try:
        text = body.decode("utf-8")
        if nests_deeper(text, depth):
            raise MalformedJson(f"nested deeper than {depth}", depth=depth)
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeDecodeError as error:
        raise MalformedJson(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at character {error.pos}", position=error.pos) from None
    except UnicodeEncodeError:  # half a character, which no answer and no document could hold
        raise MalformedJson("an escape names half a character (a lone surrogate)") from None
    except ValueError as error:  # an integer of thousands of digits
        raise MalformedJson("a number has too many digits") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("an object has a member twice")
    return members


def _no_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not JSON")


def content_digest(request: Request) -> str | None:
    """The SHA-256 that Content-Digest (RFC 9530) promises, in hex; None without one."""
    header = request.headers.get("content-digest")
    if header is None:
        return None
    found = _CONTENT_DIGEST.search(header)
    try:
        return base64.b64decode(found[1], validate=True).hex() if found else None
    except binascii.Error:
        raise MalformedHeader("Content-Digest is not sha-256=:…:", header="Content-Digest") from None


async def streamed(request: Request) -> AsyncIterator[bytes]:
    """The raw body, a piece at a time.

    Raises TooLarge; UnsupportedMediaType for an encoding; at its end WrongDigest if other bytes were promised.
    """
    most = limits_of(request).upload_bytes
    _refuse_encoding(request)
    _declared_size(request, most)
    promised, running, size = content_digest(request), hashlib.sha256(), 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise TooLarge(f"the body has more than {most} bytes", limit=most)
        if promised is not None:
            running.update(piece)
        yield piece
    if promised is not None and not hmac.compare_digest(promised, running.hexdigest()):
        raise WrongDigest(f"{size} bytes came, with SHA-256 {running.hexdigest()}, not {promised}")
