from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.calendar import Calendar, calendar_document, national_calendar
from ledger.domain.clock import (
    NATIONAL_LIMITS,
    Clock,
    Limit,
    Profile,
    correction_clock,
    deadline,
    national_profile,
    profile_document,
    publication_clock,
    share_clocks,
    use_record_deadline,
)
from ledger.domain.documents import Document
from ledger.domain.local_time import SHANGHAI, end_of_day, local_day, local_text
from ledger.domain.state import Correction, Revision, Share
from ledger.errors import InvalidDocument
from tests.unit.domain.world import story

CALENDAR = Calendar.from_document(national_calendar())
PROFILE = Profile.from_document(national_profile())
DAY = 86_400


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp())


@pytest.mark.parametrize(("days", "last"), [(10, "2026-10-15"), (20, "2026-10-29")])
def test_the_worked_examples(days: int, last: str) -> None:
    for moment in ("2026-09-25T00:00:00", "2026-09-25T23:59:59"):
        found = deadline(at(moment), days, CALENDAR, PROFILE.digest)
        assert found.due == at(f"{last}T00:00:00") + DAY
        assert not found.provisional
        assert (found.calendar, found.profile) == (CALENDAR.digest, PROFILE.digest)


def test_the_day_is_shanghais() -> None:
    evening = int(datetime(2026, 9, 24, 16, 0, tzinfo=UTC).timestamp())
    assert local_day(evening) == date(2026, 9, 25) and local_day(evening - 1) == date(2026, 9, 24)
    assert local_text(evening) == "2026-09-25T00:00:00+08:00"
    assert end_of_day(date(2026, 9, 24)) == evening


@given(st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_the_document_says_what_the_package_says(day: date) -> None:
    assert CALENDAR.is_working_day(day) == chinese_calendar.is_workday(day)


@given(st.dates(date(2024, 1, 1), date(2026, 8, 31)), st.integers(1, 60))
def test_counting(start: date, days: int) -> None:
    last = CALENDAR.add_working_days(start, days)
    between = [start + timedelta(days=n) for n in range(1, (last - start).days + 1)]
    assert sum(map(CALENDAR.is_working_day, between)) == days and CALENDAR.is_working_day(last)


def test_beyond_the_known_years_only_weekends_count_and_it_is_provisional() -> None:
    found = deadline(at("2026-12-25T12:00:00"), 10, CALENDAR)
    assert found.provisional and local_day(found.due - 1) == date(2027, 1, 8)
    assert not CALENDAR.is_working_day(date(2027, 1, 2)) and CALENDAR.is_working_day(date(2027, 1, 1))
    assert deadline(at("2023-12-29T12:00:00"), 3, CALENDAR).provisional


def test_terms_of_no_days_and_of_years() -> None:
    assert CALENDAR.add_working_days(date(2026, 9, 28), 0) == date(2026, 9, 28)
    assert CALENDAR.add_working_days(date(2026, 10, 1), 0) == date(2026, 10, 8)
    kept = use_record_deadline(at("2024-02-29T10:00:00"), CALENDAR, PROFILE)
    assert local_day(kept.due - 1) == date(2027, 3, 1) and kept.provisional  # 2027-02-28 is a Sunday


def test_the_national_calendar_is_the_same_for_everyone() -> None:
    document = national_calendar()
    assert document == Document.parse(document.body) and document["last_year"] == 2026
    assert "2026-10-10" in document["workdays"] and "2026-09-25" in document["holidays"]


def test_wrong_calendars() -> None:
    day = date(2026, 1, 1)
    with pytest.raises(InvalidDocument, match="twice"):
        calendar_document("x", "y", 2026, 2026, [day], [day])
    with pytest.raises(InvalidDocument, match="outside"):
        calendar_document("x", "y", 2027, 2027, [day], [])
    with pytest.raises(InvalidDocument, match="not a calendar"):
        Calendar.from_document(national_profile())


def test_profiles_may_only_be_tighter() -> None:
    tight = profile_document("city", {Clock.REPLY_CONDITIONAL: Limit(Clock.REPLY_CONDITIONAL, "21", 5, 10)})
    assert Profile.from_document(tight).limits[Clock.REPLY_CONDITIONAL].working_days == 5
    assert Profile.from_document(tight).limits[Clock.DELIVER] == NATIONAL_LIMITS[Clock.DELIVER]
    for limit in (
        Limit(Clock.DELIVER, "22", 21),
        Limit(Clock.DELIVER, "22", 20, 1),
        Limit(Clock.USE_RECORDS, "29", 0, years=2),
    ):
        with pytest.raises(InvalidDocument, match="looser"):
            profile_document("loose", {limit.clock: limit})
    rows = national_profile()["limits"]
    for limits, said in (
        (rows[1:], "no limit for catalogue-submit"),
        ([*rows, rows[0]], "twice"),
        ([*rows, {**rows[0], "clock": "tea"}], "no clock"),
    ):
        with pytest.raises(InvalidDocument, match=said):
            Profile.from_document(Document.make("profile", name="x", limits=limits, restart_after_supplement=False))
    with pytest.raises(InvalidDocument, match="not a profile"):
        Profile.from_document(national_calendar())


def test_the_clocks_of_a_share() -> None:
    told = story()
    state = told.world.state

    def clocks(now: int, profile: Profile = PROFILE) -> tuple[tuple[str, int | None, bool], ...]:
        share, revision = state.get(Share, told.share), state.get(Revision, told.submitted.digest)
        assert share is not None and revision is not None
        found = share_clocks(share, revision, CALENDAR, profile, now)
        assert all(reading.owed_by == "stats" for reading in found)
        return tuple((reading.clock.value, reading.answered, reading.late) for reading in found)

    due = deadline(told.requested.time, 10, CALENDAR).due
    assert clocks(due) == (("reply-conditional", None, False),)
    assert clocks(due + 1) == (("reply-conditional", None, True),)
    told.move("ExtendReply", "county-lead", working_days=200)
    extended = deadline(told.requested.time, 20, CALENDAR).due
    assert clocks(extended) == (("reply-conditional", None, False),)
    assert clocks(extended + 1) == (("reply-conditional", None, True),)
    told.move("AskSupplement", "stats-officer")
    told.world.now += 5 * DAY
    supplied = told.move("SupplyMaterials", "fund-officer")
    restarting = Profile.from_document(profile_document("city", {}, restart_after_supplement=True))
    later = deadline(supplied.time, 20, CALENDAR).due
    assert later > extended
    assert clocks(later) == (("reply-conditional", None, True),)
    assert clocks(later, restarting) == (("reply-conditional", None, False),)
    agreed = told.agree(until=told.world.now + 100)
    delivery_due = deadline(agreed.time, 20, CALENDAR).due
    assert clocks(delivery_due + 1) == (("reply-conditional", agreed.time, False), ("deliver", None, True))
    delivered = told.move("DeliverShare", "stats-officer", version=told.version.digest, method=1)
    assert clocks(delivery_due + 1)[1] == ("deliver", delivered.time, False)


def test_the_other_clocks() -> None:
    open_item = story(share_type=1, conditions="00" * 32)
    state = open_item.world.state
    share, revision = state.get(Share, open_item.share), state.get(Revision, open_item.submitted.digest)
    assert share is not None and revision is not None
    (reply,) = share_clocks(share, revision, CALENDAR, PROFILE, share.requested_time)
    assert reply.clock == "reply-unconditional" and reply.article == "21"
    published = publication_clock(revision, "county", open_item.published.time, CALENDAR, PROFILE, 2**40)
    assert published.owed_by == "county" and not published.late
    assert publication_clock(revision, "county", None, CALENDAR, PROFILE, published.deadline.due + 1).late
    open_item.agree()
    asked = open_item.world.do(
        "RequestCorrection", "fund-officer", share=open_item.share, prior=open_item.version.digest
    )
    correction = state.get(Correction, asked.digest)
    assert correction is not None
    reading = correction_clock(correction, CALENDAR, PROFILE, asked.time)
    assert reading.owed_by == "stats" and not reading.late
    assert correction_clock(correction, CALENDAR, PROFILE, reading.deadline.due + 1).late


def test_a_withdrawn_request_and_a_refusal_owe_nothing() -> None:
    for name, by in (("WithdrawRequest", "fund-lead"), ("RefuseShare", "stats-lead")):
        told = story()
        told.move(name, by)
        share = told.world.state.get(Share, told.share)
        revision = told.world.state.get(Revision, told.submitted.digest)
        assert share is not None and revision is not None
        (reading,) = share_clocks(share, revision, CALENDAR, PROFILE, 2**40)
        assert reading.answered == told.world.now and not reading.late
