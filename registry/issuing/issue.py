"""Issuing an approved batch: prepared → signed → logged → released, chunk by chunk; a stop is resumed, never repeated.

Each step is one transaction and each names the state it starts from, so that a process killed at any write
leaves a state from which the same function goes on: recorded bytes are signed as recorded, a stored signature is
never made again, and a number whose year has passed before anything was prepared becomes void and is replaced.
What lay too long before it could be logged is recorded anew under its number: nothing of it was handed out. What a
stolen key signed goes the same way once more, under the same number, when two people have confirmed it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from certs.authority import issuer_fault
from certs.candidate import Candidate
from certs.certificate import CertificateClaims
from certs.certificate_number import parse_number
from certs.envelope import Prepared
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.institution import InstitutionRecord
from certs.issuance import IssueContext, IssueRequest, prepare_certificate
from certs.timestamps import shanghai_day
from registry.directory import require_institution
from registry.home import Home
from registry.issuing.certificate_signer import CertificateSigner
from registry.issuing.former_papers import carry_history, has_former_paper
from registry.issuing.log_certificates import log_certificates, oldest_to_log
from registry.issuing.own_check import HereCheck, OwnCheck, own_check
from registry.issuing.replace import evidence_with_facts, publish_facts, replace_predecessors
from registry.issuing.reserve import RowAndCandidate, approved_rows, reserve_batch, reserve_rows
from registry.signing_keys import issuing_signer
from registry.store.batch_store import BatchRecord, release_batch, require_batch
from registry.store.certificate_states import (
    PreparedCertificate,
    SignedCertificate,
    prepare_again,
    record_prepared,
    record_released,
    record_signed,
    void_certificates,
)
from registry.store.issuing_store import (
    Logged,
    Recorded,
    Reserved,
    Sealed,
    logged_of_batch,
    recorded_of_batch,
    reserved_of_batch,
    sealed_of_batch,
    stale_of_batch,
)
from registry.store.reissue_store import without_place
from registry.store.states import BatchState, CertificateState

CHUNK = 1_000
AHEAD = 3
"""Chunks that may wait for our own verifier while the next ones are signed."""
Clock = Callable[[], datetime]
Progress = Callable[[int], None]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class BatchWork:
    """What issuing a batch needs, gathered once: ``kid`` is the institution's key, which the evidence knows."""

    home: Home
    batch: BatchRecord
    institution: InstitutionRecord
    kid: bytes
    evidence: Evidence
    rows: dict[int, RowAndCandidate]
    signer: CertificateSigner


def issue_batch(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Take a batch from wherever it stands to ``released``; ``progress`` gets the number released by each chunk.

    Raises KezhengError as `reserve_batch`, `prepare_certificate` and `OwnCheck` do, ``batch_unknown`` and
    ``batch_state`` for a batch that is not approved. What was done before stays and is gone on from.
    """
    work = _gather(home, batch_id, clock(), (BatchState.APPROVED, BatchState.ISSUING))
    _renew_stale(work, clock())
    _replace_numbers_of_past_years(work, clock())
    _take_to_release(work, clock, progress)
    with home.recording() as tx:
        publish_facts(home, tx, [candidate for _, candidate in work.rows.values()], clock())
        home.publish_if_needed(tx, clock())
        release_batch(tx, batch_id, clock())


def finish_again(home: Home, batch_id: str, clock: Clock, progress: Progress) -> None:
    """Take certificates of a batch that wait for a new paper to ``released``; one that is not finished is finished.

    Raises KezhengError as `issue_batch` does.
    """
    with home.store.reading() as tx:
        batch = require_batch(tx, batch_id)
    if batch.state is not BatchState.RELEASED:
        issue_batch(home, batch_id, clock, progress)
        return
    work = _gather(home, batch_id, clock(), (BatchState.RELEASED,))
    _renew_stale(work, clock())
    _take_to_release(work, clock, progress)


def _take_to_release(work: BatchWork, clock: Clock, progress: Progress) -> None:
    with own_check(work.home, len(work.rows), work.evidence) as check:
        waiting: deque[tuple[Sequence[Logged], Future[None]]] = deque()
        for logged in _logged_chunks(work, clock):
            waiting.append((logged, _submit(work, check, logged, clock())))
            while waiting and (waiting[0][1].done() or len(waiting) > AHEAD):
                progress(_release(work, *waiting.popleft(), clock()))
        while waiting:
            progress(_release(work, *waiting.popleft(), clock()))


def _logged_chunks(work: BatchWork, clock: Clock) -> Iterator[list[Logged]]:
    """Logged certificates chunk by chunk: what an earlier run left logged, then what is signed now."""
    with work.home.store.reading() as tx:
        logged = logged_of_batch(tx, work.batch.id)
    yield from _chunks(logged)
    for sealed in _sealed_chunks(work, clock):
        yield log_certificates(work.home, sealed, clock())


def _sealed_chunks(work: BatchWork, clock: Clock) -> Iterator[list[Sealed]]:
    """Signed certificates chunk by chunk: what an earlier run left signed, prepared, reserved, in this order."""
    with work.home.store.reading() as tx:
        signed, recorded = sealed_of_batch(tx, work.batch.id), recorded_of_batch(tx, work.batch.id)
        reserved = reserved_of_batch(tx, work.batch.id)
    yield from _chunks(signed)
    # A chunk that is larger than what may be signed in a minute could never be signed.
    most = min(CHUNK, work.home.settings.signatures_per_minute)
    for known in _chunks(recorded, most):
        yield _sign(work, known, clock())
    for taken in _chunks(reserved, most):
        yield _sign(work, _prepare(work, taken, clock()), clock())


def _submit(work: BatchWork, check: OwnCheck, chunk: Sequence[Logged], now: datetime) -> Future[None]:
    """Have a chunk verified; what is not the first paper needs the register's facts, which are only published now."""
    if any(logged.supersedes for logged in chunk) or has_former_paper(work.home, chunk):
        check = HereCheck(work.home, evidence_with_facts(work.home, now))
    return check.submit(chunk, now)


def _gather(home: Home, batch_id: str, now: datetime, allowed: Collection[BatchState]) -> BatchWork:
    """The batch with its numbers reserved, its rows as approved, and the evidence our own verifier uses."""
    with home.recording() as tx:
        batch = require_batch(tx, batch_id)
        if batch.state not in allowed:
            raise KezhengError("batch_state", batch=batch_id, state=batch.state.value)
        institution = require_institution(tx, batch.institution_code)
        # Bytes recorded before a removal or suspension must not be signed after it under their earlier time.
        fault = issuer_fault(institution, shanghai_day(now))
        if fault is not None:
            raise KezhengError("not_authorised", reason=fault)
        home.publish_if_needed(tx, now)
        rows = approved_rows(home, tx, batch)
        if batch.state is BatchState.APPROVED:
            reserve_batch(home, tx, batch, institution, rows, now)
    with home.store.reading() as reading:
        by_id = {row.id: (row, candidate) for row, candidate in rows}
        signer, kid = CertificateSigner(home, batch, by_id), issuing_signer(home, reading, institution.code, now).kid
        return BatchWork(home, batch, institution, kid, home.evidence(reading), by_id, signer)


def _renew_stale(work: BatchWork, now: datetime) -> None:
    """Record anew what waited too long to be logged, or was to be signed by a key that is not in use any more.

    The number stays, the stated time of issue is now. Numbers of a past year cannot state it: they are void.
    """
    with work.home.store.reading() as tx:
        stale = stale_of_batch(tx, work.batch.id, oldest_to_log(work.home.settings.limits, now), work.kid)
    past = [taken for taken in stale if _is_of_past_year(work, taken, now)]
    for chunk in _chunks([taken for taken in stale if taken not in past]):
        _prepare(work, chunk, now, prepare_again)
    with work.home.store.transaction() as tx:
        for state in (CertificateState.PREPARED, CertificateState.SIGNED):
            ids = [taken.id for taken in past if taken.state is state]
            void_certificates(tx, ids, state)
        rows = [work.rows[taken.roster_row_id] for taken in past]
        reserve_rows(work.home, tx, work.batch, work.institution, rows, now)


def _replace_numbers_of_past_years(work: BatchWork, now: datetime) -> None:
    """A number taken last year and not yet prepared cannot be issued this year: void, and a new one taken."""
    with work.home.store.transaction() as tx:
        reserved = reserved_of_batch(tx, work.batch.id)
        past = [taken for taken in reserved if _is_of_past_year(work, taken, now)]
        if past:
            void_certificates(tx, [taken.id for taken in past], CertificateState.RESERVED)
            rows = [work.rows[taken.roster_row_id] for taken in past]
            reserve_rows(work.home, tx, work.batch, work.institution, rows, now)


def _is_of_past_year(work: BatchWork, taken: Reserved, now: datetime) -> bool:
    """Whether the number states a year that is neither this one nor that of the first paper."""
    first = taken.first_issued_on
    return parse_number(taken.number, work.home.layouts).year not in (shanghai_day(now).year, first and first.year)


def _prepare(
    work: BatchWork, chunk: Sequence[Reserved], now: datetime, record: Callable[..., None] = record_prepared
) -> list[Recorded]:
    """reserved → prepared: lints and authority, then the bytes that will be signed are on record."""
    issued_at = now.replace(microsecond=0)
    run_off = work.batch.run_off_confirmed_by is not None
    context = IssueContext(work.institution, work.home.settings.limits, work.kid, run_off, now)
    prepared = [prepare_certificate(_request(work, taken, issued_at), context) for taken in chunk]
    with work.home.store.transaction() as tx:
        record(tx, [_record(taken, ready, issued_at) for taken, ready in zip(chunk, prepared, strict=True)])
    return [
        Recorded(*taken[:3], taken.supersedes, issued_at, ready.to_be_signed, taken.status_index)
        for taken, ready in zip(chunk, prepared, strict=True)
    ]


def _record(taken: Reserved, prepared: Prepared, issued_at: datetime) -> PreparedCertificate:
    return PreparedCertificate(taken.id, prepared.to_be_signed, prepared.kid, issued_at)


def _request(work: BatchWork, taken: Reserved, issued_at: datetime) -> IssueRequest:
    candidate = work.rows[taken.roster_row_id][1]
    site = work.institution.site(candidate.site_code or None, candidate.assessed_on)
    return IssueRequest(
        claims=_claims(candidate, taken, issued_at),
        number=parse_number(taken.number, work.home.layouts),
        occupation=work.home.catalogue.by_id(candidate.occupation_id),
        direction=candidate.direction_name,
        region="" if site is None else site.division,
        first_issued_on=taken.first_issued_on,
    )


def _claims(candidate: Candidate, taken: Reserved, issued_at: datetime) -> CertificateClaims:
    return CertificateClaims(
        number=taken.number,
        issued_at=issued_at,
        expires_at=None,
        name=candidate.name,
        id_tail=candidate.id_document.tail,
        occupation_code=candidate.occupation_code,
        direction=candidate.direction,
        grade=candidate.grade,
        assessed_on=candidate.assessed_on,
        status_index=taken.status_index,
    )


def _sign(work: BatchWork, chunk: Sequence[Recorded], now: datetime) -> list[Sealed]:
    """prepared → signed: exactly the recorded bytes, under the key they name."""
    sealed = work.signer.seal([recorded.id for recorded in chunk], now)
    with work.home.store.transaction() as tx:
        record_signed(
            tx, [SignedCertificate(made.id, made.envelope, hashlib.sha256(made.envelope).digest()) for made in sealed]
        )
    return sealed


def _release(work: BatchWork, chunk: Sequence[Logged], checked: Future[None], now: datetime) -> int:
    """logged → released: only what our own verifier found valid from the final QR text; how many."""
    checked.result()
    with work.home.recording() as tx:
        record_released(tx, [logged.id for logged in chunk])
        # A correction that has its predecessor's place already is on its second paper.
        waiting = without_place(tx, [logged.id for logged in chunk if logged.supersedes])
        replacing = [(logged, work.rows[logged.roster_row_id][0]) for logged in chunk if logged.id in waiting]
        replace_predecessors(work.home, tx, replacing, work.batch.operator, now)
        carry_history(work.home, tx, chunk, now)
    return len(chunk)


def _chunks(items: list[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
