"""Changing a certificate's status: recorded with its public reason, published in the same transaction."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from certs.errors import KezhengError
from certs.log_entry import status_body
from certs.status import FINAL_STATES, State, StatusEvent, check_change, status_at
from certs.status_reasons import REASONS, check_reason
from certs.timestamps import day_after_end
from registry.home import Home
from registry.store.audit_store import record_act
from registry.store.certificate_states import give_up_places, hand_over_place
from registry.store.certificate_store import CertificateRecord, certificate_by_number, successor_of
from registry.store.counter_store import take_ids
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.states import CertificateState
from registry.store.status_store import StatusEventRecord, add_status_events, status_events_of
from registry.store.succession_store import link_successor
from registry.webhooks.announce import EventType, announce

NOTE_PLACE = ("status_event", "note_ciphertext")


class StatusChange(NamedTuple):
    """One change as asked for. ``until`` is the last day of a suspension; ``note`` stays inside the register."""

    state: State
    reason_code: str
    by: str
    note: str | None = None
    until: date | None = None
    successor: str | None = None
    void_from_start: bool | None = None


def change_status(home: Home, number: str, change: StatusChange, now: datetime) -> StatusEvent:
    """Record and publish a change.

    Raises KezhengError: ``certificate_unknown``, ``status_reason_not_allowed``, ``status_final``,
    ``status_not_suspended``, ``status_already_suspended``, ``successor_…``, ``status_until_…``.
    """
    _check_arguments(change)
    with home.recording() as tx:
        event = record_change(home, tx, number, change, now)
        home.publish_status(tx, now)
    return event


def record_change(home: Home, tx: WriteTransaction, number: str, change: StatusChange, now: datetime) -> StatusEvent:
    """Record a change in a transaction that publishes it before its end."""
    certificate = require_released(tx, number)
    events = [as_status_event(event) for event in status_events_of(tx, number)]
    event = _event(change, now)
    check_change(events, None, event)
    if change.state is State.SUPERSEDED and change.successor is not None:
        _link_successor(tx, certificate, change.successor, now)
    elif change.state in FINAL_STATES:
        give_up_places(tx, [number])
    _store(home, tx, certificate, event, change)
    assert certificate.envelope_digest is not None
    home.log(tx, [status_body(certificate.envelope_digest, event)], now)
    record_act(tx, now, change.by, f"certificate_{change.state.value}", number, reason=change.reason_code)
    said = {"number": number, "state": change.state.value, "reason": change.reason_code}
    announce(tx, certificate.institution_code, EventType.STATUS_CHANGED, said, now)
    return event


def require_released(tx: ReadTransaction, number: str) -> CertificateRecord:
    """The released certificate of a number. Raises KezhengError ``certificate_unknown``."""
    certificate = certificate_by_number(tx, number)
    if certificate is None or certificate.state is not CertificateState.RELEASED:
        raise KezhengError("certificate_unknown", number=number)
    return certificate


def as_status_event(event: StatusEventRecord) -> StatusEvent:
    """A stored event as the rules judge it."""
    return StatusEvent(
        State(event.state),
        event.effective_from,
        event.until,
        event.reason_code,
        event.void_from_start,
        event.successor,
        event.recorded_at,
    )


def _check_arguments(change: StatusChange) -> None:
    check_reason(change.state.value, change.reason_code, REASONS[change.state])
    if change.until is not None and change.state is not State.SUSPENDED:
        raise KezhengError("status_until_only_for_suspension")
    if (change.state is State.SUPERSEDED) != (change.successor is not None):
        raise KezhengError("successor_needed" if change.successor is None else "successor_only_for_supersede")


def _event(change: StatusChange, now: datetime) -> StatusEvent:
    """The event. A revocation is void from the start unless said otherwise; a cancellation never is."""
    effective = now.replace(microsecond=0)
    revoked = change.state is State.REVOKED
    return StatusEvent(
        state=change.state,
        effective_from=effective,
        until=None if change.until is None else day_after_end(change.until),
        reason_code=change.reason_code,
        void_from_start=revoked and change.void_from_start is not False,
        successor=change.successor,
        recorded_at=effective,
    )


def _link_successor(tx: WriteTransaction, old: CertificateRecord, successor: str, now: datetime) -> None:
    """A successor is a later certificate of the same person, occupation and institution, with no other predecessor."""
    new = require_released(tx, successor)
    if new.number == old.number:
        raise KezhengError("successor_is_itself")
    if new.person_id != old.person_id:
        raise KezhengError("successor_other_person")
    if (new.occupation_id, new.grade, new.kind) != (old.occupation_id, old.grade, old.kind):
        raise KezhengError("successor_other_occupation")
    if new.institution_code != old.institution_code:
        raise KezhengError("successor_other_institution")
    if new.issued_at is None or old.issued_at is None or new.id <= old.id or new.issued_at < old.issued_at:
        raise KezhengError("successor_not_later")
    if new.supersedes not in (None, old.number) or successor_of(tx, old.number) not in (None, new.number):
        raise KezhengError("successor_taken")
    events = [as_status_event(event) for event in status_events_of(tx, successor)]
    if status_at(events, None, now).state is not State.VALID:
        raise KezhengError("successor_not_in_force")
    if new.supersedes is None:
        link_successor(tx, old.number, new.number)
    if new.live:
        give_up_places(tx, [old.number])
    else:
        hand_over_place(tx, old.number, new.number)


def _store(
    home: Home, tx: WriteTransaction, certificate: CertificateRecord, event: StatusEvent, change: StatusChange
) -> None:
    event_id = take_ids(tx, "status_event", 1).start
    cipher = home.keyring.cipher
    sealed = cipher.seal(*NOTE_PLACE, event_id, change.note) if change.note else None
    add_status_events(
        tx,
        [
            StatusEventRecord(
                id=event_id,
                certificate_number=certificate.number,
                status_index=certificate.status_index,
                state=event.state.value,
                effective_from=event.effective_from,
                until=event.until,
                reason_code=event.reason_code,
                void_from_start=event.void_from_start,
                successor=event.successor,
                note_ciphertext=sealed,
                note_key_id=cipher.current_key_id if sealed else None,
                recorded_by=change.by,
                recorded_at=event.recorded_at,
            )
        ],
    )
