"""Which public reason goes with which change. The public sentence comes from this list, never from free text."""

from __future__ import annotations

from certs.errors import KezhengError
from certs.institution import EventKind
from certs.status import State

_CAUSES = (
    "exam_misconduct",
    "false_documents",
    "issued_in_error",
    "score_corrected_below_pass",
    "out_of_scope_issue",
    "key_misused",
)

REASONS: dict[State, tuple[str, ...]] = {
    State.SUSPENDED: ("under_review", "holder_request"),
    State.VALID: ("review_closed", "holder_request"),
    State.REVOKED: _CAUSES,
    State.CANCELLED: ("duplicate_certificate", "holder_request", "issued_in_error", "not_stated"),
    State.SUPERSEDED: ("correction", "name_changed", "id_changed"),
}

LISTING_REASONS: dict[EventKind, tuple[str, ...]] = {
    EventKind.SUSPEND: ("under_review", "rules_violated"),
    EventKind.REINSTATE: ("review_closed",),
    EventKind.WITHDRAW: ("own_wish",),
    EventKind.REMOVE: ("rules_violated", "out_of_scope_issue", "false_documents", "key_misused"),
}


def check_reason(action: str, reason: str, allowed: tuple[str, ...]) -> str:
    """The reason, when it goes with the action. Raises KezhengError ``status_reason_not_allowed``."""
    if reason not in allowed:
        raise KezhengError("status_reason_not_allowed", action=action, reason=reason, known=", ".join(allowed))
    return reason
