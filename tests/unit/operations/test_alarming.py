"""An alarm is raised once and cleared once, and a look says neither more nor less than it saw."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog

from ledger.domain.submissions import SubmissionState
from ledger.ports import Block, Cursor, Lease, Waiting
from ledger.services.alarming import ALARMS, Alarms
from ledger.services.vitals import INSIDE, Lag, Limits, Vitals, troubles
from ledger.telemetry import ALARM
from tests.fakes.small import FakeClock

NOW = 1_800_000_000
LIMITS = Limits(
    node_seconds=1, lag_seconds=10, lag_blocks=100, waiting_seconds=60, disk_bytes=1 << 29, clock_seconds=15
)
WELL = Vitals(
    now=NOW,
    node_block=9,
    node_time=NOW - 3,
    cursor=Cursor(Block(9, "0x09"), 4, "aa" * 32),
    waiting={SubmissionState.QUEUED: Waiting(2, (NOW - 5) * 1000)},
    lease=Lease("us", 1, (NOW + 4) * 1000),
    disk={"home": 1 << 30},
)


@pytest.fixture
def said() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def up(seen: Vitals) -> dict[str, str]:
    return {code: detail for code, detail in troubles(seen, LIMITS).items() if detail is not None}


def test_told_again_and_again_it_is_logged_twice_in_all(said: list[Any]) -> None:
    clock = FakeClock(NOW)
    alarms = Alarms(clock.now)
    for detail in ("no node answers", "no node answers", "still none"):
        alarms.tell("node_gone", detail)
        clock.time += 1
    assert ALARM.labels("node_gone")._value.get() == 1
    (raised,) = alarms.up()
    assert (raised.since, raised.detail) == (NOW, "still none")
    alarms.tell("node_gone", None)
    alarms.tell("node_gone", None)
    assert [line["event"] for line in said] == ["alarm_raised", "alarm_cleared"]
    assert said[1]["seconds"] == 3 and alarms.up() == [] and ALARM.labels("node_gone")._value.get() == 0


def test_some_must_be_told_twice_in_a_row(said: list[Any]) -> None:
    alarms = Alarms(FakeClock(NOW).now)
    for detail in ("nobody", None, "nobody"):
        alarms.tell("submitter_missing", detail)
    assert alarms.up() == []
    alarms.tell("submitter_missing", "nobody")
    assert [one.alarm.code for one in alarms.up()] == ["submitter_missing"] and len(said) == 1


def test_what_stops_us_comes_first_and_causes_before_effects() -> None:
    alarms = Alarms(FakeClock(NOW).now)
    for code in ("clock_behind", "loop_failing", "node_gone"):
        alarms.tell(code, "wrong")
    assert [one.alarm.code for one in alarms.up()] == ["node_gone", "loop_failing", "clock_behind"]
    stops = [alarm.stops for alarm in ALARMS.values()]
    assert stops == sorted(stops, reverse=True)


def test_an_alarm_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Alarms(FakeClock(NOW).now).tell("node_sad", "no")


def test_each_is_worded_in_both_languages() -> None:
    for alarm in ALARMS.values():
        assert all(ord(letter) < 128 for letter in alarm.title + alarm.remedy), alarm.code
        assert any("\u4e00" <= letter <= "\u9fff" for letter in alarm.title_zh), alarm.code
        assert any("\u4e00" <= letter <= "\u9fff" for letter in alarm.remedy_zh), alarm.code
    assert ALARMS.keys() >= INSIDE


def test_a_healthy_look_clears_everything_it_can_judge() -> None:
    assert up(WELL) == {}
    told_by_others = {"nodes_disagree", "comparison_missing"}
    assert ALARMS.keys() - told_by_others == troubles(WELL, LIMITS).keys()


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("node_gone", {"node_error": "no node answers", "node_silence": 1.2, "node_block": None}),
        ("node_diverged", {"diverged": "block 7"}),
        ("nodes_disagree", {"disagree": "block 7"}),
        ("local_chain_stopped", {"chain_failure": "damaged"}),
        ("loop_failing", {"trouble": {"follower": "why"}}),
        ("follower_lagging", {"lag_seconds": 10.0}),
        ("follower_lagging", {"lag_blocks": 100}),
        ("queue_stalled", {"waiting": {SubmissionState.SENT: Waiting(1, (NOW - 60) * 1000)}}),
        ("submitter_missing", {"lease": None}),
        ("submitter_missing", {"lease": Lease("us", 1, NOW * 1000 - 1)}),
        ("database_gone", {"database_error": "gone", "cursor": None, "waiting": None, "lease": None}),
        ("disk_nearly_full", {"disk": {"home": 1 << 30, "payloads": (1 << 29) - 1}}),
        ("clock_behind", {"node_time": NOW + 15}),
        ("node_failing_over", {"using": "http://second"}),
    ],
)
def test_each_trouble_makes_its_alarm_and_no_other(code: str, change: dict[str, Any]) -> None:
    assert list(up(replace(WELL, **change))) == [code]


def test_a_node_that_was_silent_for_a_moment_is_not_gone() -> None:
    assert up(replace(WELL, node_error="no node answers", node_silence=0.5, node_block=None)) == {}


def test_returned_acts_wait_for_people() -> None:
    assert up(replace(WELL, waiting={SubmissionState.RETURNED: Waiting(3, 0)})) == {}


def test_without_an_answer_nothing_is_said_of_what_it_would_tell() -> None:
    blind = replace(WELL, database_error="gone", cursor=None, waiting=None, lease=None, node_block=None)
    left_alone = {"follower_lagging", "queue_stalled", "submitter_missing"}
    assert not left_alone & troubles(blind, LIMITS).keys()


def test_lag_is_the_age_of_the_oldest_block_that_is_not_followed() -> None:
    lag = Lag()
    assert lag.look(final=5, followed=5, monotonic=0) == 0
    assert lag.look(final=6, followed=5, monotonic=1) == 0
    assert lag.look(final=9, followed=5, monotonic=3) == 2
    assert lag.look(final=12, followed=8, monotonic=4) == 1, "it moves on, if always behind"
    assert lag.look(final=12, followed=8, monotonic=9) == 6
    assert lag.look(final=12, followed=12, monotonic=10) == 0
    assert lag.look(final=3, followed=12, monotonic=11) == 0, "a node that is behind us"
