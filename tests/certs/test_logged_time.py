"""The time of the register decides, not the time that an issuer states: each condition a second before, at, after."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from simulator import World

from certs.institution import EventKind

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)
"""The start of 20 November in China."""
STATED = MIDNIGHT - 2 * SECOND
"""What the issuer states: the day before, so that by his word everything would be in order."""
THAT_DAY = date(2026, 11, 20)
ALLOWED = ("valid", "in_force")


def ended(world: World, code: str, logged_at: datetime, assessed_on: date = date(2026, 10, 20)) -> tuple[str, str]:
    """The end of a certificate that states the second before last of a day and was logged at a time."""
    made = world.verify(world.issue(code, issued_at=STATED, logged_at=logged_at, assessed_on=assessed_on))
    return made.verdict.value, made.deciding.code


@pytest.mark.parametrize(("off", "is_allowed"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize(
    ("kind", "code"),
    [(EventKind.SUSPEND, "institution_suspended_at_issue"), (EventKind.REMOVE, "institution_removed")],
)
def test_a_suspended_or_removed_institution_has_nothing_logged_from_midnight_in_china(
    kind: EventKind, code: str, off: int, is_allowed: bool
) -> None:
    world = World()
    institution = world.institution()
    world.institution_event(institution, kind, THAT_DAY)
    expected = ALLOWED if is_allowed else ("not_genuine", code)
    assert ended(world, institution, MIDNIGHT + off * SECOND) == expected


@pytest.mark.parametrize(("off", "is_allowed"), [(-1, False), (0, True), (1, True)])
def test_a_scope_must_have_been_granted_when_the_certificate_was_logged(off: int, is_allowed: bool) -> None:
    """A grant of today that says ``valid_from`` last year makes nothing legitimate that was logged before it."""
    world = World()
    institution = world.institution(scopes=(world.scope(granted_at=MIDNIGHT),))
    expected = ALLOWED if is_allowed else ("not_genuine", "granted_after_issue")
    assert ended(world, institution, MIDNIGHT + off * SECOND) == expected


@pytest.mark.parametrize(("off", "is_allowed"), [(-1, True), (0, False), (1, False)])
def test_the_window_after_the_assessment_ends_in_the_register(off: int, is_allowed: bool) -> None:
    world = World()
    last_day_before = THAT_DAY - 181 * DAY
    expected = ALLOWED if is_allowed else ("not_genuine", "assessment_too_old")
    assert ended(world, world.institution(), MIDNIGHT + off * SECOND, last_day_before) == expected


@pytest.mark.parametrize(("off", "is_allowed"), [(-1, False), (0, True), (1, True)])
def test_what_is_assessed_lies_before_what_is_stated_and_not_only_before_the_entry(off: int, is_allowed: bool) -> None:
    """Here the issuer's own word binds him: a later entry does not heal an earlier statement."""
    world = World()
    stated = MIDNIGHT + off * SECOND
    text = world.issue(
        world.institution(), issued_at=stated, logged_at=MIDNIGHT + 2 * SECOND, assessed_on=THAT_DAY
    )
    made = world.verify(text)
    expected = ALLOWED if is_allowed else ("not_genuine", "assessed_after_issue")
    assert (made.verdict.value, made.deciding.code) == expected
