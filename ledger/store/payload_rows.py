"""Prepared versions with their wrapped keys, and use records."""

from collections.abc import Sequence
from itertools import pairwise

import sqlalchemy as sa

from ledger.ports import PayloadRow, TablePart, Use
from ledger.store.rows import Rows
from ledger.store.tables import payloads, segment_keys, table_parts, uses


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

        if row.parts:
            await self._connection.execute(
                sa.insert(table_parts),
                [{"document": row.document, **{name: getattr(part, name) for name in _PART}} for part in row.parts],
            )

    async def payload(self, document: str) -> PayloadRow | None:
        row = (await self._connection.execute(sa.select(payloads).where(payloads.c.document == document))).first()
        if row is None:
            return None
        query = sa.select(segment_keys).where(segment_keys.c.document == document).order_by(segment_keys.c.first_record)
        keys = tuple((one.first_record, one.wrapped_key) for one in await self._connection.execute(query))
        query = sa.select(table_parts).where(table_parts.c.document == document).order_by(table_parts.c.first_record)
        parts = [
            TablePart(**{name: getattr(one, name) for name in _PART}) for one in await self._connection.execute(query)
        ]
        return PayloadRow(
            document=row.document,
            dataset=row.dataset,
            object=row.object,
            wrapped_key=row.wrapped_key,
            size=row.size,
            fingerprint=row.fingerprint,
            manifest=row.manifest,
            segment_keys=keys,
            parts=tuple(parts),
        )

    async def payload_objects(self) -> list[tuple[str, str]]:
        whole = sa.select(payloads.c.document, payloads.c.object).where(payloads.c.object.is_not(None))
        parts = sa.select(table_parts.c.document, table_parts.c.object)
        queries = whole.order_by(payloads.c.created), parts.order_by(table_parts.c.document, table_parts.c.first_record)
        return [(row.document, row.object) for query in queries for row in await self._connection.execute(query)]

    async def shred(self, document: str, segments: Sequence[int] | None) -> None:
        firsts = await self._segments(document)
        gone = [(first, end) for first, end in pairwise(firsts) if segments is None or first in segments]
        for first, end in gone:
            for table in (segment_keys, table_parts):
                within = table.c.first_record >= first, table.c.first_record < end
                await self._connection.execute(
                    sa.update(table).where(table.c.document == document, *within).values(wrapped_key=None)
                )
        if gone:
            await self._connection.execute(
                sa.update(payloads).where(payloads.c.document == document).values(wrapped_key=None)
            )

    async def _segments(self, document: str) -> list[int]:
        """Where the segments of a version's keys begin, and an end past all; open data is one segment without a key."""
        query = sa.select(segment_keys.c.first_record).where(segment_keys.c.document == document)
        found = (await self._connection.execute(query.order_by(segment_keys.c.first_record))).scalars()
        return [*sorted({0, *found}), _ENDLESS]

    async def add_use(self, use: Use) -> None:
        await self._connection.execute(sa.insert(uses).values({name: getattr(use, name) for name in _COLUMNS}))

    async def versions_used(self, department: str, action: str) -> list[str]:
        where = uses.c.department == department, uses.c.action == action
        return list((await self._connection.execute(sa.select(uses.c.version).where(*where).distinct())).scalars())

    async def uses(self, share: str, *, after: int = 0, limit: int = 1000) -> list[tuple[int, Use]]:
        query = sa.select(uses).where(uses.c.share == share, uses.c.id > after).order_by(uses.c.id).limit(limit)
        rows = await self._connection.execute(query)
        return [(row.id, Use(**{name: getattr(row, name) for name in _COLUMNS})) for row in rows]


_PART = ("first_record", "records", "object", "size", "wrapped_key")
_ENDLESS = 2**63 - 1
_COLUMNS = ("at", "share", "version", "department", "caller", "action")
