"""Clients that never let go: each sends acts, and sends the very same request again until somebody answers it.

What was answered 202 or 201 is acknowledged and must become final, whoever is killed. A request that a dead server had
begun is answered 409 until its claim runs out; its client leaves it in doubt and goes on: nothing was promised.
"""

import asyncio
import itertools
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from api.schemas.views import act_json
from keys.signer import Signer
from ledger.domain.identifiers import ZERO_DIGEST, digest_to_bytes, format_signature
from ledger.domain.manifest import Manifest
from ledger.domain.values import Act
from ledger.proofs.typed_data import act_digest

AT_ONCE = 5  # signed acts a POST
FOREVER = 4_000_000_000
PAUSE = 0.02  # seconds until the same request is sent again


@dataclass
class Load:
    """Three clients of the root authority. `addresses` names the servers that run at the moment."""

    addresses: Callable[[], list[str]]
    token: str
    signer: Signer
    manifest: Manifest
    chance: random.Random
    acknowledged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # codes of answers that were neither 202 nor 409
    doubtful: int = 0
    sent: int = 0
    again: int = 0  # requests that were sent more than once
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: int = 0

    async def run(self) -> None:
        """Until cancelled; sends only between `resume` and `pause`."""
        async with httpx.AsyncClient(timeout=30, trust_env=False, limits=httpx.Limits(max_connections=8)) as http:
            registering = [self._client(http, self._registrations(number)) for number in range(2)]
            signing = [self._client(http, self._signed_chains(number)) for number in range(1)]
            async with asyncio.TaskGroup() as group:
                for client in (*registering, *signing):
                    group.create_task(client)

    def resume(self) -> None:
        self._running.set()

    async def pause(self) -> None:
        """Every client has its answer, and sends nothing more."""
        self._running.clear()
        await self._idle.wait()

    async def acknowledgements(self, more: int) -> None:
        """Wait for so many more."""
        target = len(self.acknowledged) + more
        while len(self.acknowledged) < target:
            self._more.clear()
            await self._more.wait()

    # ---- clients ----------------------------------------------------------------------------------------------------

    async def _client(self, http: httpx.AsyncClient, requests: "Iterator[tuple[str, dict[str, Any]]]") -> None:
        for path, body in requests:
            await self._running.wait()
            self._busy += 1
            self._idle.clear()
            await self._insist(http, path, body)
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def _insist(self, http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": secrets.token_hex(8)}
        for attempt in itertools.count():
            self.sent += 1
            self.again += attempt == 1
            if addresses := self.addresses():
                try:
                    url = self.chance.choice(addresses) + path
                    answer = await http.post(url, json=body, headers=headers)
                except httpx.TransportError:
                    answer = None
                if answer is not None and self._settled(answer):
                    return
            await asyncio.sleep(PAUSE)

    def _settled(self, answer: httpx.Response) -> bool:
        if answer.status_code in (201, 202):  # 201: a retry, and it is final already
            told = answer.json()
            self.acknowledged += [one["digest"] for one in told.get("items", [told])]
            self._more.set()
            return True
        if answer.status_code == 409 and answer.json()["code"] == "still-running":
            self.doubtful += 1
            return True
        if answer.status_code in (503, 429):
            return False
        self.refused.append(f"{answer.status_code} {answer.text[:200]}")
        return True

    # ---- what they send ---------------------------------------------------------------------------------------------

    def _registrations(self, client: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Departments, one a request, signed by the host."""
        root = self.manifest.opening["department"]
        for number in itertools.count():
            code = f"d{client}.{number}"
            yield "/v1/departments", {"department": code, "parent": root, "level": 4, "roles": 2}

    def _signed_chains(self, client: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Checkpoints that follow one another, signed ahead: none may overtake another."""
        module = self.manifest.address("Checkpoints")
        for number in itertools.count():
            prior, acts = ZERO_DIGEST, []
            for size in range(1, AT_ONCE + 1):
                act = Act.make(
                    "PublishCheckpoint", signer=self.signer.address, prior=prior, valid_until=FOREVER,
                    log=f"l{client}.{number}", size=size, root="01" * 32, state="02" * 32,
                )  # fmt: skip
                prior = act_digest(act, self.manifest.chain_id, module)
                signature = format_signature(self.signer.sign(digest_to_bytes(prior)))
                acts.append({"act": act_json(act), "signatures": [signature]})
            yield "/v1/acts", {"acts": acts}
