"""What issuing certificates of an approved batch needs, gathered once for as many chunks as are issued with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from certs.authority import issuer_fault
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.institution import InstitutionRecord
from certs.timestamps import shanghai_day
from registry.directory import require_institution
from registry.home import Home
from registry.issuing.approved_rows import ApprovedRow, ApprovedRows, kept_rows
from registry.issuing.certificate_signer import CertificateSigner
from registry.signing_keys import issuing_signer
from registry.store.batch_store import BatchRecord, require_batch
from registry.store.engine import ReadTransaction
from registry.store.states import BatchState

STARTED = (BatchState.ISSUING, BatchState.RELEASED)
"""States in which a batch has numbers; a released one may have certificates that wait for a new paper."""


@dataclass(frozen=True, slots=True)
class BatchWork:
    """A batch that has its numbers: ``kid`` is the institution's key, which the evidence knows."""

    home: Home
    batch: BatchRecord
    institution: InstitutionRecord
    kid: bytes
    evidence: Evidence
    rows: Mapping[int, ApprovedRow]
    signer: CertificateSigner


def gather_work(home: Home, batch_id: str, now: datetime) -> BatchWork:
    """A batch with its rows as approved and the evidence our own verifier uses.

    Raises KezhengError ``batch_unknown``, ``batch_state`` for one without numbers, ``not_authorised``,
    ``approval_stale``, ``no_key_in_use``.
    """
    with home.store.reading() as tx:
        batch = batch_in(tx, batch_id, STARTED)
        return work_on(home, tx, batch, kept_rows(home, tx, batch), now)


def work_on(home: Home, tx: ReadTransaction, batch: BatchRecord, rows: ApprovedRows, now: datetime) -> BatchWork:
    """The same for a batch whose rows are at hand. Raises KezhengError ``not_authorised``, ``no_key_in_use``."""
    institution = require_issuer(tx, batch.institution_code, now)
    kid = issuing_signer(home, tx, institution.code, now).kid
    signer = CertificateSigner(home, batch, rows)
    return BatchWork(home, batch, institution, kid, home.evidence(tx), rows.by_id, signer)


def batch_in(tx: ReadTransaction, batch_id: str, allowed: Collection[BatchState]) -> BatchRecord:
    """A batch in one of some states. Raises KezhengError ``batch_unknown`` or ``batch_state``."""
    batch = require_batch(tx, batch_id)
    if batch.state not in allowed:
        raise KezhengError("batch_state", batch=batch_id, state=batch.state.value)
    return batch


def require_issuer(tx: ReadTransaction, code: str, now: datetime) -> InstitutionRecord:
    """An institution that may have certificates signed today. Raises KezhengError ``not_authorised``."""
    institution = require_institution(tx, code)
    # Bytes recorded before a removal or suspension must not be signed after it under their earlier time.
    fault = issuer_fault(institution, shanghai_day(now))
    if fault is not None:
        raise KezhengError("not_authorised", reason=fault)
    return institution
