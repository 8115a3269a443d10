"""May this institution certify this? Judged by the assessment date, the same at issue and at verification.

A scope must cover occupation, direction, grade and region on the day of the assessment and must have been granted
before the certificate was issued. A suspended or removed institution issues nothing. After expiry or withdrawal an
institution may still issue for assessments held in scope, within the run-off; no text prints a length for it, so
it is a value of the trust list. What an issuer states of its own times is held against the time of the public register:
the assessment must lie within a window before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from certs.grades import CertificateKind, Grade
from certs.institution import InstitutionRecord, Scope
from certs.timestamps import shanghai_day

AUTHORISED = "authorised_at_assessment"
COUNTED_TO_FIRST_ISSUE = frozenset({"assessment_too_old", "run_off_ended"})
"""Faults that the register's fact of an earlier first issue can lift."""


@dataclass(frozen=True, slots=True)
class AuthorityLimits:
    """The lengths that the trust list sets: two in days, and how long after its issue a certificate may be logged."""

    run_off_days: int = 60
    assessment_window_days: int = 180
    log_delay_hours: int = 24


class Subject(NamedTuple):
    """What is certified. ``direction`` is its catalogue name or text.

    ``region`` is the division code of the site where it was assessed. The claims do not hold it, so it is None at
    verification, where regions are not judged; at issue it is always given.
    """

    kind: CertificateKind
    occupation: str
    direction: str | None
    grade: Grade
    region: str | None
    assessed_on: date


class AuthorityFinding(NamedTuple):
    """The code of the judgement, and whether it was issued in the run-off after the listing had ended."""

    code: str
    in_run_off: bool = False

    @property
    def passed(self) -> bool:
        """Whether the institution was entitled."""
        return self.code == AUTHORISED


_ENTITLED = AuthorityFinding(AUTHORISED)
_IN_RUN_OFF = AuthorityFinding(AUTHORISED, in_run_off=True)
_GRANTED_AFTER_ISSUE = AuthorityFinding("granted_after_issue")
Grant = tuple[datetime, date | None]
"""When a scope was granted, and the last day on which it entitles to issue."""


class Coverage(NamedTuple):
    """Why no scope covers a subject on its assessment date; None, and the grants of those that do."""

    fault: str | None
    grants: tuple[Grant, ...]


def judge_authority(
    institution: InstitutionRecord,
    subject: Subject,
    issued_at: datetime,
    limits: AuthorityLimits,
    first_issued_on: date | None = None,
    stated_at: datetime | None = None,
) -> AuthorityFinding:
    """The judgement over one certificate.

    ``issued_at`` is the time in the public register where that is known, and else what the institution states;
    ``stated_at`` is its statement beside a time of the register.
    """
    covered, stated_on = coverage(institution, subject), shanghai_day(issued_at if stated_at is None else stated_at)
    return judge_covered(covered, institution, subject, issued_at, stated_on, limits, first_issued_on)


def judge_covered(
    covered: Coverage,
    institution: InstitutionRecord,
    subject: Subject,
    issued_at: datetime,
    stated_on: date,
    limits: AuthorityLimits,
    first_issued_on: date | None,
) -> AuthorityFinding:
    """The judgement of `judge_authority` where the institution's coverage of the subject is known.

    ``stated_on``: the day of issue as the institution states it.
    """
    issued_on = shanghai_day(issued_at)
    counted_on = issued_on if first_issued_on is None else min(first_issued_on, issued_on)
    fault, grants = covered
    assessed_on = subject.assessed_on
    if fault is None and (assessed_on > stated_on or assessed_on > counted_on):
        fault = "assessed_after_issue"
    code = fault or _age_fault(assessed_on, counted_on, limits) or issuer_fault(institution, issued_on)
    if code is not None:
        return AuthorityFinding(code)
    return _judge_grants(grants, issued_at, counted_on, limits)


def scope_fault(institution: InstitutionRecord, subject: Subject) -> str | None:
    """Why no scope covers the subject on the assessment date, or None: the nearest miss decides the code."""
    return coverage(institution, subject).fault


@lru_cache(maxsize=4096)
def coverage(institution: InstitutionRecord, subject: Subject) -> Coverage:
    """How the scopes cover the subject. Kept, because thousands of certificates ask the same."""
    wrong_kind = None if institution.kind is subject.kind else "wrong_kind_of_institution"
    fault = wrong_kind or _listing_fault(institution, subject)
    covering = list(institution.scopes)
    for code, keeps in _SCOPE_TESTS:
        kept = [scope for scope in covering if keeps(scope, subject)]
        fault = fault or (None if kept else code)
        covering = kept
    fault = fault or _period_fault(covering, subject.assessed_on)
    if fault is not None:
        return Coverage(fault, ())
    current = [scope for scope in covering if _in_period(scope, subject.assessed_on)]
    return Coverage(None, tuple((scope.granted_at, _last_day(institution, scope)) for scope in current))


def _listing_fault(institution: InstitutionRecord, subject: Subject) -> str | None:
    if institution.suspended_on(subject.assessed_on):
        return "institution_suspended"
    end = institution.ended_on()
    if end is None or subject.assessed_on < end.on:
        return None
    return "institution_removed" if institution.removed_on() == end.on else "scope_ended"


def _covers_direction(scope: Scope, subject: Subject) -> bool:
    return scope.directions is None or subject.direction in scope.directions


def _covers_region(scope: Scope, subject: Subject) -> bool:
    if scope.regions is None or subject.region is None:
        return True
    return any(subject.region.startswith(region) for region in scope.regions)


_SCOPE_TESTS = (
    ("occupation_out_of_scope", lambda scope, subject: scope.occupation == subject.occupation),
    ("direction_out_of_scope", _covers_direction),
    ("grade_out_of_scope", lambda scope, subject: subject.grade in scope.grades),
    ("region_out_of_scope", _covers_region),
)


def _in_period(scope: Scope, day: date) -> bool:
    return scope.valid_from <= day and (scope.valid_to is None or day <= scope.valid_to)


def _period_fault(scopes: list[Scope], day: date) -> str | None:
    if any(_in_period(scope, day) for scope in scopes):
        return None
    return "scope_not_started" if all(day < scope.valid_from for scope in scopes) else "scope_ended"


def _last_day(institution: InstitutionRecord, scope: Scope) -> date | None:
    """The last day on which a scope entitles to issue; None while no end is known."""
    end = institution.ended_on()
    ends = [scope.valid_to, None if end is None else end.on - timedelta(days=1)]
    return min((day for day in ends if day is not None), default=None)


def _age_fault(assessed_on: date, counted_on: date, limits: AuthorityLimits) -> str | None:
    return "assessment_too_old" if (counted_on - assessed_on).days > limits.assessment_window_days else None


def issuer_fault(institution: InstitutionRecord, issued_on: date) -> str | None:
    """Why an institution may issue nothing at all on a day, whatever was assessed when; None when it may."""
    return _issuer_fault(institution, issued_on) if institution.events else None


@lru_cache(maxsize=4096)
def _issuer_fault(institution: InstitutionRecord, issued_on: date) -> str | None:
    removed_on = institution.removed_on()
    if removed_on is not None and issued_on >= removed_on:
        return "institution_removed"
    return "institution_suspended_at_issue" if institution.suspended_on(issued_on) else None


def _judge_grants(
    grants: tuple[Grant, ...], issued_at: datetime, counted_on: date, limits: AuthorityLimits
) -> AuthorityFinding:
    """Whether a grant of that time entitles on the day that counts, or did so until the run-off."""
    latest: date | None = None
    for granted_at, last_day in grants:
        if granted_at > issued_at:
            continue
        if last_day is None or counted_on <= last_day:
            return _ENTITLED
        latest = last_day if latest is None else max(latest, last_day)
    if latest is None:
        return _GRANTED_AFTER_ISSUE
    in_run_off = counted_on <= latest + timedelta(days=limits.run_off_days)
    return _IN_RUN_OFF if in_run_off else AuthorityFinding("run_off_ended")
