"""Values of query parameters; an empty one is the same as none."""

from __future__ import annotations

from datetime import date, datetime

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.timestamps import day_after_end, parse_instant, shanghai_day

_SHOWN = 32
"""How much of a wrong value an error repeats."""


def day_of(text: str | None) -> date | None:
    """A day written ``2026-11-20``. Raises KezhengError ``day_invalid``."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise KezhengError("day_invalid", value=text[:_SHOWN]) from error


def past_day_of(text: str | None, today: date) -> date:
    """A day up to today, which is meant by none. Raises KezhengError ``day_invalid``, ``time_in_future``."""
    day = day_of(text) or today
    if day > today:
        raise KezhengError("time_in_future")
    return day


def past_instant_of(text: str | None, now: datetime) -> datetime:
    """The time to judge for: an instant up to now; now when none is given; of a day, its end, at most now.

    Raises KezhengError ``time_invalid`` or ``time_in_future``.
    """
    if not text:
        return now
    try:
        instant = parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise KezhengError("time_invalid", value=text[:_SHOWN]) from error
    if instant > now:
        raise KezhengError("time_in_future")
    is_day = len(text) == len("2026-11-20")
    return min(day_after_end(shanghai_day(instant)), now) if is_day else instant


def kind_of(text: str | None) -> CertificateKind | None:
    """``assessment`` or ``training``. Raises KezhengError ``kind_invalid``."""
    try:
        return CertificateKind(text) if text else None
    except ValueError as error:
        raise KezhengError("kind_invalid") from error


def grade_of(text: str | None) -> Grade | None:
    """``junior``, ``intermediate`` or ``senior``. Raises KezhengError ``grade_invalid``."""
    try:
        return Grade(text) if text else None
    except ValueError as error:
        raise KezhengError("grade_invalid", value=text[:_SHOWN] if text else "") from error
