"""The signed status file: status index → events and facts, sparse. What is not in it is valid.

It is complete for its time: the status key signs all events of all certificates, so an absent index is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.jws import STATUS_TYPE, open_jws
from certs.status import State, StatusEvent
from certs.timestamps import epoch_seconds, instant_from_epoch

FORMAT = 1
LIST_SIZE = 131_072
"""Places in one status list; list = index div 131,072, place = index mod 131,072."""


class CertificateFacts(NamedTuple):
    """Dated facts of the register beside the signed claims: what a correction keeps, and numbers of others.

    ``first_issued_on`` is given where the certificate is not the first paper; ``reissued_on`` where a new paper with
    the same number has taken this one's place, because its key was stolen.
    """

    supersedes: str | None = None
    first_issued_on: date | None = None
    official_number: str | None = None
    site: str | None = None
    reissued_on: date | None = None


class StatusEntry(NamedTuple):
    """All that the register says of one status index."""

    events: tuple[StatusEvent, ...]
    facts: CertificateFacts


NO_FACTS = CertificateFacts()
_DAYS = ("first_issued_on", "reissued_on")
NOTHING_RECORDED = StatusEntry((), NO_FACTS)


@dataclass(frozen=True, slots=True)
class StatusList:
    """A checked status file."""

    version: int
    issued_at: datetime
    expires_at: datetime
    entries: Mapping[int, StatusEntry]

    def entry(self, index: int) -> StatusEntry:
        """The entry of an index; nothing recorded is an entry without events."""
        return self.entries.get(index, NOTHING_RECORDED)


def status_payload(
    version: int, issued_at: datetime, expires_at: datetime, entries: Mapping[int, StatusEntry]
) -> dict[str, Any]:
    """What the status key signs."""
    return {
        "format": FORMAT,
        "version": version,
        "iat": epoch_seconds(issued_at),
        "exp": epoch_seconds(expires_at),
        "entries": {str(index): entry_to_json(entry) for index, entry in sorted(entries.items())},
    }


def open_status_list(token: bytes, status_key: bytes) -> StatusList:
    """The status file under the delegated status key. Raises KezhengError ``jws_…`` or ``status_list_malformed``."""
    payload = open_jws(token, STATUS_TYPE, status_key).payload
    try:
        if payload["format"] != FORMAT:
            raise KezhengError("status_list_malformed")
        return StatusList(
            version=int(payload["version"]),
            issued_at=instant_from_epoch(payload["iat"]),
            expires_at=instant_from_epoch(payload["exp"]),
            entries={int(index): entry_from_json(entry) for index, entry in payload["entries"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KezhengError("status_list_malformed") from error


def entry_to_json(entry: StatusEntry) -> dict[str, Any]:
    """An entry as the status file holds it."""
    facts = {name: value for name, value in entry.facts._asdict().items() if value is not None}
    facts |= {name: facts[name].isoformat() for name in _DAYS if name in facts}
    return {"events": [_event_to_json(event) for event in entry.events], "facts": facts}


def entry_from_json(entry: dict[str, Any]) -> StatusEntry:
    """The entry of a checked status file. Raises KeyError, TypeError, ValueError on what is not one."""
    facts = dict(entry["facts"])
    facts |= {name: date.fromisoformat(facts[name]) for name in _DAYS if name in facts}
    return StatusEntry(tuple(_event_from_json(event) for event in entry["events"]), CertificateFacts(**facts))


def _event_to_json(event: StatusEvent) -> dict[str, Any]:
    return {
        "state": event.state.value,
        "from": epoch_seconds(event.effective_from),
        "until": None if event.until is None else epoch_seconds(event.until),
        "reason": event.reason_code,
        "void_from_start": event.void_from_start,
        "successor": event.successor,
        "recorded_at": epoch_seconds(event.recorded_at),
    }


def _event_from_json(entry: dict[str, Any]) -> StatusEvent:
    until, state = entry["until"], State(entry["state"])
    if state is State.EXPIRED:
        raise ValueError("expiry is no event, it comes from the certificate")
    return StatusEvent(
        state=state,
        effective_from=instant_from_epoch(entry["from"]),
        until=None if until is None else instant_from_epoch(until),
        reason_code=str(entry["reason"]),
        void_from_start=bool(entry["void_from_start"]),
        successor=entry["successor"],
        recorded_at=instant_from_epoch(entry["recorded_at"]),
    )
