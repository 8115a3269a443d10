"""All that matters in a register, under names that mean the same in every database: no row id, nothing sealed.

Two databases with the same picture would issue, refuse, publish and answer alike.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from certs.institution_json import institution_to_json
from registry.home import Home
from registry.records import institution_record
from registry.status_changes import NOTE_PLACE
from registry.store.engine import ReadTransaction
from registry.store.institution_store import institutions

_PEOPLE = """SELECT roster_row.id, person_document.blind_index FROM roster_row
JOIN person_document ON person_document.person_id = roster_row.person_id"""
_CERTIFICATES = """SELECT number, c.batch_id, r.sheet_row, c.institution_code, c.occupation_id, direction_key, c.grade,
kind, prefix, serial, status_index, state, c.assessed_on, first_issued_on, supersedes, c.official_number, live,
p.to_be_signed, p.kid, p.issued_at, s.envelope, s.envelope_digest, l.leaf_index, l.logged_at
FROM certificate c JOIN roster_row r ON r.id = roster_row_id LEFT JOIN certificate_prepared p ON p.certificate_id = c.id
LEFT JOIN certificate_sealed s ON s.certificate_id = c.id LEFT JOIN certificate_logged l ON l.certificate_id = c.id"""
_FORMER = """SELECT f.envelope_digest, number, f.envelope, f.status_index, leaf_index, kid FROM former_envelope f
JOIN certificate ON certificate.id = f.certificate_id"""
_EVENTS = """SELECT id, certificate_number, status_index, state, effective_from, until, reason_code, void_from_start,
successor, note_ciphertext, recorded_by, recorded_at FROM status_event"""
_BATCHES = """SELECT id, institution_code, label, state, file_digest, rows_digest, operator, imported_at, approver,
approver_declared, approved_at, run_off_confirmed_by, released_at IS NULL FROM batch"""
_ROW_FIELDS = """batch_id, sheet_row, name, id_type, occupation_id, occupation_code, direction_number, direction_text,
grade, theory, ability, assessed_on, site_code, training_certificate_number, official_number, extra, result"""
_ACTS = "SELECT at, actor, action, subject, details FROM audit_event WHERE CAST(details AS VARCHAR) LIKE '%log_index%'"
_PREFIX = "SELECT leaf_index, kind, subject, entry FROM log_entry WHERE leaf_index < :size"
_TILES = "SELECT level, tile_index, root FROM log_tile"


def picture(home: Home, size: int) -> dict[str, Any]:
    """The picture of a home's register, of the log its first ``size`` entries."""
    with home.store.reading() as tx:
        listed = [institution_to_json(institution_record(facts)) for facts in institutions(tx)]
        return {
            "institutions": listed,
            "keys": _all(tx, "SELECT * FROM signing_key WHERE role = 'institution'"),
            "batches": _all(tx, _BATCHES),
            "rows": _rows(home, tx),
            "certificates": _all(tx, _CERTIFICATES),
            "former": _all(tx, _FORMER),
            "events": _events(home, tx),
            "acts": _all(tx, _ACTS),
            "entries": _all(tx, _PREFIX, size=size),
            "tiles": _all(tx, _TILES),
        }


def _all(tx: ReadTransaction, query: str, **values: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in tx.connection.execute(text(query), values)), key=repr)


def _rows(home: Home, tx: ReadTransaction) -> list[tuple[Any, ...]]:
    """Rows with what they hide, and with the documents of their person."""
    documents: dict[int, set[bytes]] = {}
    for row_id, index in tx.connection.execute(text(_PEOPLE)):
        documents.setdefault(row_id, set()).add(index)
    query = f"SELECT id, number_ciphertext, private_ciphertext, {_ROW_FIELDS} FROM roster_row"
    found = []
    for row_id, number, private, *rest in tx.connection.execute(text(query)):
        opened = home.keyring.cipher.open("roster_row", "number_ciphertext", row_id, number)
        hidden = home.keyring.cipher.open("roster_row", "private_ciphertext", row_id, private)
        found.append((*rest, opened, hidden, sorted(documents[row_id])))
    return sorted(found, key=repr)


def _events(home: Home, tx: ReadTransaction) -> list[tuple[Any, ...]]:
    found = []
    for row in tx.connection.execute(text(_EVENTS)):
        values = row._asdict()
        event_id, note = values.pop("id"), values.pop("note_ciphertext")
        said = None if note is None else home.keyring.cipher.open(*NOTE_PLACE, event_id, note)
        found.append((*values.values(), said))
    return sorted(found, key=repr)
