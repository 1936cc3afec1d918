"""What is asked again and again to see how the product does: small questions that an index answers."""

import sqlalchemy as sa

from ledger.domain.stages import Stage
from ledger.domain.state import Correction, Dataset, Ref, Share
from ledger.domain.submissions import OPEN_STATES, SubmissionState
from ledger.ports import Lease, Waiting
from ledger.store.rows import Rows
from ledger.store.tables import STATE_TABLES, courier_transactions, leases, payloads, submissions

_ANSWER_OWED = (Stage.REQUESTED, Stage.SUPPLEMENT_ASKED, Stage.AGREED)


class WatchRows(Rows):
    async def waiting(self) -> dict[SubmissionState, Waiting]:
        columns = (submissions.c.state, sa.func.count(), sa.func.min(submissions.c.created))
        query = sa.select(*columns).where(submissions.c.state.in_(OPEN_STATES)).group_by(submissions.c.state)
        rows = await self._connection.execute(query)
        return {SubmissionState(state): Waiting(count, oldest) for state, count, oldest in rows}

    async def lease_of(self, name: str) -> Lease | None:
        row = (await self._connection.execute(sa.select(leases).where(leases.c.name == name))).first()
        return Lease(row.holder, row.epoch, row.expires) if row else None

    async def open_transactions(self, courier: str) -> int:
        table = courier_transactions
        under_way = table.c.state.in_(("sent", "included"))
        query = sa.select(sa.func.count()).where(table.c.courier == courier, under_way)
        return (await self._connection.execute(query)).scalar_one()

    async def payload_total(self) -> tuple[int, int]:
        kept = (payloads.c.object.is_not(None), payloads.c.wrapped_key.is_not(None))
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(payloads.c.size), 0)).where(*kept)
        count, size = (await self._connection.execute(query)).one()
        return count, int(size)

    async def owing(self, limit: int) -> list[Ref]:
        shares, corrections, datasets = (STATE_TABLES[shape] for shape in (Share, Correction, Dataset))
        found: list[Ref] = []
        for shape, key, owes in (
            (Share, shares.c.id, shares.c.stage.in_(_ANSWER_OWED)),
            (Correction, corrections.c.id, corrections.c.outcome.is_(None)),
            (Dataset, datasets.c.code, datasets.c.pending.is_not(None)),
        ):
            query = sa.select(key).where(owes).order_by(key.table.c.since).limit(limit)
            found += [(shape, (one,)) for one in (await self._connection.execute(query)).scalars()]
        return found
