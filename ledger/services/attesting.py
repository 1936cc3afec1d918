"""Measuring a version's quality by a published rule set: the report that AttestQuality will carry.

Who attests: the provider of the data (then it is a self-attestation) or a department with the role of attestor. The
report says nothing of single records, only counts. A copy at hand can be measured in place of the kept payload; then
the answer says whether it is that version's.
"""

import asyncio
from collections.abc import AsyncIterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.domain import quality
from ledger.domain.acts import Role, RuleKind
from ledger.domain.callers import Caller
from ledger.domain.documents import Document
from ledger.domain.identifiers import parse_digest
from ledger.domain.state import RuleText
from ledger.errors import InvalidInput, NotFound, NotPermitted, Shredded
from ledger.fingerprint import Origin, Schema, open_source, rows_of
from ledger.ports import Ports
from ledger.services.checking import check_table
from ledger.services.checks import VerifyReport
from ledger.services.fingerprinting import DEFAULT_LIMIT, Progress
from ledger.services.material import VersionDocument
from ledger.services.spooling import at_hand
from ledger.services.versions import held, material_of, payload_at_hand


@dataclass(frozen=True, slots=True)
class Measured:
    """`document` and `fields` are AttestQuality's; `verified` tells whether what was measured is the version."""

    document: dict[str, Any]
    fields: dict[str, Any]
    score: int  # parts per million
    indicators: tuple[dict[str, Any], ...]
    verified: VerifyReport

    def to_json(self) -> dict[str, Any]:
        return {
            "document": self.document,
            "act_fields": dict(self.fields),
            "score": self.score,
            "indicators": [dict(one) for one in self.indicators],
            "is_the_version": self.verified.ok,
            "verification": self.verified.to_json(),
        }


async def measure(
    ports: Ports,
    caller: Caller,
    version: str,
    rules: str,
    *,
    source: AsyncIterable[bytes] | Path | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Measure the kept payload, or with `source` that copy, by the rule set whose document has the digest `rules`.

    The rule set must have been published: rules made for the occasion could ask any question about any cell.

    Raises NotFound, NotPermitted, InvalidDocument (a rule set that cannot be measured), InvalidTable, InvalidInput (the
    version is no table), PayloadElsewhere, Shredded, Corrupt, TooLarge.
    """
    async with ports.store.read() as work:
        found = await held(work, version)
        published = await work.objects(RuleText, document=parse_digest(rules), kind=int(RuleKind.QUALITY), limit=1)
        stored = await work.document(rules) if published else None
    own = found.provider == caller.department
    if not own and not caller.roles & Role.ATTESTOR:
        raise NotPermitted("measuring another department's data asks for the role attestor")
    if stored is None:
        raise NotFound(f"no published rule set {rules}", remedy="Publish the rule set with PublishRule first.")
    rule_set = Document.parse(stored.body, "quality-rules")
    quality.check_rules(rule_set)
    document = found.read_document()
    if document.schema is None:
        raise InvalidInput("the version is a file, not a table: there are no records to measure")
    if found.version.shredded:
        raise Shredded(f"version {found.version.number} of {found.version.dataset} was shredded")
    material = material_of(ports.vault, found)
    anchored = await ports.views.anchored(found.version.id)

    async with AsyncExitStack() as opened:
        if source is None:
            origin = await opened.enter_async_context(payload_at_hand(ports, found))
        else:
            origin, _ = await opened.enter_async_context(at_hand(source, ports.scratch, DEFAULT_LIMIT))
        report = await asyncio.to_thread(_measured, rule_set, version, document, document.schema, origin, progress)
        verified = await asyncio.to_thread(
            check_table,
            material,
            origin,
            chain_id=ports.manifest.chain_id,
            recovers=ports.signatures.recovers,
            anchored=anchored,
        )
    score = report["score"]
    # `prior` names what an attestation continues: the version
    fields = {"rules": rules, "score": score, "self_attested": own, "prior": version}
    return Measured(report.to_json(), fields, score, tuple(report["indicators"]), verified)


def _measured(
    rules: Document,
    version: str,
    document: VersionDocument,
    schema: Schema,
    origin: Origin,
    progress: Progress | None,
) -> Document:
    records = _records(document, schema, origin, progress)
    return quality.measure(rules, version, schema.names, records)


def _records(
    document: VersionDocument, schema: Schema, origin: Origin, progress: Progress | None
) -> Iterator[Sequence[object]]:
    """Cells as they stand in the file, texts that mean null as None. Their types are for the rule set to judge."""
    nulls = [
        frozenset(document.read.null if column.null is None else column.null)
        if document.read.form == "csv"
        else frozenset[str]()
        for column in schema.columns
    ]
    plain = not any(nulls)
    seen = 0
    for batch in rows_of(open_source(origin, document.read, name=document.name), schema):
        for row in batch:
            yield row if plain else [None if cell in null else cell for cell, null in zip(row, nulls, strict=True)]
        seen += len(batch)
        if progress is not None:
            progress(seen)
