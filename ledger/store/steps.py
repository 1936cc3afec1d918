"""A submission's history, one row a step."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.domain.submissions import SubmissionState
from ledger.store.tables import submission_steps


async def add_steps(
    connection: AsyncConnection, digests: Iterable[str], state: SubmissionState, at: int, note: str
) -> None:
    rows = [{"digest": digest, "at": at, "state": state, "note": note} for digest in digests]
    if rows:
        await connection.execute(sa.insert(submission_steps), rows)
