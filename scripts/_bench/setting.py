"""The same ledger on a chain of one's own: the transactions that set it up, sent again in order.

Addresses follow from the deployer and its nonces, digests from addresses and chain id; so acts signed for the product's
ledger are good on the copy too.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

from ledger.chain.local.journal import Journal


def transactions(chain: Path) -> list[bytes]:
    """Every raw transaction of a local chain so far, in order."""
    with contextlib.closing(Journal(chain / "chain.sqlite3")) as journal:
        found: list[bytes] = []
        first = 1
        while blocks := journal.blocks(first):
            found += [raw for block in blocks for _, raw in block.transactions]
            first = blocks[-1].number + 1
        return found


def repeat(raw: list[bytes], send: Callable[[bytes], object]) -> None:
    for each in raw:
        send(each)
