"""Working days: which day is one, by a published calendar that anyone can recompute.

A working day follows the State Council's yearly notice, make-up weekend days included. A calendar lists every day off
and every made-up day of the years it knows, so it needs no package to be used; outside those years only weekends are
off, and what is counted there is provisional. Counting is the Civil Code's (arts. 201, 203): the first day does not
count, a last day that is off moves on.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, Self

from ledger.domain.documents import PUBLIC_SALT, Document
from ledger.domain.local_time import ONE_DAY
from ledger.errors import InvalidDocument

_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days off and made-up days of the years first_year to last_year; `digest` is its document's."""

    digest: str
    first_year: int
    last_year: int
    holidays: frozenset[date]  # days off, weekend days among them or not
    workdays: frozenset[date]  # weekend days that are worked

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Raises InvalidDocument if it is no calendar, or lists a day twice, in both lists or outside its years."""
        if document.kind != "calendar":
            raise InvalidDocument(f"the document is a {document.kind}, not a calendar")
        holidays = [date.fromisoformat(day) for day in document["holidays"]]
        workdays = [date.fromisoformat(day) for day in document["workdays"]]
        first_year, last_year = document["first_year"], document["last_year"]
        listed = holidays + workdays
        if len(set(listed)) != len(listed):
            raise InvalidDocument("calendar: a day is listed twice")
        if any(not first_year <= day.year <= last_year for day in listed):
            raise InvalidDocument(f"calendar: a day lies outside {first_year} to {last_year}")
        return cls(document.digest, first_year, last_year, frozenset(holidays), frozenset(workdays))

    def knows(self, day: date) -> bool:
        return self.first_year <= day.year <= self.last_year

    def is_working_day(self, day: date) -> bool:
        if day in self.workdays:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`."""
        day += ONE_DAY
        while not self.is_working_day(day):
            day += ONE_DAY
        return day

    def moved_on(self, day: date) -> date:
        """The day itself, or the next working day if it is off."""
        return day if self.is_working_day(day) else self.next_working_day(day)

    def add_working_days(self, start: date, working_days: int) -> date:
        """The last day of a term. `start` is not counted; a term of none ends on `start`, or the next working day."""
        if working_days == 0:
            return self.moved_on(start)
        day = start
        for _ in range(working_days):
            day = self.next_working_day(day)
        return day


def calendar_document(
    name: str,
    source: str,
    first_year: int,
    last_year: int,
    holidays: list[date],
    workdays: list[date],
    *,
    salt: str | None = None,
) -> Document:
    """A calendar as a document, its days in order. Raises InvalidDocument as `Calendar.from_document` does."""
    document = Document.make(
        "calendar",
        salt=salt,
        name=name,
        source=source,
        first_year=first_year,
        last_year=last_year,
        holidays=[day.isoformat() for day in sorted(holidays)],
        workdays=[day.isoformat() for day in sorted(workdays)],
    )
    Calendar.from_document(document)
    return document


@cache
def national_calendar(first_year: int = 2024) -> Document:
    """The State Council's notices from `first_year` to the last one that the installed package knows.

    It is public and salted with zeros, so everyone with the same package derives the same document.
    """
    from chinese_calendar import constants  # here: it builds its tables while it is imported

    last_year = max(constants.holidays).year
    years = range(first_year, last_year + 1)
    return calendar_document(
        "national",
        "国务院办公厅关于部分节假日安排的通知",
        first_year,
        last_year,
        [day for day in constants.holidays if day.year in years],
        [day for day in constants.workdays if day.year in years],
        salt=PUBLIC_SALT,
    )
