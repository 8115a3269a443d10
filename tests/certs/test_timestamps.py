"""Instants and days: China's day, the ends of the calendar, and what is read and written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.timestamps import (
    LATEST_EPOCH_SECOND,
    day_after_end,
    day_from_epoch,
    day_start,
    epoch_days,
    epoch_seconds,
    format_instant,
    format_zh_day,
    instant_from_epoch,
    parse_instant,
    shanghai_day,
)

SECOND = timedelta(seconds=1)
instants = st.integers(0, LATEST_EPOCH_SECOND).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
days = st.dates(date(1970, 1, 2), date(9999, 12, 30))


@given(days)
def test_a_day_starts_and_ends_at_midnight_in_china(day: date) -> None:
    start, end = day_start(day), day_after_end(day)
    assert start.utcoffset() == timedelta(0)
    assert end - start == timedelta(days=1)
    assert [shanghai_day(start - SECOND), shanghai_day(start)] == [day - timedelta(days=1), day]
    assert [shanghai_day(end - SECOND), shanghai_day(end)] == [day, day + timedelta(days=1)]


@given(st.integers(694_224_000, LATEST_EPOCH_SECOND))
def test_the_fixed_offset_is_china_s_zone_since_1992(seconds: int) -> None:
    instant = instant_from_epoch(seconds)
    assert shanghai_day(instant) == instant.astimezone(ZoneInfo("Asia/Shanghai")).date()


@given(instants, st.integers(-14 * 60, 14 * 60))
def test_the_zone_in_which_an_instant_is_written_does_not_matter(instant: datetime, minutes: int) -> None:
    if minutes and instant.year < 9999:
        there = instant.astimezone(timezone(timedelta(minutes=minutes)))
        assert shanghai_day(there) == shanghai_day(instant)
        assert format_instant(there) == format_instant(instant)
        assert epoch_seconds(there) == epoch_seconds(instant)


@given(instants)
def test_instants_survive_seconds_and_text(instant: datetime) -> None:
    assert instant_from_epoch(epoch_seconds(instant)) == instant
    assert parse_instant(format_instant(instant)) == instant


@given(days)
def test_days_survive_their_count(day: date) -> None:
    assert day_from_epoch(epoch_days(day)) == day
    assert format_zh_day(day) == f"{day.year}年{day.month}月{day.day}日"


def test_fractions_of_a_second_are_cut() -> None:
    instant = datetime(2026, 11, 20, 6, 0, 0, 999_999, tzinfo=UTC)
    assert epoch_seconds(instant) == epoch_seconds(instant.replace(microsecond=0))
    assert format_instant(instant) == "2026-11-20T14:00:00+08:00"


@pytest.mark.parametrize(
    "seconds", [LATEST_EPOCH_SECOND + 1, 253_402_300_799, 10**18, 10**20, 1e300, float("inf"), float("nan"), -(10**12)]
)
def test_an_instant_without_a_day_in_china_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="calendar"):
        instant_from_epoch(seconds)


def test_the_last_second_has_a_day_and_can_be_written() -> None:
    last = instant_from_epoch(LATEST_EPOCH_SECOND)
    assert shanghai_day(last) == date(9999, 12, 31)
    assert format_instant(last) == "9999-12-31T23:59:59+08:00"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20T14:00:00+08:00", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("2026-11-20T06:00:00Z", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("2026-11-20T14:00:00", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("2026-11-20 14:00", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 19, 16, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_china_s(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).utcoffset() == timedelta(0)


NO_TIME = ["", "now", "2026-02-30", "2026-11-20T25:00", "1e9"]
PAST_THE_CALENDAR = ["0001-01-01", "9999-12-31T23:59:59-12:00", "9999-12-31T16:00:00Z"]


@pytest.mark.parametrize("text", NO_TIME + PAST_THE_CALENDAR)
def test_what_is_no_time_or_lies_past_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)
