"""An institution that left, was suspended or removed: what it may still issue, and what is said of what it issued."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from register_desk import NOW, Desk, institution_toml, people, person

from certs.errors import KezhengError
from certs.institution import EventKind
from registry.issuing.import_roster import RosterRefused
from registry.store.states import BatchState

ASSESSOR = "P000115000001"
LEFT_ON = date(2026, 11, 10)


def leave(desk: Desk, on: date = LEFT_ON) -> None:
    desk.institution_event(ASSESSOR, EventKind.WITHDRAW, on, "own_wish")


def test_after_leaving_a_batch_waits_for_the_registry(desk: Desk) -> None:
    leave(desk)
    batch = desk.bring(people(1), ASSESSOR)
    with pytest.raises(KezhengError, match="run_off_needs_confirmation"):
        desk.approve(batch)
    assert desk.batch(batch.id).state is BatchState.IMPORTED
    issued = desk.finish(desk.approve(batch, run_off="登记机构丙"))[0]
    assert desk.verdict(issued.number) == "valid"
    assert desk.notices(issued.number) == {"issued_in_run_off", "listed_then_not_now"}
    assert desk.batch(batch.id).run_off_confirmed_by == "登记机构丙"


def test_the_run_off_has_a_last_day(desk: Desk) -> None:
    leave(desk)
    desk.now = NOW.replace(month=11, day=9) + timedelta(days=60)
    issued = desk.certify([person(1)], ASSESSOR, run_off="丙")[0]
    assert desk.verdict(issued.number) == "valid"
    desk.now += timedelta(days=1)
    with pytest.raises(RosterRefused) as refused:
        desk.bring(people(2), ASSESSOR)
    assert [fault.code for fault in refused.value.checked.faults] == ["run_off_ended"]


def test_the_run_off_ends_also_for_a_batch_that_was_approved_in_it(desk: Desk) -> None:
    leave(desk)
    batch = desk.approve(desk.bring(people(1), ASSESSOR), run_off="丙")
    desk.now = NOW + timedelta(days=90)
    with pytest.raises(KezhengError, match="run_off_ended"):
        desk.finish(batch)
    assert desk.value("SELECT count(*) FROM certificate_sealed") == 0


def test_an_expired_scope_is_the_same_as_leaving(desk: Desk) -> None:
    ended = institution_toml(
        9,
        scope='occupation = "2-02-38-05"\ngrades = ["intermediate"]\nvalid_from = 2024-01-01\nvalid_to = 2026-11-09\n',
    )
    code = desk.list_institution(ended)
    batch = desk.bring(people(1), code)
    with pytest.raises(KezhengError, match="run_off_needs_confirmation"):
        desk.approve(batch)
    issued = desk.finish(desk.approve(batch, run_off="丙"))[0]
    assert desk.notices(issued.number) == {"issued_in_run_off", "listed_then_not_now"}


def test_an_assessment_after_leaving_is_never_certified(desk: Desk) -> None:
    leave(desk)
    with pytest.raises(RosterRefused) as refused:
        desk.bring([person(1, 考核日期=LEFT_ON.isoformat())], ASSESSOR)
    assert [fault.code for fault in refused.value.checked.faults] == ["scope_ended"]
    desk.certify([person(1, 考核日期=(LEFT_ON - timedelta(days=1)).isoformat())], ASSESSOR, run_off="丙")


def test_what_was_issued_before_leaving_stays_valid(desk: Desk) -> None:
    issued = desk.certify(people(1), ASSESSOR)[0]
    desk.now += timedelta(days=1)
    leave(desk, date(2026, 11, 21))
    report = desk.report(issued.number)
    assert report["verdict"] == "valid"
    assert [notice["code"] for notice in report["notices"]] == ["listed_then_not_now"]
    assert report["institution"]["accredited_at_assessment"] is True
    assert (report["institution"]["accredited_now"], report["institution"]["listed_until"]) == (False, "2026-11-20")


def test_a_removed_institution_issues_nothing_more(desk: Desk) -> None:
    approved = desk.approve(desk.bring(people(1), ASSESSOR))
    before = desk.certify(people(2), ASSESSOR)[0]
    desk.now += timedelta(days=1)
    desk.institution_event(ASSESSOR, EventKind.REMOVE, date(2026, 11, 21), "rules_violated")
    with pytest.raises(RosterRefused):
        desk.bring(people(3), ASSESSOR)
    with pytest.raises(KezhengError, match="institution_removed"):
        desk.finish(approved)
    assert desk.verdict(before.number) == "valid"
    assert desk.notices(before.number) == {"listed_then_removed"}


def test_a_removal_that_reaches_back_takes_what_was_issued_after_it(desk: Desk) -> None:
    issued = desk.certify(people(1), ASSESSOR)[0]
    desk.institution_event(ASSESSOR, EventKind.REMOVE, date(2026, 11, 15), "rules_violated")
    report = desk.report(issued.number)
    assert report["verdict"] == "not_genuine"
    assert [c["code"] for c in report["checks"] if c["outcome"] == "failed"] == ["institution_removed"]


def test_a_suspended_institution_issues_nothing_until_it_is_reinstated(desk: Desk) -> None:
    desk.institution_event(ASSESSOR, EventKind.SUSPEND, date(2026, 11, 15), "under_review")
    with pytest.raises(RosterRefused) as refused:
        desk.bring(people(1), ASSESSOR)
    assert [fault.code for fault in refused.value.checked.faults] == ["institution_suspended_at_issue"]
    desk.institution_event(ASSESSOR, EventKind.REINSTATE, date(2026, 11, 20), "review_closed")
    issued = desk.certify(people(1), ASSESSOR)[0]
    assert desk.verdict(issued.number) == "valid"
    with pytest.raises(RosterRefused):
        desk.bring([person(2, 考核日期="2026-11-16")], ASSESSOR)


def test_a_suspension_between_approval_and_issue_stops_the_batch(desk: Desk) -> None:
    approved = desk.approve(desk.bring(people(1), ASSESSOR))
    desk.institution_event(ASSESSOR, EventKind.SUSPEND, date(2026, 11, 19), "under_review")
    with pytest.raises(KezhengError, match="institution_suspended_at_issue"):
        desk.finish(approved)
    desk.institution_event(ASSESSOR, EventKind.REINSTATE, date(2026, 11, 20), "review_closed")
    assert desk.verdict(desk.finish(approved)[0].number) == "valid"


def test_leaving_between_approval_and_issue_can_still_be_confirmed(desk: Desk) -> None:
    approved = desk.approve(desk.bring(people(1), ASSESSOR))
    leave(desk)
    with pytest.raises(KezhengError, match="run_off_needs_confirmation"):
        desk.finish(approved)
    confirmed = desk.approve(approved, run_off="登记机构丙")
    issued = desk.finish(confirmed)[0]
    assert desk.verdict(issued.number) == "valid"
    assert desk.batch(approved.id).run_off_confirmed_by == "登记机构丙"


def test_a_scope_granted_later_does_not_legitimise_what_was_issued_before(desk: Desk) -> None:
    """Also not when the register's own record of the grant is changed: the certificate states its time."""
    issued = desk.certify(people(1), ASSESSOR)[0]
    desk.tamper("UPDATE scope SET granted_at = '2026-11-20 03:00:00.000000'")
    desk.now += timedelta(days=1)
    with desk.home.recording() as tx:
        desk.home.publish_trust(tx, desk.now)
    report = desk.report(issued.number)
    codes = {check["code"] for check in report["checks"] if check["outcome"] != "passed"}
    assert codes == {"granted_after_issue", "listing_not_logged"}
