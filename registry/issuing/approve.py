"""Approving a batch: another person than the operator, for exactly the rows that were stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from certs.approval import Approval, approve
from certs.assessment import AssessmentResult
from certs.authority import Subject, judge_authority
from certs.errors import KezhengError
from certs.institution import InstitutionRecord
from registry.directory import require_institution
from registry.home import Home
from registry.issuing.approval_entry import approval_is_logged, log_approval
from registry.store.approval_store import RowSubject, row_subjects
from registry.store.audit_store import record_act
from registry.store.batch_store import BatchRecord, approve_batch, confirm_run_off, require_batch
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.states import BatchState


def approve_import(
    home: Home, batch_id: str, approver: str, run_off_confirmed_by: str | None, now: datetime
) -> BatchRecord:
    """imported → approved; a batch that is further on is returned as it is, with a confirmation that came later.

    Raises KezhengError ``batch_unknown``, ``approver_is_operator``, ``person_missing``,
    ``run_off_needs_confirmation`` when the institution has left the directory since the assessments.
    """
    with home.recording() as tx:
        batch = require_batch(tx, batch_id)
        if batch.state is not BatchState.IMPORTED:
            return _confirm_later(tx, batch, run_off_confirmed_by, now)
        approval = approve(batch.operator, approver, batch.rows_digest, now)
        institution = require_institution(tx, batch.institution_code)
        if _needs_run_off(home, tx, institution, batch_id, now):
            if not run_off_confirmed_by:
                raise KezhengError("run_off_needs_confirmation")
            confirm_run_off(tx, batch_id, run_off_confirmed_by)
            record_act(tx, now, run_off_confirmed_by, "run_off_confirmed", batch_id)
        approve_batch(
            tx,
            batch_id,
            rows_digest=approval.rows_digest,
            approver=approval.approver,
            declared=approval.declared,
            at=approval.approved_at,
        )
        log_approval(home, tx, "batch_approved", batch_id, approved_content(batch_id, approval), now, declared="yes")
        return require_batch(tx, batch_id)


def approved_content(batch_id: str, approval: Approval) -> dict[str, str]:
    """What two people approved: the batch, its rows with their marks, and who they are."""
    rows = approval.rows_digest.hex()
    return {"batch": batch_id, "rows": rows, "operator": approval.operator, "approver": approval.approver}


def is_approved_in_register(tx: ReadTransaction, batch: BatchRecord, replaced: Collection[str]) -> bool:
    """Whether the public register holds the approval of exactly the rows of a batch by its two people.

    The record of a correction's approval is kept with the certificate that it replaces: ``replaced`` are the numbers
    of those that the rows replace.
    """
    if batch.approver is None or batch.approved_at is None:
        return False
    approval = Approval(batch.operator.strip(), batch.approver, batch.rows_digest, batch.approved_at, declared=True)
    content = approved_content(batch.id, approval)
    return any(approval_is_logged(tx, subject, content) for subject in (batch.id, *replaced))


def _confirm_later(tx: WriteTransaction, batch: BatchRecord, confirmed_by: str | None, now: datetime) -> BatchRecord:
    """An institution can leave between approval and issue: then the confirmation is added to the approved batch."""
    if not confirmed_by or batch.run_off_confirmed_by or batch.state not in (BatchState.APPROVED, BatchState.ISSUING):
        return batch
    confirm_run_off(tx, batch.id, confirmed_by)
    record_act(tx, now, confirmed_by, "run_off_confirmed", batch.id)
    return batch._replace(run_off_confirmed_by=confirmed_by)


def _needs_run_off(
    home: Home, tx: ReadTransaction, institution: InstitutionRecord, batch_id: str, now: datetime
) -> bool:
    """Whether any certificate of a batch would be issued after the listing that covers it has ended."""
    limits = home.settings.limits
    return any(
        judge_authority(institution, _subject(home, institution, row), now, limits).in_run_off
        for row in row_subjects(tx, batch_id, AssessmentResult.PASSED)
    )


def _subject(home: Home, institution: InstitutionRecord, row: RowSubject) -> Subject:
    claim = row.direction_text if row.direction_number is None else row.direction_number
    direction = home.catalogue.by_id(row.occupation_id).direction_name(claim)
    return Subject(institution.kind, row.occupation_id, direction, row.grade, None, row.assessed_on)
