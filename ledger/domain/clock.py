"""The law's clocks: from when to when who must answer, and whether it was late.

Limits are rows of a versioned profile document; the national ones (Decree 809) are its maxima. Counting: the first day
does not count, a last day that is off moves on, the term ends at 24:00 in Asia/Shanghai (Civil Code arts. 201, 203). A
deadline carries the digests of the calendar and the profile it was counted with. Late is a fact about times, never a
refusal, and silence is never consent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from ledger.domain.acts import ShareType
from ledger.domain.calendar import Calendar
from ledger.domain.documents import PUBLIC_SALT, Document
from ledger.domain.local_time import end_of_day, local_day
from ledger.domain.stages import Stage
from ledger.domain.state import Correction, Revision, Share
from ledger.errors import InvalidDocument


class Clock(StrEnum):
    CATALOGUE_SUBMIT = "catalogue-submit"  # law or duty changed the catalogue → the department submits
    CATALOGUE_PUBLISH = "catalogue-publish"  # submitted → the authority reviews and publishes
    REPLY_UNCONDITIONAL = "reply-unconditional"  # request → the provider replies
    REPLY_CONDITIONAL = "reply-conditional"
    DELIVER = "deliver"  # consent → the provider delivers
    CORRECT = "correct"  # correction requested → the provider verifies, corrects, answers
    USE_RECORDS = "use-records"  # use → the consumer keeps the records of it


@dataclass(frozen=True, slots=True)
class Limit:
    """One clock's limit: working days and how many an authority may add, or calendar years."""

    clock: Clock
    article: str
    working_days: int
    extension: int = 0
    years: int = 0


NATIONAL_LIMITS: Final[dict[Clock, Limit]] = {
    limit.clock: limit
    for limit in (
        Limit(Clock.CATALOGUE_SUBMIT, "17", 10, 5),
        Limit(Clock.CATALOGUE_PUBLISH, "17", 2),
        Limit(Clock.REPLY_UNCONDITIONAL, "21", 1, 10),
        Limit(Clock.REPLY_CONDITIONAL, "21", 10, 10),
        Limit(Clock.DELIVER, "22", 20),
        Limit(Clock.CORRECT, "26", 10),
        Limit(Clock.USE_RECORDS, "29", 0, years=3),
    )
}
"""Hard maxima (of the use records, a minimum): a city's profile may only be tighter."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A full set of limits, and whether the reply clock starts again when materials are supplied (not regulated)."""

    digest: str
    limits: Mapping[Clock, Limit]
    restart_after_supplement: bool

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Raises InvalidDocument if it is no profile, lacks a clock, names one twice, or is looser than the law."""
        if document.kind != "profile":
            raise InvalidDocument(f"the document is a {document.kind}, not a profile")
        limits: dict[Clock, Limit] = {}
        for row in document["limits"]:
            limit = _limit(row)
            if limit.clock in limits:
                raise InvalidDocument(f"profile: the clock {limit.clock} stands twice")
            limits[limit.clock] = limit
        missing = [clock.value for clock in Clock if clock not in limits]
        if missing:
            raise InvalidDocument(f"profile: no limit for {', '.join(missing)}")
        return cls(document.digest, limits, document["restart_after_supplement"])


def _limit(row: Mapping[str, Any]) -> Limit:
    if row["clock"] not in set(Clock):
        raise InvalidDocument(f"profile: there is no clock {row['clock']!r}")
    limit = Limit(Clock(row["clock"]), row["article"], row["working_days"], row["extension"], row.get("years", 0))
    law = NATIONAL_LIMITS[limit.clock]
    if limit.working_days > law.working_days or limit.extension > law.extension or limit.years < law.years:
        raise InvalidDocument(f"profile: {limit.clock} is looser than article {law.article} allows")
    return limit


def profile_document(
    name: str, limits: Mapping[Clock, Limit], *, restart_after_supplement: bool = False, salt: str | None = None
) -> Document:
    """A profile as a document; clocks that `limits` leaves out keep the national limit. Raises InvalidDocument."""
    rows = [limits.get(clock, law) for clock, law in NATIONAL_LIMITS.items()]
    document = Document.make(
        "profile",
        salt=salt,
        name=name,
        limits=[
            {
                "clock": row.clock.value,
                "article": row.article,
                "working_days": row.working_days,
                "extension": row.extension,
                **({"years": row.years} if row.years else {}),
            }
            for row in rows
        ],
        restart_after_supplement=restart_after_supplement,
    )
    Profile.from_document(document)
    return document


def national_profile() -> Document:
    """The national limits, salted with zeros: everyone derives the same document."""
    return profile_document("national", {}, salt=PUBLIC_SALT)


@dataclass(frozen=True, slots=True)
class Deadline:
    """`due` is 24:00 of the last day in unix seconds: whatever comes later is late. Provisional: a year was unknown."""

    due: int
    provisional: bool
    calendar: str
    profile: str


def deadline(start: int, working_days: int, calendar: Calendar, profile: str = "", *, years: int = 0) -> Deadline:
    """When a term of working days (or calendar years) that starts at `start` (unix seconds) ends."""
    first = local_day(start)
    if years:
        leap = first.month == 2 and first.day == 29
        last = calendar.moved_on(first.replace(year=first.year + years, day=28 if leap else first.day))
    else:
        last = calendar.add_working_days(first, working_days)
    provisional = not (calendar.knows(first) and calendar.knows(last))
    return Deadline(end_of_day(last), provisional, calendar.digest, profile)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One clock of one object: who owes what by when, and when it was done (None: not yet)."""

    clock: Clock
    article: str
    owed_by: str  # department code
    started: int
    deadline: Deadline
    answered: int | None
    late: bool  # done after the deadline, or the deadline passed and it is not done


def _reading(
    limit: Limit,
    calendar: Calendar,
    profile: Profile,
    *,
    owed_by: str,
    started: int,
    answered: int | None,
    now: int,
    added: int = 0,
) -> ClockReading:
    days = limit.working_days + min(added, limit.extension)
    due = deadline(started, days, calendar, profile.digest, years=limit.years)
    late = (now if answered is None else answered) > due.due
    return ClockReading(limit.clock, limit.article, owed_by, started, due, answered, late)


def share_clocks(
    share: Share, revision: Revision, calendar: Calendar, profile: Profile, now: int
) -> tuple[ClockReading, ...]:
    """The clocks of a share up to `now` (unix seconds): the reply's, and the delivery's once there is consent.

    An extension counts only as far as the profile allows it. A request that was withdrawn, and a share that ended
    before it was delivered, owe nothing any more.
    """
    readings = []
    if not share.granted:
        unconditional = revision.share_type == ShareType.UNCONDITIONAL
        clock = Clock.REPLY_UNCONDITIONAL if unconditional else Clock.REPLY_CONDITIONAL
        restarted = share.supplied_time if profile.restart_after_supplement else None
        answered = share.ended_time if share.stage == Stage.WITHDRAWN else share.replied_time
        readings.append(
            _reading(
                profile.limits[clock],
                calendar,
                profile,
                owed_by=share.provider,
                started=share.requested_time if restarted is None else restarted,
                answered=answered,
                now=now,
                added=share.extended_days,
            )
        )
    if share.replied_time is not None and share.stage != Stage.REFUSED:
        delivered = share.delivered_time if share.delivered_time is not None else share.ended_time
        readings.append(
            _reading(
                profile.limits[Clock.DELIVER],
                calendar,
                profile,
                owed_by=share.provider,
                started=share.replied_time,
                answered=delivered,
                now=now,
            )
        )
    return tuple(readings)


def publication_clock(
    revision: Revision, authority: str, answered: int | None, calendar: Calendar, profile: Profile, now: int
) -> ClockReading:
    """Article 17: from the submission to the authority's publication or return, whose time is `answered`."""
    return _reading(
        profile.limits[Clock.CATALOGUE_PUBLISH],
        calendar,
        profile,
        owed_by=authority,
        started=revision.submitted_time,
        answered=answered,
        now=now,
    )


def correction_clock(correction: Correction, calendar: Calendar, profile: Profile, now: int) -> ClockReading:
    """Article 26: from the consumer's request to the provider's answer."""
    return _reading(
        profile.limits[Clock.CORRECT],
        calendar,
        profile,
        owed_by=correction.provider,
        started=correction.requested_time,
        answered=correction.resolved_time,
        now=now,
    )


def use_record_deadline(used: int, calendar: Calendar, profile: Profile) -> Deadline:
    """Article 29: until when the consumer must keep the record of a use at `used`."""
    limit = profile.limits[Clock.USE_RECORDS]
    return deadline(used, limit.working_days, calendar, profile.digest, years=limit.years)
