"""API keys, and the answers that idempotent requests get again."""

from typing import Any

import sqlalchemy as sa

from ledger.ports import Answer, ApiKey
from ledger.store.rows import Rows
from ledger.store.tables import api_keys, idempotency


class CallerRows(Rows):
    async def claim(self, caller: str, key: str, body_digest: str, now: int, holder: str = "") -> Answer | None:
        values = {"caller": caller, "key": key, "body_digest": body_digest, "created": now, "holder": holder}
        insert = self._insert(idempotency).values(values).on_conflict_do_nothing().returning(idempotency.c.key)
        if (await self._connection.execute(insert)).first() is not None:
            return None
        query = sa.select(idempotency).where(idempotency.c.caller == caller, idempotency.c.key == key)
        row = (await self._connection.execute(query)).one()
        return Answer(row.body_digest, row.status, row.answer, row.created, row.holder)

    async def forget_answers(self, before: int) -> None:
        await self._connection.execute(sa.delete(idempotency).where(idempotency.c.created < before))

    async def answer(self, caller: str, key: str, status: int, answer: Any) -> None:
        await self._connection.execute(
            sa.update(idempotency)
            .where(idempotency.c.caller == caller, idempotency.c.key == key)
            .values(status=status, answer=answer)
        )

    async def release(self, caller: str, key: str) -> None:
        await self._connection.execute(
            sa.delete(idempotency).where(
                idempotency.c.caller == caller, idempotency.c.key == key, idempotency.c.status.is_(None)
            )
        )

    async def add_api_key(self, key: ApiKey) -> None:
        await self._connection.execute(sa.insert(api_keys).values({name: getattr(key, name) for name in _COLUMNS}))

    async def api_key(self, id: str) -> ApiKey | None:
        row = (await self._connection.execute(sa.select(api_keys).where(api_keys.c.id == id))).first()
        return ApiKey(**row._mapping) if row else None

    async def api_keys(
        self, department: str | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[ApiKey]:
        key = (api_keys.c.created, api_keys.c.id)
        query = sa.select(api_keys).order_by(*key).limit(limit)
        if department is not None:
            query = query.where(api_keys.c.department == department)
        if after is not None:
            last = sa.select(*key).where(api_keys.c.id == after)
            row = (await self._connection.execute(last)).first()
            if row is None:
                return []
            query = query.where(sa.tuple_(*key) > sa.tuple_(row.created, row.id))
        return [ApiKey(**row._mapping) for row in await self._connection.execute(query)]

    async def revoke_api_key(self, id: str, now: int) -> bool:
        change = sa.update(api_keys).where(api_keys.c.id == id, api_keys.c.revoked.is_(None)).values(revoked=now)
        return (await self._connection.execute(change)).rowcount == 1


_COLUMNS = tuple(api_keys.columns.keys())
