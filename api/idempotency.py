"""Idempotency-Key: the same request again gets the same answer and does nothing twice.

1. The key is claimed for the API key that sent it, with a digest of method, path, query and body.
2. The work is done. Where it makes acts, their submissions are stored as the key's answer in the very transaction that
   queues them; so from the moment an act exists, a retry finds it.
3. The whole answer (status, body, Location) replaces that.

A crash after 1 leaves a claim that nobody answers: the next to ask takes it over, if the process that held it is surely
gone. Where that cannot be told (it ran on another machine) the same request is told to wait for `Limits.claim_seconds`,
longer than any request may take. A crash after 2 leaves the submissions: a retry is answered with
them as they stand now. A request that fails before it made anything gives its claim back, so that it can be corrected.
Answers are kept for a week; after that the same key is a new one.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from fastapi import Request

from api.bodies import content_digest
from api.errors import MalformedHeader
from api.limits import limits_of
from api.replies import Reply
from ledger.domain.callers import Caller
from ledger.errors import IdempotencyMismatch, StillRunning
from ledger.ports import Answer, Ports
from ledger.processes import has_ended
from ledger.services.acting import Idempotency

KEPT_SECONDS: Final = 7 * 86_400
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)

Work = Callable[[Idempotency | None], Awaitable[Reply]]
Again = Callable[[Sequence[str]], Awaitable[Reply]]


async def once(request: Request, ports: Ports, caller: Caller, work: Work, again: Again | None = None) -> Reply:
    """Do `work` unless the request was answered before; `again` renders submissions by digest after a crash.

    Raises MalformedHeader, IdempotencyMismatch, StillRunning, and what `work` raises.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return await work(None)
    if not _KEY.fullmatch(key):
        raise MalformedHeader("an Idempotency-Key is 1 to 128 visible ASCII characters", header="Idempotency-Key")
    claim = Idempotency(caller.id, key)
    process = str(request.app.state.process)
    earlier = await _claim(ports, claim, await request_digest(request), process, limits_of(request).claim_seconds)
    if earlier is not None:
        return await _again(earlier, again)
    try:
        reply = await work(claim)
    except BaseException:
        await _release(ports, claim)
        raise
    async with ports.store.write() as unit:
        await unit.answer(claim.caller, claim.key, reply.status, reply.stored())
        await unit.commit()
    return reply


async def _claim(ports: Ports, claim: Idempotency, digest: str, process: str, seconds: float) -> Answer | None:
    """None: it is ours now. Else the earlier answer."""
    now = int(ports.clock.now() * 1000)
    async with ports.store.write() as unit:
        await unit.forget_answers(now - KEPT_SECONDS * 1000)
        earlier = await unit.claim(claim.caller, claim.key, digest, now, process)
        if earlier is None:
            await unit.commit()
            return None
        if earlier.body_digest != digest:
            raise IdempotencyMismatch(f"the Idempotency-Key {claim.key} belongs to another request")
        if earlier.status is not None:
            return earlier
        if now - earlier.created <= seconds * 1000 and not has_ended(earlier.holder):
            raise StillRunning()
        await unit.release(claim.caller, claim.key)  # whoever claimed it is gone
        await unit.claim(claim.caller, claim.key, digest, now, process)
        await unit.commit()
        return None


async def _again(earlier: Answer, again: Again | None) -> Reply:
    status = earlier.status or 202
    if "submissions" in earlier.answer:
        if again is None:
            raise StillRunning()
        reply = await again(earlier.answer["submissions"])
    else:
        reply = Reply.from_stored(status, earlier.answer)
    return replace(reply, headers={**reply.headers, "Idempotency-Replayed": "true"})


async def _release(ports: Ports, claim: Idempotency) -> None:
    """Only a claim without an answer goes; where acts were queued their answer stays."""
    async with ports.store.write() as unit:
        await unit.release(claim.caller, claim.key)
        await unit.commit()


async def request_digest(request: Request) -> str:
    """SHA-256 over method, path, query and body. Of a streamed body, type, length and Content-Digest stand for it."""
    body: Any = getattr(request, "_body", None)
    if body is None:
        length = request.headers.get("content-length", "")
        body = f"{request.headers.get('content-type', '')}\n{length}\n{content_digest(request) or ''}".encode()
    head = f"{request.method}\n{request.url.path}\n{request.url.query}\n".encode()
    return hashlib.sha256(head + body).hexdigest()
