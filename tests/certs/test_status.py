"""Status as dated events: what holds at a time, from everything known now, and which change may follow which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.status import FINAL_STATES, VALID, State, StatusEvent, check_change, status_at

SECOND = timedelta(seconds=1)
OPEN = None


def march(day: int, second: int = 0) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC) + second * SECOND


def event(
    state: State,
    effective: datetime,
    *,
    until: datetime | None = None,
    recorded: datetime | None = None,
    void: bool = False,
    successor: str | None = None,
) -> StatusEvent:
    return StatusEvent(state, effective, until, "under_review", void, successor, recorded or effective)


def suspended(start: int, end: int | None = None, *, recorded: int | None = None) -> StatusEvent:
    """Suspended from the start of a day in March until the start of another."""
    return event(
        State.SUSPENDED,
        march(start),
        until=None if end is None else march(end),
        recorded=None if recorded is None else march(recorded),
    )


def reinstated(day: int, *, recorded: int | None = None) -> StatusEvent:
    return event(State.VALID, march(day), recorded=None if recorded is None else march(recorded))


def revoked(day: int, *, void: bool = False, recorded: int | None = None) -> StatusEvent:
    return event(State.REVOKED, march(day), void=void, recorded=None if recorded is None else march(recorded))


CANCELLED = event(State.CANCELLED, march(10))
SUPERSEDED = event(State.SUPERSEDED, march(10), successor="P0001…")
EXPIRES = march(20)

V, S, R, C, X, P = State.VALID, State.SUSPENDED, State.REVOKED, State.CANCELLED, State.EXPIRED, State.SUPERSEDED

BITEMPORAL: list[tuple[str, list[StatusEvent], datetime | None, datetime, State]] = [
    ("nothing recorded", [], OPEN, march(10), V),
    ("before the end", [], EXPIRES, march(20, -1), V),
    ("at the end", [], EXPIRES, march(20), X),
    ("after the end", [], EXPIRES, march(20, 1), X),
    ("before a suspension", [suspended(10)], OPEN, march(10, -1), V),
    ("at a suspension", [suspended(10)], OPEN, march(10), S),
    ("a year into an open suspension", [suspended(10)], OPEN, march(10) + timedelta(days=365), S),
    ("a second before its end", [suspended(10, 15)], OPEN, march(15, -1), S),
    ("at its end", [suspended(10, 15)], OPEN, march(15), V),
    ("a second after its end", [suspended(10, 15)], OPEN, march(15, 1), V),
    ("March asked about in May", [suspended(1, 31)], OPEN, march(15), S),
    ("recorded later than asked about", [suspended(10, recorded=25)], OPEN, march(12), S),
    ("reinstated early", [suspended(10, 20), reinstated(12)], OPEN, march(12), V),
    ("before the reinstatement", [suspended(10, 20), reinstated(12)], OPEN, march(12, -1), S),
    ("reinstated and past its end", [suspended(10, 20), reinstated(12)], OPEN, march(20), V),
    ("suspended again", [suspended(10), reinstated(12), suspended(14)], OPEN, march(14), S),
    ("between two suspensions", [suspended(10), reinstated(12), suspended(14)], OPEN, march(13), V),
    ("reinstated at the second of its start", [suspended(10), reinstated(10)], OPEN, march(10), V),
    ("suspended again at once", [suspended(5), reinstated(10), suspended(10, recorded=11)], OPEN, march(10), S),
    ("a short one inside a long one, both run", [suspended(1, 31), suspended(5, 7)], OPEN, march(6), S),
    ("a short one lapsed, the long one runs on", [suspended(5, 7), suspended(1, 31, recorded=8)], OPEN, march(8), S),
    ("one that overlaps the next", [suspended(1, 10), suspended(8, 12)], OPEN, march(11), S),
    ("back-dated past a reinstatement", [suspended(1, 3), reinstated(2), suspended(1, recorded=9)], OPEN, march(9), S),
    ("a reinstatement lifts both that run", [suspended(1), suspended(5), reinstated(6)], OPEN, march(6), V),
    ("a reinstatement to come lifts nothing yet", [suspended(1), reinstated(20, recorded=2)], OPEN, march(19), S),
    ("a suspension to come", [suspended(20, recorded=2)], OPEN, march(19), V),
    ("expired while suspended", [suspended(10)], EXPIRES, march(20), X),
    ("suspended before the end", [suspended(10)], EXPIRES, march(20, -1), S),
    ("before a revocation", [revoked(10)], OPEN, march(10, -1), V),
    ("at a revocation", [revoked(10)], OPEN, march(10), R),
    ("long after a revocation", [revoked(10)], OPEN, march(30), R),
    ("void from the start, asked before", [revoked(10, void=True)], OPEN, march(1), R),
    ("void from the start, years before", [revoked(10, void=True)], OPEN, datetime(2021, 1, 1, tzinfo=UTC), R),
    ("back-dated, asked between effect and record", [revoked(5, recorded=25)], OPEN, march(6), R),
    ("revoked while suspended", [suspended(5), revoked(10)], OPEN, march(10), R),
    ("suspended, not yet revoked", [suspended(5), revoked(10)], OPEN, march(10, -1), S),
    ("revoked after the end", [revoked(25)], EXPIRES, march(25), R),
    ("ended, not yet revoked", [revoked(25)], EXPIRES, march(25, -1), X),
    ("void from the start and ended", [revoked(25, void=True)], EXPIRES, march(21), R),
    ("before a cancellation", [CANCELLED], OPEN, march(10, -1), V),
    ("at a cancellation", [CANCELLED], OPEN, march(10), C),
    ("before a succession", [SUPERSEDED], OPEN, march(10, -1), V),
    ("at a succession", [SUPERSEDED], OPEN, march(10), P),
    ("cancelled after reinstatement", [suspended(1), reinstated(5), CANCELLED], OPEN, march(10), C),
]
NAMES = [case[0] for case in BITEMPORAL]


@pytest.mark.parametrize(("events", "expires", "at", "state"), [case[1:] for case in BITEMPORAL], ids=NAMES)
def test_the_state_at_a_time_whatever_the_order_of_the_records(
    events: list[StatusEvent], expires: datetime | None, at: datetime, state: State
) -> None:
    for order in permutations(events):
        found = status_at(order, expires, at)
        assert found.state is state
        assert (found.event is None) == (state in (V, X))
        if state is X:
            assert (found.since, found.until) == (expires, None)
        elif found.event is not None:
            assert (found.since, found.until) == (found.event.effective_from, found.event.until)


def test_the_suspension_that_began_last_is_the_one_that_is_named() -> None:
    outer, inner = suspended(1, 31), suspended(5, 7)
    assert status_at([outer, inner], None, march(6)).event is inner
    assert status_at([inner, outer], None, march(8)).event is outer


def test_what_names_no_event_is_plainly_valid() -> None:
    assert status_at([], None, march(1)) is VALID


# --- which change may follow


def refusal(events: list[StatusEvent], new: StatusEvent, expires: datetime | None = None) -> str | None:
    try:
        check_change(events, expires, new)
    except KezhengError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("name", "events", "new", "code"),
    [
        ("suspend", [], suspended(10), None),
        ("suspend twice", [suspended(5)], suspended(10), "status_already_suspended"),
        ("suspend after its end", [suspended(5, 8)], suspended(10), None),
        ("suspend at its end", [suspended(5, 10)], suspended(10), None),
        ("suspend a second before its end", [suspended(5, 10)], event(S, march(10, -1)), "status_already_suspended"),
        ("reinstate", [suspended(5)], reinstated(10), None),
        ("reinstate what is valid", [], reinstated(10), "status_not_suspended"),
        ("reinstate after its end", [suspended(5, 8)], reinstated(10), "status_not_suspended"),
        ("reinstate before its start", [suspended(5)], reinstated(4), "status_not_suspended"),
        ("reinstate twice", [suspended(5), reinstated(6)], reinstated(7), "status_not_suspended"),
        ("revoke", [], revoked(10), None),
        ("revoke what is suspended", [suspended(5)], revoked(10), None),
        ("end before start", [], suspended(10, 9), "status_until_not_after_from"),
        ("end at start", [], suspended(10, 10), "status_until_not_after_from"),
        ("end a second after start", [], event(S, march(10), until=march(10, 1)), None),
        ("end of the calendar", [], event(S, march(10), until=datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC)), None),
        ("past it", [], event(S, march(10), until=datetime(9999, 12, 31, 16, tzinfo=UTC)), "status_until_too_late"),
    ],
)
def test_a_change_follows_what_is_recorded_or_is_refused(
    name: str, events: list[StatusEvent], new: StatusEvent, code: str | None
) -> None:
    assert refusal(events, new) == code, name


@pytest.mark.parametrize("final", [revoked(10), revoked(10, void=True), CANCELLED, SUPERSEDED])
@pytest.mark.parametrize("state", [state for state in State if state is not State.EXPIRED])
@pytest.mark.parametrize("day", [1, 10, 20])
def test_nothing_follows_a_final_state(final: StatusEvent, state: State, day: int) -> None:
    assert refusal([suspended(1), final], event(state, march(day))) == "status_final"


def test_an_expired_certificate_is_not_suspended() -> None:
    assert refusal([], reinstated(25), EXPIRES) == "status_not_suspended"
    assert refusal([], revoked(25), EXPIRES) is None


changes = st.builds(
    event,
    st.sampled_from([state for state in State if state is not State.EXPIRED]),
    st.integers(0, 40).map(lambda hours: march(1) + timedelta(hours=hours)),
    until=st.none() | st.integers(1, 60).map(lambda hours: march(1) + timedelta(hours=hours)),
    void=st.booleans(),
)


@settings(max_examples=200)
@given(st.lists(changes, max_size=8), st.integers(0, 60))
def test_a_history_of_allowed_changes_ends_in_one_final_state(proposed: list[StatusEvent], hour: int) -> None:
    history: list[StatusEvent] = []
    for number, change in enumerate(proposed):
        recorded = change._replace(recorded_at=march(1) + timedelta(minutes=number))
        if refusal(history, recorded) is None:
            history.append(recorded)
    finals = [change for change in history if change.state in FINAL_STATES]
    assert len(finals) <= 1
    assert finals in ([], history[-1:])
    at = march(1) + timedelta(hours=hour)
    found = status_at(history, None, at)
    if finals and (finals[0].void_from_start or finals[0].effective_from <= at):
        assert found.state is finals[0].state
    else:
        assert found.state in (V, S)
    assert (found.state is S) == suspended_by_plain_count(history, at, found.state in FINAL_STATES)


def suspended_by_plain_count(history: list[StatusEvent], at: datetime, is_final: bool) -> bool:
    """The same rule told the other way round: walk the records, keep the suspensions that stand."""
    standing: list[StatusEvent] = []
    for change in history:
        if change.state is State.VALID and change.effective_from <= at:
            standing = [s for s in standing if s.effective_from > change.effective_from]
        elif change.state is State.SUSPENDED:
            standing.append(change)
    return not is_final and any(s.effective_from <= at and (s.until is None or at < s.until) for s in standing)
