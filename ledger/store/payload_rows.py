"""Prepared versions with their wrapped keys, and use records."""

from collections.abc import Sequence

import sqlalchemy as sa

from ledger.ports import PayloadRow, Use
from ledger.store.rows import Rows
from ledger.store.tables import payloads, segment_keys, uses


class PayloadRows(Rows):
    async def add_payload(self, row: PayloadRow) -> None:
        await self._connection.execute(
            sa.insert(payloads).values(
                document=row.document,
                dataset=row.dataset,
                object=row.object,
                wrapped_key=row.wrapped_key,
                size=row.size,
                fingerprint=row.fingerprint,
                manifest=row.manifest,
                created=self._now(),
            )
        )
        if row.segment_keys:
            await self._connection.execute(
                sa.insert(segment_keys),
                [{"document": row.document, "first_record": at, "wrapped_key": key} for at, key in row.segment_keys],
            )

    async def payload(self, document: str) -> PayloadRow | None:
        row = (await self._connection.execute(sa.select(payloads).where(payloads.c.document == document))).first()
        if row is None:
            return None
        query = sa.select(segment_keys).where(segment_keys.c.document == document).order_by(segment_keys.c.first_record)
        keys = tuple((one.first_record, one.wrapped_key) for one in await self._connection.execute(query))
        return PayloadRow(
            document=row.document,
            dataset=row.dataset,
            object=row.object,
            wrapped_key=row.wrapped_key,
            size=row.size,
            fingerprint=row.fingerprint,
            manifest=row.manifest,
            segment_keys=keys,
        )

    async def payload_objects(self) -> list[tuple[str, str]]:
        query = sa.select(payloads.c.document, payloads.c.object).where(payloads.c.object.is_not(None))
        return [
            (row.document, row.object) for row in await self._connection.execute(query.order_by(payloads.c.created))
        ]

    async def shred(self, document: str, segments: Sequence[int] | None) -> None:
        change = sa.update(segment_keys).where(segment_keys.c.document == document).values(wrapped_key=None)
        if segments is not None:
            change = change.where(segment_keys.c.first_record.in_(list(segments)))
        await self._connection.execute(change)
        if segments is None:
            await self._connection.execute(
                sa.update(payloads).where(payloads.c.document == document).values(wrapped_key=None)
            )

    async def add_use(self, use: Use) -> None:
        await self._connection.execute(sa.insert(uses).values({name: getattr(use, name) for name in _COLUMNS}))

    async def uses(self, share: str, *, after: int = 0, limit: int = 1000) -> list[tuple[int, Use]]:
        query = sa.select(uses).where(uses.c.share == share, uses.c.id > after).order_by(uses.c.id).limit(limit)
        rows = await self._connection.execute(query)
        return [(row.id, Use(**{name: getattr(row, name) for name in _COLUMNS})) for row in rows]


_COLUMNS = ("at", "share", "version", "department", "caller", "action")
