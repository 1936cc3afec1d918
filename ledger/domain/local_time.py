"""Time as the law counts it: days of Asia/Shanghai, which has kept +08:00 without summer time since 1991."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
ONE_DAY: Final = timedelta(days=1)


def local_day(seconds: int) -> date:
    """The day of a time in unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(SHANGHAI).date()


def end_of_day(day: date) -> int:
    """24:00 of the day, in unix seconds."""
    return int(datetime.combine(day + ONE_DAY, time.min, SHANGHAI).timestamp())


def local_text(seconds: int) -> str:
    """ISO 8601 with +08:00; beyond the year 9999 the number itself."""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone(SHANGHAI).isoformat()
    except (OverflowError, ValueError, OSError):
        return str(seconds)
