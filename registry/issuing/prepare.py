"""reserved → prepared: lints and authority, then the bytes that will be signed are on record.

What lay too long before it could be logged, or was to be signed by a key that is not in use any more, is recorded anew
under its number. A number whose year has passed before anything of it was logged becomes void and is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache

from certs.certificate_number import parse_number
from certs.institution import InstitutionRecord
from certs.issuance import IssueContext, IssueRequest, Preparer
from certs.timestamps import shanghai_day
from registry.issuing.batch_work import BatchWork
from registry.issuing.log_certificates import oldest_to_log
from registry.issuing.reserve import reserve_rows
from registry.issuing.row_claims import claims_of_row
from registry.store.certificate_states import (
    PreparedCertificate,
    prepare_again,
    record_prepared,
    void_certificates,
)
from registry.store.chunk_store import reserved_series
from registry.store.issuing_store import Reserved, reserved_of_batch, stale_of_batch
from registry.store.rows import chunks

CHUNK = 1_000
"""Certificates that are taken from one state to the next in one transaction."""


def prepare_certificates(
    work: BatchWork, chunk: Sequence[Reserved], now: datetime, record: Callable[..., None] = record_prepared
) -> list[int]:
    """Record what will be signed; the ids. Raises as `prepare_certificate` and ``certificate_state_changed``."""
    issued_at = now.replace(microsecond=0)
    run_off = work.batch.run_off_confirmed_by is not None
    preparer = Preparer(IssueContext(work.institution, work.home.settings.limits, work.kid, run_off, now))
    prepared = [
        PreparedCertificate(
            taken.id, preparer.prepare(_request(work, taken, issued_at)).to_be_signed, work.kid, issued_at
        )
        for taken in chunk
    ]
    with work.home.store.transaction() as tx:
        record(tx, prepared)
    return [taken.id for taken in chunk]


def renew_stale(work: BatchWork, now: datetime) -> None:
    """Record anew what waited too long to be logged, or was to be signed by a key that is not in use any more.

    The number stays, the stated time of issue is now. Numbers of a past year cannot state it: they are void.
    """
    with work.home.store.reading() as tx:
        stale = stale_of_batch(tx, work.batch.id, oldest_to_log(work.home.settings.limits, now), work.kid)
    past = {taken.id: taken for taken in stale if _is_of_past_year(work, taken, now)}
    for chunk in chunks([taken for taken in stale if taken.id not in past], CHUNK):
        prepare_certificates(work, chunk, now, prepare_again)
    if past:
        _replace_numbers(work, list(past.values()), now)


def replace_numbers_of_past_years(work: BatchWork, now: datetime) -> None:
    """A number taken last year and not yet prepared cannot be issued this year: void, and a new one taken."""
    with work.home.store.reading() as tx:
        years = {parse_number(number, work.home.layouts).year for number in reserved_series(tx, work.batch.id)}
        if years <= {shanghai_day(now).year}:
            return
        reserved = reserved_of_batch(tx, work.batch.id)
    past = [taken for taken in reserved if _is_of_past_year(work, taken, now)]
    if past:
        _replace_numbers(work, past, now)


def _replace_numbers(work: BatchWork, past: Sequence[Reserved], now: datetime) -> None:
    with work.home.store.transaction() as tx:
        for state in {taken.state for taken in past}:
            void_certificates(tx, [taken.id for taken in past if taken.state is state], state)
        rows = [work.rows[taken.roster_row_id] for taken in past]
        reserve_rows(work.home, tx, work.batch, work.institution, rows, now)


def _is_of_past_year(work: BatchWork, taken: Reserved, now: datetime) -> bool:
    """Whether the number states a year that is neither this one nor that of the first paper."""
    first = taken.first_issued_on
    return parse_number(taken.number, work.home.layouts).year not in (shanghai_day(now).year, first and first.year)


def _request(work: BatchWork, taken: Reserved, issued_at: datetime) -> IssueRequest:
    row = work.rows[taken.roster_row_id]
    subject = row.subject
    return IssueRequest(
        claims_of_row(row, taken.number, issued_at, taken.status_index),
        parse_number(taken.number, work.home.layouts),
        work.home.catalogue.by_id(subject.occupation_id),
        subject.direction_name,
        _region(work.institution, subject.site_code, subject.assessed_on),
        taken.first_issued_on,
    )


@lru_cache(maxsize=256)
def _region(institution: InstitutionRecord, site_code: str | None, day: date) -> str:
    """Where an assessment was held. Kept, because thousands of rows name the same site and day."""
    site = institution.site(site_code, day)
    return "" if site is None else site.division
