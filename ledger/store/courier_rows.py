"""Courier transactions and the lease that lets one process at a time send them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ledger.domain.submissions import SubmissionState
from ledger.ports import Block, Carried
from ledger.store.submissions import Submissions
from ledger.store.tables import courier_transactions, leases


class CourierRows(Submissions):
    async def lease(self, name: str, holder: str, now: int, milliseconds: int) -> int | None:
        until = now + milliseconds
        first = self._insert(leases).values(name=name, holder=holder, epoch=1, expires=until)
        await self._connection.execute(first.on_conflict_do_nothing())
        mine = leases.c.holder == holder
        # one that lasts longer than any lease was taken by a clock that was put back since
        free = sa.or_(leases.c.expires < now, leases.c.expires > until + milliseconds)
        change = (
            sa.update(leases)
            .where(leases.c.name == name, sa.or_(mine, free))
            .values(holder=holder, expires=until, epoch=sa.case((mine, leases.c.epoch), else_=leases.c.epoch + 1))
            .returning(leases.c.epoch)
        )
        epoch: int | None = (await self._connection.execute(change)).scalar()
        return epoch

    async def holds_lease(self, name: str, holder: str, epoch: int) -> bool:
        query = sa.select(leases.c.epoch).where(leases.c.name == name, leases.c.holder == holder).with_for_update()
        return (await self._connection.execute(query)).scalar() == epoch

    async def release_lease(self, name: str, holder: str) -> None:
        """Let another holder in at once, on a clean stop."""
        await self._connection.execute(
            sa.update(leases).where(leases.c.name == name, leases.c.holder == holder).values(expires=0)
        )

    async def add_carried(self, carried: Carried, epoch: int, digests: Sequence[str]) -> None:
        now = self._now()
        await self._connection.execute(
            sa.insert(courier_transactions).values(
                courier=carried.courier,
                nonce=carried.nonce,
                hash=carried.hash,
                raw=carried.raw,
                epoch=epoch,
                state="sent",
                created=now,
            )
        )
        await self.move(digests, SubmissionState.SENT, f"in {carried.hash}", transaction_hash=carried.hash)

    async def carried(self, courier: str, *, done: bool = False) -> list[Carried]:
        table = courier_transactions
        query = sa.select(table).where(table.c.courier == courier).order_by(table.c.nonce)
        if not done:
            query = query.where(table.c.state.in_(("sent", "included")))
        return [_carried(row) for row in await self._connection.execute(query)]

    async def settle(self, carried: Carried) -> None:
        table = courier_transactions
        block = carried.block
        await self._connection.execute(
            sa.update(table)
            .where(table.c.courier == carried.courier, table.c.nonce == carried.nonce)
            .values(state=carried.state, block=block and block.number, block_hash=block and block.hash)
        )

    async def last_nonce(self, courier: str) -> int | None:
        table = courier_transactions
        query = sa.select(sa.func.max(table.c.nonce)).where(table.c.courier == courier)
        last: int | None = (await self._connection.execute(query)).scalar()
        return last


def _carried(row: Any) -> Carried:
    block = Block(row.block, row.block_hash) if row.block is not None else None
    return Carried(row.courier, row.nonce, row.hash, row.raw, row.state, block)
