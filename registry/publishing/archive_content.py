"""What stands behind a stretch of the register, as frames of a block: all that `kezheng recover` needs to restore it.

Everything is read from what the database has committed, so that no crash can lose any of it:

``certificates``  each certificate with its envelope, its number and the approved row that it was issued for
``batch``, ``rows``  with its approval, a batch and all its rows, also of those who did not pass
``act``  the audit record that explains an approval
``changes``  changes of status, with the reason, who recorded them and the sealed note
``trust``  the trust list that was entered last, with the roots under which it is read
``version``  the version of the status file, below which none is signed again
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from certs.evidence import ROOT_CHAIN_FILE, STATUS_FILE, TRUST_LIST_FILE
from certs.log_entry import DIGEST_LENGTH, EntryKind, read_entry, status_body
from certs.status import State, StatusEvent
from registry.publishing.archive_block import Frame
from registry.publishing.documents import ROOT_FILE
from registry.store.audit_store import AuditEvent
from registry.store.batch_store import BatchRecord, batch_by_id
from registry.store.document_store import latest_document
from registry.store.engine import ReadTransaction
from registry.store.recovery_reads import (
    acts_between,
    certificates_between,
    newest_version,
    numbers_of_envelopes,
    recent_versions,
    rows_of_batch,
)
from registry.store.status_store import StatusEventRecord, status_events_by_number

CERTIFICATES_IN_FRAME = 1_000
CLOCKS_APART = timedelta(seconds=30)
"""How far the time of an act may be from that of its entry: the register waits for slow clocks, and no longer."""
VERSIONS_TRIED = 20


def frames_between(tx: ReadTransaction, start: int, entries: Sequence[bytes]) -> Iterator[Frame]:
    """The frames of the entries that stand from a place on, in an order in which they can be restored."""
    places: dict[int, list[tuple[int, bytes]]] = {}
    for place, entry in enumerate(entries, start):
        places.setdefault(entry[0], []).append((place, entry))
    yield from _approvals(tx, places.get(EntryKind.APPROVAL, []))
    if EntryKind.CERTIFICATE in places:
        yield from _certificates(tx, start, start + len(entries))
    yield from _changes(tx, places.get(EntryKind.STATUS, []))
    yield from _trust(tx, places.get(EntryKind.TRUST_LIST, [])[-1:])
    yield Frame("version", newest_version(tx, STATUS_FILE))


def status_event_of(record: StatusEventRecord) -> StatusEvent:
    """A stored change as the register's entry states it."""
    return StatusEvent(
        state=State(record.state),
        effective_from=record.effective_from.replace(microsecond=0),
        until=record.until and record.until.replace(microsecond=0),
        reason_code=record.reason_code,
        void_from_start=record.void_from_start,
        successor=record.successor,
        recorded_at=record.recorded_at.replace(microsecond=0),
    )


def plain_values(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record with instants as ISO 8601 texts and members of enumerations as their texts."""
    return {name: _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value


def _certificates(tx: ReadTransaction, start: int, stop: int) -> Iterator[Frame]:
    found = certificates_between(tx, start, stop)
    for first in range(0, len(found), CERTIFICATES_IN_FRAME):
        yield Frame("certificates", found[first : first + CERTIFICATES_IN_FRAME])


def _approvals(tx: ReadTransaction, places: Sequence[tuple[int, bytes]]) -> Iterator[Frame]:
    if not places:
        return
    times = [read_entry(entry).logged_at for _, entry in places]
    wanted = {place for place, _ in places}
    for act in acts_between(tx, min(times) - CLOCKS_APART, max(times) + CLOCKS_APART):
        if act.details.get("log_index") in wanted:
            yield from _approved_batch(tx, act)
            yield Frame("act", plain_values(act._asdict()))


def _approved_batch(tx: ReadTransaction, act: AuditEvent) -> Iterator[Frame]:
    """The batch that an act approved, with its rows; an approval of another kind has none."""
    batch = batch_by_id(tx, str(act.details.get("batch", "")))
    if batch is not None:
        yield Frame("batch", _batch_values(batch))
        for rows in rows_of_batch(tx, batch.id):
            yield Frame("rows", [batch.id, rows])


def _batch_values(batch: BatchRecord) -> dict[str, Any]:
    return plain_values(batch._asdict())


def _changes(tx: ReadTransaction, places: Sequence[tuple[int, bytes]]) -> Iterator[Frame]:
    if not places:
        return
    bodies = [(place, read_entry(entry).body) for place, entry in places]
    numbers = numbers_of_envelopes(tx, sorted({body[:DIGEST_LENGTH] for _, body in bodies}))
    events = status_events_by_number(tx, sorted(set(numbers.values())))
    found = []
    for place, body in bodies:
        digest = body[:DIGEST_LENGTH]
        for event in events.get(numbers.get(digest, ""), []):
            if status_body(digest, status_event_of(event)).body == body:
                found.append([place, plain_values(event._asdict())])
    yield Frame("changes", found)


def _trust(tx: ReadTransaction, places: Sequence[tuple[int, bytes]]) -> Iterator[Frame]:
    for place, entry in places:
        read = read_entry(entry)
        for content in recent_versions(tx, TRUST_LIST_FILE, read.logged_at + CLOCKS_APART, VERSIONS_TRIED):
            if sha256(content).digest() == read.body:
                roots = {name: latest_document(tx, name) for name in (ROOT_FILE, ROOT_CHAIN_FILE)}
                files = {name: document.content for name, document in roots.items() if document is not None}
                yield Frame("trust", {"place": place, "list": content, "roots": files})
                break
