"""How a verification of a genuine certificate ends: authority on its day, status now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from simulator import ASSESSED, DIRECTION, NOW, World
from verification_story import DAY, ISSUED, SECOND, TODAY, Asked, ends, number_of, without

from certs.evidence import STATUS_FILE, gather_evidence
from certs.grades import CertificateKind, Grade
from certs.institution import EventKind
from certs.status import State
from certs.timestamps import day_after_end, day_start

EVERY_OTHER_NOTICE = ("demo_environment", "host_foreign", "listed_then_not_now", "issued_in_run_off")


# --- authority


@ends("not_genuine", "authority", "wrong_kind_of_institution")
def a_training_institution_with_a_number_for_grades(world: World) -> Asked:
    code = world.institution()
    world.change_institution(code, kind=CertificateKind.TRAINING)
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "occupation_out_of_scope")
def an_occupation_out_of_scope(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(occupation="2-02-38-01"),))
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "direction_out_of_scope")
def a_direction_out_of_scope(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(directions=frozenset({DIRECTION})),))
    return Asked(world.issue(code, direction=3), world.evidence())


@ends("not_genuine", "authority", "direction_out_of_scope")
def no_direction_where_the_scope_names_some(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(directions=frozenset({DIRECTION})),))
    return Asked(world.issue(code, direction=None), world.evidence())


@ends("not_genuine", "authority", "grade_out_of_scope")
def a_grade_out_of_scope(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(grades=frozenset({Grade.JUNIOR})),))
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "scope_not_started")
def a_scope_that_had_not_started(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(valid_from=ASSESSED + DAY),))
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "scope_ended")
def a_scope_that_had_ended(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(valid_to=ASSESSED - DAY),))
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "scope_ended")
def an_institution_that_had_withdrawn(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.WITHDRAW, ASSESSED)
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "granted_after_issue")
def a_scope_granted_after_issue(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(granted_at=ISSUED + SECOND),))
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "institution_suspended")
def an_institution_suspended_at_the_assessment(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.SUSPEND, ASSESSED)
    world.institution_event(code, EventKind.REINSTATE, ASSESSED + DAY)
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "institution_suspended_at_issue")
def an_institution_suspended_at_issue(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.SUSPEND, date(2026, 11, 19))
    world.institution_event(code, EventKind.REINSTATE, TODAY)
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "institution_removed")
def an_institution_removed_before_issue(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.REMOVE, date(2026, 11, 19))
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "institution_removed")
def an_institution_removed_before_the_assessment(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.REMOVE, ASSESSED)
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "authority", "assessed_after_issue")
def an_assessment_after_issue(world: World) -> Asked:
    return Asked(world.issue(world.institution(), assessed_on=TODAY), world.evidence())


@ends("not_genuine", "authority", "assessment_too_old")
def an_assessment_long_before_issue(world: World) -> Asked:
    return Asked(world.issue(world.institution(), assessed_on=date(2026, 5, 22)), world.evidence())


@ends("not_genuine", "authority", "run_off_ended")
def an_issue_after_the_run_off(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.WITHDRAW, date(2026, 9, 20))
    return Asked(world.issue(code, assessed_on=date(2026, 9, 1)), world.evidence())


@ends("undetermined", "authority", "status_unavailable")
def a_correction_while_its_first_issue_is_not_known(world: World) -> Asked:
    text = world.issue(world.institution(), assessed_on=date(2025, 10, 1))
    return Asked(text, without(world, STATUS_FILE))


# --- status


@ends("undetermined", "status", "status_unavailable")
def no_status_file(world: World) -> Asked:
    return Asked(world.issue(world.institution()), without(world, STATUS_FILE))


@ends("undetermined", "status", "status_unavailable")
def a_status_file_signed_by_another_role(world: World) -> Asked:
    text, honest = world.issue(world.institution()), world.files()
    world.status_key = world.list_key
    files = honest | {STATUS_FILE: world.status_list()}
    return Asked(text, gather_evidence(files, world.root_key()))


@ends("undetermined", "status", "status_stale")
def a_stale_status_file(world: World) -> Asked:
    text = world.issue(world.institution(), issued_at=NOW)
    world.newest_entry_at = NOW
    return Asked(text, world.evidence(), NOW + timedelta(days=3))


@ends("not_in_force", "status", "suspended")
def a_suspended_certificate(world: World) -> Asked:
    text = world.issue(world.institution(), status_index=5)
    world.status_event(5, State.SUSPENDED)
    return Asked(text, world.evidence())


@ends("not_in_force", "status", "suspended")
def a_certificate_suspended_until_a_day(world: World) -> Asked:
    text = world.issue(world.institution(), status_index=5)
    world.status_event(5, State.SUSPENDED, until=day_after_end(date(2026, 12, 31)), reason_code="holder_request")
    return Asked(text, world.evidence())


@ends("not_in_force", "status", "revoked")
def a_certificate_void_from_the_start(world: World) -> Asked:
    text = world.issue(world.institution(), status_index=5)
    world.status_event(5, State.REVOKED, reason_code="false_documents", void_from_start=True)
    return Asked(text, world.evidence())


@ends("not_in_force", "status", "revoked")
def a_certificate_revoked_from_a_day(world: World) -> Asked:
    text = world.issue(world.institution(), status_index=5)
    day = day_start(date(2026, 11, 20))
    world.status_event(5, State.REVOKED, reason_code="issued_in_error", effective_from=day)
    return Asked(text, world.evidence())


@ends("not_in_force", "status", "cancelled")
def a_cancelled_certificate(world: World) -> Asked:
    text = world.issue(world.institution(), status_index=5)
    world.status_event(5, State.CANCELLED, reason_code="not_stated")
    return Asked(text, world.evidence())


@ends("not_in_force", "status", "expired")
def an_expired_certificate(world: World) -> Asked:
    return Asked(world.issue(world.institution(), expires_at=day_start(TODAY)), world.evidence())


@ends("not_in_force", "status", "superseded", "superseded")
def a_certificate_with_a_successor(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, status_index=5)
    world.status_event(5, State.SUPERSEDED, reason_code="correction", successor=number_of(code, serial=8))
    return Asked(text, world.evidence())


@ends("not_in_force", "status", "suspended", *EVERY_OTHER_NOTICE)
def everything_worth_saying_at_once(world: World) -> Asked:
    world.environment = "demo"
    code = world.institution()
    world.institution_event(code, EventKind.WITHDRAW, date(2026, 11, 1))
    text = world.issue(code, status_index=5).replace("VERIFY.EXAMPLE.CN", "COPY.EXAMPLE.ORG")
    world.status_event(5, State.SUSPENDED, effective_from=datetime(2026, 11, 20, tzinfo=UTC))
    return Asked(text, world.evidence())
