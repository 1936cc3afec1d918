"""A submission's history, one row a step."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.domain.submissions import SubmissionState
from ledger.store.tables import submission_steps, submissions


async def add_steps(
    connection: AsyncConnection,
    which: sa.Select[tuple[str]],
    state: SubmissionState,
    at: int,
    note: str,
    **asked: object,
) -> None:
    """One for each submission whose digest `which` selects, in the order of their queuing; `asked`: its parameters."""
    step = which.order_by(submissions.c.seq).add_columns(_AT, _STATE, _NOTE)
    add = sa.insert(submission_steps).from_select(["digest", "at", "state", "note"], step)
    await connection.execute(add, {"step_at": at, "step_state": state, "step_note": note, **asked})


_AT = sa.bindparam("step_at", type_=sa.BigInteger)
_STATE, _NOTE = sa.bindparam("step_state", type_=sa.Text), sa.bindparam("step_note", type_=sa.Text)
