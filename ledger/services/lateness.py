"""Deadlines that passed, as facts: late replies, deliveries, publications and corrections (Decree 809 arts. 17–26).

Lateness is read off the entries' times; it is never a refusal, and no finding says more than when what was due.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from ledger.domain.acts import RuleKind
from ledger.domain.calendar import Calendar, national_calendar
from ledger.domain.clock import (
    Clock,
    ClockReading,
    Profile,
    correction_clock,
    national_profile,
    publication_clock,
    share_clocks,
)
from ledger.domain.documents import Document
from ledger.domain.local_time import local_text
from ledger.domain.marks import ancestors, is_authority, nearest_authority
from ledger.domain.state import Correction, Dataset, Revision, RuleText, Share, State
from ledger.errors import InvalidInput
from ledger.services.audit_report import Finding

ITEMS: Final[dict[Clock, tuple[str, str]]] = {
    Clock.REPLY_UNCONDITIONAL: ("late-reply", "39-3"),
    Clock.REPLY_CONDITIONAL: ("late-reply", "39-3"),
    Clock.DELIVER: ("late-delivery", "39-3"),
    Clock.CORRECT: ("late-correction", "39-4"),
    Clock.CATALOGUE_PUBLISH: ("late-publication", "17"),
}
"""Clock → code and article of the finding."""

ReadDocument = Callable[[str], Awaitable[Document | None]]


class Lateness:
    """Readings by the calendar and profile in force where the provider is: published rules, else the national ones."""

    def __init__(self, state: State, now: int, read: ReadDocument | None) -> None:
        """`read(digest)` gives a rule's document if it is held; None: only the national rules are at hand."""
        self._state, self._now, self._read = state, now, read
        self._calendar = Calendar.from_document(national_calendar())
        self._profile = Profile.from_document(national_profile())
        self._documents: dict[str, Document | None] = {}

    async def findings(self) -> list[Finding]:
        """In the order of the entries that started the clocks."""
        found = []
        for share in sorted(self._state.all(Share), key=lambda share: share.since):
            revision = self._state.get(Revision, share.revision)
            if revision is not None:
                calendar, profile = await self._rules(share.provider, share.requested_time)
                readings = share_clocks(share, revision, calendar, profile, self._now)
                found += list(_late(readings, share.id, (share.since, share.updated)))
        for correction in sorted(self._state.all(Correction), key=lambda correction: correction.since):
            calendar, profile = await self._rules(correction.provider, correction.requested_time)
            reading = correction_clock(correction, calendar, profile, self._now)
            found += list(_late((reading,), correction.id, (correction.since, correction.updated)))
        for revision in sorted(self._state.all(Revision), key=lambda revision: revision.since):
            found += list(await self._publication(revision))
        return found

    async def overdue(self) -> Counter[Clock]:
        """How many answers are owed past their day, by clock, over the shares, corrections and datasets of the state.

        There may be many: others get their turn in between.
        """
        found: Counter[Clock] = Counter()
        for share in self._state.all(Share):
            revision = self._state.get(Revision, share.revision)
            if revision is not None:
                calendar, profile = await self._rules(share.provider, share.requested_time)
                readings = share_clocks(share, revision, calendar, profile, self._now)
                found.update(reading.clock for reading in readings if reading.late and reading.answered is None)
            await asyncio.sleep(0)
        for correction in self._state.all(Correction):
            calendar, profile = await self._rules(correction.provider, correction.requested_time)
            reading = correction_clock(correction, calendar, profile, self._now)
            found.update([reading.clock] if reading.late and reading.answered is None else [])
            await asyncio.sleep(0)
        for dataset in self._state.all(Dataset):
            waiting = self._state.get(Revision, dataset.pending) if dataset.pending else None
            if waiting is not None and list(await self._publication(waiting)):
                found[Clock.CATALOGUE_PUBLISH] += 1
        return found

    async def _publication(self, revision: Revision) -> Iterator[Finding]:
        """Of revisions that were published or still wait; one returned or withdrawn was answered some other way."""
        dataset = self._state.get(Dataset, revision.dataset)
        waits = dataset is not None and dataset.pending == revision.digest
        authority = nearest_authority(self._state, revision.department)
        if authority is None or (revision.published_time is None and not waits):
            return iter(())
        calendar, profile = await self._rules(revision.department, revision.submitted_time)
        reading = publication_clock(revision, authority, revision.published_time, calendar, profile, self._now)
        return _late((reading,), revision.digest, (revision.since, revision.updated))

    async def _rules(self, department: str, at: int) -> tuple[Calendar, Profile]:
        """The nearest authority's latest calendar and profile that had started at `at`."""
        authorities = [above.code for above in ancestors(self._state, department) if is_authority(above)]
        calendar, profile = self._calendar, self._profile
        document = await self._rule(authorities, RuleKind.CALENDAR, at)
        if document is not None:
            calendar = Calendar.from_document(document)
        document = await self._rule(authorities, RuleKind.PROFILE, at)
        if document is not None:
            profile = Profile.from_document(document)
        return calendar, profile

    async def _rule(self, authorities: list[str], kind: RuleKind, at: int) -> Document | None:
        for authority in authorities:
            texts = [
                text
                for text in self._state.all(RuleText)
                if text.department == authority and text.kind == kind and max(text.start, text.published_time) <= at
            ]
            for text in sorted(texts, key=lambda text: (text.start, text.since), reverse=True):
                document = await self._document(text.document, kind)
                if document is not None:
                    return document
        return None

    async def _document(self, digest: str, kind: RuleKind) -> Document | None:
        """A rule's document, if it is held and can be counted with."""
        if digest not in self._documents:
            document = None if self._read is None else await self._read(digest)
            try:
                if document is not None:
                    (Calendar if kind is RuleKind.CALENDAR else Profile).from_document(document)
            except InvalidInput:
                document = None
            self._documents[digest] = document
        return self._documents[digest]


def _late(readings: tuple[ClockReading, ...], subject: str, entries: tuple[int, int]) -> Iterator[Finding]:
    for reading in readings:
        if not reading.late:
            continue
        code, article = ITEMS[reading.clock]
        due, done = local_text(reading.deadline.due), reading.answered
        told = f"{reading.owed_by}: {reading.clock.value} was due by {due} (article {reading.article})"
        told += ", and is still open" if done is None else f", and was done at {local_text(done)}"
        if reading.deadline.provisional:
            told += "; provisional: the calendar does not know that year yet"
        yield Finding(code, article, subject, told, tuple(sorted(set(entries))))
