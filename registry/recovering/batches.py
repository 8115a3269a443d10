"""Approved batches with their rows and people, brought back from the archive under row ids of this database.

Row and person ids of the lost database mean nothing here: a row is known by batch and line of the sheet, a person by
the blind index of a document. So rows that were imported after the backup was put back cannot be in the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson

from certs.candidate import Candidate
from certs.grades import Grade
from registry.home import Home
from registry.issuing.stored_rows import NUMBER_COLUMN, PRIVATE_COLUMN, candidate_of, replacement_of
from registry.issuing.stored_rows import TABLE as ROW_TABLE
from registry.recovering.archived import Archived
from registry.store.audit_store import AuditEvent, acts_on
from registry.store.batch_store import BatchRecord, batch_by_id
from registry.store.counter_store import take_ids
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.person_store import PersonDocumentRecord, add_document, add_persons, persons_by_blind_index
from registry.store.recovery_reads import ROW_CHUNK, ArchivedRow
from registry.store.recovery_writes import add_acts, standing_by_number, store_batch
from registry.store.roster_store import RosterRowRecord, add_roster_rows, roster_rows
from registry.store.rows import chunks
from registry.store.states import BatchState

PERSON_TABLE, PERSON_COLUMN = "person_document", "number_ciphertext"
_INSTANTS = ("imported_at", "approved_at", "released_at")


class _Person(NamedTuple):
    """Somebody whom a row is about, found by the blind index of a document."""

    blind_index: bytes
    candidate: Candidate
    replaces: str | None


def restore_batches(home: Home, tx: WriteTransaction, archived: Archived) -> list[str]:
    """Store the batches that the archive has, and the rows that are missing; the ids of batches with news."""
    changed = []
    for batch_id, values in archived.batches.items():
        batch, known = _batch(values), batch_by_id(tx, batch_id)
        if known is None or known.state is BatchState.IMPORTED:
            store_batch(tx, batch)
            changed.append(batch_id)
        _restore_rows(home, tx, batch_id, archived)
    return changed


def restore_acts(tx: WriteTransaction, archived: Archived) -> None:
    """Store the audit records that explain approvals: without them nothing of a batch would be signed."""
    missing = [act for _, act in sorted(archived.acts.items()) if not _is_known(tx, act)]
    ids = take_ids(tx, "audit_event", len(missing))
    add_acts(tx, [_act(event_id, act) for event_id, act in zip(ids, missing, strict=True)])


def _is_known(tx: ReadTransaction, act: Mapping[str, Any]) -> bool:
    return any(each.details == act["details"] for each in acts_on(tx, act["subject"]))


def _act(event_id: int, act: Mapping[str, Any]) -> AuditEvent:
    values = {**act, "id": event_id, "at": datetime.fromisoformat(act["at"])}
    return AuditEvent(**values)


def _batch(values: Mapping[str, Any]) -> BatchRecord:
    """A batch as it was approved; how far it is, its certificates say."""
    instants = {name: values[name] and datetime.fromisoformat(values[name]) for name in _INSTANTS}
    is_void = values["state"] == BatchState.VOID
    state = BatchState.VOID if is_void else BatchState.APPROVED
    return BatchRecord(**{**values, **instants, "state": state, "released_at": None})


def _restore_rows(home: Home, tx: WriteTransaction, batch_id: str, archived: Archived) -> None:
    """Store the rows of a batch that are missing, piece by piece: a server ends a transaction that is idle for long."""
    rows = archived.rows[batch_id]
    known = {row.sheet_row for row in roster_rows(tx, batch_id)} if rows else set()
    missing = [row for place, row in sorted(rows.items()) if place not in known]
    for part in chunks(missing, ROW_CHUNK):
        _store_rows(home, tx, [_record(row, batch_id) for row in part], archived)


def _store_rows(home: Home, tx: WriteTransaction, rows: Sequence[RosterRowRecord], archived: Archived) -> None:
    people = [_person(home, row) for row in rows]
    persons = _restore_persons(home, tx, people, archived)
    ids = take_ids(tx, "roster_row", len(rows))
    add_roster_rows(
        tx,
        [
            _sealed_for(home, row, row_id, persons[person.blind_index])
            for row, row_id, person in zip(rows, ids, people, strict=True)
        ],
    )


def _record(row: ArchivedRow, batch_id: str) -> RosterRowRecord:
    """The row under its archived id, whose person is not known yet."""
    values = row._asdict() | {
        "batch_id": batch_id,
        "person_id": 0,
        "grade": Grade(row.grade),
        "assessed_on": date.fromisoformat(row.assessed_on),
        "extra": None if row.extra is None else orjson.loads(row.extra),
    }
    return RosterRowRecord(**values)


def _sealed_for(home: Home, row: RosterRowRecord, row_id: int, person_id: int) -> RosterRowRecord:
    """The row under another id: its ciphertexts open only in the row that they were sealed for."""
    cipher = home.keyring.cipher

    def moved(column: str, sealed: bytes) -> bytes:
        return cipher.seal(ROW_TABLE, column, row_id, cipher.open(ROW_TABLE, column, row.id, sealed))

    return row._replace(
        id=row_id,
        person_id=person_id,
        number_ciphertext=moved(NUMBER_COLUMN, row.number_ciphertext),
        private_ciphertext=None if row.private_ciphertext is None else moved(PRIVATE_COLUMN, row.private_ciphertext),
        key_id=cipher.current_key_id,
    )


def _person(home: Home, row: RosterRowRecord) -> _Person:
    candidate = candidate_of(row, home.keyring.cipher, home.catalogue)
    index = home.keyring.blind_index.of(candidate.id_document.type.value, candidate.id_document.person_key)
    replaces = replacement_of(row)
    return _Person(index, candidate, None if replaces is None else replaces.number)


def _restore_persons(
    home: Home, tx: WriteTransaction, people: Sequence[_Person], archived: Archived
) -> dict[bytes, int]:
    """Person ids by blind index; people who are new here are stored, with the document that the row shows.

    A correction may show another document of somebody who is known: of whoever holds what it replaces.
    """
    ids = persons_by_blind_index(tx, [person.blind_index for person in people])
    unknown = {person.blind_index: person for person in people if person.blind_index not in ids}
    owners = {index: _owner(tx, person, archived) for index, person in unknown.items()}
    adopted = {index: owner for index, owner in owners.items() if owner is not None}
    new = [index for index in unknown if index not in adopted]
    made = dict(zip(new, take_ids(tx, "person", len(new)), strict=True))
    add_persons(tx, _documents(home, tx, [unknown[index] for index in new], made))
    for document in _documents(home, tx, [unknown[index] for index in adopted], adopted):
        add_document(tx, document)
    return ids | adopted | made


def _owner(tx: ReadTransaction, person: _Person, archived: Archived) -> int | None:
    """The person who holds the certificate that a row replaces, None for a row that replaces none."""
    if person.replaces is None:
        return None
    standing = standing_by_number(tx, [person.replaces]).get(person.replaces)
    if standing is not None:
        return standing.person_id
    found = next((each for each in archived.certificates.values() if each.number == person.replaces), None)
    rows = [] if found is None else roster_rows(tx, found.batch_id)
    return next((row.person_id for row in rows if found is not None and row.sheet_row == found.sheet_row), None)


def _documents(
    home: Home, tx: WriteTransaction, people: Sequence[_Person], ids: Mapping[bytes, int]
) -> list[PersonDocumentRecord]:
    cipher, numbers = home.keyring.cipher, take_ids(tx, PERSON_TABLE, len(people))
    return [
        PersonDocumentRecord(
            id=document_id,
            person_id=ids[person.blind_index],
            id_type=person.candidate.id_document.type.value,
            blind_index=person.blind_index,
            number_ciphertext=cipher.seal(
                PERSON_TABLE, PERSON_COLUMN, document_id, person.candidate.id_document.number
            ),
            key_id=cipher.current_key_id,
        )
        for document_id, person in zip(numbers, people, strict=True)
    ]
