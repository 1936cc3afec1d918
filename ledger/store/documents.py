"""Documents by digest, with who may read them."""

import sqlalchemy as sa

from ledger.ports import StoredDocument
from ledger.store.rows import Rows
from ledger.store.tables import document_readers, documents


class Documents(Rows):
    async def add_document(self, document: StoredDocument) -> None:
        values = {"digest": document.digest, "kind": document.kind, "body": document.body, "open": document.open}
        insert = self._insert(documents).values(**values, created=self._now()).on_conflict_do_nothing()
        await self._connection.execute(insert)
        if document.readers:
            rows = [{"digest": document.digest, "department": code} for code in sorted(document.readers)]
            await self._connection.execute(self._insert(document_readers).on_conflict_do_nothing(), rows)

    async def document(self, digest: str) -> StoredDocument | None:
        row = (await self._connection.execute(sa.select(documents).where(documents.c.digest == digest))).first()
        if row is None:
            return None
        query = sa.select(document_readers.c.department).where(document_readers.c.digest == digest)
        readers = (await self._connection.execute(query)).scalars().all()
        body = row.body if isinstance(row.body, bytes) else str(row.body).encode()  # text: somebody edited it by hand
        return StoredDocument(row.digest, row.kind, body, row.open, frozenset(readers))

    async def open_document(self, digest: str) -> None:
        await self._connection.execute(sa.update(documents).where(documents.c.digest == digest).values(open=True))
