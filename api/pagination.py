"""Keyset pages: `?after=&limit=`. `after` is the key of the last item seen, in plain text, never an offset.

A page is stable while the ledger grows: what was seen is not seen again, and what comes later comes later.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.replies import read_reply
from ledger.errors import InvalidInput

DEFAULT: Final = 100
MOST: Final = 1000
LONGEST_AFTER: Final = 200

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """What was asked for. Ask a store for `limit + 1` items: the one too many tells that there is a next page."""

    after: str | None
    limit: int

    @property
    def ask(self) -> int:
        return self.limit + 1

    def key(self, *kinds: Callable[[str], Any]) -> tuple[Any, ...] | None:
        """`after` as a key of as many parts as `kinds`, separated by commas. Raises InvalidInput."""
        if self.after is None:
            return None
        parts = self.after.split(",")
        if len(parts) != len(kinds):
            raise InvalidInput(f"`after` is the key of an item: {len(kinds)} part(s), separated by commas")
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))

    def number(self, default: int) -> int:
        """`after` as a number. Raises InvalidInput."""
        return default if self.after is None else whole_number(self.after)


def whole_number(text: str) -> int:
    """0 to 2^63 - 1. Raises InvalidInput."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) >= 1 << 63:
        raise InvalidInput(f"{text[:40]!r} is not a number of an item")
    return int(text)


def _page(
    after: Annotated[
        str | None, Query(max_length=LONGEST_AFTER, description="key of the last item already seen")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="items on a page")] = DEFAULT,
) -> Page:
    return Page(after, limit)


PageOf = Annotated[Page, Depends(_page)]


def page_reply(
    request: Request,
    page: Page,
    found: Sequence[Item],
    as_of: dict[str, Any] | None,
    *,
    key: Callable[[Item], object],
    shown: Callable[[Item], Any],
) -> Response:
    """`found` is what a store gave for `page.ask`; a further page is named in `Link` (RFC 8288)."""
    items = found[: page.limit]
    headers = {}
    if len(found) > page.limit:
        last = key(items[-1])
        after = ",".join(str(part) for part in last) if isinstance(last, tuple) else str(last)
        query = [(name, value) for name, value in request.query_params.multi_items() if name not in ("after", "limit")]
        target = f"{request.url.path}?{urlencode([*query, ('after', after), ('limit', str(page.limit))])}"
        headers["Link"] = f'<{target}>; rel="next"'
    return read_reply(request, {"items": [shown(item) for item in items], "as_of": as_of}, headers)
