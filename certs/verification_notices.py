"""What a verification says beside its checks. A notice never changes a verdict."""

from __future__ import annotations

from datetime import date, datetime

from certs.authority import AUTHORISED, AuthorityFinding
from certs.finding import Notice
from certs.institution import EventKind, InstitutionRecord
from certs.status import State, Status
from certs.status_list import StatusList
from certs.timestamps import shanghai_day
from certs.trust_list import TrustList
from certs.unavailable import Unavailable

_SUPERSEDED = State.SUPERSEDED


def notices_of(
    finding: AuthorityFinding, institution: InstitutionRecord, trust: TrustList, status: Status | None, at: datetime
) -> tuple[Notice, ...]:
    """What is said beside the checks of a genuine certificate."""
    today = shanghai_day(at)
    said: list[Notice] = []
    if trust.environment != "production":
        said.append(Notice("demo_environment"))
    code, in_run_off = finding
    if code == AUTHORISED and not institution.listed_on(today):
        said.append(_no_longer_listed(institution, today))
    if in_run_off:
        said.append(Notice("issued_in_run_off"))
    if status is not None and status.state is _SUPERSEDED and status.event and status.event.successor:
        said.append(Notice("superseded", (("successor", status.event.successor),)))
    return tuple(said)


def _no_longer_listed(institution: InstitutionRecord, today: date) -> Notice:
    """Listed on the assessment date, not now; a removal for cause is named as one."""
    end = institution.ended_on()
    if end is not None and end.on <= today:
        code = "listed_then_removed" if end.kind is EventKind.REMOVE else "listed_then_not_now"
        return Notice(code, (("date", end.on.isoformat()),))
    if institution.has_scope_on(today):
        return Notice("institution_suspended_now")
    ended = [scope.valid_to for scope in institution.scopes if scope.valid_to is not None and scope.valid_to < today]
    return Notice("listed_then_not_now", (("date", max(ended, default=today).isoformat()),))


def reissue_notice(status_index: int, status_list: StatusList | Unavailable) -> tuple[Notice, ...]:
    """That the register knows of a new paper under the same number, where it does."""
    if isinstance(status_list, Unavailable):
        return ()
    reissued_on = status_list.entry(status_index).facts.reissued_on
    return () if reissued_on is None else (Notice("reissued", (("date", reissued_on.isoformat()),)),)
