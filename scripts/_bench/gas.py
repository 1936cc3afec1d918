"""Gas an act used in the bench, beside what `contracts/README.md` says of acts of these kinds."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from ledger.domain.acts import ACTS
from scripts._bench.writing import Signed

TABLE: Final = Path(__file__).parents[2] / "contracts/README.md"
_LINE: Final = re.compile(r"^\| (\w+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)


@cache
def in_a_batch() -> Mapping[str, int]:
    """By act: gas as one more act of a Courier's batch."""
    return {name: int(gas.replace(",", "")) for name, _, gas, _ in _LINE.findall(TABLE.read_text()) if name in ACTS}


def gas_told(used: float, acts: Sequence[Signed]) -> str:
    """In words. `used` is gas an act, the transactions' own shared among them."""
    expected = sum(in_a_batch()[one.submission.act.name] for one in acts) / len(acts)
    return f"gas an act, in batches: {used:,.0f}; by the table for this mix: {expected:,.0f}"
