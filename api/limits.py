"""How much a request may bring, how long it may take, and how many there may be at once."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from fastapi import Request

from api.errors import OutOfTime
from api.runtime import Settings

KIB: Final = 1 << 10
MIB: Final = 1 << 20
LONGEST_WAIT: Final = 60  # seconds of `Prefer: wait`
BURST_SECONDS: Final = 5  # how much of its rate an API key may use at once

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes and seconds. `claim_seconds` must be above both times: see `api.idempotency`."""

    body_bytes: int = MIB  # JSON of one act, or any other
    bulk_bytes: int = 8 * MIB  # JSON of many acts, or whatever else is long
    manifest_bytes: int = 64 * MIB  # JSON with a fingerprint's manifest: of some 390 million records
    upload_bytes: int = 4096 * MIB
    header_bytes: int = 32 * KIB
    target_bytes: int = 224 * KIB  # path and query: a schema of 20,000 characters, escaped, and the like
    depth: int = 32  # of JSON
    values: int = 250_000  # in JSON
    request_seconds: float = LONGEST_WAIT + 30
    transfer_seconds: float = 3600
    claim_seconds: float = 3700
    header_seconds: float = 10  # for a request's first line and headers
    body_seconds: float = 20  # waiting for a body, beside a second for every `slowest` bytes of it
    slowest: int = KIB
    stall_seconds: float = 60  # until somebody who reads nothing of an answer is dropped
    requests_per_second: float = 0  # of one API key, bursts apart; 0: any number
    failures_per_minute: float = 0  # refused API keys of one address; 0: any number
    connections: int = 1000
    bulk: int = 8  # at once; half of them for one API key, as of the others
    costly: int = 4
    transfers: int = 32
    waits: int = 256

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the product's settings say; what they do not name, as above."""
        return cls(
            body_bytes=settings.json_limit_kib * KIB,
            bulk_bytes=settings.bulk_limit_kib * KIB,
            upload_bytes=settings.payload_limit_mib * MIB,
            request_seconds=settings.request_seconds,
            transfer_seconds=settings.transfer_seconds,
            claim_seconds=max(settings.request_seconds, settings.transfer_seconds) + 100,
            header_seconds=settings.header_seconds,
            body_seconds=settings.body_seconds,
            requests_per_second=settings.requests_per_second,
            failures_per_minute=settings.failures_per_minute,
            connections=settings.connections,
            bulk=settings.bulk_at_once,
            costly=settings.costly_at_once,
            transfers=settings.transfers_at_once,
            waits=settings.waits_at_once,
        )


def limits_of(request: Request) -> Limits:
    limits: Limits = request.app.state.limits
    return limits


async def in_time(work: Coroutine[Any, Any, Answer], seconds: float) -> Answer:
    """The result, or OutOfTime. What was committed before stays; a transaction under way is undone."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if limit.expired():
            raise OutOfTime(f"not answered within {seconds:g} seconds") from None
        raise
