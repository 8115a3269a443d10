"""Entries of the public register: kind ‖ time ‖ what happened, in fixed binary layouts.

Every entry starts with its kind (1 byte) and ``logged_at`` (uint64, milliseconds UTC, big-endian); times never
decrease along the log. Nothing personal is in an entry: no name, no certificate number, no reason.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from certs.canonical import encode_json
from certs.errors import KezhengError
from certs.institution import EventKind
from certs.signing_key import KID_LENGTH
from certs.status import State, StatusEvent
from certs.timestamps import LATEST_EPOCH_SECOND, epoch_seconds, instant_from_ms, ms_of

DIGEST_LENGTH = 32
HEAD_LENGTH = 9
_LATEST_MS = LATEST_EPOCH_SECOND * 1000 + 999
NO_SUBJECT = bytes(DIGEST_LENGTH)


class EntryKind(IntEnum):
    """What an entry records."""

    CLOCK = 0
    CERTIFICATE = 1
    STATUS = 2
    LISTING = 3
    KEY = 4
    TRUST_LIST = 5
    DATA_FILE = 6
    APPROVAL = 7


class ListingAct(IntEnum):
    """What became of a listing: granted, changed (suspended, reinstated, renamed, succeeded), ended."""

    GRANTED = 1
    CHANGED = 2
    ENDED = 3


class KeyAct(IntEnum):
    """What became of a key."""

    ADDED = 1
    RETIRED = 2
    COMPROMISED = 3


class LogBody(NamedTuple):
    """An entry before it has its time. ``subject`` (32 bytes) is the digest that finds it, zeros for a clock entry."""

    kind: EntryKind
    subject: bytes
    body: bytes


class LogEntry(NamedTuple):
    """An entry taken apart; ``body`` is what follows kind and time."""

    kind: int
    logged_ms: int
    body: bytes

    @property
    def logged_at(self) -> datetime:
        """The time of the entry."""
        return instant_from_ms(self.logged_ms)


_CERTIFICATE = int(EntryKind.CERTIFICATE)
_CERTIFICATE_LENGTH = HEAD_LENGTH + KID_LENGTH + DIGEST_LENGTH
_STATES = {State.VALID: 0, State.REVOKED: 1, State.SUSPENDED: 2, State.CANCELLED: 3, State.SUPERSEDED: 4}


def entry_bytes(body: LogBody, logged_ms: int) -> bytes:
    """The entry as the log holds it."""
    return bytes((body.kind,)) + logged_ms.to_bytes(8, "big") + body.body


def read_entry(entry: bytes) -> LogEntry:
    """Kind, time and body of any entry, also of a kind that is not known here. Raises ``log_entry_malformed``."""
    if len(entry) < HEAD_LENGTH:
        raise KezhengError("log_entry_malformed")
    logged_ms = int.from_bytes(entry[1:HEAD_LENGTH], "big")
    if logged_ms > _LATEST_MS:
        raise KezhengError("log_entry_malformed")
    return LogEntry(entry[0], logged_ms, entry[HEAD_LENGTH:])


def subject_of(entry: LogEntry) -> bytes | None:
    """The digest that an entry is about, for finding it again; None for kinds without one."""
    if entry.kind == EntryKind.CERTIFICATE and len(entry.body) == KID_LENGTH + DIGEST_LENGTH:
        return entry.body[KID_LENGTH:]
    digest_first = (EntryKind.STATUS, EntryKind.TRUST_LIST, EntryKind.DATA_FILE, EntryKind.APPROVAL)
    if entry.kind in digest_first and len(entry.body) >= DIGEST_LENGTH:
        return entry.body[:DIGEST_LENGTH]
    digest_last = (EntryKind.LISTING, EntryKind.KEY)
    return entry.body[-DIGEST_LENGTH:] if entry.kind in digest_last and len(entry.body) > DIGEST_LENGTH else None


def is_about(entry: bytes, subject: bytes) -> bool:
    """Whether an entry that was read before is about a digest, as `subject_of` says: told at once of certificates."""
    if entry[0] == _CERTIFICATE and len(entry) == _CERTIFICATE_LENGTH:
        return entry[-DIGEST_LENGTH:] == subject
    return subject_of(read_entry(entry)) == subject


@lru_cache(maxsize=4096)
def logged_at_of(head: bytes) -> datetime:
    """The time in an entry's first nine bytes. Kept: up to a thousand are logged at once. Raises as `read_entry`."""
    return read_entry(head).logged_at


def clock_body() -> LogBody:
    """A clock entry: shows how fresh a checkpoint is and bounds any back-dating."""
    return LogBody(EntryKind.CLOCK, NO_SUBJECT, b"")


def certificate_body(kid: bytes, envelope_digest: bytes) -> LogBody:
    """A certificate: the key that signed it and the SHA-256 of its envelope."""
    return LogBody(EntryKind.CERTIFICATE, envelope_digest, kid + envelope_digest)


def status_body(envelope_digest: bytes, event: StatusEvent) -> LogBody:
    """A status change: envelope digest ‖ state ‖ void from the start ‖ from, until (uint64 seconds, 0 for none)."""
    until = 0 if event.until is None else epoch_seconds(event.until)
    state = bytes((_STATES[event.state], event.void_from_start))
    times = epoch_seconds(event.effective_from).to_bytes(8, "big") + until.to_bytes(8, "big")
    return LogBody(EntryKind.STATUS, envelope_digest, envelope_digest + state + times)


def listing_body(act: ListingAct, institution_code: str, record: object) -> LogBody:
    """A change of a listing: act ‖ institution code (13 ASCII) ‖ SHA-256 of the record's canonical JSON."""
    digest = hashlib.sha256(encode_json(record)).digest()
    return LogBody(EntryKind.LISTING, digest, bytes((act,)) + institution_code.encode("ascii") + digest)


def grant_body(institution_code: str, content: object) -> LogBody:
    """The entry of a granted scope."""
    return listing_body(ListingAct.GRANTED, institution_code, content)


def change_body(institution_code: str, kind: EventKind, content: object) -> LogBody:
    """The entry of a suspension, reinstatement, withdrawal or removal."""
    ends = kind in (EventKind.WITHDRAW, EventKind.REMOVE)
    return listing_body(ListingAct.ENDED if ends else ListingAct.CHANGED, institution_code, content)


def key_body(act: KeyAct, public_key: bytes, effective_at: datetime) -> LogBody:
    """A change of a key: act ‖ time of effect (uint64 ms) ‖ SHA-256 of the raw public key."""
    digest = hashlib.sha256(public_key).digest()
    return LogBody(EntryKind.KEY, digest, bytes((act,)) + ms_of(effective_at).to_bytes(8, "big") + digest)


def is_theft(entry: LogEntry) -> bool:
    """Whether an entry declares a key compromised."""
    return entry.kind == EntryKind.KEY and entry.body[:1] == bytes((KeyAct.COMPROMISED,))


def theft_time(body: bytes) -> int:
    """Since when, in ms, the key of such an entry is compromised."""
    return int.from_bytes(body[1:9], "big")


def file_body(kind: EntryKind, content: bytes) -> LogBody:
    """A trust list or a published data file: the SHA-256 of its bytes."""
    digest = hashlib.sha256(content).digest()
    return LogBody(kind, digest, digest)


def approval_body(salted_digest: bytes) -> LogBody:
    """An approval: a salted digest of batch, rows, marks and both people, so that a later change shows."""
    return LogBody(EntryKind.APPROVAL, salted_digest, salted_digest)
