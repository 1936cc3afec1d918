"""What the parts of a unit of work share: the connection, the time, the database's own INSERT."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.store.bulk import Known, inserting
from ledger.store.together import Asked, together


class Rows:
    def __init__(self, connection: AsyncConnection, chain_id: int, now: Callable[[], int]) -> None:
        self._connection = connection
        self._chain_id = chain_id
        self._now = now  # unix milliseconds

    def _insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        own = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        return own.insert(table)

    async def _put(
        self,
        table: sa.Table,
        columns: tuple[str, ...],
        rows: Sequence[Sequence[Any]],
        known: Known = Known.REFUSED,
    ) -> None:
        """Insert many rows."""
        await self._together(inserting(self._connection.dialect.name, table, columns, rows, known))

    async def _together(self, asked: Iterable[Asked]) -> list[list[Any]]:
        return await together(self._connection, list(asked))
