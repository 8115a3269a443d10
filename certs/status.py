"""The status of a certificate: dated events, and the state they give at a time.

An event says what holds from ``effective_from`` on; a suspension may name its end and then covers the half-open
interval [from, until). All events known now are used for any time asked about: a revocation for fraud reaches back.
``revoked``, ``cancelled`` and ``superseded`` are final; only ``suspended`` can be reinstated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from certs.errors import KezhengError
from certs.timestamps import LATEST_EPOCH_SECOND, epoch_seconds


class State(StrEnum):
    """What a certificate is at a time."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


FINAL_STATES = frozenset({State.REVOKED, State.CANCELLED, State.SUPERSEDED})


class StatusEvent(NamedTuple):
    """One recorded change. ``state`` VALID is a reinstatement; EXPIRED is never recorded, it comes from ``exp``."""

    state: State
    effective_from: datetime
    until: datetime | None
    reason_code: str
    void_from_start: bool
    successor: str | None
    recorded_at: datetime


class Status(NamedTuple):
    """The state at a time, and since and until when, with the event that decides (None: no event does)."""

    state: State
    since: datetime | None
    until: datetime | None
    event: StatusEvent | None


VALID = Status(State.VALID, None, None, None)


def status_at(events: Sequence[StatusEvent], expires_at: datetime | None, at: datetime) -> Status:
    """The state at ``at``: a final event that has taken effect, else expiry, else a running suspension, else valid."""
    if not events and expires_at is None:
        return VALID
    final = _final_event(events, at)
    if final is not None:
        return Status(final.state, final.effective_from, None, final)
    if expires_at is not None and at >= expires_at:
        return Status(State.EXPIRED, expires_at, None, None)
    return _suspension(events, at) or VALID


def _final_event(events: Sequence[StatusEvent], at: datetime) -> StatusEvent | None:
    """The final event in force at ``at``; void from the start means at any time."""
    for event in events:
        if event.state in FINAL_STATES and (event.void_from_start or event.effective_from <= at):
            return event
    return None


def _suspension(events: Sequence[StatusEvent], at: datetime) -> Status | None:
    """The running suspension that began last; one that lapses ends no other, only a reinstatement does."""
    effective = [event for event in events if event.effective_from <= at]
    lifted = [event for event in effective if event.state is State.VALID]
    running = [event for event in effective if _runs(event, at) and not any(_lifts(by, event) for by in lifted)]
    if not running:
        return None
    latest = max(running, key=lambda event: (event.effective_from, event.recorded_at))
    return Status(State.SUSPENDED, latest.effective_from, latest.until, latest)


def _runs(event: StatusEvent, at: datetime) -> bool:
    return event.state is State.SUSPENDED and (event.until is None or at < event.until)


def _lifts(reinstatement: StatusEvent, suspension: StatusEvent) -> bool:
    """A reinstatement lifts what had begun and was on record then; a suspension recorded after it is a new one."""
    begun = suspension.effective_from <= reinstatement.effective_from
    return begun and suspension.recorded_at <= reinstatement.recorded_at


def check_change(events: Sequence[StatusEvent], expires_at: datetime | None, new: StatusEvent) -> None:
    """Whether this change may follow the recorded ones.

    Raises KezhengError: ``status_final`` (nothing follows a final state), ``status_not_suspended`` (reinstating what
    is not suspended), ``status_already_suspended``, ``status_until_not_after_from``, ``status_until_too_late``.
    """
    for event in events:
        if event.state in FINAL_STATES:
            raise KezhengError("status_final", state=event.state.value)
    if new.until is not None and new.until <= new.effective_from:
        raise KezhengError("status_until_not_after_from")
    if new.until is not None and epoch_seconds(new.until) > LATEST_EPOCH_SECOND:
        raise KezhengError("status_until_too_late")
    now = status_at(events, expires_at, new.effective_from).state
    if new.state is State.VALID and now is not State.SUSPENDED:
        raise KezhengError("status_not_suspended")
    if new.state is State.SUSPENDED and now is State.SUSPENDED:
        raise KezhengError("status_already_suspended")
