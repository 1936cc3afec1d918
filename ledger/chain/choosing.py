"""Which of several nodes is asked first: the earliest named of those that answer and are not behind the others.

A node that does not answer is passed over at once, by the client itself. What the client cannot see is a node that
answers and lags: its answers are right, and old. So all are asked for their height, once a second.
"""

from dataclasses import dataclass, field
from typing import Final

import structlog

from ledger.chain.rpc import Rpc, without_secrets

log = structlog.get_logger()
SECONDS: Final = 1.0  # between two looks
MOST_BEHIND: Final = 3  # blocks; nodes hear of a block at different moments
BAD_LOOKS: Final = 2  # in a row, until a node that lags is left
GOOD_LOOKS: Final = 5  # in a row, until a node named earlier is used again


@dataclass
class Choosing:
    """`step` looks once. A height is only a claim: whoever follows the node checks what it says."""

    rpc: Rpc
    _bad: int = field(default=0, init=False)
    _good: int = field(default=0, init=False)

    async def step(self) -> None:
        heights = await self.rpc.heights()
        best = max((height for height in heights if height is not None), default=None)
        if best is None:
            return  # nobody answers: there is nothing to choose
        fresh = [index for index, height in enumerate(heights) if height is not None and height >= best - MOST_BEHIND]
        now = self.rpc.first
        self._bad = 0 if now in fresh else self._bad + 1
        self._good = self._good + 1 if fresh[0] < now else 0
        if self._bad >= BAD_LOOKS or self._good >= GOOD_LOOKS:
            log.warning(
                "node_changed",
                left=without_secrets(self.rpc.urls[now]),
                used=without_secrets(self.rpc.urls[fresh[0]]),
                heights=heights,
            )
            self.rpc.prefer(fresh[0])
            self._bad = self._good = 0
