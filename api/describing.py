"""What the API's description says the same way everywhere."""

from typing import Any, Final

from pydantic import BaseModel, create_model

from api.problems import PROBLEM_TYPE

Responses = dict[int | str, dict[str, Any]]

_WORDS: Final = {
    400: "malformed JSON or header",
    401: "no valid API key",
    403: "not this caller's to do",
    404: "no such object, or none the caller may see",
    409: "refused by the ledger's rules, or the object moved",
    410: "the keys were destroyed on purpose",
    413: "over a size limit",
    415: "another Content-Type is needed",
    422: "the input cannot be accepted",
    503: "not now; see Retry-After",
}


def problems(*statuses: int) -> Responses:
    return {
        status: {
            "description": _WORDS[status],
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}}},
        }
        for status in (401, *statuses, 503)
    }


def creating(view: type[BaseModel], *, many: bool = False) -> Responses:
    """Of a POST that makes acts."""
    model = create_model(f"ListOf{view.__name__}", items=(list[view], ...)) if many else view  # type: ignore[valid-type]
    return {
        201: {"description": "final: its entry is on the ledger", "model": model},
        202: {"description": "queued, durably; Location tells where to look", "model": model},
        **problems(400, 403, 404, 409, 413, 415, 422),
    }


def showing(model: type[BaseModel]) -> Responses:
    """Of a GET of JSON."""
    return {
        200: {"description": "found", "model": model},
        304: {"description": "not changed since If-None-Match"},
        **problems(404, 422),
    }


def who(party: str, duty: str = "officer", role: str = "any") -> dict[str, Any]:
    """The description's note on who may call."""
    return {"x-shareledger-caller": {"duty": duty, "role": role, "party": party}}
