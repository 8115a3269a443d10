"""Instants and days. An instant is an aware UTC ``datetime``; a day is a ``date`` in China, inclusive.

China has used one fixed offset since 1991, so the zone is a constant and needs no zone database.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
EPOCH_DAY = date(1970, 1, 1)
_EPOCH_ORDINAL = EPOCH_DAY.toordinal()
_FROM_UTC = timedelta(hours=8)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
LATEST_EPOCH_SECOND = 253_402_271_999
"""9999-12-31T23:59:59+08:00: a later instant has no day in China."""
_EARLIEST_EPOCH_SECOND = -62_135_596_800


def shanghai_day(instant: datetime) -> date:
    """The day in China at this instant."""
    return (instant + _FROM_UTC).date() if instant.tzinfo is UTC else instant.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """The first instant of a day in China, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def day_after_end(day: date) -> datetime:
    """The first instant after a day in China, in UTC: a day includes its last moment."""
    return day_start(day) + timedelta(days=1)


def epoch_days(day: date) -> int:
    """Days since 1970-01-01 (the meaning of RFC 8943 tag 100)."""
    return (day - EPOCH_DAY).days


def day_from_epoch(days: int) -> date:
    """The day so many days after 1970-01-01. Raises ValueError past the calendar."""
    return date.fromordinal(_EPOCH_ORDINAL + days)


def epoch_seconds(instant: datetime) -> int:
    """Whole seconds since the Unix epoch, rounded down."""
    return int(instant.timestamp() // 1)


def instant_from_epoch(seconds: int) -> datetime:
    """The instant so many seconds after the Unix epoch. Raises ValueError where it has no day in China's calendar."""
    if not _EARLIEST_EPOCH_SECOND <= seconds <= LATEST_EPOCH_SECOND:
        raise ValueError("outside the calendar")
    return datetime.fromtimestamp(seconds, UTC)


def ms_of(instant: datetime) -> int:
    """Whole milliseconds since the Unix epoch, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def instant_from_ms(milliseconds: int) -> datetime:
    """The instant so many milliseconds after the Unix epoch. Raises OverflowError past the calendar."""
    return _EPOCH + milliseconds * _MILLISECOND


def format_instant(instant: datetime) -> str:
    """ISO 8601 with China's offset, to the second: ``2026-11-20T14:02:33+08:00``."""
    return _format_second(instant.replace(microsecond=0))


@lru_cache(maxsize=4096)
def _format_second(second: datetime) -> str:
    """Kept, because many answers are given within a second, and up to a thousand certificates are issued in one."""
    return second.astimezone(SHANGHAI).isoformat()


@lru_cache(maxsize=4096)
def format_minute(instant: datetime) -> str:
    """``2026-05-20 10:11``: China's time to the minute, for a sentence.

    Kept, because up to a thousand certificates are logged at the same instant.
    """
    return str(instant.astimezone(SHANGHAI))[:16]


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant with offset, without one China's. Raises ValueError, also past the calendar."""
    parsed = datetime.fromisoformat(text)
    try:
        instant = (parsed if parsed.tzinfo else parsed.replace(tzinfo=SHANGHAI)).astimezone(UTC)
        shanghai_day(instant)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error
    return instant


def format_zh_day(day: date) -> str:
    """``2026年11月20日``, as running Chinese text writes a day."""
    return f"{day.year}年{day.month}月{day.day}日"
