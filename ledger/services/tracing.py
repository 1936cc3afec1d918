"""From a request to the block that made its acts final, by the log alone. One line a batch, never one an act.

    acts_queued     request_id (bound while a request is answered), digests
    acts_carried    digests → transaction
    entries_final   transactions → block and entries
    act_ended       digest → returned or failed, and why: it will have no entry, or not yet

Digests and transactions stand on the chain for all to see; nothing else of an act is logged.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from ledger.domain.entries import Entry
from ledger.domain.submissions import Submission, SubmissionState
from ledger.ports import Block, Carried

MOST_NAMED: Final = 256  # transactions in one line; there are more only while an old ledger is read again
_log = structlog.get_logger("acts")


def queued(stored: Sequence[Submission]) -> None:
    """They are durable, or were already."""
    _log.info("acts_queued", department=stored[0].department, digests=[one.digest for one in stored])


def carried(transaction: Carried, digests: Sequence[str]) -> None:
    """The transaction's bytes are stored with these acts."""
    _log.info("acts_carried", transaction=transaction.hash, nonce=transaction.nonce, digests=list(digests))


def final(entries: Sequence[Entry], block: Block) -> None:
    """The read model has these entries, up to a block."""
    if entries:
        transactions = list(dict.fromkeys(entry.transaction for entry in entries))
        _log.info(
            "entries_final",
            block=block.number,
            first=entries[0].index,
            last=entries[-1].index,
            transactions=transactions[:MOST_NAMED],
            more=max(0, len(transactions) - MOST_NAMED),
        )


def ended(digest: str, state: SubmissionState, transaction: str, code: str) -> None:
    """It landed without an entry."""
    _log.info("act_ended", digest=digest, state=str(state), transaction=transaction, code=code)
