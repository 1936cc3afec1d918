"""Speaking to the product as departments do: POST /v1/acts over HTTP, and asking it what became of them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from scripts._bench.writing import Signed

WAIT: Final = {"Prefer": "wait=60"}
LOOK_SECONDS: Final = 0.02
OPEN: Final = ("queued", "returned", "sent", "included")
PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Post:
    """One request, ready: whose API key, and the body."""

    token: str
    body: bytes

    @classmethod
    def of(cls, token: str, acts: Sequence[Signed]) -> "Post":
        return cls(token, orjson.dumps({"acts": [one.to_json() for one in acts]}))


class Desk:
    """A client of the product's API."""

    def __init__(self, address: str) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self._http = httpx.AsyncClient(base_url=address, timeout=300, limits=limits, trust_env=False)

    async def __aenter__(self) -> "Desk":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()

    async def post(self, post: Post, *, wait: bool = False) -> None:
        """Raises RuntimeError unless it is accepted; with `wait`, unless it is final when answered."""
        headers = {"Authorization": f"Bearer {post.token}", "Content-Type": "application/json"}
        answer = await self._http.post("/v1/acts", content=post.body, headers=headers | (WAIT if wait else {}))
        if answer.status_code != (201 if wait else 202):
            raise RuntimeError(f"POST /v1/acts answered {answer.status_code}: {answer.text[:1000]}")

    async def alone(self, post: Post) -> float:
        """Milliseconds from sending it to the answer that it is final."""
        began = time.perf_counter()
        await self.post(post, wait=True)
        return (time.perf_counter() - began) * 1000

    async def all_final(self, posts: Sequence[Sequence[Post]], auditor: str) -> float:
        """Seconds from the first POST until the product has no act under way. A line of posts is one department's."""

        async def line(own: Sequence[Post]) -> None:
            for post in own:
                await self.post(post)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for own in posts:
                group.create_task(line(own))
        for state in OPEN:
            while await self._page(auditor, state=state, limit=1):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(LOOK_SECONDS)
        return time.perf_counter() - began

    async def final_digests(self, auditor: str) -> set[str]:
        """The acts that the product says are final, and has the entry of."""
        found: set[str] = set()
        after = 0
        while items := await self._page(auditor, state="final", limit=PAGE, after=after):
            found.update(item["digest"] for item in items if item["entry"] is not None)
            after = items[-1]["sequence"]
        return found

    async def _page(self, token: str, **asked: Any) -> list[dict[str, Any]]:
        answer = await self._http.get("/v1/submissions", params=asked, headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        items: list[dict[str, Any]] = orjson.loads(answer.content)["items"]
        return items
