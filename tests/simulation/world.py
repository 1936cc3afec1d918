"""Everything one seed is made of: a chain, one or two processes over one database, the plan, what was acknowledged."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.domain.submissions import Submission
from ledger.services.acting import SignedAct, submit
from ledger.services.carrying import Submitter
from ledger.services.following import Follower
from ledger.store.unit_of_work import SqlStore
from tests.factories.acts import CHAIN_ID, START
from tests.fakes.packer import FakePacker
from tests.simulation.cast import COURIER
from tests.simulation.chain import Chain
from tests.simulation.checks import Checks
from tests.simulation.disk import Disk
from tests.simulation.faults import Faults
from tests.simulation.plan import Plan
from tests.simulation.process import Process


@dataclass(frozen=True)
class Makers:
    """What is under test; a test puts known bugs in its place."""

    submitter: Callable[..., Submitter] = Submitter
    follower: Callable[..., Follower] = Follower
    submit: Callable[..., Coroutine[Any, Any, Sequence[Submission]]] = submit


class World:
    def __init__(self, seed: int, disk: Disk, makers: Makers, on_event: Callable[[str], None] | None = None) -> None:
        self.seed, self.disk, self.makers = seed, disk, makers
        self.verbose = on_event is not None
        self._on_event, self._digest = on_event, hashlib.sha256()
        self._numbers = 0
        self.rng = rng = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.places: Counter[str] = Counter()  # where the product could have crashed
        self.kills: Counter[str] = Counter()  # where it did
        self.acknowledged: dict[str, tuple[str, SignedAct]] = {}  # digest → department, act
        self.signed: list[tuple[str, SignedAct]] = []  # whatever was handed in
        self.checks = Checks(self)
        self.faults = Faults(rng, self.told)
        self.confirmations = rng.choice([0, 0, 1, 2, 3])
        self.block_seconds = rng.choice([0.2, 0.5, 1.0])
        self.packer = FakePacker(COURIER, rng.choice([1, 3, 8, 100]))
        self.chain = Chain(self.packer, self.faults, lambda: START + self.now, self.confirmations)
        self.plan = Plan(rng)
        self.writing = asyncio.Lock()  # SQLite's one writer
        self.processes: list[Process] = []
        for _ in range(rng.choice([1, 1, 2])):
            self.start_process(rng.uniform(-0.3, 0.3))

    def start_process(self, offset: float = 0.0) -> Process:
        made = Process(self, f"process {self.next_number()}", offset)
        self.told(f"{made.name} started")
        self.processes.append(made)
        return made

    @property
    def running(self) -> list[Process]:
        return [one for one in self.processes if not one.dead]

    def own_store(self) -> SqlStore:
        """To look at the database from outside."""
        return SqlStore(self.disk.engine, CHAIN_ID)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def told(self, event: str) -> None:
        line = f"{self.now:9.3f} {event}"
        self._digest.update(line.encode())
        if self._on_event is not None:
            self._on_event(line)

    @property
    def digest(self) -> str:
        """Of everything that was told: equal for equal runs."""
        return self._digest.hexdigest()
