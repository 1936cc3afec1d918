"""What can go wrong, how often it does in one seed, and how often it really did."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Final

# by fault: the highest chance that one call (or one transaction, or one block) meets it
CALLS: Final = {
    # the node's answers
    "no answer": 0.25,
    "slow answer": 0.3,
    "answers from behind": 0.35,
    "answers from a fork that is gone": 0.2,
    "state is gone": 0.3,
    # what it tells of logs
    "logs short": 0.3,
    "logs empty": 0.2,
    "logs reordered": 0.3,
    "logs altered": 0.3,
    "logs doubled": 0.3,
    "returned hidden": 0.6,
    "returned altered": 0.6,
    # a transaction on its way
    "transaction dropped": 0.5,
    "transaction delayed": 0.5,
    "transaction doubled": 0.5,
    "answer to sending lost": 0.4,
    "accepted and never mined": 0.3,
    # in its block
    "batch reverted": 0.9,
    "single act reverted": 0.15,
    "sender stranded": 1.0,  # after a revert
    # inside the process
    "slow commit": 0.2,
    "answer to commit lost": 0.1,
}
# by fault: how many seconds lie between two of them, on average, where a seed has it
EVENTS: Final = {
    "pool wiped": 3.0,
    "node restarted": 5.0,
    "blocks rewound": 2.0,
    "clock forward": 5.0,
    "clock back": 5.0,
    "disk full": 5.0,
    "database locked": 5.0,
    "process killed": 2.0,
    "nonce taken": 6.0,
    "carried by a stranger": 3.0,
}
ALL: Final = (*CALLS, *EVENTS, "process stopped")


class Faults:
    """One seed's choice. `counts` is what happened; nothing happens once `active` is false."""

    def __init__(self, rng: random.Random, told: Callable[[str], None]) -> None:
        self.rng, self.told = rng, told
        self.active = True
        self.counts: Counter[str] = Counter()
        share = rng.choice([0.15, 0.4, 0.4, 0.7])  # of the faults; some seeds are calm, some meet nearly everything
        self.rates = {name: rng.uniform(0, most) if rng.random() < share else 0.0 for name, most in CALLS.items()}
        self.pauses = {name: pause if rng.random() < share else None for name, pause in EVENTS.items()}

    def strikes(self, name: str) -> bool:
        """Whether this call meets the fault."""
        rate = self.rates[name]
        if not self.active or rate == 0 or self.rng.random() >= rate:
            return False
        self.happened(name)
        return True

    def happened(self, name: str) -> None:
        self.counts[name] += 1
        self.told(f"fault: {name}")
