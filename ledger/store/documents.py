"""Documents by digest, with who may read them."""

from collections.abc import Sequence

import sqlalchemy as sa

from ledger.ports import StoredDocument
from ledger.store.bulk import Known, inserting
from ledger.store.rows import Rows
from ledger.store.tables import document_readers, documents

PAGE = 500
_COLUMNS = ("digest", "kind", "body", "open", "created")


class Documents(Rows):
    async def add_document(self, document: StoredDocument) -> None:
        await self.add_documents([document])

    async def add_documents(self, new: Sequence[StoredDocument]) -> None:
        now = self._now()
        rows = {
            one.digest: (one.digest, one.kind, one.body, one.open, now) for one in reversed(new)
        }  # the first counts
        readers = sorted({(one.digest, code) for one in new for code in one.readers})
        dialect = self._connection.dialect.name
        await self._together(
            [
                *inserting(dialect, documents, _COLUMNS, list(rows.values()), Known.KEPT),
                *inserting(dialect, document_readers, ("digest", "department"), readers, Known.KEPT),
            ]
        )

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

    async def digests_in_documents(self, kind: str, digests: Sequence[str]) -> set[str]:
        wanted = {digest: digest.encode() for digest in digests}
        found: set[str] = set()
        query = sa.select(documents.c.digest, documents.c.body).where(documents.c.kind == kind)
        after = ""
        while wanted.keys() - found:
            page = query.where(documents.c.digest > after).order_by(documents.c.digest).limit(PAGE)
            rows = (await self._connection.execute(page)).all()
            for row in rows:
                body = row.body if isinstance(row.body, bytes) else str(row.body).encode()
                found |= {digest for digest, text in wanted.items() if text in body}
                after = row.digest
            if len(rows) < PAGE:
                break
        return found
