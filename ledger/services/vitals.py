"""What is seen of the product at one look, and which alarms that makes. Pure: whoever looks gives the facts."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ledger.domain.submissions import MOVING_STATES, SubmissionState
from ledger.ports import Cursor, Lease, Waiting

INSIDE: Final = frozenset({"node_diverged", "nodes_disagree", "local_chain_stopped", "loop_failing"})
"""Alarms about what this process knows without asking anyone."""

_SEEN: Final = 4096  # blocks remembered


@dataclass(frozen=True, slots=True)
class Limits:
    """From which figures on it is an alarm."""

    node_seconds: float
    lag_seconds: float
    lag_blocks: int
    waiting_seconds: float
    disk_bytes: int
    clock_seconds: float


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look. What could not be seen is None, and then says nothing; `…_error` says why."""

    now: float
    node_error: str | None = None
    node_silence: float = 0  # seconds since any node answered
    node_block: int | None = None
    node_time: int | None = None  # of the newest block
    using: str | None = None  # the node that answers in place of the first
    database_error: str | None = None
    cursor: Cursor | None = None
    waiting: Mapping[SubmissionState, Waiting] | None = None
    lease: Lease | None = None
    disk: Mapping[str, int] = field(default_factory=dict)  # place → free bytes
    diverged: str | None = None
    disagree: str | None = None  # two nodes, about what is final
    trouble: Mapping[str, str] = field(default_factory=dict)  # loop → why
    chain_failure: str | None = None
    lag_blocks: int = 0
    lag_seconds: float = 0

    @property
    def oldest_waiting(self) -> float:
        """Seconds; 0 if nothing waits."""
        oldest = [told.oldest for state, told in (self.waiting or {}).items() if state in MOVING_STATES]
        return max(0.0, self.now - min(oldest) / 1000) if oldest else 0.0

    @property
    def lease_alive(self) -> bool:
        return self.lease is not None and self.lease.expires >= self.now * 1000

    @property
    def clock_behind(self) -> float:
        """Seconds; a block's time is never of the future, but for the clocks of those who make blocks."""
        return max(0.0, self.node_time - self.now) if self.node_time is not None else 0.0


class Lag:
    """How long the oldest final block that is not followed has been known, by a clock that only goes on."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque(maxlen=_SEEN)

    def look(self, final: int, followed: int, monotonic: float) -> float:
        """Seconds; 0 if everything final is followed."""
        if not self._seen or final > self._seen[-1][0]:
            self._seen.append((final, monotonic))
        while self._seen and self._seen[0][0] <= followed:
            self._seen.popleft()
        return monotonic - self._seen[0][1] if self._seen and final > followed else 0.0


def troubles(seen: Vitals, limits: Limits) -> dict[str, str | None]:
    """Alarm → what is wrong, or None; alarms that this look could not judge are left out."""
    return dict(_troubles(seen, limits))


def _troubles(seen: Vitals, limits: Limits) -> Iterator[tuple[str, str | None]]:
    yield "node_diverged", seen.diverged
    if seen.disagree is not None:  # it is over when whoever compares says so
        yield "nodes_disagree", seen.disagree
    yield "local_chain_stopped", seen.chain_failure
    yield "loop_failing", "; ".join(f"{loop}: {why}" for loop, why in sorted(seen.trouble.items())) or None
    yield from _node(seen, limits)
    yield "database_gone", seen.database_error
    if seen.database_error is None:
        yield from _store(seen, limits)
    short = {place: free for place, free in sorted(seen.disk.items()) if free < limits.disk_bytes}
    told = ", ".join(f"{place}: {free >> 20} MiB" for place, free in short.items())
    yield "disk_nearly_full", f"free disk of {told} left" if short else None


def _node(seen: Vitals, limits: Limits) -> Iterator[tuple[str, str | None]]:
    silent = seen.node_error is not None and seen.node_silence >= limits.node_seconds
    yield "node_gone", seen.node_error if silent else None
    if seen.node_error is None:
        yield "node_failing_over", f"{seen.using} answers in place of the first node" if seen.using else None
        behind = seen.clock_behind
        late = behind >= limits.clock_seconds
        yield "clock_behind", f"the newest block is {behind:.0f} s ahead of this machine's clock" if late else None


def _store(seen: Vitals, limits: Limits) -> Iterator[tuple[str, str | None]]:
    if seen.node_block is not None:
        lags = seen.lag_seconds >= limits.lag_seconds or seen.lag_blocks >= limits.lag_blocks
        told = f"{seen.lag_blocks} final blocks are not followed yet, the oldest for {seen.lag_seconds:.0f} s"
        yield "follower_lagging", told if lags else None
    waited = seen.oldest_waiting
    told = f"the oldest act under way waits for {waited:.0f} s"
    yield "queue_stalled", told if waited >= limits.waiting_seconds else None
    yield "submitter_missing", None if seen.lease_alive else "no process holds the courier's lease"
