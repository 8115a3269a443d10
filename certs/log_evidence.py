"""The public register as evidence: what a verifier may ask of a log whose checkpoint it has checked.

A log is *at hand completely* when every entry bundle is there and together they give the checkpoint's root; only then
may "it is not in the log" be said. An index of digests only tells where to look, and proves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from certs.institution import InstitutionRecord, SigningKey
from certs.institution_json import event_content, scope_content
from certs.log_entry import (
    HEAD_LENGTH,
    EntryKind,
    KeyAct,
    LogBody,
    change_body,
    entry_bytes,
    grant_body,
    is_theft,
    key_body,
    logged_at_of,
    read_entry,
    status_body,
    theft_time,
)
from certs.signing_key import KID_LENGTH
from certs.status import StatusEvent
from certs.timestamps import ms_of

FRESH_FOR = timedelta(hours=72)
"""How old the newest entry may be: a clock entry is added every hour."""

_CERTIFICATE = int(EntryKind.CERTIFICATE)
_NO_CHANGES: frozenset[bytes] = frozenset()


class LoggedCertificate(NamedTuple):
    """Where and when the register took a certificate in, and under which key."""

    tree_size: int
    leaf_index: int
    logged_at: datetime
    kid: bytes


class LogReader(Protocol):
    """A register whose checkpoint is authentic. Each question may raise KezhengError ``log_unavailable``."""

    def __hash__(self) -> int:
        """Answers are kept by the register that gave them."""

    @property
    def size(self) -> int:
        """How many entries the checkpoint covers."""

    @property
    def newest_at(self) -> datetime:
        """The time of the last entry."""

    @property
    def witnesses(self) -> Sequence[tuple[str, datetime]]:
        """Witnesses that cosigned the checkpoint, with their times."""

    @property
    def is_complete(self) -> bool:
        """Whether it is at hand as a whole, so that nothing about a digest can be missing."""

    def covers(self, instant: datetime) -> bool:
        """Whether whatever was logged before this instant must be in it."""

    def entries_about(self, subject: bytes) -> Sequence[tuple[int, bytes]]:
        """Every entry about a digest with its place, in order. None is missing."""

    def entry(self, index: int) -> bytes | None:
        """The entry at a place, None past the end."""


def logged_certificate(
    entries: Sequence[tuple[int, bytes]], body: bytes, tree_size: int
) -> LoggedCertificate | None:
    """The first certificate entry with this body (kid ‖ envelope digest), or None: what is logged twice counts once."""
    for index, content in entries:
        if content[0] == _CERTIFICATE and content[HEAD_LENGTH:] == body:
            logged_at = logged_at_of(content[:HEAD_LENGTH])
            return tuple.__new__(LoggedCertificate, (tree_size, index, logged_at, body[:KID_LENGTH]))
    return None


def logged_status_changes(entries: Sequence[tuple[int, bytes]]) -> frozenset[bytes]:
    """The bodies of the status changes among entries."""
    if len(entries) == 1 and entries[0][1][0] == _CERTIFICATE:
        return _NO_CHANGES
    return frozenset([content[HEAD_LENGTH:] for _, content in entries if content[0] == EntryKind.STATUS])


def hides_status_change(logged: frozenset[bytes], envelope: bytes, events: Sequence[StatusEvent]) -> bool:
    """Whether the register has a status change of this certificate that these events lack."""
    if not logged:
        return False
    digest = hashlib.sha256(envelope).digest()
    return not logged <= {status_body(digest, event).body for event in events}


def has_file(log: LogReader, kind: EntryKind, digest: bytes) -> bool:
    """Whether a trust list or data file with this SHA-256 is an entry of the register."""
    return any(read_entry(entry).kind == kind for _, entry in log.entries_about(digest))


@lru_cache(maxsize=4096)
def listing_is_logged(log: LogReader, institution: InstitutionRecord) -> bool:
    """Whether the register holds every grant, change and key of a listing, where and when the trust list says.

    Kept, because every certificate of an institution asks the same of the same tree.
    """
    return (
        all(log.entry(index) == entry for index, entry in _entries_of(institution))
        and all(_is_at(log, index, body) for index, body in _key_entries(institution))
        and not any(_hides_theft(log, key) for key in institution.keys if log.is_complete)
    )


def _hides_theft(log: LogReader, key: SigningKey) -> bool:
    """Whether the register knows of an earlier theft than the list says: it may move earlier, never later or away."""
    entries = (read_entry(content) for _, content in log.entries_about(hashlib.sha256(key.public_key).digest()))
    thefts = [theft_time(entry.body) for entry in entries if is_theft(entry)]
    return bool(thefts) and (key.compromised_at is None or ms_of(key.compromised_at) > min(thefts))


def _entries_of(institution: InstitutionRecord) -> list[tuple[int, bytes]]:
    """Grants and changes: for these the trust list also says the time of the entry."""
    grants = [
        (scope.log_index, entry_bytes(grant_body(institution.code, scope_content(scope)), ms_of(scope.granted_at)))
        for scope in institution.scopes
    ]
    changes = [
        (
            event.log_index,
            entry_bytes(change_body(institution.code, event.kind, event_content(event)), ms_of(event.recorded_at)),
        )
        for event in institution.events
    ]
    return grants + changes


def _key_entries(institution: InstitutionRecord) -> list[tuple[int | None, LogBody]]:
    found: list[tuple[int | None, LogBody]] = []
    for key in institution.keys:
        found.append((key.log_index, key_body(KeyAct.ADDED, key.public_key, key.not_before)))
        if key.retired_at is not None:
            found.append((key.retired_log_index, key_body(KeyAct.RETIRED, key.public_key, key.retired_at)))
        if key.compromised_at is not None:
            body = key_body(KeyAct.COMPROMISED, key.public_key, key.compromised_at)
            found.append((key.compromised_log_index, body))
    return found


def _is_at(log: LogReader, index: int | None, body: LogBody) -> bool:
    content = None if index is None else log.entry(index)
    if content is None:
        return False
    entry = read_entry(content)
    return entry.kind == body.kind and entry.body == body.body
