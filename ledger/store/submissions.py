"""The queue of acts, and what became of each."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ledger.domain.identifiers import format_signature, parse_signature
from ledger.domain.submissions import OPEN_STATES, Step, Submission, SubmissionState
from ledger.domain.values import Act
from ledger.store.conditions import matching
from ledger.store.rows import Rows
from ledger.store.steps import add_steps
from ledger.store.tables import submission_steps, submissions

_MOVING = (SubmissionState.QUEUED, SubmissionState.SENT, SubmissionState.INCLUDED)


class Submissions(Rows):
    async def add_submissions(self, new: Sequence[Submission]) -> list[Submission]:
        digests = [one.digest for one in new]
        known = await self.submitted(digests)
        fresh = list({one.digest: one for one in new if one.digest not in known}.values())
        now = self._now()
        if known:
            returned = await self._digests(
                submissions.c.digest.in_(known), submissions.c.state == SubmissionState.RETURNED
            )
            await self.move(returned, SubmissionState.QUEUED, "sent in again", reason=sa.null())
        if fresh:
            await self._connection.execute(sa.insert(submissions), [_row(one, now) for one in fresh])
            await add_steps(self._connection, [one.digest for one in fresh], SubmissionState.QUEUED, now, "")
        query = sa.select(submissions).where(submissions.c.digest.in_(digests))
        stored = {row.digest: _submission(row) for row in await self._connection.execute(query)}
        return [stored[digest] for digest in digests]

    async def submitted(self, digests: Iterable[str]) -> set[str]:
        return set(await self._digests(submissions.c.digest.in_(list(digests))))

    async def submission(self, digest: str) -> Submission | None:
        row = (await self._connection.execute(sa.select(submissions).where(submissions.c.digest == digest))).first()
        if row is None:
            return None
        query = sa.select(submission_steps).where(submission_steps.c.digest == digest).order_by(submission_steps.c.id)
        steps = [Step(one.at, SubmissionState(one.state), one.note) for one in await self._connection.execute(query)]
        return _submission(row, tuple(steps))

    async def submissions(
        self, *, after: int = 0, limit: int = 100, expired_before: int | None = None, **where: Any
    ) -> list[tuple[int, Submission]]:
        query = sa.select(submissions).where(submissions.c.seq > after, *matching(submissions, where))
        if expired_before is not None:
            query = query.where(submissions.c.valid_until < expired_before)
        rows = await self._connection.execute(query.order_by(submissions.c.seq).limit(limit))
        return [(row.seq, _submission(row)) for row in rows]

    async def queued(self, limit: int) -> list[Submission]:
        return [one for _, one in await self.submissions(limit=limit, state=SubmissionState.QUEUED)]

    async def move(self, digests: Sequence[str], state: SubmissionState, note: str = "", **fields: Any) -> None:
        if not digests:
            return
        is_open = submissions.c.state.in_(OPEN_STATES)
        moved = await self._digests(submissions.c.digest.in_(list(digests)), is_open, submissions.c.state != state)
        if moved:
            change = sa.update(submissions).where(submissions.c.digest.in_(moved)).values(state=state, **fields)
            await self._connection.execute(change)
            await add_steps(self._connection, moved, state, self._now(), note)

    async def carried_by(self, transaction: str) -> list[Submission]:
        query = sa.select(submissions).where(submissions.c.transaction_hash == transaction).order_by(submissions.c.seq)
        return [_submission(row) for row in await self._connection.execute(query)]

    async def open_on(self, digests: Iterable[str], subjects: Iterable[str]) -> set[str]:
        return await self._named(digests, subjects, submissions.c.state.in_(OPEN_STATES))

    async def moving_on(self, digests: Iterable[str], subjects: Iterable[str], apart_from: str) -> set[str]:
        elsewhere = sa.or_(submissions.c.state == SubmissionState.QUEUED, submissions.c.transaction_hash != apart_from)
        return await self._named(digests, subjects, submissions.c.state.in_(_MOVING), elsewhere)

    async def _named(
        self, digests: Iterable[str], subjects: Iterable[str], *conditions: sa.ColumnElement[bool]
    ) -> set[str]:
        asked, on = set(digests), set(subjects)
        query = sa.select(submissions.c.digest, submissions.c.subject).where(
            *conditions, sa.or_(submissions.c.digest.in_(asked), submissions.c.subject.in_(on))
        )
        found = await self._connection.execute(query)
        return {text for row in found for text in (row.digest, row.subject) if text in asked or text in on}

    async def _digests(self, *conditions: sa.ColumnElement[bool]) -> Sequence[str]:
        query = sa.select(submissions.c.digest).where(*conditions).order_by(submissions.c.seq)
        return (await self._connection.execute(query)).scalars().all()


def _row(one: Submission, now: int) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "act_type": one.act.name,
        "module": one.module,
        "act": one.act.to_json(),
        "signatures": [format_signature(raw) for raw in one.signatures],
        "department": one.department,
        "subject": one.subject,
        "state": SubmissionState.QUEUED,
        "valid_until": one.valid_until,
        "created": now,
    }


def _submission(row: Any, history: tuple[Step, ...] = ()) -> Submission:
    return Submission(
        digest=row.digest,
        module=row.module,
        act=Act.from_json(row.act_type, row.act),
        signatures=tuple(parse_signature(text) for text in row.signatures),
        department=row.department,
        subject=row.subject,
        state=SubmissionState(row.state),
        reason=row.reason,
        entry=row.entry,
        transaction=row.transaction_hash,
        created=row.created,
        history=history,
    )
