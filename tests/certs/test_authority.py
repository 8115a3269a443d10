"""Authority: each condition a second before, at and after its boundary, which lies at midnight in China."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import DIRECTION, OCCUPATION, World

from certs.authority import (
    AUTHORISED,
    COUNTED_TO_FIRST_ISSUE,
    AuthorityFinding,
    AuthorityLimits,
    Subject,
    judge_authority,
    scope_fault,
)
from certs.grades import CertificateKind, Grade
from certs.institution import EventKind, InstitutionEvent, InstitutionRecord
from certs.timestamps import day_start
from certs.wording import all_codes

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LIMITS = AuthorityLimits()
ASSESSED = date(2026, 6, 10)
ISSUED = datetime(2026, 7, 1, 4, tzinfo=UTC)
SUBJECT = Subject(CertificateKind.ASSESSMENT, OCCUPATION, DIRECTION, Grade.INTERMEDIATE, None, ASSESSED)
RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


def listed(*events: tuple[EventKind, date], **scope: object) -> InstitutionRecord:
    """An institution with one scope and these events, recorded in this order."""
    world = World()
    code = world.institution(scopes=(world.scope(**scope),))
    made = [InstitutionEvent(kind, on, "x", RECORDED + place * SECOND) for place, (kind, on) in enumerate(events)]
    return replace(world.institutions[code], events=tuple(made))


def judged(record: InstitutionRecord, issued: datetime = ISSUED, first: date | None = None, **subject: object) -> str:
    """The code of the judgement, with a star when it falls in the run-off."""
    found = judge_authority(record, SUBJECT._replace(**subject), issued, LIMITS, first)
    return found.code + "*" * found.in_run_off


OK = AUTHORISED
RUN_OFF = AUTHORISED + "*"


def test_an_ordinary_case_is_entitled() -> None:
    assert judged(listed()) == OK
    assert AuthorityFinding(OK).passed
    assert not AuthorityFinding("scope_ended").passed


# --- what the scope covers


@pytest.mark.parametrize(
    ("scope", "subject", "code"),
    [
        ({}, {"kind": CertificateKind.TRAINING}, "wrong_kind_of_institution"),
        ({}, {"occupation": "2-02-38-01"}, "occupation_out_of_scope"),
        ({"directions": frozenset({"智能生产管控"})}, {}, "direction_out_of_scope"),
        ({"directions": frozenset({"智能生产管控"})}, {"direction": None}, "direction_out_of_scope"),
        ({"directions": frozenset({DIRECTION})}, {}, OK),
        ({"directions": frozenset({DIRECTION})}, {"direction": DIRECTION + "方向"}, "direction_out_of_scope"),
        ({"directions": frozenset()}, {}, "direction_out_of_scope"),
        ({"directions": None}, {"direction": "任何文字"}, OK),
        ({"grades": frozenset({Grade.JUNIOR})}, {}, "grade_out_of_scope"),
        ({"grades": frozenset()}, {}, "grade_out_of_scope"),
        ({"regions": frozenset({"1502"})}, {"region": "150100"}, "region_out_of_scope"),
        ({"regions": frozenset({"1501"})}, {"region": "150100"}, OK),
        ({"regions": frozenset({"15"})}, {"region": "150100"}, OK),
        ({"regions": frozenset({"1502", "1501"})}, {"region": "150100"}, OK),
        ({"regions": frozenset()}, {"region": "150100"}, "region_out_of_scope"),
        ({"regions": frozenset({"1502"})}, {"region": None}, OK),
    ],
)
def test_a_scope_covers_what_it_names(scope: dict[str, object], subject: dict[str, object], code: str) -> None:
    assert judged(listed(**scope), **subject) == code


def test_the_nearest_miss_is_named() -> None:
    world = World()
    other_direction = world.scope(directions=frozenset({"智能生产管控"}))
    other_grade = world.scope(grades=frozenset({Grade.SENIOR}))
    record = listed()
    assert judged(replace(record, scopes=(other_direction,))) == "direction_out_of_scope"
    assert judged(replace(record, scopes=(other_direction, other_grade))) == "grade_out_of_scope"
    assert judged(replace(record, scopes=())) == "occupation_out_of_scope"


def test_parts_of_two_scopes_never_add_up_to_one() -> None:
    world = World()
    scopes = (
        world.scope(directions=frozenset({DIRECTION}), grades=frozenset({Grade.SENIOR})),
        world.scope(directions=frozenset({"智能生产管控"})),
    )
    assert judged(replace(listed(), scopes=scopes)) == "grade_out_of_scope"


def test_the_period_of_one_scope_is_not_lent_to_another() -> None:
    world = World()
    scopes = (
        world.scope(grades=frozenset({Grade.INTERMEDIATE}), valid_to=ASSESSED - DAY),
        world.scope(grades=frozenset({Grade.SENIOR})),
    )
    assert judged(replace(listed(), scopes=scopes)) == "scope_ended"


# --- when it covers it: days of the assessment


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ({"valid_from": ASSESSED + DAY}, "scope_not_started"),
        ({"valid_from": ASSESSED}, OK),
        ({"valid_from": ASSESSED - DAY}, OK),
        ({"valid_to": ASSESSED - DAY}, "scope_ended"),
        ({"valid_to": ASSESSED}, RUN_OFF),
        ({"valid_to": None}, OK),
    ],
)
def test_a_scope_covers_its_days_with_both_ends(scope: dict[str, object], code: str) -> None:
    assert judged(listed(**scope)) == code


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([(EventKind.SUSPEND, ASSESSED + DAY), (EventKind.REINSTATE, ASSESSED + 2 * DAY)], OK),
        ([(EventKind.SUSPEND, ASSESSED), (EventKind.REINSTATE, ASSESSED + DAY)], "institution_suspended"),
        ([(EventKind.SUSPEND, ASSESSED - DAY), (EventKind.REINSTATE, ASSESSED + DAY)], "institution_suspended"),
        ([(EventKind.SUSPEND, ASSESSED - DAY), (EventKind.REINSTATE, ASSESSED)], OK),
        ([(EventKind.SUSPEND, ASSESSED), (EventKind.REINSTATE, ASSESSED)], OK),
        ([(EventKind.WITHDRAW, ASSESSED + DAY)], RUN_OFF),
        ([(EventKind.WITHDRAW, ASSESSED)], "scope_ended"),
        ([(EventKind.REMOVE, ASSESSED)], "institution_removed"),
        ([(EventKind.REMOVE, ASSESSED - DAY)], "institution_removed"),
        ([(EventKind.WITHDRAW, ASSESSED - DAY), (EventKind.REMOVE, ASSESSED)], "scope_ended"),
        ([(EventKind.WITHDRAW, ASSESSED + DAY), (EventKind.REMOVE, ASSESSED - DAY)], "institution_removed"),
    ],
)
def test_the_listing_is_judged_on_the_day_of_the_assessment(events: list[tuple[EventKind, date]], code: str) -> None:
    assert judged(listed(*events)) == code


# --- when it was issued: instants, whose day changes at midnight +08:00


def test_midnight_in_china_is_sixteen_hours_utc() -> None:
    assert day_start(date(2026, 7, 1)) == datetime(2026, 6, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize(("off", "code"), [(-1, "assessed_after_issue"), (0, OK), (1, OK)])
def test_nothing_is_issued_before_the_day_of_the_assessment(off: int, code: str) -> None:
    assert judged(listed(), day_start(ASSESSED) + off * SECOND) == code


@pytest.mark.parametrize(("off", "code"), [(-1, OK), (0, "assessment_too_old"), (1, "assessment_too_old")])
def test_the_window_ends_with_its_hundred_and_eightieth_day(off: int, code: str) -> None:
    assert judged(listed(), day_start(ASSESSED + 181 * DAY) + off * SECOND) == code


@pytest.mark.parametrize(("off", "code"), [(-1, OK), (0, "institution_removed"), (1, "institution_removed")])
def test_a_removed_institution_issues_nothing_from_that_day(off: int, code: str) -> None:
    removed = date(2026, 7, 1)
    assert judged(listed((EventKind.REMOVE, removed)), day_start(removed) + off * SECOND) == code


@pytest.mark.parametrize(
    ("day", "off", "code"),
    [
        (1, -1, OK),
        (1, 0, "institution_suspended_at_issue"),
        (1, 1, "institution_suspended_at_issue"),
        (5, -1, "institution_suspended_at_issue"),
        (5, 0, OK),
        (5, 1, OK),
    ],
)
def test_a_suspended_institution_issues_nothing_until_its_reinstatement(day: int, off: int, code: str) -> None:
    record = listed((EventKind.SUSPEND, date(2026, 7, 1)), (EventKind.REINSTATE, date(2026, 7, 5)))
    assert judged(record, day_start(date(2026, 7, day)) + off * SECOND) == code


@pytest.mark.parametrize(("off", "code"), [(-1, "granted_after_issue"), (0, OK), (1, OK)])
def test_a_grant_never_reaches_back(off: int, code: str) -> None:
    assert judged(listed(granted_at=ISSUED), ISSUED + off * SECOND) == code


def test_a_later_grant_does_not_spoil_an_earlier_one() -> None:
    world = World()
    early, late = world.scope(valid_to=date(2026, 6, 30)), world.scope(granted_at=ISSUED + SECOND)
    assert judged(replace(listed(), scopes=(early, late))) == RUN_OFF
    assert judged(replace(listed(), scopes=(late, early))) == RUN_OFF
    assert judged(replace(listed(), scopes=(late,))) == "granted_after_issue"


@pytest.mark.parametrize(
    ("days", "off", "code"),
    [
        (1, -1, OK),
        (1, 0, RUN_OFF),
        (1, 1, RUN_OFF),
        (61, -1, RUN_OFF),
        (61, 0, "run_off_ended"),
        (61, 1, "run_off_ended"),
    ],
)
@pytest.mark.parametrize("ended", ["by expiry", "by own wish"])
def test_after_the_last_listed_day_sixty_days_are_left(ended: str, days: int, off: int, code: str) -> None:
    last = date(2026, 6, 20)
    record = listed(valid_to=last) if ended == "by expiry" else listed((EventKind.WITHDRAW, last + DAY))
    assert judged(record, day_start(last + days * DAY) + off * SECOND) == code


def test_the_run_off_counts_from_whatever_ended_first() -> None:
    last = date(2026, 6, 20)
    issued = day_start(last + 61 * DAY)
    assert judged(listed((EventKind.WITHDRAW, last + 10 * DAY), valid_to=last), issued) == "run_off_ended"
    assert judged(listed((EventKind.WITHDRAW, last + DAY), valid_to=last + 10 * DAY), issued) == "run_off_ended"
    assert judged(listed((EventKind.WITHDRAW, last + 10 * DAY), valid_to=last + 10 * DAY), issued) == RUN_OFF


def test_the_scope_that_ends_last_counts() -> None:
    world = World()
    scopes = (world.scope(valid_to=date(2026, 6, 20)), world.scope(valid_to=date(2026, 12, 31)))
    assert judged(replace(listed(), scopes=scopes)) == OK
    assert judged(replace(listed(), scopes=(scopes[0], world.scope(valid_to=None)))) == OK


def test_a_withdrawal_does_not_shield_from_a_removal_in_the_run_off() -> None:
    record = listed((EventKind.WITHDRAW, date(2026, 6, 20)), (EventKind.REMOVE, date(2026, 7, 1)))
    assert judged(record, day_start(date(2026, 7, 1)) - SECOND) == RUN_OFF
    assert judged(record, day_start(date(2026, 7, 1))) == "institution_removed"


def test_the_end_of_the_calendar_is_an_open_end() -> None:
    assert judged(listed(valid_to=date.max)) == OK


# --- corrections: lengths count from the first issue, everything else from the correction

LATE = datetime(2027, 7, 1, 4, tzinfo=UTC)
FIRST = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("record", "alone", "corrected"),
    [
        (listed(), "assessment_too_old", OK),
        (listed(valid_to=date(2026, 6, 29)), "assessment_too_old", RUN_OFF),
        (listed(valid_to=date(2026, 6, 30)), "assessment_too_old", OK),
        (listed((EventKind.WITHDRAW, date(2026, 7, 1))), "assessment_too_old", OK),
        (listed((EventKind.REMOVE, date(2027, 1, 1))), "assessment_too_old", "institution_removed"),
        (listed((EventKind.SUSPEND, date(2027, 1, 1))), "assessment_too_old", "institution_suspended_at_issue"),
        (listed(granted_at=LATE + SECOND), "assessment_too_old", "granted_after_issue"),
        (listed(granted_at=LATE), "assessment_too_old", OK),
        (listed(valid_from=ASSESSED + DAY), "scope_not_started", "scope_not_started"),
    ],
)
def test_a_correction_keeps_the_day_of_the_first_issue(record: InstitutionRecord, alone: str, corrected: str) -> None:
    assert judged(record, LATE) == alone
    assert judged(record, LATE, FIRST) == corrected


def test_a_first_issue_never_lies_after_the_issue_nor_before_the_assessment() -> None:
    assert judged(listed(), ISSUED, date(2030, 1, 1)) == judged(listed(), ISSUED) == OK
    assert judged(listed(), LATE, date(2030, 1, 1)) == "assessment_too_old"
    assert judged(listed(), LATE, ASSESSED) == OK
    assert judged(listed(), LATE, ASSESSED - DAY) == "assessed_after_issue"


def test_a_first_issue_on_the_day_of_the_issue_changes_nothing() -> None:
    for record in (listed(), listed(valid_to=date(2026, 6, 20)), listed((EventKind.REMOVE, date(2026, 7, 1)))):
        assert judged(record, ISSUED, date(2026, 7, 1)) == judged(record, ISSUED)


# --- properties

kinds = st.sampled_from(EventKind)
days = st.integers(0, 400).map(lambda off: date(2026, 1, 1) + off * DAY)
records = st.builds(
    lambda events, start, end, granted: listed(*events, valid_from=start, valid_to=end, granted_at=granted),
    st.lists(st.tuples(kinds, days), max_size=3),
    days,
    st.none() | days,
    days.map(day_start),
)


@settings(max_examples=300)
@given(records, days.map(day_start), st.none() | days)
def test_a_first_issue_lifts_only_lengths(record: InstitutionRecord, issued: datetime, first: date | None) -> None:
    alone, with_first = judged(record, issued), judged(record, issued, first)
    if not alone.startswith(OK) and with_first.startswith(OK):
        assert alone in COUNTED_TO_FIRST_ISSUE


@settings(max_examples=300)
@given(records, days.map(day_start))
def test_who_is_entitled_was_listed_on_the_day_of_the_assessment(record: InstitutionRecord, issued: datetime) -> None:
    code = judged(record, issued)
    if code.startswith(OK):
        assert record.listed_on(ASSESSED)
        assert scope_fault(record, SUBJECT) is None
    if scope_fault(record, SUBJECT) is not None:
        assert code == scope_fault(record, SUBJECT)
    assert code.removesuffix("*") in all_codes("reason")


@settings(max_examples=100)
@given(records, days.map(day_start))
def test_what_is_kept_of_one_record_is_not_taken_for_another(record: InstitutionRecord, issued: datetime) -> None:
    before = judged(record, issued)
    assert judged(replace(record, scopes=()), issued).startswith(("occupation_out", "institution_", "scope_ended"))
    assert judged(record, issued) == before
