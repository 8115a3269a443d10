"""Changes of status, put back from the register's own entries: none that was entered is ever left out.

An entry says which certificate, which state, from when until when. Reason, successor and who recorded it come from the
archive, else the reason and the successor from the signed status file, else nothing more is known than the entry says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from certs.log_entry import DIGEST_LENGTH, LogEntry, status_body
from certs.status import FINAL_STATES, State, StatusEvent
from certs.status_list import StatusList
from certs.timestamps import instant_from_epoch
from registry.home import Home
from registry.publishing.archive_content import status_event_of
from registry.recovering.listings import RECORDED_BY
from registry.status_changes import NOTE_PLACE
from registry.store.counter_store import take_ids
from registry.store.engine import WriteTransaction
from registry.store.recovery_reads import numbers_of_envelopes
from registry.store.recovery_writes import set_live, standing_by_number, successors
from registry.store.status_store import StatusEventRecord, add_status_events, status_events_of

NOT_STATED = "not_stated"
"""The reason of a change of which only the register's entry is left."""
_TIMES_AT, _TIME = DIGEST_LENGTH + 2, 8
"""Where the two times of an entry's body stand, after digest, state and whether it is void from the start."""
_INSTANTS = ("effective_from", "until", "recorded_at")


class RestoredChange(NamedTuple):
    """A change that was put back; ``is_whole`` False where only the register's entry was left of it."""

    number: str
    state: State
    is_whole: bool


class ChangeSources(NamedTuple):
    """Where more is known of a change than its entry says: the archive's records, and the signed status file."""

    archived: Mapping[int, Sequence[Mapping[str, Any]]]
    status: StatusList | None


def restore_change(
    home: Home, tx: WriteTransaction, place: int, entry: LogEntry, sources: ChangeSources
) -> RestoredChange | None:
    """Put back the change of an entry; None when its certificate is lost."""
    digest = entry.body[:DIGEST_LENGTH]
    number = numbers_of_envelopes(tx, [digest]).get(digest)
    if number is None:
        return None
    standing = standing_by_number(tx, [number])[number]
    archived = sources.archived.get(place, ())
    records = [_record(values, standing.status_index) for values in archived]
    if not records:
        event = _published(sources.status, standing.status_index, digest, entry) or _stated(entry)
        records = [_record_of(event, number, standing.status_index)]
    known = {_content(each) for each in status_events_of(tx, number)}
    for record in records:
        if _content(record) not in known:
            add_status_events(tx, [_under_new_id(home, tx, record)])
        _take_effect(tx, number, record)
    return RestoredChange(number, State(records[0].state), bool(archived) or records[0].reason_code != NOT_STATED)


def _record(values: Mapping[str, Any], status_index: int) -> StatusEventRecord:
    instants = {name: values[name] and datetime.fromisoformat(values[name]) for name in _INSTANTS}
    return StatusEventRecord(**{**values, **instants, "status_index": status_index})


def _published(status: StatusList | None, index: int, digest: bytes, entry: LogEntry) -> StatusEvent | None:
    """The event of the status file that this entry is about."""
    events: Iterable[StatusEvent] = () if status is None else status.entry(index).events
    return next((event for event in events if status_body(digest, event).body == entry.body), None)


def _stated(entry: LogEntry) -> StatusEvent:
    """What the entry alone says: whatever change would have been entered as exactly this."""
    digest, since = entry.body[:DIGEST_LENGTH], entry.body[_TIMES_AT : _TIMES_AT + _TIME]
    until = int.from_bytes(entry.body[_TIMES_AT + _TIME :], "big")
    times = instant_from_epoch(int.from_bytes(since, "big")), instant_from_epoch(until) if until else None
    at = entry.logged_at.replace(microsecond=0)
    possible = (
        StatusEvent(state, *times, NOT_STATED, void, None, at)
        for state in State
        if state is not State.EXPIRED
        for void in (False, True)
    )
    return next(event for event in possible if status_body(digest, event).body == entry.body)


def _record_of(event: StatusEvent, number: str, status_index: int) -> StatusEventRecord:
    return StatusEventRecord(
        id=0,
        certificate_number=number,
        status_index=status_index,
        state=event.state.value,
        effective_from=event.effective_from,
        until=event.until,
        reason_code=event.reason_code,
        void_from_start=event.void_from_start,
        successor=event.successor,
        note_ciphertext=None,
        note_key_id=None,
        recorded_by=RECORDED_BY,
        recorded_at=event.recorded_at,
    )


def _content(record: StatusEventRecord) -> StatusEvent:
    return status_event_of(record)


def _under_new_id(home: Home, tx: WriteTransaction, record: StatusEventRecord) -> StatusEventRecord:
    """The record under an id of this database, to which its note is sealed again."""
    event_id, cipher = take_ids(tx, "status_event", 1).start, home.keyring.cipher
    if record.note_ciphertext is None:
        return record._replace(id=event_id)
    note = cipher.open(*NOTE_PLACE, record.id, record.note_ciphertext)
    sealed = cipher.seal(*NOTE_PLACE, event_id, note)
    return record._replace(id=event_id, note_ciphertext=sealed, note_key_id=cipher.current_key_id)


def _take_effect(tx: WriteTransaction, number: str, record: StatusEventRecord) -> None:
    """What ended gives up its person's place; what supersedes it takes the place over."""
    state = State(record.state)
    if state not in FINAL_STATES:
        return
    set_live(tx, number, live=False)
    successor = record.successor or successors(tx, [number]).get(number)
    if state is State.SUPERSEDED and successor is not None:
        set_live(tx, successor, live=True, supersedes=number)
