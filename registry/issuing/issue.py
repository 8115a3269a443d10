"""Issuing an approved batch: prepared → signed → released, chunk by chunk; a stop is resumed, never repeated.

Each step is one transaction and each names the state it starts from, so that a process killed at any write
leaves a state from which the same function goes on: recorded bytes are signed as recorded, a stored signature is
never made again, and a number whose year has passed before anything was prepared becomes void and is replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from certs.candidate import Candidate
from certs.certificate import CertificateClaims
from certs.certificate_number import parse_number
from certs.envelope import prepared_from_record, seal
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.institution import InstitutionRecord
from certs.issuance import IssueContext, IssueRequest, check_sealed, prepare_certificate
from certs.status import State
from certs.timestamps import shanghai_day
from keys.key_record import KeyRole
from registry.directory import require_institution
from registry.home import Home
from registry.issuing.reserve import RowAndCandidate, approved_rows, reserve_batch, reserve_rows
from registry.issuing.stored_rows import replacement_of
from registry.status_changes import StatusChange, record_change
from registry.store.batch_store import BatchRecord, batch_by_id, release_batch
from registry.store.certificate_states import (
    PreparedCertificate,
    SignedCertificate,
    record_prepared,
    record_released,
    record_signed,
    void_certificates,
)
from registry.store.certificate_store import CertificateRecord, certificates_of_batch
from registry.store.engine import WriteTransaction
from registry.store.states import BatchState, CertificateState

CHUNK = 1_000
Clock = Callable[[], datetime]
Progress = Callable[[int], None]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class BatchWork:
    """What issuing a batch needs, gathered once."""

    home: Home
    batch: BatchRecord
    institution: InstitutionRecord
    evidence: Evidence
    rows: dict[int, RowAndCandidate]


def issue_batch(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Take a batch from wherever it stands to ``released``.

    Raises KezhengError as `reserve_batch`, `prepare_certificate` and `check_sealed` do, ``batch_unknown`` and
    ``batch_state`` for a batch that is not approved. What was done before stays and is gone on from.
    """
    work = _gather(home, batch_id, clock())
    _replace_numbers_of_past_years(work, clock())
    for state, step in STEPS:
        for chunk in _chunks(_certificates(work, state)):
            step(work, chunk, clock())
            progress(len(chunk))
    with home.store.transaction() as tx:
        release_batch(tx, batch_id, clock())


def _gather(home: Home, batch_id: str, now: datetime) -> BatchWork:
    """The batch with its numbers reserved, its rows as approved, and the evidence our own verifier uses."""
    with home.store.transaction() as tx:
        batch = batch_by_id(tx, batch_id)
        if batch is None:
            raise KezhengError("batch_unknown", batch=batch_id)
        if batch.state not in (BatchState.APPROVED, BatchState.ISSUING):
            raise KezhengError("batch_state", batch=batch_id, state=batch.state.value)
        institution = require_institution(tx, batch.institution_code)
        home.publish_if_needed(tx, now)
    if batch.state is BatchState.APPROVED:
        reserve_batch(home, batch, institution, now)
    with home.store.reading() as reading:
        rows = {row.id: (row, candidate) for row, candidate in approved_rows(home, reading, batch)}
        return BatchWork(home, batch, institution, home.evidence(reading), rows)


def _replace_numbers_of_past_years(work: BatchWork, now: datetime) -> None:
    """A number taken last year and not yet prepared cannot be issued this year: void, and a new one taken."""
    with work.home.store.transaction() as tx:
        reserved = certificates_of_batch(tx, work.batch.id, [CertificateState.RESERVED])
        year = shanghai_day(now).year
        past = [c for c in reserved if parse_number(c.number, work.home.layouts).year != year]
        if past:
            void_certificates(tx, [certificate.id for certificate in past], CertificateState.RESERVED)
            rows = [work.rows[certificate.roster_row_id] for certificate in past]
            reserve_rows(work.home, tx, work.batch, work.institution, rows, now)


def _certificates(work: BatchWork, state: CertificateState) -> list[CertificateRecord]:
    with work.home.store.reading() as tx:
        return certificates_of_batch(tx, work.batch.id, [state])


def _prepare_chunk(work: BatchWork, chunk: Sequence[CertificateRecord], now: datetime) -> None:
    """reserved → prepared: lints and authority, then the bytes that will be signed are on record."""
    issued_at = now.replace(microsecond=0)
    signer = work.home.keyring.signer(KeyRole.INSTITUTION, work.institution.code)
    context = IssueContext(
        work.institution, work.home.settings.limits, signer.kid, work.batch.run_off_confirmed_by is not None
    )
    prepared = [
        PreparedCertificate(
            certificate_id=certificate.id,
            to_be_signed=prepare_certificate(_request(work, certificate, issued_at), context).to_be_signed,
            kid=signer.kid,
            issued_at=issued_at,
        )
        for certificate in chunk
    ]
    with work.home.store.transaction() as tx:
        record_prepared(tx, prepared)


def _request(work: BatchWork, certificate: CertificateRecord, issued_at: datetime) -> IssueRequest:
    candidate = work.rows[certificate.roster_row_id][1]
    site = work.institution.site(candidate.site_code or None, candidate.assessed_on)
    return IssueRequest(
        claims=claims_of(candidate, certificate, issued_at),
        number=parse_number(certificate.number, work.home.layouts),
        occupation=work.home.catalogue.by_id(candidate.occupation_id),
        direction=candidate.direction_name,
        region=None if site is None else site.division,
        first_issued_on=certificate.first_issued_on,
    )


def claims_of(candidate: Candidate, certificate: CertificateRecord, issued_at: datetime) -> CertificateClaims:
    """The claims of a candidate under a number."""
    return CertificateClaims(
        number=certificate.number,
        issued_at=issued_at,
        expires_at=None,
        name=candidate.name,
        id_tail=candidate.id_document.tail,
        occupation_code=candidate.occupation_code,
        direction=candidate.direction,
        grade=candidate.grade,
        assessed_on=candidate.assessed_on,
        status_index=certificate.status_index,
    )


def _sign_chunk(work: BatchWork, chunk: Sequence[CertificateRecord], _now: datetime) -> None:
    """prepared → signed: exactly the recorded bytes."""
    signed = [sign_recorded(work.home, certificate) for certificate in chunk]
    with work.home.store.transaction() as tx:
        record_signed(tx, signed)


def sign_recorded(home: Home, certificate: CertificateRecord) -> SignedCertificate:
    """The sealed certificate of recorded bytes, under the key they name."""
    prepared = prepared_from_record(certificate.to_be_signed or b"")
    signer = home.keyring.signer_by_kid(prepared.kid)
    envelope = seal(prepared, signer.sign(prepared.to_be_signed))
    return SignedCertificate(certificate.id, envelope, hashlib.sha256(envelope).digest())


def _release_chunk(work: BatchWork, chunk: Sequence[CertificateRecord], now: datetime) -> None:
    """signed → released: only what our own verifier finds valid from the final QR text."""
    has_facts = any(c.supersedes or c.official_number for c in chunk) or _has_other_sites(work, chunk)
    evidence = _evidence_with_facts(work, now) if has_facts else work.evidence
    for certificate in chunk:
        check_sealed(certificate.envelope or b"", work.home.settings.public_url, evidence, now)
    with work.home.store.transaction() as tx:
        record_released(tx, [certificate.id for certificate in chunk])
        _replace_predecessors(work, tx, chunk, now)


def _has_other_sites(work: BatchWork, chunk: Sequence[CertificateRecord]) -> bool:
    return any(work.rows[certificate.roster_row_id][1].site_code for certificate in chunk)


def _evidence_with_facts(work: BatchWork, now: datetime) -> Evidence:
    """The evidence after the register's facts about signed certificates have been published."""
    with work.home.store.transaction() as tx:
        work.home.publish_status(tx, now)
        return work.home.evidence(tx)


def _replace_predecessors(
    work: BatchWork, tx: WriteTransaction, chunk: Sequence[CertificateRecord], now: datetime
) -> None:
    """What a correction replaces is superseded in the transaction that releases the correction."""
    replacing = [certificate for certificate in chunk if certificate.supersedes]
    for certificate in replacing:
        replaces = replacement_of(work.rows[certificate.roster_row_id][0])
        assert replaces is not None
        change = StatusChange(State.SUPERSEDED, replaces.reason, work.batch.operator, successor=certificate.number)
        record_change(work.home, tx, replaces.number, change, now)
    if replacing:
        work.home.publish_status(tx, now)


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


STEPS = (
    (CertificateState.RESERVED, _prepare_chunk),
    (CertificateState.PREPARED, _sign_chunk),
    (CertificateState.SIGNED, _release_chunk),
)
