"""What the API's description says the same way everywhere."""

from typing import Any, Final

from pydantic import BaseModel, create_model

from api.problems import PROBLEM_TYPE

Responses = dict[int | str, dict[str, Any]]
Operation = dict[str, Any]

_WORDS: Final = {
    400: "malformed JSON, or a header that cannot be understood",
    401: "no valid API key",
    403: "not this caller's to do",
    404: "no such object, or none the caller may see",
    408: "the request came too slowly; the connection is closed",
    409: "refused by the ledger's rules, or the object moved",
    410: "the keys were destroyed on purpose",
    413: "over a size limit",
    414: "path and query are too long",
    415: "another Content-Type is needed",
    422: "the input cannot be accepted",
    429: "too many requests, or too many refused API keys from one address; see Retry-After",
    431: "the headers are too large",
    500: "a defect, or stored bytes that are not what they were; report the request id",
    503: "not now; see Retry-After",
}
_EVERYWHERE: Final = (400, 414, 431, 500, 503)  # whatever the path
_GUARDED: Final = (401, 429)  # whatever asks for an API key
READING: Final = (408, 413, 415, 422)  # whatever reads a body


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


_REQUEST_ID: Final = _header("the request's id: the one sent, if it is 1 to 64 of A-Z a-z 0-9 . _ -, or a new one")
_RETRY_AFTER: Final = {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
_ETAG: Final = _header("strong: over exactly these bytes")
_LINK: Final = _header('`<…>; rel="next"` (RFC 8288), if there is a further page')


def problem(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": _WORDS[status],
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}}},
    }
    return told | ({"headers": {"Retry-After": _RETRY_AFTER}} if status in (409, 429, 503) else {})


def problems(*statuses: int) -> Responses:
    """Those of the operation itself; `complete` adds those of all."""
    return {status: problem(status) for status in statuses}


def answering(model: type[BaseModel], *statuses: int) -> Responses:
    """200 with that JSON, never the same twice or never to be kept; and these problems."""
    return {200: {"description": "found, or made", "model": model}, **problems(*statuses)}


def creating(view: type[BaseModel], *, many: bool = False) -> Responses:
    """Of a POST that makes acts."""
    model = create_model(f"ListOf{view.__name__}", items=(list[view], ...)) if many else view  # type: ignore[valid-type]
    location = {"Location": _header("where to look")}
    return {
        201: {"description": "final: its entry is on the ledger", "model": model, "headers": location},
        202: {"description": "queued, durably; Location tells where to look", "model": model, "headers": location},
        **problems(403, 404, 409, *READING),
    }


def tagged_as(answer: dict[str, Any]) -> Responses:
    """200 as described by `answer`, with its ETag, or 304."""
    return {
        200: {"description": "found", "headers": {"ETag": _ETAG}, **answer},
        304: {"description": "not changed since If-None-Match", "headers": {"ETag": _ETAG}},
    }


def showing(model: type[BaseModel], *statuses: int) -> Responses:
    """Of a GET of JSON, of one object or of a page."""
    found = tagged_as({"model": model})
    if "items" in model.model_fields:
        found[200]["headers"] = {"ETag": _ETAG, "Link": _LINK}
    return {**found, **problems(404, 422, *statuses)}


def who(party: str, duty: str = "officer", role: str = "any") -> dict[str, Any]:
    """The description's note on who may call."""
    return {"x-shareledger-caller": {"duty": duty, "role": role, "party": party}}


# ---- headers that may be sent --------------------------------------------------------------------------------------


def _sent(name: str, description: str, **schema: Any) -> dict[str, Any]:
    form = {"type": "string", **schema}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": form}


_IF_NONE_MATCH: Final = _sent("If-None-Match", "ETags that are here already: 304 if one of them still holds")
_PREFER: Final = _sent("Prefer", "`wait=N`: answer once it is final, or after N seconds, at most 60")
_IDEMPOTENCY_KEY: Final = _sent(
    "Idempotency-Key", "the same request again gets the same answer", pattern="^[!-~]{1,128}$"
)


def complete(operation: Operation, *, guarded: bool) -> None:
    """Which operations need an API key, and the answers and headers that all of them share."""
    operation["security"] = [{"api_key": []}] if guarded else []
    answers = operation["responses"]
    for status in (*_EVERYWHERE, *(_GUARDED if guarded else ())):
        answers.setdefault(str(status), problem(status))
    invalid = answers.get("422")
    if invalid is not None and "application/json" in invalid.get("content", {}):
        answers["422"] = problem(422)
    for answer in answers.values():
        answer["headers"] = {"X-Request-ID": _REQUEST_ID, **answer.get("headers", {})}
    operation["responses"] = dict(sorted(answers.items()))
    sent = [_IF_NONE_MATCH] if "304" in answers else []
    if "201" in answers:
        sent += [_IDEMPOTENCY_KEY, *([_PREFER] if "202" in answers else [])]
    if sent:
        operation["parameters"] = [*operation.get("parameters", ()), *sent]
