"""Corrections and reprints: wrong content means a new certificate that names the old one; lost paper is printed again.

A correction keeps the assessment date and the day of first issue. It is a batch of one row, so that it is approved,
issued and resumed like any other, and takes its predecessor's place in the transaction that releases it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from certs.approval import approve
from certs.candidate import Candidate, rows_digest
from certs.errors import KezhengError
from certs.id_document import IdDocument, IdFault, id_word, normalise_id, read_id
from certs.person_name import read_name
from certs.status import State, status_at
from certs.status_reasons import REASONS, check_reason
from certs.timestamps import shanghai_day
from registry.directory import require_institution
from registry.exporting import IssuedFile, export_certificate
from registry.faces import certificate_face
from registry.home import Home
from registry.issuing.approval_entry import log_approval
from registry.issuing.approve import approved_content
from registry.issuing.import_roster import new_batch_id
from registry.issuing.roster_people import adopt_document
from registry.issuing.store_roster import store_candidates
from registry.issuing.stored_rows import Replacement, candidate_of
from registry.rendering.glyph_coverage import missing_glyphs
from registry.status_changes import as_status_event, require_released
from registry.store.audit_store import record_act
from registry.store.batch_store import BatchRecord, add_batch, batch_by_file_digest, batch_by_id
from registry.store.certificate_store import CertificateRecord, count_print
from registry.store.engine import ReadTransaction
from registry.store.roster_store import roster_rows_by_id
from registry.store.states import BatchState
from registry.store.status_store import status_events_of


class Correction(NamedTuple):
    """What is to be different on the new certificate; None keeps what the old one says."""

    reason: str
    operator: str
    approver: str
    name: str | None = None
    id_type: str | None = None
    id_number: str | None = None


def start_correction(home: Home, number: str, correction: Correction, now: datetime) -> BatchRecord:
    """Store and approve the corrected row; issue the batch to finish. Asked again, it is the batch that waits.

    Raises KezhengError: ``certificate_unknown``, ``certificate_not_in_force``, ``correction_changes_nothing``,
    ``status_reason_not_allowed``, ``approver_is_operator``, ``correction_name_refused``, ``correction_id_refused``,
    ``person_of_other_document``, ``correction_waits`` while another correction of the certificate is unfinished.
    """
    check_reason("correct", correction.reason, REASONS[State.SUPERSEDED])
    with home.recording() as tx:
        old = require_released(tx, number)
        _check_in_force(tx, old, now)
        before = _candidate(home, tx, old)
        after = _corrected(before, correction, now)
        digest = rows_digest([after])
        approval = approve(correction.operator, correction.approver, digest, now)
        file_digest = hashlib.sha256(f"correction of {number}".encode()).digest()
        waiting = _waiting(tx, old, file_digest, digest)
        if waiting is not None:
            return waiting
        batch = BatchRecord(
            id=new_batch_id(now),
            institution_code=old.institution_code,
            label=f"更正 {number}",
            state=BatchState.APPROVED,
            file_digest=file_digest,
            rows_digest=digest,
            operator=approval.operator,
            imported_at=now,
            approver=approval.approver,
            approver_declared=approval.declared,
            approved_at=now,
        )
        if after.id_document.person_key != before.id_document.person_key:
            adopt_document(home, tx, old.person_id, after)
        add_batch(tx, batch)
        store_candidates(home, tx, batch.id, [after], Replacement(number, correction.reason))
        content = approved_content(batch.id, approval)
        log_approval(home, tx, "correction_started", number, content, now, reason=correction.reason)
        return batch


def _waiting(tx: ReadTransaction, old: CertificateRecord, file_digest: bytes, rows: bytes) -> BatchRecord | None:
    """The correction of a certificate that was stopped on its way; there is one at a time."""
    known = batch_by_file_digest(tx, old.institution_code, file_digest)
    batch = None if known is None else batch_by_id(tx, known)
    if batch is not None and batch.rows_digest != rows:
        raise KezhengError("correction_waits", batch=batch.id)
    return batch


def reprint(home: Home, number: str, folder: Path, by: str, now: datetime) -> IssuedFile:
    """Count a print and write the same signed certificate again, with the remark. Raises ``certificate_unknown``."""
    with home.store.transaction() as tx:
        require_released(tx, number)
        count_print(tx, number)
        certificate = require_released(tx, number)
        institution = require_institution(tx, certificate.institution_code)
        candidate = _candidate(home, tx, certificate)
        record_act(tx, now, by, "certificate_reprinted", number, prints=certificate.prints)
    face = certificate_face(home, certificate, candidate, institution, now)
    return export_certificate(folder, face, candidate.row)


def _candidate(home: Home, tx: ReadTransaction, certificate: CertificateRecord) -> Candidate:
    row = roster_rows_by_id(tx, [certificate.roster_row_id])[certificate.roster_row_id]
    return candidate_of(row, home.keyring.cipher, home.catalogue)


def _check_in_force(tx: ReadTransaction, certificate: CertificateRecord, now: datetime) -> None:
    events = [as_status_event(event) for event in status_events_of(tx, certificate.number)]
    state = status_at(events, None, now).state
    if state is not State.VALID:
        raise KezhengError("certificate_not_in_force", number=certificate.number, state=state.value)


def _corrected(before: Candidate, correction: Correction, now: datetime) -> Candidate:
    after = before
    if correction.name is not None:
        after = after._replace(name=_name(correction.name))
    if correction.id_number is not None:
        after = after._replace(id_document=_document(before, correction, now))
    if after == before:
        raise KezhengError("correction_changes_nothing")
    return after


def _name(text: str) -> str:
    reading = read_name(text)
    if reading.fault is not None or missing_glyphs(reading.name):
        raise KezhengError("correction_name_refused")
    return reading.name


def _document(before: Candidate, correction: Correction, now: datetime) -> IdDocument:
    word = id_word(correction.id_type or before.id_document.type.zh)
    if word is None:
        raise KezhengError("correction_id_refused", reason="id_type_unknown")
    number = normalise_id(correction.id_number or "")
    found = read_id(word, number, shanghai_day(now), before.id_document.nationality)
    if isinstance(found, IdFault):
        raise KezhengError("correction_id_refused", reason=found.code)
    return found
