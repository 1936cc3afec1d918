"""A submission's history, one row a step."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.domain.submissions import SubmissionState
from ledger.store.tables import submission_steps, submissions

COLUMNS: Final = ("digest", "at", "state", "note")


async def add_steps(
    connection: AsyncConnection,
    which: sa.Select[tuple[str]],
    state: SubmissionState,
    at: int,
    note: str,
    **asked: object,
) -> None:
    """One for each submission whose digest `which` selects, in the order of their queuing; `asked`: its parameters."""
    await connection.execute(adding(which), {"step_at": at, "step_state": state, "step_note": note, **asked})


def adding(which: sa.Select[tuple[str]]) -> sa.Insert:
    """The statement; parameters `step_at`, `step_state`, `step_note` and those of `which`."""
    step = which.order_by(submissions.c.seq).add_columns(_AT, _STATE, _NOTE)
    return sa.insert(submission_steps).from_select(list(COLUMNS), step)


_AT = sa.bindparam("step_at", type_=sa.BigInteger)
_STATE, _NOTE = sa.bindparam("step_state", type_=sa.Text), sa.bindparam("step_note", type_=sa.Text)
