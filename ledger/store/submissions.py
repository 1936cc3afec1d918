"""The queue of acts, and what became of each."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ledger.domain.identifiers import format_signature, parse_signature
from ledger.domain.submissions import MOVING_STATES, OPEN_STATES, Step, Submission, SubmissionState
from ledger.domain.values import Act
from ledger.store.bulk import inserting
from ledger.store.conditions import among, matching
from ledger.store.rows import Rows
from ledger.store.steps import COLUMNS as STEP_COLUMNS
from ledger.store.steps import add_steps
from ledger.store.tables import decoded, entries, submission_steps, submissions, undecoded

_COLUMNS = (
    "digest", "act_type", "module", "act", "signatures", "department", "subject", "state", "entry", "valid_until",
    "created",
)  # fmt: skip
_WHOLE = sa.select(*undecoded(submissions, "act", "signatures"))
_OF = among("digests", submissions.c.digest)
_SUBMITTED = sa.select(submissions.c.digest).where(_OF)
_RECORDED = sa.select(entries.c.digest, entries.c.index.label("entry")).where(among("digests", entries.c.digest))
# kept from the index of states: far more acts are open than are asked for
_ANY_STATE = submissions.c.state.concat("")
_IS_OPEN = _ANY_STATE.in_(OPEN_STATES)
_NAMED = sa.select(submissions.c.digest, submissions.c.subject)
_BY_DIGEST = _NAMED.where(among("asked", submissions.c.digest))
_BY_SUBJECT = _NAMED.where(among("asked", submissions.c.subject))
_OPEN_ON = (_BY_DIGEST.where(_IS_OPEN), _BY_SUBJECT.where(submissions.c.state.in_(OPEN_STATES)))


class Submissions(Rows):
    async def add_submissions(self, new: Sequence[Submission]) -> list[Submission]:
        digests = [one.digest for one in new]
        known = await self.submitted(digests)
        fresh = {one.digest: one for one in new if one.digest not in known}
        stored: dict[str, Submission] = {}
        if known:
            returned = _SUBMITTED.where(submissions.c.state == SubmissionState.RETURNED)
            again = (await self._connection.execute(returned, {"digests": known})).scalars().all()
            await self.move(again, SubmissionState.QUEUED, "sent in again", reason=sa.null())
            found = await self._connection.execute(_WHOLE.where(_OF), {"digests": known})
            stored |= {row.digest: _submission(row) for row in found}
        if fresh:
            stored |= await self._add(list(fresh.values()))
        return [stored[digest] for digest in digests]

    async def _add(self, fresh: Sequence[Submission]) -> dict[str, Submission]:
        now, dialect = self._now(), self._connection.dialect.name
        recorded = await self._connection.execute(_RECORDED, {"digests": [one.digest for one in fresh]})
        index = {row.digest: row.entry for row in recorded}  # another hand carried them before they came here
        stored = [
            replace(one, created=now, entry=index[one.digest], state=SubmissionState.FINAL)
            if one.digest in index
            else replace(one, created=now)
            for one in fresh
        ]
        steps = [(one.digest, now, SubmissionState.QUEUED, "") for one in fresh]
        steps += [(digest, now, SubmissionState.FINAL, "recorded before") for digest in index]
        await self._together(
            [
                *inserting(dialect, submissions, _COLUMNS, [_row(one) for one in stored]),
                *inserting(dialect, submission_steps, STEP_COLUMNS, steps),
            ]
        )
        return {one.digest: one for one in stored}

    async def submitted(self, digests: Iterable[str]) -> set[str]:
        return set((await self._connection.execute(_SUBMITTED, {"digests": digests})).scalars())

    async def submission(self, digest: str) -> Submission | None:
        row = (await self._connection.execute(_WHOLE.where(submissions.c.digest == digest))).first()
        if row is None:
            return None
        query = sa.select(submission_steps).where(submission_steps.c.digest == digest).order_by(submission_steps.c.id)
        steps = [Step(one.at, SubmissionState(one.state), one.note) for one in await self._connection.execute(query)]
        return _submission(row, tuple(steps))

    async def submissions(
        self, *, after: int = 0, limit: int = 100, expired_before: int | None = None, **where: Any
    ) -> list[tuple[int, Submission]]:
        query = _WHOLE.where(submissions.c.seq > after, *matching(submissions, where))
        if expired_before is not None:
            query = query.where(submissions.c.valid_until < expired_before)
        rows = await self._connection.execute(query.order_by(submissions.c.seq).limit(limit))
        return [(row.seq, _submission(row)) for row in rows]

    async def queued(self, limit: int) -> list[Submission]:
        return [one for _, one in await self.submissions(limit=limit, state=SubmissionState.QUEUED)]

    async def move(self, digests: Sequence[str], state: SubmissionState, note: str = "", **fields: Any) -> None:
        if not digests:
            return
        which = (_OF, _IS_OPEN, _ANY_STATE.is_distinct_from(state))
        moved = sa.select(submissions.c.digest).where(*which)
        await add_steps(self._connection, moved, state, self._now(), note, digests=digests)
        change = sa.update(submissions).where(*which).values(state=state, **fields)
        await self._connection.execute(change, {"digests": digests})

    async def unrecorded(self) -> list[str]:
        recorded = sa.select(entries.c.digest)
        final = submissions.c.state == SubmissionState.FINAL
        query = sa.select(submissions.c.digest).where(final, submissions.c.digest.not_in(recorded))
        return list((await self._connection.execute(query.order_by(submissions.c.seq))).scalars())

    async def reopen(self, digests: Sequence[str], state: SubmissionState, note: str) -> None:
        await add_steps(self._connection, _SUBMITTED, state, self._now(), note, digests=digests)
        change = sa.update(submissions).where(_OF).values(state=state, entry=sa.null())
        await self._connection.execute(change, {"digests": digests})

    async def carried_by(self, transactions: Collection[str], *states: SubmissionState) -> list[Submission]:
        query = _WHOLE.where(among("transactions", submissions.c.transaction_hash)).order_by(submissions.c.seq)
        if states:
            query = query.where(_ANY_STATE.in_(states))
        return [_submission(row) for row in await self._connection.execute(query, {"transactions": transactions})]

    async def open_on(self, digests: Iterable[str], subjects: Iterable[str]) -> set[str]:
        return await self._named(_OPEN_ON, digests, subjects)

    async def moving_on(self, digests: Iterable[str], subjects: Iterable[str], apart_from: str) -> set[str]:
        elsewhere = sa.or_(submissions.c.state == SubmissionState.QUEUED, submissions.c.transaction_hash != apart_from)
        by_digest = _BY_DIGEST.where(_ANY_STATE.in_(MOVING_STATES), elsewhere)
        by_subject = _BY_SUBJECT.where(submissions.c.state.in_(MOVING_STATES), elsewhere)
        return await self._named((by_digest, by_subject), digests, subjects)

    async def _named(
        self, queries: Sequence[sa.Select[Any]], digests: Iterable[str], subjects: Iterable[str]
    ) -> set[str]:
        asked: list[set[str]] = [set(digests), set(subjects)]
        found: set[str] = set()
        for query, some in zip(queries, asked, strict=True):  # one each: the database finds its way by an index
            rows = await self._connection.execute(query, {"asked": some}) if some else ()
            found.update(text for row in rows for text in row)
        return found & (asked[0] | asked[1])


def _row(one: Submission) -> tuple[Any, ...]:
    return (
        one.digest,
        one.act.name,
        one.module,
        one.act.to_json(),
        [format_signature(raw) for raw in one.signatures],
        one.department,
        one.subject,
        one.state,
        one.entry,
        one.valid_until,
        one.created,
    )


def _submission(row: Any, history: tuple[Step, ...] = ()) -> Submission:
    return Submission(
        digest=row.digest,
        module=row.module,
        act=Act.from_json(row.act_type, decoded(row.act)),
        signatures=tuple(parse_signature(text) for text in decoded(row.signatures)),
        department=row.department,
        subject=row.subject,
        state=SubmissionState(row.state),
        reason=row.reason,
        entry=row.entry,
        transaction=row.transaction_hash,
        created=row.created,
        history=history,
    )
